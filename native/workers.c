/* The threads that messages of the server are worked on, all of the multi-threaded apartment. */
#include "callbacks.h"

#include <objbase.h>
#include <stdlib.h>

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
    Text text = {0};
    HRESULT result = call_back(link, message);
    link_begin(link, &text, "answered");
    text_put(&text, ",\"call\":");
    text_integer(&text, json_integer(message, "call", 0));
    text_put(&text, ",\"hresult\":");
    text_integer(&text, result);
    link_tell(link, &text);
}

static void do_work(Work *work)
{
    const Json *tokens = work->message ? json_get(work->message->nodes, "drop") : NULL;
    if (!work->message)
        client_drop(work->link, 0);
    else if (tokens)
        for (const Json *each = tokens->first; each; each = each->next)
            client_drop(work->link, each->integer ? each->integer : -1);
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
