/* IDispatch of every object. What a call means is decided by the agent, which has the same rules for all. */
#define COBJMACROS
#include "objects.h"

#include <string.h>
#include <wchar.h>

#include "callbacks.h"
#include "values.h"

HRESULT type_of(const Class *class, ITypeInfo **found)
{
    static ITypeLib *library; /* stays until the process ends */
    WCHAR path[MAX_PATH];
    if (!library) {
        ITypeLib *loaded;
        if (!GetModuleFileNameW(module_instance, path, MAX_PATH))
            return E_FAIL;
        HRESULT result = LoadTypeLibEx(path, REGKIND_NONE, &loaded);
        if (FAILED(result))
            return result;
        if (InterlockedCompareExchangePointer((void **)&library, loaded, NULL))
            ITypeLib_Release(loaded);
    }
    return ITypeLib_GetTypeInfoOfGuid(library, &interfaces[class->chains[0].newest].iid, found);
}

HRESULT STDMETHODCALLTYPE face_type_count(Face *face, UINT *count)
{
    (void)face;
    if (!count)
        return E_POINTER;
    *count = 1;
    return S_OK;
}

HRESULT STDMETHODCALLTYPE face_type(Face *face, UINT which, LCID language, ITypeInfo **found)
{
    (void)language;
    if (!found)
        return E_POINTER;
    *found = NULL;
    return which ? DISP_E_BADINDEX : type_of(face->object->class, found);
}

HRESULT STDMETHODCALLTYPE face_names(Face *face, REFIID iid, LPOLESTR *names, UINT count, LCID language, DISPID *found)
{
    const Class *class = face->object->class;
    const Name *member = NULL;
    HRESULT result = S_OK;
    (void)language;
    if (!IsEqualIID(iid, &IID_NULL))
        return DISP_E_UNKNOWNINTERFACE;
    if (!names || !found || !count)
        return E_INVALIDARG;
    for (int i = 0; i < class->name_count && !member; i++)
        if (!_wcsicmp(class->names[i].name, names[0]))
            member = &class->names[i];
    found[0] = member ? member->dispid : DISPID_UNKNOWN;
    if (!member)
        result = DISP_E_UNKNOWNNAME;
    for (UINT i = 1; i < count; i++) {
        DISPID place = 0;
        found[i] = DISPID_UNKNOWN;
        for (; member && member->parameters[place]; place++)
            if (!_wcsicmp(member->parameters[place], names[i])) {
                found[i] = place;
                break;
            }
        if (found[i] == DISPID_UNKNOWN)
            result = DISP_E_UNKNOWNNAME;
    }
    return result;
}

/* Which place in order the argument at "index" of rgvarg has; -1 for one that cannot be placed. */
static int place_of(const DISPPARAMS *given, UINT index)
{
    if (index >= given->cNamedArgs) /* the rest is in reverse order */
        return (int)(given->cArgs - 1 - index);
    DISPID name = given->rgdispidNamedArgs[index];
    if (name == DISPID_PROPERTYPUT)
        return (int)given->cArgs - 1;
    return name >= 0 && name < MOST_PARAMETERS + 4 ? name : -1;
}

static const Name *name_of(const Class *class, DISPID dispid)
{
    for (int i = 0; i < class->name_count; i++)
        if (class->names[i].dispid == dispid)
            return &class->names[i];
    return NULL;
}

static int is_state(const Name *name, int place)
{
    for (int i = 0; name && name->parameters[i]; i++)
        if (i == place)
            return !wcscmp(name->parameters[i], L"state");
    return 0;
}

static HRESULT write_arguments(Text *text, Object *object, long long request, DISPID dispid, const DISPPARAMS *given, UINT *wrong)
{
    const Name *name = name_of(object->class, dispid);
    int count = 0;
    for (UINT i = 0; i < given->cArgs; i++) {
        int place = place_of(given, i);
        if (place < 0)
            return DISP_E_PARAMNOTFOUND;
        count = place >= count ? place + 1 : count;
    }
    for (int place = 0; place < count; place++) {
        const VARIANT *argument = NULL;
        HRESULT result = S_OK;
        UINT i;
        text_put(text, place ? "," : "");
        for (i = 0; i < given->cArgs && !argument; i++)
            if (place_of(given, i) == place)
                argument = &given->rgvarg[i];
        if (!argument)
            text_put(text, "{\"m\":0}");
        else if (is_state(name, place) && V_VT(argument) != VT_ERROR)
            result = client_write_state(text, object->link, argument);
        else
            result = value_write(text, object->link, request, argument);
        if (FAILED(result)) {
            if (wrong)
                *wrong = i - 1;
            return result;
        }
    }
    return S_OK;
}

static int is_clean_up(const Class *class, DISPID dispid)
{
    const Name *name = name_of(class, dispid);
    return name && !wcscmp(name->name, L"CleanUp");
}

static HRESULT explain(HRESULT result, BSTR why, EXCEPINFO *info)
{
    if (!info) {
        SysFreeString(why);
        return DISP_E_EXCEPTION;
    }
    memset(info, 0, sizeof *info);
    info->scode = result;
    info->bstrSource = SysAllocString(L"wua");
    info->bstrDescription = why;
    return DISP_E_EXCEPTION;
}

static HRESULT enumerate(Object *object, VARIANT *answer)
{
    IUnknown *made;
    HRESULT result = enumerator_of(object, &made);
    if (SUCCEEDED(result) && answer) {
        V_VT(answer) = VT_UNKNOWN;
        V_UNKNOWN(answer) = made;
    } else if (SUCCEEDED(result))
        IUnknown_Release(made);
    return result;
}

static const Json *constant(Object *object, const Name *name)
{
    char plain[64];
    if (!name || !object->constants || !WideCharToMultiByte(CP_UTF8, 0, name->name, -1, plain, sizeof plain, NULL, NULL))
        return NULL;
    return constant_of(object, plain);
}

HRESULT STDMETHODCALLTYPE face_invoke(Face *face, DISPID dispid, REFIID iid, LCID language, WORD flags, DISPPARAMS *given,
                                      VARIANT *answer, EXCEPINFO *info, UINT *wrong)
{
    Object *object = face->object;
    Text text = {0};
    VARIANT value;
    BSTR why;
    long argument = 0;
    (void)language;
    if (!IsEqualIID(iid, &IID_NULL))
        return DISP_E_UNKNOWNINTERFACE;
    if (!given)
        return E_INVALIDARG;
    if (answer)
        VariantInit(answer);
    if (dispid == DISPID_NEWENUM && name_of(object->class, dispid) && (flags & (DISPATCH_METHOD | DISPATCH_PROPERTYGET)))
        return enumerate(object, answer);
    const Json *known = given->cArgs || !(flags & DISPATCH_PROPERTYGET) ? NULL : constant(object, name_of(object->class, dispid));
    if (known)
        return answer ? value_read(object->link, known, answer) : S_OK;
    long long id = begin_late(object, &text, dispid, flags);
    HRESULT result = write_arguments(&text, object, id, dispid, given, wrong);
    if (FAILED(result)) {
        text_free(&text);
        return result;
    }
    text_put(&text, "]");
    result = ask_value(object->link, object, &text, id, &value, &why, &argument);
    InterlockedIncrement(&object->changes);
    if (SUCCEEDED(result)) {
        settle(object, id, result, is_clean_up(object->class, dispid), &value);
        if (answer)
            *answer = value;
        else
            VariantClear(&value);
        return S_OK; /* other successes are lost on the way through IDispatch */
    }
    VariantClear(&value);
    if (argument < 0) /* the member itself failed */
        return explain(result, why, info);
    for (UINT i = 0; argument > 0 && wrong && i < given->cArgs; i++)
        if (place_of(given, i) == argument - 1)
            *wrong = i;
    SysFreeString(why);
    return result;
}
