#define COBJMACROS
#include "link.h"

#include <objbase.h>
#include <stdlib.h>
#include <string.h>

#include "callbacks.h"
#include "frames.h"

#define UNSERVED 1   /* millisecond that an apartment waits for an answer before it serves its messages */
#define OVERLOOKED 50 /* milliseconds until it looks for calls that COM has overlooked */

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
    while ((message = frame_receive(link->socket)))
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
    SOCKET socket;
    HRESULT result = server_connect(&socket, why);
    if (FAILED(result))
        return result;
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
    AcquireSRWLockExclusive(&link->sending);
    int sent = frame_send(link->socket, text);
    ReleaseSRWLockExclusive(&link->sending);
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

/* The calls that wait for this thread's apartment. Wine's CoWaitForMultipleHandles looks for them and then for other
 * messages; a call that comes in between is no news any more, and nothing would ever wake the thread for it. */
static void serve_overlooked(void)
{
    MSG message;
    HWND window = NULL;
    while ((window = FindWindowExW(HWND_MESSAGE, window, APARTMENT_WINDOW, NULL)))
        while (GetWindowThreadProcessId(window, NULL) == GetCurrentThreadId() && PeekMessageW(&message, window, 0, 0, PM_REMOVE | PM_NOYIELD))
            DispatchMessageW(&message);
}

void wait_in_apartment(HANDLE event)
{
    if (!is_in_apartment()) {
        WaitForSingleObject(event, INFINITE);
        return;
    }
    DWORD which;
    HRESULT waited;
    do {
        waited = CoWaitForMultipleHandles(0, OVERLOOKED, 1, &event, &which);
        serve_overlooked();
    } while (waited == RPC_S_CALLPENDING);
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
