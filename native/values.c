#define COBJMACROS
#include "values.h"

#include <stdlib.h>

#include "callbacks.h"
#include "objects.h"

#define DAY 86400000000.0 /* microseconds */

static HRESULT write_array(Text *text, Link *link, long long request, SAFEARRAY *array)
{
    LONG low, high;
    VARTYPE type;
    if (SafeArrayGetDim(array) != 1)
        return DISP_E_TYPEMISMATCH;
    HRESULT result = SafeArrayGetVartype(array, &type);
    if (FAILED(result) || FAILED(result = SafeArrayGetLBound(array, 1, &low)) || FAILED(result = SafeArrayGetUBound(array, 1, &high)))
        return result;
    text_put(text, "{\"a\":[");
    for (LONG i = low; SUCCEEDED(result) && i <= high; i++) {
        VARIANT element;
        VariantInit(&element);
        if (i > low)
            text_put(text, ",");
        if (type == VT_VARIANT)
            result = SafeArrayGetElement(array, &i, &element);
        else {
            void *place = type == VT_DECIMAL ? (void *)&V_DECIMAL(&element) : (void *)&element.llVal;
            result = type == VT_RECORD ? DISP_E_TYPEMISMATCH : SafeArrayGetElement(array, &i, place);
            if (SUCCEEDED(result))
                V_VT(&element) = type;
        }
        if (SUCCEEDED(result))
            result = value_write(text, link, request, &element);
        VariantClear(&element);
    }
    text_put(text, "]}");
    return result;
}

static HRESULT write_as(Text *text, Link *link, long long request, const VARIANT *value, VARTYPE type)
{
    VARIANT other;
    VariantInit(&other);
    HRESULT result = VariantChangeTypeEx(&other, (VARIANT *)value, MAKELCID(LANG_ENGLISH, SORT_DEFAULT), 0, type);
    if (SUCCEEDED(result))
        result = value_write(text, link, request, &other);
    VariantClear(&other);
    return result;
}

static HRESULT write_decimal(Text *text, const VARIANT *value)
{
    BSTR digits;
    DECIMAL decimal = V_DECIMAL(value);
    HRESULT result = VarBstrFromDec(&decimal, MAKELCID(MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), SORT_DEFAULT), 0, &digits);
    if (FAILED(result))
        return result;
    text_put(text, "{\"n\":");
    text_string(text, digits, SysStringLen(digits));
    text_put(text, "}");
    SysFreeString(digits);
    return S_OK;
}

static HRESULT write_object(Text *text, Link *link, long long request, IUnknown *unknown)
{
    Object *own = object_behind(unknown);
    if (own && own->link == link) {
        text_put(text, "{\"o\":");
        text_integer(text, own->handle);
        text_put(text, "}");
        return S_OK;
    }
    return own ? RPC_E_DISCONNECTED : client_write_object(text, link, request, unknown);
}

HRESULT value_write(Text *text, Link *link, long long request, const VARIANT *value)
{
    VARIANT direct;
    HRESULT result;
    if (V_VT(value) == (VT_BYREF | VT_VARIANT))
        return value_write(text, link, request, V_VARIANTREF(value));
    if (V_VT(value) & VT_BYREF) {
        VariantInit(&direct);
        result = VariantCopyInd(&direct, (VARIANT *)value);
        if (SUCCEEDED(result))
            result = value_write(text, link, request, &direct);
        VariantClear(&direct);
        return result;
    }
    if (V_VT(value) & VT_ARRAY)
        return V_ARRAY(value) ? write_array(text, link, request, V_ARRAY(value)) : DISP_E_TYPEMISMATCH;
    switch (V_VT(value)) {
    case VT_EMPTY:
    case VT_NULL:
        text_put(text, "null");
        return S_OK;
    case VT_BSTR:
        if (V_BSTR(value))
            text_string(text, V_BSTR(value), SysStringLen(V_BSTR(value)));
        else
            text_put(text, "null");
        return S_OK;
    case VT_BOOL: /* any other number is for the agent to refuse */
        if (V_BOOL(value) == VARIANT_TRUE || V_BOOL(value) == VARIANT_FALSE)
            text_put(text, V_BOOL(value) ? "true" : "false");
        else
            text_integer(text, V_BOOL(value));
        return S_OK;
    case VT_I4:
    case VT_INT:
    case VT_ERROR:
        if (V_VT(value) == VT_ERROR && V_ERROR(value) != DISP_E_PARAMNOTFOUND)
            return DISP_E_TYPEMISMATCH;
        if (V_VT(value) == VT_ERROR)
            text_put(text, "{\"m\":0}");
        else
            text_integer(text, V_I4(value));
        return S_OK;
    case VT_I8:
        text_integer(text, V_I8(value));
        return S_OK;
    case VT_I1:
    case VT_I2:
    case VT_UI1:
    case VT_UI2:
    case VT_UI4:
    case VT_UINT:
    case VT_UI8:
        return write_as(text, link, request, value, VT_I8);
    case VT_R4:
    case VT_CY:
        return write_as(text, link, request, value, V_VT(value) == VT_CY ? VT_DECIMAL : VT_R8);
    case VT_R8:
        if (V_R8(value) - V_R8(value) != 0) /* neither infinite nor no number */
            return DISP_E_TYPEMISMATCH;
        text_real(text, V_R8(value));
        return S_OK;
    case VT_DATE:
        text_put(text, "{\"d\":");
        text_integer(text, (long long)(V_DATE(value) * DAY + (V_DATE(value) < 0 ? -0.5 : 0.5)));
        text_put(text, "}");
        return S_OK;
    case VT_DECIMAL:
        return write_decimal(text, value);
    case VT_DISPATCH:
    case VT_UNKNOWN:
        if (V_UNKNOWN(value))
            return write_object(text, link, request, V_UNKNOWN(value));
        text_put(text, "null");
        return S_OK;
    default:
        return DISP_E_TYPEMISMATCH;
    }
}

HRESULT argument_write(Text *text, Link *link, long long request, Type type, const void *at)
{
    VARIANT value;
    VariantInit(&value);
    switch (type) {
    case T_STATE:
        return client_write_state(text, link, at);
    case T_VARIANT:
        return value_write(text, link, request, at);
    case T_BSTR:
        V_VT(&value) = VT_BSTR;
        V_BSTR(&value) = *(BSTR const *)at;
        break;
    case T_BOOL:
        V_VT(&value) = VT_BOOL;
        V_BOOL(&value) = *(const VARIANT_BOOL *)at;
        break;
    case T_LONG:
        V_VT(&value) = VT_I4;
        V_I4(&value) = *(const LONG *)at;
        break;
    case T_HWND:
        V_VT(&value) = VT_I8;
        V_I8(&value) = (LONG_PTR) * (const HWND *)at;
        break;
    default:
        V_VT(&value) = VT_UNKNOWN;
        V_UNKNOWN(&value) = *(IUnknown *const *)at;
    }
    return value_write(text, link, request, &value);
}
