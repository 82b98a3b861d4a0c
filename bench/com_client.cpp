// What a program pays for COM: prints nanoseconds, one figure a line. usage: com_client.exe WHAT COUNT [PORT]
#include <winsock2.h>
#include <windows.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#include "wua.h"

static void check(HRESULT result, const char *what)
{
    if (SUCCEEDED(result))
        return;
    printf("%s 0x%08lX\n", what, (unsigned long)result);
    ExitProcess(3);
}
#define CHECK(call) check(call, #call)

static long long now()
{
    static LARGE_INTEGER frequency;
    LARGE_INTEGER counter;
    if (!frequency.QuadPart)
        QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&counter);
    return counter.QuadPart / frequency.QuadPart * 1000000000 + counter.QuadPart % frequency.QuadPart * 1000000000 / frequency.QuadPart;
}

static std::vector<long long> figures; // told at the end: who reads them is the server's process, too
static IUpdateSession3 *session;
static VARIANT nothing;

static IUpdateCollection *search(const wchar_t *criteria)
{
    IUpdateSearcher *searcher;
    ISearchResult *found;
    IUpdateCollection *updates;
    CHECK(session->CreateUpdateSearcher(&searcher));
    CHECK(searcher->Search(SysAllocString(criteria), &found));
    CHECK(found->get_Updates(&updates));
    found->Release();
    searcher->Release();
    return updates;
}

// A property that may change, so that each reading is a call of the server.
static void reading(int count)
{
    for (int each = 0; each < count; each++) {
        LCID locale;
        long long begin = now();
        CHECK(session->get_UserLocale(&locale));
        figures.push_back(now() - begin);
    }
}

static void reading_constant(int count)
{
    IUpdate *update;
    CHECK(search(L"IsInstalled=0")->get_Item(0, &update));
    for (int each = 0; each < count; each++) {
        BSTR title;
        long long begin = now();
        CHECK(update->get_Title(&title));
        figures.push_back(now() - begin);
        SysFreeString(title);
    }
}

// What a message of that length there and back costs without COM.
static void echoing(int count, int port)
{
    char message[120] = {};
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
    SOCKET to = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons((u_short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(connect(to, (sockaddr *)&address, sizeof address) ? E_FAIL : S_OK, "connect");
    BOOL yes = TRUE;
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, (char *)&yes, sizeof yes);
    for (int each = 0; each < count; each++) {
        long long begin = now();
        send(to, message, sizeof message, 0);
        for (int got = 0; got < (int)sizeof message;) {
            int part = recv(to, message, sizeof message, 0);
            check(part > 0 ? S_OK : E_FAIL, "recv");
            got += part;
        }
        figures.push_back(now() - begin);
    }
}

static VARIANT get(IDispatch *thing, DISPID member)
{
    DISPPARAMS none = {};
    VARIANT value;
    VariantInit(&value);
    CHECK(thing->Invoke(member, IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_PROPERTYGET | DISPATCH_METHOD, &none, &value, nullptr, nullptr));
    return value;
}

static DISPID named(IDispatch *thing, const wchar_t *name)
{
    LPOLESTR names = const_cast<LPOLESTR>(name);
    DISPID member;
    CHECK(thing->GetIDsOfNames(IID_NULL, &names, 1, LOCALE_USER_DEFAULT, &member));
    return member;
}

// As a script does it: an enumerator, and every name looked up each time.
static void listing(int count)
{
    static const wchar_t *properties[] = {L"Title", L"Description", L"Type", L"IsInstalled", L"IsHidden", L"IsDownloaded",
                                          L"IsMandatory", L"MaxDownloadSize", L"MsrcSeverity", L"RebootRequired"};
    for (int each = 0; each < count; each++) {
        IDispatch *updates = search(L"IsInstalled=0");
        int seen = 0;
        long long begin = now();
        VARIANT enumerator = get(updates, DISPID_NEWENUM), update;
        IEnumVARIANT *elements;
        CHECK(V_UNKNOWN(&enumerator)->QueryInterface(IID_PPV_ARGS(&elements)));
        while (elements->Next(1, &update, nullptr) == S_OK) {
            for (const wchar_t *name : properties) {
                VARIANT value = get(V_DISPATCH(&update), named(V_DISPATCH(&update), name));
                VariantClear(&value);
            }
            VariantClear(&update);
            seen++;
        }
        figures.push_back(now() - begin);
        check(seen == 1000 ? S_OK : E_FAIL, "1000 updates");
        elements->Release();
        VariantClear(&enumerator);
        updates->Release();
    }
}

class Completed : public IInstallationCompletedCallback {
public:
    HANDLE called = CreateEvent(nullptr, FALSE, FALSE, nullptr);
    long long at = 0;
    STDMETHOD(QueryInterface)(REFIID iid, void **found) override
    {
        bool known = iid == __uuidof(IUnknown) || iid == __uuidof(IInstallationCompletedCallback);
        *found = known ? this : nullptr;
        return known ? S_OK : E_NOINTERFACE;
    }
    STDMETHOD_(ULONG, AddRef)() override { return 2; }
    STDMETHOD_(ULONG, Release)() override { return 1; }
    STDMETHOD(Invoke)(IInstallationJob *, IInstallationCompletedCallbackArgs *) override
    {
        at = now();
        SetEvent(called);
        return S_OK;
    }
};

// When each Invoke began, installations and removals in turn. The figures are points of time.
static void completing(int count)
{
    static Completed completed;
    IUpdateInstaller *installer;
    CHECK(session->CreateUpdateInstaller(&installer));
    IUpdateCollection *updates = search(L"");
    CHECK(installer->put_Updates(updates));
    for (int each = 0; each < count; each++) {
        IInstallationJob *job;
        if (each % 2)
            CHECK(installer->BeginUninstall(nullptr, &completed, nothing, &job));
        else
            CHECK(installer->BeginInstall(nullptr, &completed, nothing, &job));
        check(WaitForSingleObject(completed.called, 20000) == WAIT_OBJECT_0 ? S_OK : E_FAIL, "Invoke");
        figures.push_back(completed.at);
        CHECK(job->CleanUp());
        job->Release();
    }
}

static void measure(const char *what, int count)
{
    CHECK(CoCreateInstance(__uuidof(WuaUpdateSession), nullptr, CLSCTX_INPROC_SERVER, __uuidof(IUpdateSession3), (void **)&session));
    if (!strcmp(what, "reading"))
        reading(count);
    else if (!strcmp(what, "constant"))
        reading_constant(count);
    else if (!strcmp(what, "listing"))
        listing(count);
    else
        completing(count);
}

int main(int, char **words)
{
    const char *what = words[1];
    int count = atoi(words[2]);
    CHECK(CoInitializeEx(nullptr, COINIT_MULTITHREADED));
    if (!strcmp(what, "echoing"))
        echoing(count, atoi(words[3]));
    else
        measure(what, count);
    for (long long each : figures)
        printf("%lld\n", each);
    return 0;
}
