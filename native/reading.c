#define COBJMACROS
#include "values.h"

#include <stdlib.h>

#include "callbacks.h"
#include "objects.h"

#define DAY 86400000000.0 /* microseconds */

static HRESULT read_string(const Json *json, VARIANT *value)
{
    V_VT(value) = VT_BSTR;
    V_BSTR(value) = NULL;
    if (json->kind != J_STRING)
        return S_OK;
    int size = json->length ? MultiByteToWideChar(CP_UTF8, 0, json->string, (int)json->length, NULL, 0) : 0;
    BSTR string = SysAllocStringLen(NULL, (UINT)size);
    if (!string)
        return E_OUTOFMEMORY;
    if (size)
        MultiByteToWideChar(CP_UTF8, 0, json->string, (int)json->length, string, size);
    V_BSTR(value) = string;
    return S_OK;
}

static HRESULT read_decimal(const Json *json, VARIANT *value)
{
    VARIANT digits;
    DECIMAL decimal;
    HRESULT result = read_string(json, &digits);
    if (SUCCEEDED(result))
        result = VarDecFromStr(V_BSTR(&digits), MAKELCID(MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), SORT_DEFAULT), 0, &decimal);
    VariantClear(&digits);
    if (FAILED(result))
        return result;
    V_DECIMAL(value) = decimal;
    V_VT(value) = VT_DECIMAL; /* lies over the first two bytes of the decimal */
    return S_OK;
}

static HRESULT read_array(Link *link, const Json *json, VARIANT *value, VARTYPE type)
{
    ULONG count = 0;
    HRESULT result = S_OK;
    for (const Json *each = json->first; each; each = each->next)
        count++;
    SAFEARRAY *array = SafeArrayCreateVector(type, 0, count);
    if (!array)
        return E_OUTOFMEMORY;
    LONG place = 0;
    for (const Json *each = json->first; each && SUCCEEDED(result); each = each->next, place++) {
        if (type == VT_UI1) {
            BYTE byte = (BYTE)each->integer;
            result = SafeArrayPutElement(array, &place, &byte);
            continue;
        }
        VARIANT element;
        result = value_read(link, each, &element);
        if (SUCCEEDED(result))
            result = SafeArrayPutElement(array, &place, &element);
        VariantClear(&element);
    }
    V_VT(value) = VT_ARRAY | type;
    V_ARRAY(value) = array;
    return result;
}

static HRESULT read_object(Link *link, const Json *json, VARIANT *value)
{
    V_VT(value) = VT_DISPATCH;
    V_DISPATCH(value) = NULL;
    const Json *name = json->next; /* of its class */
    if (!json->integer)
        return S_OK;
    return name && name->kind == J_STRING ? object_of(link, json->integer, name->string, name->next, &V_DISPATCH(value)) : E_UNEXPECTED;
}

static HRESULT read_tagged(Link *link, const Json *json, VARIANT *value)
{
    const Json *inside = json->first;
    if (!inside || !inside->key)
        return E_UNEXPECTED;
    switch (inside->key[0]) {
    case 's':
        return read_string(inside, value);
    case 'd':
        V_VT(value) = VT_DATE;
        V_DATE(value) = (double)inside->integer / DAY;
        return S_OK;
    case 'n':
        return read_decimal(inside, value);
    case 'a':
        return read_array(link, inside, value, VT_VARIANT);
    case 'y':
        return read_array(link, inside, value, VT_UI1);
    case 'o':
        return read_object(link, inside, value);
    case 'c':
        return client_read(link, inside->integer, value);
    default:
        return E_UNEXPECTED;
    }
}

HRESULT value_read(Link *link, const Json *json, VARIANT *value)
{
    VariantInit(value);
    if (!json)
        return S_OK;
    switch (json->kind) {
    case J_NULL:
        return S_OK;
    case J_TRUE:
    case J_FALSE:
        V_VT(value) = VT_BOOL;
        V_BOOL(value) = json->kind == J_TRUE ? VARIANT_TRUE : VARIANT_FALSE;
        return S_OK;
    case J_INTEGER:
        V_VT(value) = json->integer == (LONG)json->integer ? VT_I4 : json->integer >> 32 == 0 ? VT_UI4 : VT_I8;
        V_I8(value) = json->integer;
        return S_OK;
    case J_REAL:
        V_VT(value) = VT_R8;
        V_R8(value) = json->real;
        return S_OK;
    case J_STRING:
        return read_string(json, value);
    case J_OBJECT:
        return read_tagged(link, json, value);
    default:
        return E_UNEXPECTED;
    }
}

void value_nothing(Type type, void *out)
{
    switch (type) {
    case T_VARIANT:
    case T_STATE:
        VariantInit(out);
        break;
    case T_BOOL:
        *(VARIANT_BOOL *)out = VARIANT_FALSE;
        break;
    case T_LONG:
        *(LONG *)out = 0;
        break;
    case T_DATE:
        *(DATE *)out = 0;
        break;
    case T_DECIMAL:
        ZeroMemory(out, sizeof(DECIMAL));
        break;
    case T_VOID:
        break;
    default: /* BSTR, HWND, interfaces */
        *(void **)out = NULL;
    }
}

static HRESULT move_object(const IID *iid, VARIANT *value, void *out)
{
    if ((V_VT(value) != VT_DISPATCH && V_VT(value) != VT_UNKNOWN) || !V_UNKNOWN(value))
        return V_VT(value) == VT_DISPATCH || V_VT(value) == VT_UNKNOWN || V_VT(value) == VT_EMPTY ? S_OK : E_UNEXPECTED;
    return IUnknown_QueryInterface(V_UNKNOWN(value), iid, out);
}

HRESULT value_move(Type type, const IID *iid, VARIANT *value, void *out)
{
    static const VARTYPE expected[] = {
        [T_BSTR] = VT_BSTR, [T_BOOL] = VT_BOOL, [T_LONG] = VT_I4, [T_DATE] = VT_DATE, [T_DECIMAL] = VT_DECIMAL};
    HRESULT result = S_OK;
    value_nothing(type, out);
    if (type == T_VARIANT) {
        *(VARIANT *)out = *value;
        return S_OK;
    }
    if (type == T_OBJECT || type == T_UNKNOWN)
        result = move_object(iid, value, out);
    else if (type == T_HWND)
        *(HWND *)out = (HWND)(LONG_PTR)(V_VT(value) == VT_I4 ? V_I4(value) : V_I8(value));
    else if (type == T_LONG && V_VT(value) == VT_UI4)
        *(ULONG *)out = V_UI4(value);
    else if (V_VT(value) != expected[type])
        result = E_UNEXPECTED;
    else if (type == T_BSTR) {
        *(BSTR *)out = V_BSTR(value);
        V_VT(value) = VT_EMPTY;
    } else if (type == T_BOOL)
        *(VARIANT_BOOL *)out = V_BOOL(value);
    else if (type == T_LONG)
        *(LONG *)out = V_I4(value);
    else if (type == T_DATE)
        *(DATE *)out = V_DATE(value);
    else {
        *(DECIMAL *)out = V_DECIMAL(value);
        ((DECIMAL *)out)->wReserved = 0;
    }
    VariantClear(value);
    return result;
}
