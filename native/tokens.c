/* What stays with the program, under tokens. */
#define COBJMACROS
#include "callbacks.h"

#include <initguid.h>
#include <objbase.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"
#include "values.h"

DEFINE_GUID(CLSID_GlobalTable, 0x00000323, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46);

/* Cookies are of the global interface table: through it every apartment gets a pointer of its own. */
typedef struct Client {
    Link *link;
    long long token;
    VARIANT kept;   /* V_UNKNOWN is not used where there is a cookie */
    DWORD cookie;   /* of the object */
    DWORD receiver; /* of what calls it in its apartment */
    struct Client *next;
} Client;

static SRWLOCK guard = SRWLOCK_INIT;
static Client *clients;
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

static void revoke(DWORD cookie)
{
    IGlobalInterfaceTable *table;
    if (cookie && SUCCEEDED(global_table(&table))) {
        IGlobalInterfaceTable_RevokeInterfaceFromGlobal(table, cookie);
        IGlobalInterfaceTable_Release(table);
    }
}

static HRESULT publish(IUnknown *unknown, const IID *iid, DWORD *cookie)
{
    IGlobalInterfaceTable *table;
    HRESULT result = global_table(&table);
    if (FAILED(result))
        return result;
    result = IGlobalInterfaceTable_RegisterInterfaceInGlobal(table, unknown, iid, cookie);
    IGlobalInterfaceTable_Release(table);
    return result;
}

static HRESULT fetch(DWORD cookie, const IID *iid, void **found)
{
    IGlobalInterfaceTable *table;
    HRESULT result = global_table(&table);
    if (FAILED(result))
        return result;
    result = IGlobalInterfaceTable_GetInterfaceFromGlobal(table, cookie, iid, found);
    IGlobalInterfaceTable_Release(table);
    return result;
}

static void client_free(Client *client)
{
    revoke(client->cookie);
    revoke(client->receiver);
    if (!client->cookie)
        VariantClear(&client->kept);
    free(client);
}

/* Fills in what is kept of a value. "callable" tells whether it can be called back, and is NULL where nobody asks. */
static HRESULT fill(Client *client, const VARIANT *value, int *callable)
{
    IDispatch *receiver;
    if ((V_VT(value) != VT_DISPATCH && V_VT(value) != VT_UNKNOWN) || !V_UNKNOWN(value))
        return VariantCopyInd(&client->kept, (VARIANT *)value);
    HRESULT result = publish(V_UNKNOWN(value), V_VT(value) == VT_DISPATCH ? &IID_IDispatch : &IID_IUnknown, &client->cookie);
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

static HRESULT keep(Text *text, Link *link, const VARIANT *value, int *callable)
{
    Client *client = calloc(1, sizeof *client);
    HRESULT result = client ? S_OK : E_OUTOFMEMORY;
    if (FAILED(result))
        return result;
    client->link = link;
    VariantInit(&client->kept);
    result = fill(client, value, callable);
    if (FAILED(result)) {
        client_free(client);
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

HRESULT client_write_object(Text *text, Link *link, IUnknown *unknown)
{
    VARIANT value;
    int callable = 0;
    V_VT(&value) = VT_UNKNOWN;
    V_UNKNOWN(&value) = unknown;
    return keep(text, link, &value, &callable);
}

HRESULT client_write_state(Text *text, Link *link, const VARIANT *state)
{
    if ((V_VT(state) & VT_TYPEMASK) == VT_RECORD)
        return E_INVALIDARG; /* as documented */
    return keep(text, link, state, NULL);
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
    result = fetch(cookie, type == VT_DISPATCH ? &IID_IDispatch : &IID_IUnknown, (void **)&V_UNKNOWN(value));
    if (SUCCEEDED(result))
        V_VT(value) = type;
    return result;
}

HRESULT client_receiver(Link *link, long long token, IDispatch **receiver)
{
    DWORD cookie = 0;
    AcquireSRWLockShared(&guard);
    for (Client *each = clients; each; each = each->next)
        if (each->link == link && each->token == token)
            cookie = each->receiver;
    ReleaseSRWLockShared(&guard);
    return cookie ? fetch(cookie, &IID_IDispatch, (void **)receiver) : E_UNEXPECTED;
}

void client_drop(Link *link, long long token)
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
