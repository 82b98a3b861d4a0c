#include "outgoing.h"

#include "objects.h"

#define PATIENCE 50 /* milliseconds until a call may have been overlooked; twice as long each time */
#define MOST_PATIENCE 10000

static SRWLOCK guard = SRWLOCK_INIT;
static CONDITION_VARIABLE begun = CONDITION_VARIABLE_INIT;
static Outgoing *calls;
static int is_watched;

/* What link.c does for a thread of its own process: a call that Wine's waiting has overlooked is seen with the next
 * message. This one means nothing. */
static void wake_apartments(void)
{
    HWND window = NULL;
    while ((window = FindWindowExW(HWND_MESSAGE, window, APARTMENT_WINDOW, NULL)))
        PostMessageW(window, WM_NULL, 0, 0);
}

/* Whether a call is due; under the guard. */
static int take_due(void)
{
    int found = 0;
    ULONGLONG now = GetTickCount64();
    for (Outgoing *each = calls; each; each = each->next)
        if (each->due <= now) {
            each->patience = each->patience * 2 < MOST_PATIENCE ? each->patience * 2 : MOST_PATIENCE;
            each->due = now + each->patience;
            found = 1;
        }
    return found;
}

static DWORD WINAPI watch(void *unused)
{
    (void)unused;
    for (;;) {
        AcquireSRWLockExclusive(&guard);
        while (!calls)
            SleepConditionVariableSRW(&begun, &guard, INFINITE, 0);
        int is_due = take_due();
        ReleaseSRWLockExclusive(&guard);
        if (is_due)
            wake_apartments();
        Sleep(PATIENCE);
    }
    return 0;
}

void outgoing_begin(Outgoing *call)
{
    if (!server_ended)
        return;
    call->patience = PATIENCE;
    call->due = GetTickCount64() + PATIENCE;
    AcquireSRWLockExclusive(&guard);
    call->next = calls;
    calls = call;
    HANDLE thread = is_watched ? NULL : CreateThread(NULL, 0, watch, NULL, 0, NULL);
    is_watched = is_watched || thread;
    ReleaseSRWLockExclusive(&guard);
    if (thread)
        CloseHandle(thread);
    WakeConditionVariable(&begun);
}

void outgoing_end(Outgoing *call)
{
    if (!server_ended)
        return;
    AcquireSRWLockExclusive(&guard);
    for (Outgoing **place = &calls; *place; place = &(*place)->next)
        if (*place == call) {
            *place = call->next;
            break;
        }
    ReleaseSRWLockExclusive(&guard);
}
