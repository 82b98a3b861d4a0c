#define COBJMACROS
#include "callbacks.h"

#include <initguid.h>
#include <objbase.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"
#include "values.h"

DEFINE_GUID(CLSID_GlobalTable, 0x00000323, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46);

typedef struct Client {
    Link *link;
    long long token;
    VARIANT kept; /* V_UNKNOWN is not used where there is a cookie */
    DWORD cookie; /* of the global interface table: every apartment gets its own pointer */
    struct Client *next;
} Client;

static SRWLOCK guard = SRWLOCK_INIT;
static Client *clients;
static long long last_token;

static HRESULT global_table(IGlobalInterfaceTable **table)
{
    return CoCreateInstance(&CLSID_GlobalTable, NULL, CLSCTX_INPROC_SERVER, &IID_IGlobalInterfaceTable, (void **)table);
}

static void client_free(Client *client)
{
    IGlobalInterfaceTable *table;
    if (client->cookie && SUCCEEDED(global_table(&table))) {
        IGlobalInterfaceTable_RevokeInterfaceFromGlobal(table, client->cookie);
        IGlobalInterfaceTable_Release(table);
    }
    if (!client->cookie)
        VariantClear(&client->kept);
    free(client);
}

static HRESULT keep(Link *link, const VARIANT *value, long long *token)
{
    Client *client = calloc(1, sizeof *client);
    HRESULT result = client ? S_OK : E_OUTOFMEMORY;
    if (FAILED(result))
        return result;
    client->link = link;
    VariantInit(&client->kept);
    if ((V_VT(value) == VT_DISPATCH || V_VT(value) == VT_UNKNOWN) && V_UNKNOWN(value)) {
        IGlobalInterfaceTable *table;
        const IID *iid = V_VT(value) == VT_DISPATCH ? &IID_IDispatch : &IID_IUnknown;
        V_VT(&client->kept) = V_VT(value);
        result = global_table(&table);
        if (SUCCEEDED(result)) {
            result = IGlobalInterfaceTable_RegisterInterfaceInGlobal(table, V_UNKNOWN(value), iid, &client->cookie);
            IGlobalInterfaceTable_Release(table);
        }
    } else
        result = VariantCopyInd(&client->kept, (VARIANT *)value);
    if (FAILED(result)) {
        V_VT(&client->kept) = client->cookie ? V_VT(&client->kept) : VT_EMPTY;
        client_free(client);
        return result;
    }
    AcquireSRWLockExclusive(&guard);
    *token = client->token = ++last_token;
    client->next = clients;
    clients = client;
    ReleaseSRWLockExclusive(&guard);
    return S_OK;
}

static int offers(IUnknown *unknown, const IID *iid)
{
    IUnknown *found;
    if (FAILED(IUnknown_QueryInterface(unknown, iid, (void **)&found)) || !found)
        return 0;
    IUnknown_Release(found);
    return 1;
}

/* Whether it can be called at all: one of the callback interfaces, or a default member. */
static int is_callable(IUnknown *unknown)
{
    for (int i = 0; i < interface_count; i++) {
        size_t length = strlen(interfaces[i].name);
        if (length > 8 && !strcmp(interfaces[i].name + length - 8, "Callback") && offers(unknown, &interfaces[i].iid))
            return 1;
    }
    return offers(unknown, &IID_IDispatch);
}

static void write_token(Text *text, long long token, int callable)
{
    text_put(text, "{\"c\":");
    text_integer(text, token);
    text_put(text, callable ? ",\"call\":true}" : "}");
}

HRESULT client_write_object(Text *text, Link *link, IUnknown *unknown)
{
    VARIANT value;
    long long token;
    V_VT(&value) = VT_UNKNOWN;
    V_UNKNOWN(&value) = unknown;
    HRESULT result = keep(link, &value, &token);
    if (SUCCEEDED(result))
        write_token(text, token, is_callable(unknown));
    return result;
}

HRESULT client_write_state(Text *text, Link *link, const VARIANT *state)
{
    long long token;
    if ((V_VT(state) & VT_TYPEMASK) == VT_RECORD)
        return E_INVALIDARG; /* as documented */
    HRESULT result = keep(link, state, &token);
    if (SUCCEEDED(result))
        write_token(text, token, 0);
    return result;
}

HRESULT client_read(Link *link, long long token, VARIANT *value)
{
    DWORD cookie = 0;
    VARTYPE type = VT_EMPTY;
    HRESULT result = E_UNEXPECTED;
    AcquireSRWLockShared(&guard);
    for (Client *each = clients; each; each = each->next)
        if (each->link == link && each->token == token) {
            cookie = each->cookie;
            type = V_VT(&each->kept);
            result = cookie ? S_OK : VariantCopy(value, &each->kept);
            break;
        }
    ReleaseSRWLockShared(&guard);
    if (!cookie)
        return result;
    IGlobalInterfaceTable *table;
    result = global_table(&table);
    if (FAILED(result))
        return result;
    const IID *iid = type == VT_DISPATCH ? &IID_IDispatch : &IID_IUnknown;
    result = IGlobalInterfaceTable_GetInterfaceFromGlobal(table, cookie, iid, (void **)&V_UNKNOWN(value));
    IGlobalInterfaceTable_Release(table);
    if (SUCCEEDED(result))
        V_VT(value) = type;
    return result;
}

/* Frees one client, or with token 0 all of a connection. */
static void drop(Link *link, long long token)
{
    Client *freed = NULL;
    AcquireSRWLockExclusive(&guard);
    for (Client **place = &clients; *place;) {
        Client *each = *place;
        if (each->link == link && (!token || each->token == token)) {
            *place = each->next;
            each->next = freed;
            freed = each;
        } else
            place = &each->next;
    }
    ReleaseSRWLockExclusive(&guard);
    while (freed) { /* may call into apartments: on no lock */
        Client *next = freed->next;
        client_free(freed);
        freed = next;
    }
}

/* --- calling */

typedef struct Running {
    GUID thread; /* the logical one, which goes along into the apartment */
    long long call;
    struct Running *next;
} Running;

static Running *running;

long long callback_within(void)
{
    long long found = 0;
    GUID thread;
    if (!running || FAILED(CoGetCurrentLogicalThreadId(&thread)))
        return 0;
    AcquireSRWLockShared(&guard);
    for (Running *each = running; each && !found; each = each->next)
        if (IsEqualGUID(&each->thread, &thread))
            found = each->call;
    ReleaseSRWLockShared(&guard);
    return found;
}

static void enter(Running *stay, long long call)
{
    stay->call = call;
    if (FAILED(CoGetCurrentLogicalThreadId(&stay->thread)))
        memset(&stay->thread, 0, sizeof stay->thread);
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

typedef HRESULT(STDMETHODCALLTYPE *InvokeSlot)(void *self, IDispatch *job, IDispatch *arguments);

static HRESULT call_typed(void *callback, VARIANT *job, VARIANT *arguments)
{
    const void *const *vtable = *(const void *const **)callback;
    return ((InvokeSlot)vtable[3])(callback, V_DISPATCH(job), V_DISPATCH(arguments));
}

static HRESULT call_default(IDispatch *callback, VARIANT *job, VARIANT *arguments)
{
    VARIANT reversed[2] = {*arguments, *job}, answer;
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

static const IID *named(const Json *name)
{
    for (int i = 0; name && name->kind == J_STRING && i < interface_count; i++)
        if (!strcmp(interfaces[i].name, name->string))
            return &interfaces[i].iid;
    return NULL;
}

static HRESULT call_back(Link *link, const Json *message)
{
    VARIANT client, job, arguments;
    const Json *given = json_get(message, "args");
    const IID *iid = named(json_get(message, "interface"));
    void *typed;
    IDispatch *late;
    if (!iid || !given || !given->first || !given->first->next)
        return E_UNEXPECTED;
    VariantInit(&client);
    HRESULT result = client_read(link, json_integer(message, "token", 0), &client);
    HRESULT first = value_read(link, given->first, &job), second = value_read(link, given->first->next, &arguments);
    if (SUCCEEDED(result) && (FAILED(first) || FAILED(second) || V_VT(&client) != VT_UNKNOWN))
        result = E_UNEXPECTED;
    if (SUCCEEDED(result)) {
        if (SUCCEEDED(IUnknown_QueryInterface(V_UNKNOWN(&client), iid, &typed)) && typed) {
            result = call_typed(typed, &job, &arguments);
            IUnknown_Release((IUnknown *)typed);
        } else if (SUCCEEDED(result = IUnknown_QueryInterface(V_UNKNOWN(&client), &IID_IDispatch, (void **)&late))) {
            result = call_default(late, &job, &arguments);
            IDispatch_Release(late);
        }
    }
    VariantClear(&client);
    VariantClear(&job);
    VariantClear(&arguments);
    return result;
}

/* --- the threads that do it, all of the multi-threaded apartment */

typedef struct Work {
    Link *link;
    Document *message; /* NULL: the connection has ended */
    struct Work *next;
} Work;

static SRWLOCK queue_guard = SRWLOCK_INIT;
static CONDITION_VARIABLE queued = CONDITION_VARIABLE_INIT;
static Work *first_work, **last_work = &first_work;
static int idle; /* threads that wait, less what is queued for them */

static void call_and_answer(Link *link, const Json *message)
{
    Running stay;
    Text text = {0};
    enter(&stay, json_integer(message, "call", 0));
    HRESULT result = call_back(link, message);
    leave(&stay);
    link_begin(link, &text, "answered");
    text_put(&text, ",\"call\":");
    text_integer(&text, stay.call);
    text_put(&text, ",\"hresult\":");
    text_integer(&text, result);
    link_tell(link, &text);
}

static void do_work(Work *work)
{
    const Json *tokens = work->message ? json_get(work->message->nodes, "drop") : NULL;
    if (!work->message)
        drop(work->link, 0);
    else if (tokens)
        for (const Json *each = tokens->first; each; each = each->next)
            drop(work->link, each->integer ? each->integer : -1);
    else
        call_and_answer(work->link, work->message->nodes);
    json_free(work->message);
    link_release(work->link);
    free(work);
}

static DWORD WINAPI work_on(void *unused)
{
    (void)unused;
    if (FAILED(CoInitializeEx(NULL, COINIT_MULTITHREADED)))
        return 1;
    for (;;) {
        AcquireSRWLockExclusive(&queue_guard);
        while (!first_work)
            SleepConditionVariableSRW(&queued, &queue_guard, INFINITE, 0);
        Work *work = first_work;
        first_work = work->next;
        if (!first_work)
            last_work = &first_work;
        ReleaseSRWLockExclusive(&queue_guard);
        do_work(work);
        AcquireSRWLockExclusive(&queue_guard);
        idle++;
        ReleaseSRWLockExclusive(&queue_guard);
    }
}

static void enqueue(Link *link, Document *message)
{
    Work *work = calloc(1, sizeof *work);
    if (!work) {
        json_free(message);
        return;
    }
    link_addref(link);
    work->link = link;
    work->message = message;
    AcquireSRWLockExclusive(&queue_guard);
    *last_work = work;
    last_work = &work->next;
    int started = idle-- <= 0;
    if (started)
        idle++; /* the new thread is taken already */
    ReleaseSRWLockExclusive(&queue_guard);
    HANDLE thread = started ? CreateThread(NULL, 0, work_on, NULL, 0, NULL) : NULL;
    if (thread)
        CloseHandle(thread);
    WakeConditionVariable(&queued);
}

void callbacks_take(Link *link, Document *message)
{
    enqueue(link, message);
}

void callbacks_lost(Link *link)
{
    enqueue(link, NULL);
}
