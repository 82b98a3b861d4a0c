/* Calls of the local server into programs: of their callbacks, and of whatever else lives there. In the DLL there are
 * none, and this does nothing. */
#ifndef WUA_OUTGOING_H
#define WUA_OUTGOING_H

#include <winsock2.h>
#include <windows.h>

typedef struct Outgoing {
    ULONGLONG due; /* when it may have been overlooked */
    DWORD patience;
    struct Outgoing *next;
} Outgoing;

/* Around everything that may call into a program, by whatever thread; "call" must stay where it is meanwhile. */
void outgoing_begin(Outgoing *call);
void outgoing_end(Outgoing *call);

#endif
