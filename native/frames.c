#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 0x40000000u
#define SECRET_LENGTH 64

HINSTANCE module_instance;

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

int frame_send(SOCKET socket, Text *text)
{
    if (text->failed)
        return 0;
    unsigned int size = (unsigned int)text->length - FRAME_HEAD;
    for (int i = 0; i < FRAME_HEAD; i++)
        text->data[i] = (char)(size >> (24 - 8 * i));
    return send_all(socket, text->data, text->length);
}

Document *frame_receive(SOCKET socket)
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
    text_bytes(&hello, "\0\0\0\0", FRAME_HEAD);
    text_put(&hello, "{\"secret\":\"");
    text_put(&hello, address->client);
    text_put(&hello, "\"}");
    int sent = frame_send(socket, &hello);
    text_free(&hello);
    Document *answer = sent ? frame_receive(socket) : NULL;
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

HRESULT server_connect(SOCKET *made, const WCHAR **why)
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
    *made = connect_to(&address);
    if (*made == INVALID_SOCKET) {
        *why = L"wua's COM server does not answer on its port. `wua com serve` starts it.";
        return HRESULT_FROM_WIN32(RPC_S_SERVER_UNAVAILABLE);
    }
    return S_OK;
}
