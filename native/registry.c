#include "registry.h"

#include <objbase.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "link.h"
#include "tables.h"

#define BEFORE L"wua.before" /* the value that keeps what a key's default value was */
#define NAMES L"wua.names"   /* at the type library: "own" or "original" */
#define MARSHALER L"{00020424-0000-0000-C000-000000000046}" /* of Automation, by type library */
#define ROOT L"Software\\Classes\\"

#ifdef _WIN64
#define SYSTEM L"win64"
#else
#define SYSTEM L"win32"
#endif

typedef struct Entry {
    REGSAM view;
    WCHAR path[160];
    const WCHAR *name; /* NULL for the default value */
    WCHAR value[MAX_PATH];
} Entry;

typedef struct Plan {
    HKEY hive;
    REGSAM view; /* of keys that 64-bit and 32-bit programs have apart: 0 for programs of this DLL's kind */
    Entry *entries;
    size_t count, room;
    WCHAR dll[MAX_PATH], exe[MAX_PATH], folder[MAX_PATH];
    int failed;
} Plan;

static void add(Plan *plan, const WCHAR *name, const WCHAR *value, const WCHAR *format, ...)
{
    if (plan->count == plan->room) {
        size_t room = plan->room ? plan->room * 2 : 512;
        Entry *grown = realloc(plan->entries, room * sizeof *grown);
        if (!grown) {
            plan->failed = 1;
            return;
        }
        plan->entries = grown;
        plan->room = room;
    }
    Entry *entry = &plan->entries[plan->count++];
    entry->view = plan->view;
    va_list arguments;
    va_start(arguments, format);
    wcscpy(entry->path, ROOT);
    vswprintf(entry->path + wcslen(ROOT), 160 - wcslen(ROOT), format, arguments);
    va_end(arguments);
    entry->name = name;
    wcsncpy(entry->value, value, MAX_PATH - 1);
    entry->value[MAX_PATH - 1] = 0;
}

static void guid_text(REFGUID guid, WCHAR text[40])
{
    StringFromGUID2(guid, text, 40);
}

/* Somebody else's registration of an interface serves as well; only what the original names bring is replaced. */
static int is_foreign(Plan *plan, const WCHAR *id, const WCHAR *library)
{
    HKEY key;
    WCHAR path[160], found[40];
    DWORD size = sizeof found;
    swprintf(path, 160, ROOT L"Interface\\%ls\\TypeLib", id);
    if (RegOpenKeyExW(plan->hive, path, 0, KEY_READ | plan->view, &key))
        return 0;
    LONG failed = RegGetValueW(key, NULL, NULL, RRF_RT_REG_SZ, NULL, found, &size);
    RegCloseKey(key);
    return !failed && wcscmp(found, library);
}

static void plan_names(Plan *plan, const WCHAR *id, const WCHAR *progid)
{
    add(plan, NULL, L"Updates by wua", L"%ls", progid);
    add(plan, NULL, id, L"%ls\\CLSID", progid);
    add(plan, NULL, L"Updates by wua", L"%ls.1", progid);
    add(plan, NULL, id, L"%ls.1\\CLSID", progid);
}

static void plan_class(Plan *plan, const Creatable *creatable, const CLSID *clsid, const WCHAR *vendor, int named)
{
    WCHAR id[40], library[40], progid[80];
    guid_text(clsid, id);
    guid_text(&library_id, library);
    swprintf(progid, 80, L"%ls.%ls", vendor, creatable->progid);
    add(plan, NULL, progid, L"CLSID\\%ls", id);
    add(plan, NULL, plan->dll, L"CLSID\\%ls\\InprocServer32", id);
    add(plan, L"ThreadingModel", L"Both", L"CLSID\\%ls\\InprocServer32", id);
    if (GetFileAttributesW(plan->exe) != INVALID_FILE_ATTRIBUTES)
        add(plan, NULL, plan->exe, L"CLSID\\%ls\\LocalServer32", id);
    add(plan, NULL, progid, L"CLSID\\%ls\\VersionIndependentProgID", id);
    add(plan, NULL, library, L"CLSID\\%ls\\TypeLib", id);
    if (named)
        plan_names(plan, id, progid);
    wcscat(progid, L".1");
    add(plan, NULL, progid, L"CLSID\\%ls\\ProgID", id);
}

static void plan_library(Plan *plan)
{
    WCHAR id[40];
    guid_text(&library_id, id);
    add(plan, NULL, L"wua's object model", L"TypeLib\\%ls\\2.0", id);
    add(plan, NULL, plan->dll, L"TypeLib\\%ls\\2.0\\0\\" SYSTEM, id);
    add(plan, NULL, L"0", L"TypeLib\\%ls\\2.0\\FLAGS", id);
    add(plan, NULL, plan->folder, L"TypeLib\\%ls\\2.0\\HELPDIR", id);
}

/* Without these an apartment's callback cannot be reached, nor anything from another process. */
static void plan_interface(Plan *plan, const Interface *interface_, int original)
{
    WCHAR id[40], library[40], name[80];
    guid_text(&interface_->iid, id);
    guid_text(&library_id, library);
    if (!original && is_foreign(plan, id, library))
        return;
    swprintf(name, 80, L"%hs", interface_->name);
    add(plan, NULL, name, L"Interface\\%ls", id);
    add(plan, NULL, MARSHALER, L"Interface\\%ls\\ProxyStubClsid32", id);
    add(plan, NULL, library, L"Interface\\%ls\\TypeLib", id);
    add(plan, L"Version", L"2.0", L"Interface\\%ls\\TypeLib", id);
}

static LONG write_entry(const Plan *plan, const Entry *entry)
{
    HKEY key;
    DWORD disposition, size = sizeof(WCHAR) * MAX_PATH;
    WCHAR old[MAX_PATH];
    REGSAM access = KEY_READ | KEY_WRITE | entry->view;
    LONG failed = RegCreateKeyExW(plan->hive, entry->path, 0, NULL, 0, access, NULL, &key, &disposition);
    if (failed)
        return failed;
    if (!entry->name && disposition == REG_OPENED_EXISTING_KEY && RegQueryValueExW(key, BEFORE, NULL, NULL, NULL, NULL) &&
        !RegGetValueW(key, NULL, NULL, RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND, NULL, old, &size))
        RegSetValueExW(key, BEFORE, 0, REG_SZ, (const BYTE *)old, (DWORD)(wcslen(old) + 1) * sizeof(WCHAR));
    failed = RegSetValueExW(key, entry->name, 0, REG_SZ, (const BYTE *)entry->value,
                            (DWORD)(wcslen(entry->value) + 1) * sizeof(WCHAR));
    RegCloseKey(key);
    return failed;
}

static void remove_entry(const Plan *plan, const Entry *entry)
{
    HKEY key;
    WCHAR value[MAX_PATH];
    DWORD size = sizeof value;
    if (entry->name || RegOpenKeyExW(plan->hive, entry->path, 0, KEY_READ | KEY_WRITE | entry->view, &key))
        return;
    LONG restored = RegGetValueW(key, NULL, BEFORE, RRF_RT_REG_SZ, NULL, value, &size);
    if (!restored) {
        RegSetValueExW(key, NULL, 0, REG_SZ, (const BYTE *)value, size);
        RegDeleteValueW(key, BEFORE);
    }
    size = sizeof value;
    int ours = restored && !RegGetValueW(key, NULL, NULL, RRF_RT_REG_SZ, NULL, value, &size) && !wcscmp(value, entry->value);
    RegCloseKey(key);
    if (ours)
        RegDeleteKeyExW(plan->hive, entry->path, entry->view, 0); /* stays where others have keys below it */
}

static void plan_view(Plan *plan, int original, int named)
{
    for (int i = 0; i < interface_count; i++)
        plan_interface(plan, &interfaces[i], original);
    for (int i = 0; i < creatable_count; i++) {
        plan_class(plan, &creatables[i], &creatables[i].own, L"Wua.Update", named);
        if (original)
            plan_class(plan, &creatables[i], &creatables[i].original, L"Microsoft.Update", named);
    }
}

#ifdef _WIN64
/* Windows has one set of ProgIDs for all programs; Wine 8 has another for 32-bit ones. */
static int shares_names(const Plan *plan)
{
    HKEY key;
    const WCHAR *path = ROOT L"wua.probe";
    if (RegCreateKeyExW(plan->hive, path, 0, NULL, REG_OPTION_VOLATILE, KEY_WRITE, NULL, &key, NULL))
        return 1;
    RegCloseKey(key);
    int shared = !RegOpenKeyExW(plan->hive, path, 0, KEY_READ | KEY_WOW64_32KEY, &key);
    if (shared)
        RegCloseKey(key);
    RegDeleteKeyW(plan->hive, path);
    return shared;
}

/* The DLL for 32-bit programs, where it lies beside this one. */
static void plan_other(Plan *plan, int original)
{
    WCHAR id[40];
    swprintf(plan->dll, MAX_PATH, L"%lswuacom32.dll", plan->folder);
    if (GetFileAttributesW(plan->dll) == INVALID_FILE_ATTRIBUTES)
        return;
    guid_text(&library_id, id);
    add(plan, NULL, plan->dll, L"TypeLib\\%ls\\2.0\\0\\win32", id);
    plan->view = KEY_WOW64_32KEY;
    plan_view(plan, original, !shares_names(plan));
}
#endif

static void make_plan(Plan *plan, int original)
{
    GetModuleFileNameW(module_instance, plan->dll, MAX_PATH);
    module_folder(plan->folder);
    swprintf(plan->exe, MAX_PATH, L"%lswuacom.exe", plan->folder);
    plan_library(plan);
    plan_view(plan, original, 1);
#ifdef _WIN64
    plan_other(plan, original);
#endif
}

/* Which names the registration that is there has: 1 with the original ones, 0 without, -1 for none. */
static int registered(const Plan *plan, WCHAR path[160])
{
    WCHAR id[40], words[16];
    DWORD size = sizeof words;
    guid_text(&library_id, id);
    swprintf(path, 160, ROOT L"TypeLib\\%ls\\2.0", id);
    if (RegGetValueW(plan->hive, path, NAMES, RRF_RT_REG_SZ, NULL, words, &size))
        return -1;
    return !wcscmp(words, L"original");
}

static LONG install(Plan *plan, int original) /* on what uninstall left */
{
    WCHAR path[160];
    LONG failed = 0;
    const WCHAR *words = original ? L"original" : L"own";
    registered(plan, path);
    make_plan(plan, original);
    if (plan->failed)
        return ERROR_OUTOFMEMORY;
    for (size_t i = 0; i < plan->count && !failed; i++)
        failed = write_entry(plan, &plan->entries[i]);
    if (!failed)
        failed = RegSetKeyValueW(plan->hive, path, NAMES, REG_SZ, words, (DWORD)(wcslen(words) + 1) * sizeof(WCHAR));
    return failed;
}

static LONG uninstall(Plan *plan)
{
    WCHAR path[160];
    int original = registered(plan, path);
    if (original < 0)
        return 0;
    make_plan(plan, original);
    for (size_t i = plan->count; !plan->failed && i; i--)
        remove_entry(plan, &plan->entries[i - 1]);
    *wcsrchr(path, '\\') = 0;
    RegDeleteTreeW(plan->hive, path); /* the library's own, with the note of what is registered */
    return plan->failed ? ERROR_OUTOFMEMORY : 0;
}

HRESULT registry_change(BOOL wanted, const WCHAR *words)
{
    HKEY hive = wcsstr(words, L"user") ? HKEY_CURRENT_USER : HKEY_LOCAL_MACHINE;
    Plan before = {.hive = hive}, after = {.hive = hive};
    LONG failed = uninstall(&before);
    if (wanted && !failed)
        failed = install(&after, wcsstr(words, L"original") != NULL);
    free(before.entries);
    free(after.entries);
    return HRESULT_FROM_WIN32(failed);
}
