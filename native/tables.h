/* The object model as tables; tables.c is generated from the one declaration that the Python side has too. */
#ifndef WUA_TABLES_H
#define WUA_TABLES_H

#include <winsock2.h>
#include <windows.h>

typedef enum Type {
    T_VOID, T_BSTR, T_BOOL, T_LONG, T_HWND, T_VARIANT, T_UNKNOWN, T_DATE, T_DECIMAL, T_OBJECT,
    T_STATE /* a VARIANT that stays with the program and comes back as it was */
} Type;

#define MOST_PARAMETERS 4

typedef struct Interface {
    const char *name;
    IID iid;
    short base; /* index of another one, or -1 */
} Interface;

typedef struct Member { /* one slot of one interface */
    const char *name;
    short owner;        /* index of its interface */
    short slot;
    short count; /* of parameters that the caller gives */
    Type types[MOST_PARAMETERS];
    Type returns;
    short interface_; /* of T_OBJECT, what is returned */
    short cleans_up;  /* CleanUp of a job */
} Member;

typedef struct Name { /* one name of a class, as late binding finds it */
    const WCHAR *name;
    DISPID dispid;
    const WCHAR *const *parameters; /* in order, NULL at the end */
} Name;

typedef struct Chain { /* an interface with all that it inherits, and the vtable of it */
    short newest;
    const void *const *vtable;
} Chain;

typedef struct Class {
    const char *name;
    const Chain *chains; /* the first one is IDispatch */
    int chain_count;
    const Name *names;
    int name_count;
} Class;

typedef struct Creatable {
    const char *name;
    const WCHAR *progid; /* without what stands before it: L"Session" */
    CLSID own, original;
} Creatable;

extern const Interface interfaces[];
extern const int interface_count;
extern const Member members[];
extern const Class classes[];
extern const int class_count;
extern const Creatable creatables[];
extern const int creatable_count;
extern const GUID library_id;
#define LIBRARY_MAJOR 2
#define LIBRARY_MINOR 0

#endif
