/* What COM asks a DLL for: class objects, whether it may go, and its registration. */
#define COBJMACROS
#include "objects.h"

#include "registry.h"
#include "values.h"

#define MOST_FACTORIES 16

typedef struct Factory {
    IClassFactory iface;
    const Creatable *creatable;
} Factory;

static Factory factories[MOST_FACTORIES]; /* live as long as the DLL */

static HRESULT STDMETHODCALLTYPE query(IClassFactory *self, REFIID iid, void **found)
{
    if (!found)
        return E_POINTER;
    *found = NULL;
    if (!IsEqualIID(iid, &IID_IUnknown) && !IsEqualIID(iid, &IID_IClassFactory))
        return E_NOINTERFACE;
    IClassFactory_AddRef(self);
    *found = self;
    return S_OK;
}

static ULONG STDMETHODCALLTYPE addref(IClassFactory *self)
{
    (void)self;
    if (!server_ended) /* which holds its factories itself */
        alive_more();
    return 2;
}

static ULONG STDMETHODCALLTYPE release(IClassFactory *self)
{
    (void)self;
    if (!server_ended)
        alive_less();
    return 1;
}

static HRESULT create(Link *link, const Creatable *creatable, VARIANT *made, BSTR *why)
{
    Text text = {0};
    long long id = link_begin(link, &text, "create");
    text_put(&text, ",\"name\":\"");
    text_put(&text, creatable->name);
    text_put(&text, "\"");
    return ask_value(link, NULL, &text, id, made, why, NULL);
}

static HRESULT STDMETHODCALLTYPE create_instance(IClassFactory *self, IUnknown *outer, REFIID iid, void **made)
{
    Link *link;
    VARIANT value;
    const WCHAR *silent;
    BSTR why = NULL;
    if (!made)
        return E_POINTER;
    *made = NULL;
    if (outer)
        return CLASS_E_NOAGGREGATION;
    HRESULT result = link_open(&link, &silent);
    if (FAILED(result)) {
        why = silent ? SysAllocString(silent) : NULL;
        leave_error(&IID_IClassFactory, why);
        SysFreeString(why);
        return result;
    }
    result = create(link, ((Factory *)self)->creatable, &value, &why);
    if (FAILED(result))
        leave_error(&IID_IClassFactory, why);
    else
        result = V_VT(&value) == VT_DISPATCH && V_DISPATCH(&value) ? IDispatch_QueryInterface(V_DISPATCH(&value), iid, made) : E_UNEXPECTED;
    VariantClear(&value);
    SysFreeString(why);
    link_release(link);
    return result;
}

static HRESULT STDMETHODCALLTYPE lock(IClassFactory *self, BOOL locked)
{
    (void)self;
    if (locked)
        alive_more();
    else
        alive_less();
    return S_OK;
}

static IClassFactoryVtbl factory_vtable = {query, addref, release, create_instance, lock};

STDAPI DllGetClassObject(REFCLSID clsid, REFIID iid, void **found)
{
    if (!found)
        return E_POINTER;
    *found = NULL;
    for (int i = 0; i < creatable_count && i < MOST_FACTORIES; i++)
        if (IsEqualCLSID(clsid, &creatables[i].own) || IsEqualCLSID(clsid, &creatables[i].original)) {
            factories[i].creatable = &creatables[i];
            factories[i].iface.lpVtbl = &factory_vtable;
            return query(&factories[i].iface, iid, found);
        }
    return CLASS_E_CLASSNOTAVAILABLE;
}

/* A DLL that has connected is pinned, whatever this answers. */
STDAPI DllCanUnloadNow(void)
{
    return objects_alive ? S_FALSE : S_OK;
}

STDAPI DllRegisterServer(void)
{
    return registry_change(TRUE, L"");
}

STDAPI DllUnregisterServer(void)
{
    return registry_change(FALSE, L"");
}

/* regsvr32 /n /i:"user original": for this user only; under the names of Windows' own agent too. */
STDAPI DllInstall(BOOL install, LPCWSTR words)
{
    return registry_change(install, words ? words : L"");
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        module_instance = instance;
        DisableThreadLibraryCalls(instance);
    }
    return TRUE;
}
