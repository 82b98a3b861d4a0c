/* IEnumVARIANT over a collection: live. It is told some elements at once, and asks again when the program has called
 * the collection meanwhile; nobody else can change it. */
#define COBJMACROS
#include "objects.h"

#include <stdlib.h>

#include "values.h"

#define WU_E_INVALIDINDEX ((HRESULT)0x80240007)
#define AHEAD 31 /* elements that are told with one */

typedef struct Enumerator {
    IEnumVARIANT iface;
    LONG references;
    Object *collection; /* with a reference */
    LONG place;
    SRWLOCK guard;   /* of all that follows */
    SAFEARRAY *told; /* elements from "first" on; NULL for none */
    LONG first, changes; /* of the collection, when they were told */
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
        if (own->told)
            SafeArrayDestroy(own->told);
        face_release(&own->collection->faces[0]);
        free(own);
        alive_less();
    }
    return (ULONG)left;
}

/* Asks for an element with those after it. */
static HRESULT ask(Object *collection, LONG place, SAFEARRAY **told)
{
    Text text = {0};
    VARIANT value;
    BSTR why;
    long long id = begin_late(collection, &text, DISPID_VALUE, DISPATCH_PROPERTYGET);
    text_integer(&text, place);
    text_put(&text, "],\"ahead\":");
    text_integer(&text, AHEAD);
    HRESULT result = ask_value(collection->link, NULL, &text, id, &value, &why, NULL);
    SysFreeString(why);
    if (SUCCEEDED(result) && V_VT(&value) == (VT_ARRAY | VT_VARIANT)) {
        *told = V_ARRAY(&value);
        return S_OK;
    }
    VariantClear(&value);
    return FAILED(result) ? result : E_UNEXPECTED;
}

/* Whether it was told already, and is as it was. */
static int was_told(Enumerator *own, LONG place, VARIANT *value)
{
    LONG last = -1, offset;
    AcquireSRWLockShared(&own->guard);
    if (own->told && own->changes == own->collection->changes)
        SafeArrayGetUBound(own->told, 1, &last);
    offset = place - own->first;
    int found = offset >= 0 && offset <= last && SUCCEEDED(SafeArrayGetElement(own->told, &offset, value));
    ReleaseSRWLockShared(&own->guard);
    return found;
}

/* The guard is not held while the server is asked, for an apartment is served meanwhile. */
static HRESULT element(Enumerator *own, LONG place, VARIANT *value)
{
    SAFEARRAY *told, *before;
    LONG changes = own->collection->changes, first = 0;
    VariantInit(value);
    if (was_told(own, place, value))
        return S_OK;
    HRESULT result = ask(own->collection, place, &told);
    if (FAILED(result))
        return result;
    result = SafeArrayGetElement(told, &first, value);
    AcquireSRWLockExclusive(&own->guard);
    before = own->told;
    own->told = told;
    own->first = place;
    own->changes = changes;
    ReleaseSRWLockExclusive(&own->guard);
    if (before)
        SafeArrayDestroy(before);
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
