/* The connection to wua's COM server: one for the process, made when it is first needed. */
#ifndef WUA_LINK_H
#define WUA_LINK_H

#include <winsock2.h>
#include <windows.h>

#include "frames.h"
#include "json.h"

#define OBJECT_BUCKETS 1024

struct Object;
struct Pending;

typedef struct Link {
    LONG references;
    SOCKET socket;
    SRWLOCK sending;
    SRWLOCK guard; /* of all that follows */
    long long last_id;
    int lost;
    struct Pending *pending;
    struct Object *objects[OBJECT_BUCKETS];
} Link;

/* The process's connection, with a reference for the caller. On failure *why is a text for people. */
HRESULT link_open(Link **link, const WCHAR **why);
void link_addref(Link *link);
void link_release(Link *link);

/* A message: link_begin, then ,"name":value members of one's own, then link_ask or link_tell. */
long long link_begin(Link *link, Text *text, const char *operation);

/* Sends, and waits for the answer, which the caller frees. A thread of an apartment goes on serving it. Frees text. */
HRESULT link_ask(Link *link, Text *text, long long id, Document **answer);

/* Sends what has no answer. Frees text. */
void link_tell(Link *link, Text *text);

/* COM's window of a single-threaded apartment: calls of its objects come as messages of it. */
#define APARTMENT_WINDOW L"OleMainThreadWndClass"

/* Waits; calls into the apartment of the thread, callbacks among them, are served meanwhile. */
void wait_in_apartment(HANDLE event);

#endif
