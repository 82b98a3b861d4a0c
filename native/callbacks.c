/* Calling the program's callbacks, each in the apartment that it came from.
 *
 * A receiver stands before each callback. It is made in the callback's apartment, so that only the call to the
 * receiver crosses apartments, with one number; job and arguments are taken up there as they are. So no interface of
 * the object model is ever marshalled for a callback, and none needs to be registered for it.
 */
#define COBJMACROS
#include "callbacks.h"

#include <objbase.h>
#include <stdlib.h>
#include <string.h>

#include "outgoing.h"
#include "tables.h"
#include "values.h"

#define RECEIVE 1 /* the only member of a receiver */

static const CLSID free_marshaler = {0x0000033a, 0, 0, {0xc0, 0, 0, 0, 0, 0, 0, 0x46}};

/* --- which callback some code runs in */

typedef struct Running {
    DWORD thread;
    GUID logical; /* goes along when the callback lives in another process */
    long long call;
    struct Running *next;
} Running;

static SRWLOCK guard = SRWLOCK_INIT;
static Running *running;

long long callback_within(void)
{
    long long found = 0;
    GUID logical;
    if (!running)
        return 0;
    if (FAILED(CoGetCurrentLogicalThreadId(&logical)))
        logical = GUID_NULL;
    AcquireSRWLockShared(&guard);
    for (Running *each = running; each && !found; each = each->next)
        if (each->thread == GetCurrentThreadId() || (!IsEqualGUID(&logical, &GUID_NULL) && IsEqualGUID(&each->logical, &logical)))
            found = each->call;
    ReleaseSRWLockShared(&guard);
    return found;
}

static void enter(Running *stay, long long call)
{
    stay->call = call;
    stay->thread = GetCurrentThreadId();
    if (FAILED(CoGetCurrentLogicalThreadId(&stay->logical)))
        stay->logical = GUID_NULL;
    AcquireSRWLockExclusive(&guard);
    stay->next = running;
    running = stay;
    ReleaseSRWLockExclusive(&guard);
}

static void leave(Running *stay)
{
    AcquireSRWLockExclusive(&guard);
    for (Running **place = &running; *place; place = &(*place)->next)
        if (*place == stay) {
            *place = stay->next;
            break;
        }
    ReleaseSRWLockExclusive(&guard);
}

/* --- in the callback's apartment */

typedef struct Received { /* a call, while somebody waits for it */
    const IID *iid;
    VARIANT job, arguments;
    long long call;
} Received;

typedef HRESULT(STDMETHODCALLTYPE *InvokeSlot)(void *self, IDispatch *job, IDispatch *arguments);

static HRESULT call_typed(void *callback, Received *received)
{
    const void *const *vtable = *(const void *const **)callback;
    return ((InvokeSlot)vtable[3])(callback, V_DISPATCH(&received->job), V_DISPATCH(&received->arguments));
}

static HRESULT call_default(IDispatch *callback, Received *received)
{
    VARIANT reversed[2] = {received->arguments, received->job}, answer;
    DISPPARAMS parameters = {reversed, NULL, 2, 0};
    EXCEPINFO info = {0};
    UINT wrong;
    VariantInit(&answer);
    HRESULT result = IDispatch_Invoke(callback, DISPID_VALUE, &IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_METHOD, &parameters, &answer, &info, &wrong);
    VariantClear(&answer);
    if (result != DISP_E_EXCEPTION)
        return result;
    if (info.pfnDeferredFillIn)
        info.pfnDeferredFillIn(&info);
    SysFreeString(info.bstrSource);
    SysFreeString(info.bstrDescription);
    SysFreeString(info.bstrHelpFile);
    return FAILED(info.scode) ? info.scode : result;
}

/* The typed interface first, then the default member. */
static HRESULT call_program(IUnknown *callback, Received *received)
{
    Running stay;
    void *found;
    HRESULT result;
    enter(&stay, received->call);
    if (SUCCEEDED(IUnknown_QueryInterface(callback, received->iid, &found)) && found)
        result = call_typed(found, received);
    else if (SUCCEEDED(result = IUnknown_QueryInterface(callback, &IID_IDispatch, &found)))
        result = call_default(found, received);
    else
        found = NULL;
    if (found)
        IUnknown_Release((IUnknown *)found);
    leave(&stay);
    return result;
}

/* --- the receiver */

typedef struct Receiver {
    IDispatch iface;
    LONG references;
    IUnknown *callback;
    IUnknown *marshaler; /* free-threaded, for a callback that is */
} Receiver;

static HRESULT STDMETHODCALLTYPE query(IDispatch *self, REFIID iid, void **found)
{
    Receiver *own = (Receiver *)self;
    if (!found)
        return E_POINTER;
    if (own->marshaler && IsEqualIID(iid, &IID_IMarshal))
        return IUnknown_QueryInterface(own->marshaler, iid, found);
    *found = IsEqualIID(iid, &IID_IUnknown) || IsEqualIID(iid, &IID_IDispatch) ? self : NULL;
    if (!*found)
        return E_NOINTERFACE;
    IDispatch_AddRef(self);
    return S_OK;
}

static ULONG STDMETHODCALLTYPE addref(IDispatch *self)
{
    return (ULONG)InterlockedIncrement(&((Receiver *)self)->references);
}

static ULONG STDMETHODCALLTYPE release(IDispatch *self)
{
    Receiver *own = (Receiver *)self;
    LONG left = InterlockedDecrement(&own->references);
    if (left)
        return (ULONG)left;
    IUnknown_Release(own->callback);
    if (own->marshaler)
        IUnknown_Release(own->marshaler);
    free(own);
    return 0;
}

static HRESULT STDMETHODCALLTYPE type_count(IDispatch *self, UINT *count)
{
    (void)self;
    *count = 0;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE type(IDispatch *self, UINT which, LCID language, ITypeInfo **found)
{
    (void)self, (void)which, (void)language;
    *found = NULL;
    return DISP_E_BADINDEX;
}

static HRESULT STDMETHODCALLTYPE names(IDispatch *self, REFIID iid, LPOLESTR *names, UINT count, LCID language, DISPID *found)
{
    (void)self, (void)iid, (void)names, (void)count, (void)language, (void)found;
    return DISP_E_UNKNOWNNAME;
}

static HRESULT STDMETHODCALLTYPE invoke(IDispatch *self, DISPID dispid, REFIID iid, LCID language, WORD flags, DISPPARAMS *given,
                                        VARIANT *answer, EXCEPINFO *info, UINT *wrong)
{
    (void)iid, (void)language, (void)flags, (void)info, (void)wrong;
    if (dispid != RECEIVE || given->cArgs != 1 || V_VT(&given->rgvarg[0]) != VT_I8 || !answer)
        return DISP_E_MEMBERNOTFOUND;
    V_VT(answer) = VT_I4;
    V_I4(answer) = call_program(((Receiver *)self)->callback, (Received *)(LONG_PTR)V_I8(&given->rgvarg[0]));
    return S_OK;
}

static IDispatchVtbl receiver_vtable = {query, addref, release, type_count, type, names, invoke};

/* Whether every thread may call it. */
static int is_free(IUnknown *callback)
{
    IMarshal *marshal;
    CLSID clsid = {0};
    if (FAILED(IUnknown_QueryInterface(callback, &IID_IMarshal, (void **)&marshal)))
        return 0;
    HRESULT known = IMarshal_GetUnmarshalClass(marshal, &IID_IUnknown, callback, MSHCTX_INPROC, NULL, MSHLFLAGS_NORMAL, &clsid);
    IMarshal_Release(marshal);
    return SUCCEEDED(known) && IsEqualCLSID(&clsid, &free_marshaler);
}

HRESULT receiver_of(IUnknown *callback, IDispatch **made)
{
    Receiver *own = calloc(1, sizeof *own);
    if (!own)
        return E_OUTOFMEMORY;
    own->iface.lpVtbl = &receiver_vtable;
    own->references = 1;
    own->callback = callback;
    IUnknown_AddRef(callback);
    *made = &own->iface;
    HRESULT result = is_free(callback) ? CoCreateFreeThreadedMarshaler((IUnknown *)own, &own->marshaler) : S_OK;
    if (FAILED(result))
        release(*made);
    return result;
}

/* --- from a thread of ours */

static const IID *named(const Json *name)
{
    for (int i = 0; name && name->kind == J_STRING && i < interface_count; i++)
        if (!strcmp(interfaces[i].name, name->string))
            return &interfaces[i].iid;
    return NULL;
}

static HRESULT deliver(Link *link, long long token, Received *received)
{
    IDispatch *receiver;
    Outgoing call;
    VARIANT number, answer;
    DISPPARAMS parameters = {&number, NULL, 1, 0};
    HRESULT result = client_receiver(link, token, &receiver);
    if (FAILED(result))
        return result;
    V_VT(&number) = VT_I8;
    V_I8(&number) = (LONG_PTR)received;
    VariantInit(&answer);
    outgoing_begin(&call);
    result = IDispatch_Invoke(receiver, RECEIVE, &IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_METHOD, &parameters, &answer, NULL, NULL);
    outgoing_end(&call);
    client_called(link, token);
    IDispatch_Release(receiver);
    return FAILED(result) ? result : V_I4(&answer);
}

HRESULT call_back(Link *link, const Json *message)
{
    Received received = {.iid = named(json_get(message, "interface")), .call = json_integer(message, "call", 0)};
    const Json *given = json_get(message, "args");
    if (!given || !given->first || !given->first->next)
        return E_UNEXPECTED;
    HRESULT first = value_read(link, given->first, &received.job);
    HRESULT second = value_read(link, given->first->next, &received.arguments);
    HRESULT result = E_UNEXPECTED;
    if (received.iid && SUCCEEDED(first) && SUCCEEDED(second))
        result = deliver(link, json_integer(message, "token", 0), &received);
    VariantClear(&received.job);
    VariantClear(&received.arguments);
    return result;
}
