/* The agent's objects as COM objects: one proxy for each, whatever interfaces it is seen through. */
#ifndef WUA_OBJECTS_H
#define WUA_OBJECTS_H

#include "link.h"
#include <oleauto.h>

#include "tables.h"

typedef struct Face { /* what an interface pointer points at */
    const void *const *vtable;
    struct Object *object;
} Face;

typedef struct Constants { /* properties by name, as the server told them with something else */
    const Json *by_name;
    struct Constants *next;
} Constants;

typedef struct Object {
    LONG references;
    Link *link;
    long long handle;
    long owed; /* how often the server gave the handle */
    const Class *class;
    IUnknown *marshaler;  /* free-threaded; made when asked for */
    Constants *constants; /* what will not change */
    LONG changes;         /* how many calls have changed it, or may have */
    struct Object *next;  /* in its bucket */
    Face errors;          /* ISupportErrorInfo */
    Face faces[];         /* one for each chain of the class */
} Object;

/* How many objects, enumerators and factories programs hold, and locks. */
extern LONG objects_alive;
void alive_more(void);
void alive_less(void);

/* In the local server set when nobody holds anything any more; NULL in the DLL. */
extern HANDLE server_ended;

/* The proxy for a handle that the server has just given, a new one or the one that is there. "told" are properties
 * that will not change, or NULL. */
HRESULT object_of(Link *link, long long handle, const char *class_name, const Json *told, IDispatch **found);

/* The proxy that an interface pointer belongs to; NULL for somebody else's. No new reference. */
Object *object_behind(IUnknown *unknown);

/* Asks the server to do something; "text" ends before the closing brace. The answer's value goes to "value", and
 * what need not be asked again to "about", unless that is NULL. */
HRESULT ask_value(Link *link, Object *about, Text *text, long long id, VARIANT *value, BSTR *why, long *argument);

/* Begins a late-bound call, up to its arguments; its id. */
long long begin_late(Object *object, Text *text, DISPID dispid, WORD flags);

/* A property that was told before; NULL when it must be asked for. */
const Json *constant_of(Object *object, const char *name);

/* After a call that succeeded: callbacks belong to the job that was answered, or are let go of with CleanUp. */
void settle(Object *object, long long request, HRESULT result, int cleans_up, const VARIANT *value);

/* Leaves an error for GetErrorInfo. */
void leave_error(const IID *iid, BSTR why);

/* The stubs of the generated vtables. */
HRESULT STDMETHODCALLTYPE face_query(Face *face, REFIID iid, void **found);
ULONG STDMETHODCALLTYPE face_addref(Face *face);
ULONG STDMETHODCALLTYPE face_release(Face *face);
HRESULT STDMETHODCALLTYPE face_type_count(Face *face, UINT *count);
HRESULT STDMETHODCALLTYPE face_type(Face *face, UINT which, LCID language, ITypeInfo **found);
HRESULT STDMETHODCALLTYPE face_names(Face *face, REFIID iid, LPOLESTR *names, UINT count, LCID language, DISPID *found);
HRESULT STDMETHODCALLTYPE face_invoke(Face *face, DISPID dispid, REFIID iid, LCID language, WORD flags, DISPPARAMS *given,
                                      VARIANT *answer, EXCEPINFO *info, UINT *wrong);
HRESULT member_call(Face *face, int member, const void *const *arguments, void *out);

/* enumerate.c */
HRESULT enumerator_of(Object *collection, IUnknown **made);

/* dispatch.c */
HRESULT type_of(const Class *class, ITypeInfo **found);

#endif
