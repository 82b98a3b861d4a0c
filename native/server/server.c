/* The local server: the DLL's classes for programs that ask for another process. It ends when nobody holds anything. */
#define COBJMACROS
#include <winsock2.h>
#include <windows.h>
#include <objbase.h>

#include "objects.h"

#define UNUSED_FOR 60000 /* milliseconds without a program, after which it ends, too */

STDAPI DllGetClassObject(REFCLSID clsid, REFIID iid, void **found);

/* --- what stays marshalled
 *
 * Wine unregisters an interface of a process when the last object that others see through it goes, and waits there
 * until calls of it have ended. One that ends in that moment is waited for for ever, and no interface can be marshalled
 * meanwhile: every program would stand still. So each interface of this process has one object that never goes.
 */
static const IID *const others[] = {&IID_IDispatch, &IID_IEnumVARIANT, &IID_ISupportErrorInfo, &IID_IClassFactory};

static HRESULT STDMETHODCALLTYPE stay_query(IUnknown *self, REFIID iid, void **found)
{
    int known = IsEqualIID(iid, &IID_IUnknown);
    for (size_t i = 0; i < ARRAYSIZE(others); i++)
        known = known || IsEqualIID(iid, others[i]);
    for (int i = 0; i < interface_count; i++)
        known = known || IsEqualIID(iid, &interfaces[i].iid);
    *found = known ? self : NULL; /* nobody has an address to call it at */
    return known ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE stay_count(IUnknown *self)
{
    (void)self;
    return 1;
}

static IUnknownVtbl stay_vtable = {stay_query, stay_count, stay_count};
static IUnknown stays = {&stay_vtable};

static void keep_marshalled(const IID *iid)
{
    IStream *stream;
    if (FAILED(CreateStreamOnHGlobal(NULL, TRUE, &stream)))
        return;
    CoMarshalInterface(stream, iid, &stays, MSHCTX_LOCAL, NULL, MSHLFLAGS_TABLESTRONG);
    IStream_Release(stream);
}

static void keep_all_marshalled(void)
{
    for (size_t i = 0; i < ARRAYSIZE(others); i++)
        keep_marshalled(others[i]);
    for (int i = 0; i < interface_count; i++)
        keep_marshalled(&interfaces[i].iid);
}

/* --- classes */

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
    keep_all_marshalled();
    for (int i = 0; i < creatable_count; i++)
        if (!offer(&creatables[i].own) || !offer(&creatables[i].original))
            return 1;
    if (FAILED(CoResumeClassObjects()))
        return 1;
    while (WaitForSingleObject(server_ended, UNUSED_FOR) == WAIT_TIMEOUT && objects_alive)
        ;
    return 0;
}
