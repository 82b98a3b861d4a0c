// Over real packages, early-bound: search, download, abort, install, uninstall, history.
// usage: cycle.exe mta|sta here|local

#include "client.h"

static HANDLE ended;
static IUpdateSession3 *session;

// A program that waits for its completed callback, and then for the job to let go of it.
template <class Job> static void wait_and_clean_up(Job *job)
{
    if (!wait_for(ended, 60000))
        printf("the completed callback did not come\n");
    ResetEvent(ended);
    CHECK(job->CleanUp());
}

template <class Job, class Args> static LONG percent_of(Args *args)
{
    LONG percent;
    Ptr<Job> progress;
    CHECK(args->get_Progress(&progress));
    CHECK(progress->get_PercentComplete(&percent));
    return percent;
}

template <class Result> static int code_of(Result *result)
{
    OperationResultCode code;
    CHECK(result->get_ResultCode(&code));
    return code;
}

static LONG count_of(const wchar_t *criteria)
{
    LONG count;
    Ptr<IUpdateCollection> updates;
    search(session, criteria, &updates);
    CHECK(updates->get_Count(&count));
    return count;
}

static void download(IUpdateCollection *updates)
{
    Ptr<IUpdateDownloader> downloader;
    Ptr<IDownloadJob> job;
    LONG last = -1;
    int code = 0;
    VARIANT none;
    VariantInit(&none);
    CHECK(session->CreateUpdateDownloader(&downloader));
    CHECK(downloader->put_Updates(updates));
    Downloading progress([&](IDownloadJob *, IDownloadProgressChangedCallbackArgs *args) { last = percent_of<IDownloadProgress>(args); });
    Downloaded completed([&](IDownloadJob *of, IDownloadCompletedCallbackArgs *) {
        Ptr<IDownloadResult> result;
        CHECK(downloader->EndDownload(of, &result));
        code = code_of<IDownloadResult>(result);
        SetEvent(ended);
    });
    CHECK(downloader->BeginDownload(&progress, &completed, none, &job));
    wait_and_clean_up<IDownloadJob>(job);
    printf("downloaded %d progress %ld completed %ld\n", code, last, completed.calls);
}

static void install(IUpdateCollection *updates, bool abort)
{
    Ptr<IUpdateInstaller> installer;
    Ptr<IInstallationJob> job;
    LONG last = -1;
    int code = 0;
    VARIANT none;
    VariantInit(&none);
    CHECK(session->CreateUpdateInstaller(&installer));
    CHECK(installer->put_Updates(updates));
    Installing progress([&](IInstallationJob *, IInstallationProgressChangedCallbackArgs *args) { last = percent_of<IInstallationProgress>(args); });
    Installed completed([&](IInstallationJob *of, IInstallationCompletedCallbackArgs *) {
        Ptr<IInstallationResult> result;
        CHECK(installer->EndInstall(of, &result));
        code = code_of<IInstallationResult>(result);
        SetEvent(ended);
    });
    CHECK(installer->BeginInstall(&progress, &completed, none, &job));
    if (abort)
        CHECK(job->RequestAbort());
    wait_and_clean_up<IInstallationJob>(job);
    if (abort)
        printf("aborted %d completed %ld installed %ld\n", code, completed.calls, count_of(L"IsInstalled=1 and Name='editor'"));
    else
        printf("installed %d progress %ld completed %ld\n", code, last, completed.calls);
}

static void uninstall()
{
    Ptr<IUpdateInstaller> installer;
    Ptr<IUpdateCollection> updates;
    Ptr<IInstallationResult> result;
    search(session, L"IsInstalled=1 and Name='editor'", &updates);
    CHECK(session->CreateUpdateInstaller(&installer));
    CHECK(installer->put_Updates(updates));
    CHECK(installer->Uninstall(&result));
    printf("removed %d\n", code_of<IInstallationResult>(result));
}

static void tell_history()
{
    Ptr<IUpdateSearcher> searcher;
    Ptr<IUpdateHistoryEntryCollection> entries;
    LONG count;
    CHECK(session->CreateUpdateSearcher(&searcher));
    CHECK(searcher->GetTotalHistoryCount(&count));
    CHECK(searcher->QueryHistory(0, count, &entries));
    for (LONG i = 0; i < count; i++) {
        Ptr<IUpdateHistoryEntry> entry;
        Text title, client;
        UpdateOperation operation;
        CHECK(entries->get_Item(i, &entry));
        CHECK(entry->get_Title(&title));
        CHECK(entry->get_ClientApplicationID(&client));
        CHECK(entry->get_Operation(&operation));
        printf("history %ls %d %d %ls\n", title.it, operation, code_of<IUpdateHistoryEntry>(entry), client.it);
    }
}

int main(int, char **words)
{
    DWORD where = !strcmp(words[2], "local") ? CLSCTX_LOCAL_SERVER : CLSCTX_INPROC_SERVER;
    enter(words[1]);
    ended = CreateEvent(nullptr, TRUE, FALSE, nullptr);
    CHECK(CoCreateInstance(__uuidof(UpdateSession), nullptr, where, __uuidof(IUpdateSession3), (void **)&session));
    CHECK(session->put_ClientApplicationID(Text(L"cycle")));
    {
        Ptr<IUpdateCollection> updates;
        LONG count;
        search(session, L"IsInstalled=0 and DeploymentAction=*", &updates);
        CHECK(updates->get_Count(&count));
        for (LONG i = 0; i < count; i++) {
            Ptr<IUpdate> update;
            Text title;
            CHECK(updates->get_Item(i, &update));
            CHECK(update->get_Title(&title));
            printf("found %ls\n", title.it);
        }
        download(updates);
        install(updates, true);
        install(updates, false);
    }
    uninstall();
    tell_history();
    session->Release();
    CoUninitialize();
    return 0;
}
