/* What stays with the program, under tokens. */
#define COBJMACROS
#include "callbacks.h"

#include <initguid.h>
#include <objbase.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "outgoing.h"
#include "tables.h"
#include "values.h"

/* Milliseconds from a call of a callback in another process to letting go of it: a process answers a call before that
 * has ended in it, and if the last callback goes in between, Wine stands still there as server.c says. */
#define SETTLING 100

DEFINE_GUID(CLSID_GlobalTable, 0x00000323, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46);

/* Where an interface pointer is kept. */
typedef struct Place {
    DWORD cookie;     /* of the global interface table: through it every apartment gets a pointer of its own */
    IUnknown *direct; /* in the local server, which has one apartment; there Wine's table would leak the far end */
} Place;

typedef struct Client {
    Link *link;
    long long token;
    long long request; /* that it was given in */
    long long job;     /* the handle that was answered */
    VARIANT kept;      /* of an object only the type */
    Place object;
    Place receiver; /* what calls it in its apartment */
    ULONGLONG called; /* when its last call ended; 0 for never */
    struct Client *next;
} Client;

static SRWLOCK guard = SRWLOCK_INIT;
static Client *clients;
static Client *leaving; /* what is being let go of */
static HANDLE has_left; /* set when one of those is gone */
static long long last_token;

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

static HRESULT global_table(IGlobalInterfaceTable **table)
{
    return CoCreateInstance(&CLSID_GlobalTable, NULL, CLSCTX_INPROC_SERVER, &IID_IGlobalInterfaceTable, (void **)table);
}

static int is_set(const Place *place)
{
    return place->cookie || place->direct;
}

static void revoke(Place *place)
{
    IGlobalInterfaceTable *table;
    if (place->direct)
        IUnknown_Release(place->direct);
    if (place->cookie && SUCCEEDED(global_table(&table))) {
        IGlobalInterfaceTable_RevokeInterfaceFromGlobal(table, place->cookie);
        IGlobalInterfaceTable_Release(table);
    }
}

static HRESULT publish(IUnknown *unknown, const IID *iid, Place *place)
{
    IGlobalInterfaceTable *table;
    if (server_ended)
        return IUnknown_QueryInterface(unknown, iid, (void **)&place->direct);
    HRESULT result = global_table(&table);
    if (FAILED(result))
        return result;
    result = IGlobalInterfaceTable_RegisterInterfaceInGlobal(table, unknown, iid, &place->cookie);
    IGlobalInterfaceTable_Release(table);
    return result;
}

/* "place" is a copy with a reference of its own to what is direct. */
static HRESULT fetch(const Place *place, const IID *iid, void **found)
{
    IGlobalInterfaceTable *table;
    if (place->direct) {
        HRESULT known = IUnknown_QueryInterface(place->direct, iid, found);
        IUnknown_Release(place->direct);
        return known;
    }
    HRESULT result = global_table(&table);
    if (FAILED(result))
        return result;
    result = IGlobalInterfaceTable_GetInterfaceFromGlobal(table, place->cookie, iid, found);
    IGlobalInterfaceTable_Release(table);
    return result;
}

static Place copy_of(const Place *place)
{
    if (place->direct)
        IUnknown_AddRef(place->direct);
    return *place;
}

static void clear(Client *client)
{
    if (!is_set(&client->object))
        VariantClear(&client->kept);
    revoke(&client->object);
    revoke(&client->receiver);
}

/* Fills in what is kept of a value. "callable" tells whether it can be called back, and is NULL where nobody asks. */
static HRESULT fill(Client *client, const VARIANT *value, int *callable)
{
    IDispatch *receiver;
    if ((V_VT(value) != VT_DISPATCH && V_VT(value) != VT_UNKNOWN) || !V_UNKNOWN(value))
        return VariantCopyInd(&client->kept, (VARIANT *)value);
    HRESULT result = publish(V_UNKNOWN(value), V_VT(value) == VT_DISPATCH ? &IID_IDispatch : &IID_IUnknown, &client->object);
    if (FAILED(result))
        return result;
    V_VT(&client->kept) = V_VT(value);
    if (!callable || !(*callable = is_callable(V_UNKNOWN(value))))
        return S_OK;
    result = receiver_of(V_UNKNOWN(value), &receiver);
    if (FAILED(result))
        return result;
    result = publish((IUnknown *)receiver, &IID_IDispatch, &client->receiver);
    IDispatch_Release(receiver);
    return result;
}

static HRESULT keep(Text *text, Link *link, long long request, const VARIANT *value, int *callable)
{
    Outgoing call;
    Client *client = calloc(1, sizeof *client);
    HRESULT result = client ? S_OK : E_OUTOFMEMORY;
    if (FAILED(result))
        return result;
    client->link = link;
    client->request = request;
    VariantInit(&client->kept);
    outgoing_begin(&call);
    result = fill(client, value, callable);
    outgoing_end(&call);
    if (FAILED(result)) {
        clear(client);
        free(client);
        return result;
    }
    AcquireSRWLockExclusive(&guard);
    long long token = client->token = ++last_token;
    client->next = clients;
    clients = client;
    ReleaseSRWLockExclusive(&guard);
    text_put(text, "{\"c\":");
    text_integer(text, token);
    text_put(text, callable && *callable ? ",\"call\":true}" : "}");
    return S_OK;
}

HRESULT client_write_object(Text *text, Link *link, long long request, IUnknown *unknown)
{
    VARIANT value;
    int callable = 0;
    V_VT(&value) = VT_UNKNOWN;
    V_UNKNOWN(&value) = unknown;
    return keep(text, link, request, &value, &callable);
}

HRESULT client_write_state(Text *text, Link *link, const VARIANT *state)
{
    if ((V_VT(state) & VT_TYPEMASK) == VT_RECORD)
        return E_INVALIDARG; /* as documented */
    return keep(text, link, 0, state, NULL);
}

static Client *client_under(Link *link, long long token)
{
    Client *each = clients;
    while (each && (each->link != link || each->token != token))
        each = each->next;
    return each;
}

HRESULT client_read(Link *link, long long token, VARIANT *value)
{
    Place place = {0};
    VARTYPE type = VT_EMPTY;
    HRESULT result = E_UNEXPECTED;
    AcquireSRWLockShared(&guard);
    Client *client = client_under(link, token);
    if (client && is_set(&client->object)) {
        place = copy_of(&client->object);
        type = V_VT(&client->kept);
    } else if (client)
        result = VariantCopy(value, &client->kept);
    ReleaseSRWLockShared(&guard);
    if (!is_set(&place))
        return result;
    result = fetch(&place, type == VT_DISPATCH ? &IID_IDispatch : &IID_IUnknown, (void **)&V_UNKNOWN(value));
    if (SUCCEEDED(result))
        V_VT(value) = type;
    return result;
}

HRESULT client_receiver(Link *link, long long token, IDispatch **receiver)
{
    Place place = {0};
    AcquireSRWLockShared(&guard);
    Client *client = client_under(link, token);
    if (client)
        place = copy_of(&client->receiver);
    ReleaseSRWLockShared(&guard);
    return is_set(&place) ? fetch(&place, &IID_IDispatch, (void **)receiver) : E_UNEXPECTED;
}

void client_called(Link *link, long long token)
{
    AcquireSRWLockExclusive(&guard);
    Client *client = client_under(link, token);
    if (client)
        client->called = GetTickCount64();
    ReleaseSRWLockExclusive(&guard);
    if (!client && server_ended) /* let go of meanwhile: the caller has the last reference */
        Sleep(SETTLING);
}

static void belong(Client *each, Link *link, long long request, long long job)
{
    for (; each; each = each->next)
        if (each->link == link && each->request == request)
            each->job = job;
}

void client_belongs(Link *link, long long request, long long job)
{
    AcquireSRWLockExclusive(&guard);
    belong(clients, link, request, job);
    belong(leaving, link, request, job); /* a job may be over before its Begin returns */
    ReleaseSRWLockExclusive(&guard);
}

static int is_wanted(const Client *client, long long token, long long job)
{
    return job ? client->job == job && is_set(&client->receiver) : !token || client->token == token;
}

static void let_settle(const Client *client)
{
    ULONGLONG now = GetTickCount64();
    if (server_ended && client->called && now - client->called < SETTLING)
        Sleep((DWORD)(client->called + SETTLING - now));
}

static void leave(Client *client)
{
    Outgoing call;
    let_settle(client);
    outgoing_begin(&call);
    clear(client); /* may call into apartments: on no lock */
    outgoing_end(&call);
    AcquireSRWLockExclusive(&guard);
    for (Client **place = &leaving; *place; place = &(*place)->next)
        if (*place == client) {
            *place = client->next;
            break;
        }
    if (has_left)
        SetEvent(has_left);
    ReleaseSRWLockExclusive(&guard);
    free(client);
}

static void drop(Link *link, long long token, long long job)
{
    for (;;) {
        Client **place = &clients;
        AcquireSRWLockExclusive(&guard);
        while (*place && ((*place)->link != link || !is_wanted(*place, token, job)))
            place = &(*place)->next;
        Client *found = *place;
        if (found) {
            *place = found->next;
            found->next = leaving;
            leaving = found;
        }
        ReleaseSRWLockExclusive(&guard);
        if (!found)
            return;
        leave(found);
    }
}

void client_drop(Link *link, long long token)
{
    drop(link, token, 0);
}

static int is_leaving(Link *link, long long job)
{
    AcquireSRWLockExclusive(&guard);
    Client *each = leaving;
    while (each && (each->link != link || each->job != job))
        each = each->next;
    if (each && !has_left)
        has_left = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (each && has_left)
        ResetEvent(has_left);
    ReleaseSRWLockExclusive(&guard);
    return each && has_left;
}

void client_cleaned(Link *link, long long job)
{
    drop(link, 0, job);
    while (is_leaving(link, job)) /* another thread was quicker, and is at it */
        wait_in_apartment(has_left);
}
