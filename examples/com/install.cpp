// Install updates in the background through COM, and be told by IInstallationCompletedCallback::Invoke.
//     install.exe [NAME]     all that a search finds, or what has NAME as the first word of its title
// Only documented members of the Windows Update Agent API are used. `make com` shows it at work.
#include <windows.h>
#include <cstdio>
#include <cwchar>
#include "wua.h"

static HANDLE ended;

static int failed(const char *what, HRESULT result)
{
    IErrorInfo *info = nullptr;
    BSTR text = nullptr;
    if (GetErrorInfo(0, &info) == S_OK && info) {
        info->GetDescription(&text);
        info->Release();
    }
    printf("%s: 0x%08lX %ls\n", what, (unsigned long)result, text ? text : L"");
    SysFreeString(text);
    return 1;
}

class Completed : public IInstallationCompletedCallback {
    LONG references = 1;
    IUpdateInstaller *installer;

public:
    explicit Completed(IUpdateInstaller *given) : installer(given) {}
    STDMETHOD(QueryInterface)(REFIID iid, void **found) override
    {
        bool known = iid == __uuidof(IUnknown) || iid == __uuidof(IInstallationCompletedCallback);
        *found = known ? this : nullptr;
        return known ? (AddRef(), S_OK) : E_NOINTERFACE;
    }
    STDMETHOD_(ULONG, AddRef)() override { return InterlockedIncrement(&references); }
    STDMETHOD_(ULONG, Release)() override { return InterlockedDecrement(&references); } // lives in main
    STDMETHOD(Invoke)(IInstallationJob *job, IInstallationCompletedCallbackArgs *) override
    {
        IInstallationResult *result;
        OperationResultCode code = orcNotStarted;
        VARIANT_BOOL restart = VARIANT_FALSE;
        HRESULT done = installer->EndInstall(job, &result);
        if (SUCCEEDED(done)) {
            result->get_ResultCode(&code);
            result->get_RebootRequired(&restart);
            result->Release();
        }
        printf("Invoke: EndInstall 0x%08lX, result %d, restart %d\n", (unsigned long)done, code, restart);
        fflush(stdout);
        SetEvent(ended);
        return done;
    }
};

int wmain(int count, wchar_t **words)
{
    IUpdateSession *session; IUpdateSearcher *searcher; ISearchResult *found; IUpdateCollection *updates, *chosen;
    IUpdateDownloader *downloader; IDownloadResult *downloaded; IUpdateInstaller *installer; IInstallationJob *job;
    LONG total = 0, place;
    CoInitializeEx(nullptr, COINIT_MULTITHREADED);
    ended = CreateEvent(nullptr, TRUE, FALSE, nullptr);
    HRESULT result = CoCreateInstance(__uuidof(UpdateSession), nullptr, CLSCTX_INPROC_SERVER, IID_PPV_ARGS(&session));
    if (FAILED(result))
        return failed("Microsoft.Update.Session", result);
    session->CreateUpdateSearcher(&searcher);
    BSTR criteria = SysAllocString(L"IsInstalled=0 and DeploymentAction=*");
    if (FAILED(result = searcher->Search(criteria, &found)))
        return failed("Search", result);
    found->get_Updates(&updates);
    updates->get_Count(&total);
    CoCreateInstance(__uuidof(UpdateCollection), nullptr, CLSCTX_INPROC_SERVER, IID_PPV_ARGS(&chosen));
    for (LONG i = 0; i < total; i++) {
        IUpdate *update;
        BSTR title;
        updates->get_Item(i, &update);
        update->get_Title(&title);
        size_t length = wcscspn(title, L" ");
        if (count < 2 || (wcslen(words[1]) == length && !wcsncmp(words[1], title, length))) {
            printf("%ls\n", title);
            chosen->Add(update, &place);
        }
    }
    session->CreateUpdateDownloader(&downloader);
    downloader->put_Updates(chosen);
    if (FAILED(result = downloader->Download(&downloaded))) // installing itself never downloads
        return failed("Download", result);
    session->CreateUpdateInstaller(&installer);
    installer->put_Updates(chosen);
    Completed completed(installer);
    VARIANT state;
    VariantInit(&state);
    if (FAILED(result = installer->BeginInstall(nullptr, &completed, state, &job)))
        return failed("BeginInstall", result);
    printf("begun; this program could do something else now\n");
    fflush(stdout);
    WaitForSingleObject(ended, INFINITE);
    return FAILED(result = job->CleanUp()) ? failed("CleanUp", result) : 0;
}
