#ifndef WUA_REGISTRY_H
#define WUA_REGISTRY_H

#include <winsock2.h>
#include <windows.h>

/* Registers or unregisters. Words: "user" for this user instead of the machine; "original" for the class ids and
 * ProgIDs of Windows' own agent as well. What was there before is kept, and comes back. */
HRESULT registry_change(BOOL wanted, const WCHAR *words);

#endif
