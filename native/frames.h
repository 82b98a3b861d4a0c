/* Finding the server, and its frames: four bytes of length and a JSON text. */
#ifndef WUA_FRAMES_H
#define WUA_FRAMES_H

#include <winsock2.h>
#include <windows.h>

#include "json.h"

#define FRAME_HEAD 4

/* Sends a text that begins with room for the head; 0 when it could not be sent. */
int frame_send(SOCKET socket, Text *text);

/* The next frame; NULL when the connection has ended, or what came is no JSON. */
Document *frame_receive(SOCKET socket);

/* A connection on which both sides have shown that they know the secret. On failure *why is a text for people. */
HRESULT server_connect(SOCKET *made, const WCHAR **why);

/* Where this DLL is, with a backslash at the end. */
void module_folder(WCHAR folder[MAX_PATH]);

extern HINSTANCE module_instance;

#endif
