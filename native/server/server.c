/* The local server: the DLL's classes for programs that ask for another process. It ends when nobody holds anything. */
#include <winsock2.h>
#include <windows.h>
#include <objbase.h>

#include "objects.h"

#define UNUSED_FOR 60000 /* milliseconds without a program, after which it ends, too */

STDAPI DllGetClassObject(REFCLSID clsid, REFIID iid, void **found);

static int offer(const CLSID *clsid)
{
    IUnknown *factory;
    DWORD cookie;
    return SUCCEEDED(DllGetClassObject(clsid, &IID_IUnknown, (void **)&factory)) &&
           SUCCEEDED(CoRegisterClassObject(clsid, factory, CLSCTX_LOCAL_SERVER, REGCLS_MULTIPLEUSE | REGCLS_SUSPENDED, &cookie));
}

int WINAPI wWinMain(HINSTANCE instance, HINSTANCE before, PWSTR words, int show)
{
    (void)before, (void)words, (void)show;
    module_instance = instance;
    server_ended = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!server_ended || FAILED(CoInitializeEx(NULL, COINIT_MULTITHREADED)))
        return 1;
    for (int i = 0; i < creatable_count; i++)
        if (!offer(&creatables[i].own) || !offer(&creatables[i].original))
            return 1;
    if (FAILED(CoResumeClassObjects()))
        return 1;
    while (WaitForSingleObject(server_ended, UNUSED_FOR) == WAIT_TIMEOUT && objects_alive)
        ;
    return 0;
}
