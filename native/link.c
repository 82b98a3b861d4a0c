#define COBJMACROS
#include "link.h"

#include <objbase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callbacks.h"

#define LARGEST 0x40000000u
#define SECRET_LENGTH 64
#define UNSERVED 2 /* milliseconds that an apartment waits for an answer before it serves its messages */

HINSTANCE module_instance;

static SRWLOCK opening = SRWLOCK_INIT;
static Link *current; /* holds a reference */

typedef struct Pending { /* a call that waits; in the list until it is done */
    long long id;
    int done;
    CONDITION_VARIABLE arrived; /* costs no way to wineserver */
    HANDLE event;               /* for a thread of an apartment, once it has waited for a while */
    Document *answer;
    struct Pending *next;
} Pending;

typedef struct Address { /* what the server wrote for us: its port, our secret, its own */
    int port;
    char client[SECRET_LENGTH + 1], server[SECRET_LENGTH + 1];
} Address;

void module_folder(WCHAR folder[MAX_PATH])
{
    DWORD length = GetModuleFileNameW(module_instance, folder, MAX_PATH);
    while (length && folder[length - 1] != '\\')
        length--;
    folder[length] = 0;
}

static int read_address(Address *address)
{
    WCHAR path[MAX_PATH + 16];
    char content[256];
    DWORD size = 0;
    module_folder(path);
    wcscat(path, L"connection");
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    BOOL fine = ReadFile(file, content, sizeof content - 1, &size, NULL);
    CloseHandle(file);
    content[size] = 0;
    return fine && sscanf(content, "%d %64s %64s", &address->port, address->client, address->server) == 3;
}

/* --- frames */

static int send_all(SOCKET socket, const char *data, size_t size)
{
    while (size) {
        int part = send(socket, data, size > 1 << 20 ? 1 << 20 : (int)size, 0);
        if (part <= 0)
            return 0;
        data += part;
        size -= (size_t)part;
    }
    return 1;
}

static int receive_all(SOCKET socket, char *data, size_t size)
{
    while (size) {
        int part = recv(socket, data, size > 1 << 20 ? 1 << 20 : (int)size, 0);
        if (part <= 0)
            return 0;
        data += part;
        size -= (size_t)part;
    }
    return 1;
}

static void set_head(Text *text)
{
    unsigned int size = (unsigned int)text->length - 4;
    for (int i = 0; i < 4; i++)
        text->data[i] = (char)(size >> (24 - 8 * i));
}

static Document *receive_frame(SOCKET socket)
{
    unsigned char head[4];
    if (!receive_all(socket, (char *)head, 4))
        return NULL;
    unsigned int size = (unsigned int)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
    char *data = size <= LARGEST ? malloc((size_t)size + 1) : NULL;
    if (!data)
        return NULL;
    if (!receive_all(socket, data, size)) {
        free(data);
        return NULL;
    }
    return json_parse(data, size);
}

/* Both sides show that they have read the file; whoever only took over the port has not. */
static int shake_hands(SOCKET socket, const Address *address)
{
    Text hello = {0};
    text_bytes(&hello, "\0\0\0\0", 4);
    text_put(&hello, "{\"secret\":\"");
    text_put(&hello, address->client);
    text_put(&hello, "\"}");
    int sent = 0;
    if (!hello.failed) {
        set_head(&hello);
        sent = send_all(socket, hello.data, hello.length);
    }
    text_free(&hello);
    Document *answer = sent ? receive_frame(socket) : NULL;
    const Json *secret = answer ? json_get(answer->nodes, "secret") : NULL;
    int fine = secret && secret->kind == J_STRING && !strcmp(secret->string, address->server);
    json_free(answer);
    return fine;
}

static SOCKET connect_to(const Address *address)
{
    struct sockaddr_in to = {0};
    to.sin_family = AF_INET;
    to.sin_port = htons((u_short)address->port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET made = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    BOOL at_once = TRUE;
    if (made == INVALID_SOCKET)
        return made;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, (const char *)&at_once, sizeof at_once);
    if (connect(made, (struct sockaddr *)&to, sizeof to) || !shake_hands(made, address)) {
        closesocket(made);
        return INVALID_SOCKET;
    }
    return made;
}

/* --- the reading thread */

static void finish(Pending *pending)
{
    pending->done = 1;
    WakeConditionVariable(&pending->arrived);
    if (pending->event)
        SetEvent(pending->event);
}

static void hear(Link *link, Document *message)
{
    long long id = json_integer(message->nodes, "id", 0);
    if (!id) {
        callbacks_take(link, message);
        return;
    }
    AcquireSRWLockExclusive(&link->guard);
    for (Pending **place = &link->pending; *place; place = &(*place)->next) {
        Pending *found = *place;
        if (found->id != id)
            continue;
        *place = found->next;
        found->answer = message;
        message = NULL;
        finish(found);
        break;
    }
    ReleaseSRWLockExclusive(&link->guard);
    json_free(message);
}

static void lose(Link *link)
{
    AcquireSRWLockExclusive(&link->guard);
    link->lost = 1;
    for (Pending *each = link->pending; each; each = each->next)
        finish(each);
    link->pending = NULL;
    ReleaseSRWLockExclusive(&link->guard);
    shutdown(link->socket, SD_BOTH);
}

static DWORD WINAPI read_on(void *given)
{
    Link *link = given;
    Document *message;
    while ((message = receive_frame(link->socket)))
        hear(link, message);
    lose(link);
    callbacks_lost(link);
    link_release(link);
    return 0;
}

/* --- opening */

static Link *start(SOCKET socket)
{
    Link *link = calloc(1, sizeof *link);
    HMODULE pinned;
    if (!link)
        return NULL;
    link->references = 2; /* current's, and the thread's */
    link->socket = socket;
    /* The thread runs code of this DLL until the process ends. */
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, (LPCWSTR)(void *)read_on, &pinned);
    HANDLE thread = CreateThread(NULL, 0, read_on, link, 0, NULL);
    if (!thread) {
        free(link);
        return NULL;
    }
    CloseHandle(thread);
    return link;
}

static int is_lost(Link *link)
{
    AcquireSRWLockShared(&link->guard);
    int lost = link->lost;
    ReleaseSRWLockShared(&link->guard);
    return lost;
}

static HRESULT connect_anew(const WCHAR **why)
{
    WSADATA data;
    Address address;
    if (!read_address(&address)) {
        *why = L"wua's COM server does not run for this prefix: there is no file \"connection\" beside "
               L"wuacom.dll. `wua com serve` starts it.";
        return HRESULT_FROM_WIN32(RPC_S_SERVER_UNAVAILABLE);
    }
    if (WSAStartup(MAKEWORD(2, 2), &data))
        return E_FAIL;
    SOCKET socket = connect_to(&address);
    if (socket == INVALID_SOCKET) {
        *why = L"wua's COM server does not answer on its port. `wua com serve` starts it.";
        return HRESULT_FROM_WIN32(RPC_S_SERVER_UNAVAILABLE);
    }
    current = start(socket);
    if (current)
        return S_OK;
    closesocket(socket);
    return E_OUTOFMEMORY;
}

HRESULT link_open(Link **link, const WCHAR **why)
{
    HRESULT result = S_OK;
    *why = NULL;
    AcquireSRWLockExclusive(&opening);
    if (current && is_lost(current)) {
        link_release(current);
        current = NULL;
    }
    if (!current)
        result = connect_anew(why);
    if (SUCCEEDED(result)) {
        *link = current;
        link_addref(current);
    }
    ReleaseSRWLockExclusive(&opening);
    return result;
}

void link_addref(Link *link)
{
    InterlockedIncrement(&link->references);
}

void link_release(Link *link)
{
    if (InterlockedDecrement(&link->references))
        return;
    closesocket(link->socket);
    free(link);
}

/* --- asking */

long long link_begin(Link *link, Text *text, const char *operation)
{
    AcquireSRWLockExclusive(&link->guard);
    long long id = ++link->last_id;
    ReleaseSRWLockExclusive(&link->guard);
    text_bytes(text, "\0\0\0\0{\"op\":\"", 11);
    text_put(text, operation);
    text_put(text, "\",\"id\":");
    text_integer(text, id);
    long long within = callback_within();
    if (within) {
        text_put(text, ",\"within\":");
        text_integer(text, within);
    }
    return id;
}

static int post(Link *link, Text *text)
{
    text_put(text, "}");
    int sent = 0;
    if (!text->failed) {
        set_head(text);
        AcquireSRWLockExclusive(&link->sending);
        sent = send_all(link->socket, text->data, text->length);
        ReleaseSRWLockExclusive(&link->sending);
    }
    text_free(text);
    return sent;
}

void link_tell(Link *link, Text *text)
{
    post(link, text); /* when the connection is gone, so is what this was about */
}

static int is_in_apartment(void)
{
    APTTYPE type;
    APTTYPEQUALIFIER qualifier;
    return SUCCEEDED(CoGetApartmentType(&type, &qualifier)) && (type == APTTYPE_STA || type == APTTYPE_MAINSTA);
}

void wait_in_apartment(HANDLE event)
{
    if (!is_in_apartment()) {
        WaitForSingleObject(event, INFINITE);
        return;
    }
    DWORD which;
    HRESULT waited;
    do
        waited = CoWaitForMultipleHandles(0, INFINITE, 1, &event, &which);
    while (waited == RPC_S_CALLPENDING);
    if (FAILED(waited))
        WaitForSingleObject(event, INFINITE);
}

/* Under the guard, which is let go of meanwhile. */
static void wait_for(Link *link, Pending *pending)
{
    DWORD most = is_in_apartment() ? UNSERVED : INFINITE;
    while (!pending->done && SleepConditionVariableSRW(&pending->arrived, &link->guard, most, 0))
        ;
    if (pending->done)
        return;
    pending->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    ReleaseSRWLockExclusive(&link->guard);
    if (pending->event)
        wait_in_apartment(pending->event);
    AcquireSRWLockExclusive(&link->guard);
    while (!pending->done) /* there was no event to be had */
        SleepConditionVariableSRW(&pending->arrived, &link->guard, INFINITE, 0);
    if (pending->event)
        CloseHandle(pending->event);
}

HRESULT link_ask(Link *link, Text *text, long long id, Document **answer)
{
    Pending pending = {.id = id, .arrived = CONDITION_VARIABLE_INIT};
    *answer = NULL;
    if (text->failed) {
        text_free(text);
        return E_OUTOFMEMORY;
    }
    AcquireSRWLockExclusive(&link->guard);
    if (link->lost)
        pending.done = 1;
    else {
        pending.next = link->pending;
        link->pending = &pending;
    }
    ReleaseSRWLockExclusive(&link->guard);
    if (pending.done)
        text_free(text);
    else if (!post(link, text))
        lose(link);
    AcquireSRWLockExclusive(&link->guard);
    wait_for(link, &pending);
    ReleaseSRWLockExclusive(&link->guard);
    *answer = pending.answer;
    return pending.answer ? S_OK : HRESULT_FROM_WIN32(RPC_S_SERVER_UNAVAILABLE);
}
