#define COBJMACROS
#include "objects.h"

#include <stdlib.h>
#include <string.h>

#include "callbacks.h"
#include "values.h"

LONG objects_alive;
HANDLE server_ended;

void alive_more(void)
{
    InterlockedIncrement(&objects_alive);
    if (server_ended)
        CoAddRefServerProcess();
}

void alive_less(void)
{
    InterlockedDecrement(&objects_alive);
    if (server_ended && !CoReleaseServerProcess())
        SetEvent(server_ended);
}

/* {3c7a9d52-6a0e-4b43-9b0e-6f0f7f0d2b1c}: only our own objects answer it. */
static const IID IID_OwnObject = {0x3c7a9d52, 0x6a0e, 0x4b43, {0x9b, 0x0e, 0x6f, 0x0f, 0x7f, 0x0d, 0x2b, 0x1c}};

static const void *const error_vtable[];

static Object **bucket(Link *link, long long handle)
{
    return &link->objects[(unsigned long long)handle % OBJECT_BUCKETS];
}

static Object *make(Link *link, long long handle, const char *class_name)
{
    const Class *class = NULL;
    for (int i = 0; i < class_count && !class; i++)
        if (!strcmp(classes[i].name, class_name))
            class = &classes[i];
    Object *object = class ? calloc(1, sizeof *object + sizeof(Face) * (size_t)class->chain_count) : NULL;
    if (!object)
        return NULL;
    object->link = link;
    object->handle = handle;
    object->class = class;
    object->errors.vtable = error_vtable;
    object->errors.object = object;
    for (int i = 0; i < class->chain_count; i++) {
        object->faces[i].vtable = class->chains[i].vtable;
        object->faces[i].object = object;
    }
    link_addref(link);
    alive_more();
    return object;
}

/* They are only added, so reading them needs no lock. */
static void keep_constants(Object *object, const Json *told)
{
    Constants *kept = told ? calloc(1, sizeof *kept) : NULL;
    if (!kept)
        return;
    kept->by_name = told;
    json_keep(told->owner);
    do
        kept->next = object->constants;
    while (InterlockedCompareExchangePointer((void **)&object->constants, kept, kept->next) != kept->next);
}

HRESULT object_of(Link *link, long long handle, const char *class_name, const Json *told, IDispatch **found)
{
    AcquireSRWLockExclusive(&link->guard);
    Object *object = *bucket(link, handle);
    while (object && object->handle != handle)
        object = object->next;
    if (!object && (object = make(link, handle, class_name))) {
        object->next = *bucket(link, handle);
        *bucket(link, handle) = object;
    }
    if (object) {
        object->owed++;
        InterlockedIncrement(&object->references);
    }
    ReleaseSRWLockExclusive(&link->guard);
    if (object)
        keep_constants(object, told);
    *found = object ? (IDispatch *)&object->faces[0] : NULL;
    return object ? S_OK : E_UNEXPECTED;
}

static void release_last(Object *object)
{
    Text text = {0};
    link_begin(object->link, &text, "release");
    text_put(&text, ",\"on\":");
    text_integer(&text, object->handle);
    text_put(&text, ",\"count\":");
    text_integer(&text, object->owed);
    link_tell(object->link, &text);
    while (object->constants) {
        Constants *next = object->constants->next;
        json_free(object->constants->by_name->owner);
        free(object->constants);
        object->constants = next;
    }
    if (object->marshaler)
        IUnknown_Release(object->marshaler);
    link_release(object->link);
    free(object);
    alive_less();
}

Object *object_behind(IUnknown *unknown)
{
    Object *object;
    if (!unknown || FAILED(IUnknown_QueryInterface(unknown, &IID_OwnObject, (void **)&object)))
        return NULL;
    return object;
}

/* --- IUnknown */

ULONG STDMETHODCALLTYPE face_addref(Face *face)
{
    return (ULONG)InterlockedIncrement(&face->object->references);
}

ULONG STDMETHODCALLTYPE face_release(Face *face)
{
    Object *object = face->object;
    Link *link = object->link;
    AcquireSRWLockExclusive(&link->guard); /* so that nobody finds an object that is going away */
    LONG left = InterlockedDecrement(&object->references);
    if (!left)
        for (Object **place = bucket(link, object->handle); *place; place = &(*place)->next)
            if (*place == object) {
                *place = object->next;
                break;
            }
    ReleaseSRWLockExclusive(&link->guard);
    if (!left)
        release_last(object);
    return (ULONG)left;
}

static Face *face_for(Object *object, REFIID iid)
{
    if (IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &IID_IDispatch))
        return &object->faces[0];
    if (IsEqualIID(iid, &IID_ISupportErrorInfo))
        return &object->errors;
    for (int i = 0; i < object->class->chain_count; i++)
        for (int each = object->class->chains[i].newest; each >= 0; each = interfaces[each].base)
            if (IsEqualIID(iid, &interfaces[each].iid))
                return &object->faces[i];
    return NULL;
}

static HRESULT query_marshaler(Object *object, void **found)
{
    if (!object->marshaler) {
        IUnknown *made;
        HRESULT result = CoCreateFreeThreadedMarshaler((IUnknown *)&object->faces[0], &made);
        if (FAILED(result))
            return result;
        if (InterlockedCompareExchangePointer((void **)&object->marshaler, made, NULL))
            IUnknown_Release(made);
    }
    return IUnknown_QueryInterface(object->marshaler, &IID_IMarshal, found);
}

HRESULT STDMETHODCALLTYPE face_query(Face *face, REFIID iid, void **found)
{
    if (!found)
        return E_POINTER;
    *found = NULL;
    if (IsEqualIID(iid, &IID_OwnObject)) {
        *found = face->object; /* for object_behind: no reference */
        return S_OK;
    }
    if (IsEqualIID(iid, &IID_IMarshal))
        return query_marshaler(face->object, found);
    Face *other = face_for(face->object, iid);
    if (!other)
        return E_NOINTERFACE;
    face_addref(other);
    *found = other;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE errors_for(Face *face, REFIID iid)
{
    return face_for(face->object, iid) ? S_OK : S_FALSE;
}

static const void *const error_vtable[] = {face_query, face_addref, face_release, errors_for};

/* --- errors */

void leave_error(const IID *iid, BSTR why)
{
    ICreateErrorInfo *made;
    IErrorInfo *info;
    static WCHAR source[] = L"wua";
    SetErrorInfo(0, NULL);
    if (!why || FAILED(CreateErrorInfo(&made)))
        return;
    ICreateErrorInfo_SetGUID(made, iid);
    ICreateErrorInfo_SetSource(made, source);
    ICreateErrorInfo_SetDescription(made, why);
    if (SUCCEEDED(ICreateErrorInfo_QueryInterface(made, &IID_IErrorInfo, (void **)&info))) {
        SetErrorInfo(0, info);
        IErrorInfo_Release(info);
    }
    ICreateErrorInfo_Release(made);
}

/* --- calling */

const Json *constant_of(Object *object, const char *name)
{
    const Json *found = NULL;
    for (Constants *each = object->constants; each && !found; each = each->next)
        found = json_get(each->by_name, name);
    return found;
}

HRESULT ask_value(Link *link, Object *about, Text *text, long long id, VARIANT *value, BSTR *why, long *argument)
{
    Document *answer;
    VARIANT told;
    VariantInit(value);
    *why = NULL;
    HRESULT result = link_ask(link, text, id, &answer);
    if (FAILED(result)) {
        *why = SysAllocString(L"The connection to wua's COM server has ended.");
        if (argument)
            *argument = -1;
        return result;
    }
    result = (HRESULT)json_integer(answer->nodes, "hresult", S_OK);
    if (FAILED(result)) {
        const Json *text_there = json_get(answer->nodes, "text");
        if (text_there && text_there->length && SUCCEEDED(value_read(link, text_there, &told)) && V_VT(&told) == VT_BSTR)
            *why = V_BSTR(&told);
        if (argument)
            *argument = (long)json_integer(answer->nodes, "argument", 0);
    } else {
        HRESULT got = value_read(link, json_get(answer->nodes, "value"), value);
        if (FAILED(got))
            result = got;
    }
    if (about)
        keep_constants(about, json_get(answer->nodes, "constants"));
    json_free(answer);
    return result;
}

long long begin_late(Object *object, Text *text, DISPID dispid, WORD flags)
{
    long long id = link_begin(object->link, text, "invoke");
    text_put(text, ",\"on\":");
    text_integer(text, object->handle);
    text_put(text, ",\"dispid\":");
    text_integer(text, dispid);
    text_put(text, ",\"flags\":");
    text_integer(text, flags);
    text_put(text, ",\"args\":[");
    return id;
}

void settle(Object *object, long long request, HRESULT result, int cleans_up, const VARIANT *value)
{
    Object *job = V_VT(value) == VT_DISPATCH ? object_behind(V_UNKNOWN(value)) : NULL;
    if (job)
        client_belongs(object->link, request, job->handle);
    if (cleans_up && result == S_OK) /* put off when it was called in a callback */
        client_cleaned(object->link, object->handle);
}

static int is_new_enum(const Member *member)
{
    return member->returns == T_UNKNOWN && !member->count && strstr(interfaces[member->owner].name, "Collection");
}

/* An early-bound call: "arguments" point at what the caller gave. */
HRESULT member_call(Face *face, int number, const void *const *arguments, void *out)
{
    const Member *member = &members[number];
    Object *object = face->object;
    const IID *iid = member->returns == T_OBJECT ? &interfaces[member->interface_].iid : &IID_IUnknown;
    Text text = {0};
    VARIANT value;
    BSTR why = NULL;
    HRESULT result = S_OK;
    if (member->returns != T_VOID && !out)
        return E_POINTER;
    if (member->returns != T_VOID)
        value_nothing(member->returns, out);
    if (is_new_enum(member))
        return enumerator_of(object, out);
    const Json *known = member->count || member->returns == T_VOID ? NULL : constant_of(object, member->name);
    if (known) {
        result = value_read(object->link, known, &value);
        return SUCCEEDED(result) ? value_move(member->returns, iid, &value, out) : result;
    }
    long long id = link_begin(object->link, &text, "call");
    text_put(&text, ",\"on\":");
    text_integer(&text, object->handle);
    text_put(&text, ",\"interface\":\"");
    text_put(&text, interfaces[member->owner].name);
    text_put(&text, "\",\"slot\":");
    text_integer(&text, member->slot);
    text_put(&text, ",\"args\":[");
    for (int i = 0; i < member->count && SUCCEEDED(result); i++) {
        if (i)
            text_put(&text, ",");
        result = argument_write(&text, object->link, id, member->types[i], arguments[i]);
    }
    text_put(&text, "]");
    if (FAILED(result)) {
        text_free(&text);
        return result;
    }
    result = ask_value(object->link, object, &text, id, &value, &why, NULL);
    InterlockedIncrement(&object->changes);
    if (SUCCEEDED(result))
        settle(object, id, result, member->cleans_up, &value);
    if (SUCCEEDED(result) && member->returns != T_VOID) {
        HRESULT moved = value_move(member->returns, iid, &value, out);
        if (FAILED(moved))
            result = moved;
    } else
        VariantClear(&value);
    if (FAILED(result))
        leave_error(&interfaces[member->owner].iid, why);
    SysFreeString(why);
    return result;
}
