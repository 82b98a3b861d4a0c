/* IEnumVARIANT over a collection: live, as it asks for one element after another. */
#define COBJMACROS
#include "objects.h"

#include <stdlib.h>

#include "values.h"

#define WU_E_INVALIDINDEX ((HRESULT)0x80240007)

typedef struct Enumerator {
    IEnumVARIANT iface;
    LONG references;
    Object *collection; /* with a reference */
    LONG place;
} Enumerator;

static HRESULT make(Object *collection, LONG place, IEnumVARIANT **made);

static HRESULT STDMETHODCALLTYPE query(IEnumVARIANT *self, REFIID iid, void **found)
{
    if (!found)
        return E_POINTER;
    *found = NULL;
    if (!IsEqualIID(iid, &IID_IUnknown) && !IsEqualIID(iid, &IID_IEnumVARIANT))
        return E_NOINTERFACE;
    IEnumVARIANT_AddRef(self);
    *found = self;
    return S_OK;
}

static ULONG STDMETHODCALLTYPE addref(IEnumVARIANT *self)
{
    return (ULONG)InterlockedIncrement(&((Enumerator *)self)->references);
}

static ULONG STDMETHODCALLTYPE release(IEnumVARIANT *self)
{
    Enumerator *own = (Enumerator *)self;
    LONG left = InterlockedDecrement(&own->references);
    if (!left) {
        face_release(&own->collection->faces[0]);
        free(own);
        alive_less();
    }
    return (ULONG)left;
}

static HRESULT element(Enumerator *own, LONG place, VARIANT *value)
{
    VARIANT index, got;
    DISPPARAMS parameters = {&index, NULL, 1, 0};
    EXCEPINFO info = {0};
    V_VT(&index) = VT_I4;
    V_I4(&index) = place;
    VariantInit(&got);
    HRESULT result = face_invoke(&own->collection->faces[0], DISPID_VALUE, &IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_PROPERTYGET,
                                 &parameters, &got, &info, NULL);
    SysFreeString(info.bstrSource);
    SysFreeString(info.bstrDescription);
    if (result == DISP_E_EXCEPTION)
        result = info.scode;
    if (SUCCEEDED(result))
        *value = got;
    return result;
}

static HRESULT STDMETHODCALLTYPE next(IEnumVARIANT *self, ULONG wanted, VARIANT *values, ULONG *fetched)
{
    Enumerator *own = (Enumerator *)self;
    HRESULT result = S_OK;
    ULONG count = 0;
    if (fetched)
        *fetched = 0;
    if (!values || (wanted > 1 && !fetched))
        return E_POINTER;
    while (count < wanted && SUCCEEDED(result = element(own, own->place, &values[count]))) {
        InterlockedIncrement(&own->place);
        count++;
    }
    if (fetched)
        *fetched = count;
    return SUCCEEDED(result) ? S_OK : result == WU_E_INVALIDINDEX || count ? S_FALSE : result;
}

static HRESULT STDMETHODCALLTYPE skip(IEnumVARIANT *self, ULONG count)
{
    Enumerator *own = (Enumerator *)self;
    for (; count; count--) {
        VARIANT passed;
        HRESULT result = element(own, own->place, &passed);
        if (FAILED(result))
            return result == WU_E_INVALIDINDEX ? S_FALSE : result;
        VariantClear(&passed);
        InterlockedIncrement(&own->place);
    }
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE reset(IEnumVARIANT *self)
{
    ((Enumerator *)self)->place = 0;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE copy(IEnumVARIANT *self, IEnumVARIANT **made)
{
    Enumerator *own = (Enumerator *)self;
    return made ? make(own->collection, own->place, made) : E_POINTER;
}

static IEnumVARIANTVtbl vtable = {query, addref, release, next, skip, reset, copy};

static HRESULT make(Object *collection, LONG place, IEnumVARIANT **made)
{
    Enumerator *own = calloc(1, sizeof *own);
    *made = NULL;
    if (!own)
        return E_OUTOFMEMORY;
    own->iface.lpVtbl = &vtable;
    own->references = 1;
    own->collection = collection;
    own->place = place;
    face_addref(&collection->faces[0]);
    alive_more();
    *made = &own->iface;
    return S_OK;
}

HRESULT enumerator_of(Object *collection, IUnknown **made)
{
    return make(collection, 0, (IEnumVARIANT **)made);
}
