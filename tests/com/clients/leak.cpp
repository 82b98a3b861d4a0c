// Many jobs, each with callbacks: nothing may be left of them. usage: leak.exe JOBS...
// After so many jobs each it says what the process holds, makes C:\measure and goes on when that is gone.

#include "client.h"
#include <winternl.h>
#include <algorithm>
#include <vector>

enum { SEARCHERS = 3, OF_INSTALLATIONS = 25 }; // one of so many jobs installs or uninstalls

static IUpdateSession *session;
static LONG left, searches, installations, missed, kept;

static void search_once(IUpdateSearcher *searcher)
{
    Ptr<ISearchJob> job;
    Ptr<ISearchResult> result;
    VARIANT none;
    VariantInit(&none);
    {
        Found found([](ISearchJob *, ISearchCompletedCallbackArgs *) {});
        CHECK(searcher->BeginSearch(Text(L"IsInstalled=0"), &found, none, &job));
        CHECK(job->CleanUp());
        InterlockedAdd(&missed, found.calls != 1);
        InterlockedAdd(&kept, found.references - 1);
    }
    CHECK(searcher->EndSearch(job, &result));
    InterlockedIncrement(&searches);
}

static DWORD WINAPI search_on(void *)
{
    CHECK(CoInitializeEx(nullptr, COINIT_MULTITHREADED));
    {
        Ptr<IUpdateSearcher> searcher;
        CHECK(session->CreateUpdateSearcher(&searcher));
        while (InterlockedDecrement(&left) >= 0)
            search_once(searcher);
    }
    CoUninitialize();
    return 0;
}

// There and back again; a callback of each kind.
static void install_once(IUpdateInstaller *installer, bool back)
{
    Ptr<IUpdateCollection> updates;
    Ptr<IInstallationJob> job;
    VARIANT none;
    OperationResultCode code = orcNotStarted;
    VariantInit(&none);
    search(session, back ? L"IsInstalled=1" : L"IsInstalled=0", &updates);
    CHECK(installer->put_Updates(updates));
    Installing progress([](IInstallationJob *, IInstallationProgressChangedCallbackArgs *args) {
        Ptr<IInstallationProgress> progress;
        CHECK(args->get_Progress(&progress));
    });
    Installed completed([&](IInstallationJob *of, IInstallationCompletedCallbackArgs *) {
        Ptr<IInstallationResult> result;
        CHECK(back ? installer->EndUninstall(of, &result) : installer->EndInstall(of, &result));
        CHECK(result->get_ResultCode(&code));
    });
    CHECK(back ? installer->BeginUninstall(&progress, &completed, none, &job) : installer->BeginInstall(&progress, &completed, none, &job));
    CHECK(job->CleanUp());
    InterlockedAdd(&missed, completed.calls != 1 || progress.calls < 1 || code != orcSucceeded);
    InterlockedAdd(&kept, completed.references + progress.references - 2);
    InterlockedIncrement(&installations);
}

static void round_of(LONG jobs)
{
    HANDLE threads[SEARCHERS];
    LONG installing = jobs / OF_INSTALLATIONS & ~1; // even, for what is installed is taken away again
    left = jobs - installing;
    for (HANDLE &thread : threads)
        thread = CreateThread(nullptr, 0, search_on, nullptr, 0, nullptr);
    Ptr<IUpdateInstaller> installer;
    CHECK(session->CreateUpdateInstaller(&installer));
    for (LONG i = 0; i < installing; i++)
        install_once(installer, i % 2);
    WaitForMultipleObjects(SEARCHERS, threads, TRUE, INFINITE);
    for (HANDLE thread : threads)
        CloseHandle(thread);
}

// GetProcessHandleCount answers 0 in Wine.
static int handles()
{
    struct Handles { ULONG count; struct { ULONG owner; BYTE type, flags; USHORT value; PVOID object; ULONG access; } each[1]; };
    std::vector<BYTE> answer(1 << 16);
    while (NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)16, answer.data(), answer.size(), nullptr) < 0 && answer.size() < 1 << 26)
        answer.resize(answer.size() * 2);
    const Handles *all = (const Handles *)answer.data();
    int own = 0;
    for (ULONG i = 0; i < all->count; i++)
        own += all->each[i].owner == GetCurrentProcessId();
    return own;
}

// The last round's threads and callbacks are let go of meanwhile, and hold some until they are.
static int handles_at_rest()
{
    int fewest = handles();
    for (int look = 0; look < 40; look++) {
        Sleep(50);
        fewest = std::min(fewest, handles());
    }
    return fewest;
}

static void measure()
{
    printf("searches %ld installations %ld missed %ld references %ld\n", searches, installations, missed, kept);
    printf("handles %d\n", handles_at_rest());
    fclose(fopen("C:\\measure", "w"));
    while (GetFileAttributesW(L"C:\\measure") != INVALID_FILE_ATTRIBUTES)
        Sleep(10);
}

int main(int count, char **words)
{
    enter("mta");
    CHECK(CoCreateInstance(__uuidof(UpdateSession), nullptr, CLSCTX_INPROC_SERVER, __uuidof(IUpdateSession), (void **)&session));
    for (int i = 1; i < count; i++) {
        round_of(atol(words[i]));
        measure();
    }
    printf("left %lu\n", session->Release());
    CoUninitialize();
    return 0;
}
