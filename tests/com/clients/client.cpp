// Early-bound: every kind of argument, QueryInterface, errors, callbacks. usage: client.exe mta|sta SCENARIO
// A line per fact; the test compares them.

#include "client.h"

static bool is_far;
static HANDLE ended;
static IUpdateSession *session;
static IUpdateInstaller *installer;

struct Progress : Installing {
    LONG last = -1;

    Progress() : Installing([this](IInstallationJob *, IInstallationProgressChangedCallbackArgs *args) {
        Ptr<IInstallationProgress> progress;
        CHECK(args->get_Progress(&progress));
        CHECK(progress->get_PercentComplete(&last));
    }) {}
};

struct Completed : Installed {
    bool clean_up = false;
    HRESULT cleaned = E_FAIL, end = E_FAIL;
    OperationResultCode code = orcNotStarted;

    Completed() : Installed([this](IInstallationJob *job, IInstallationCompletedCallbackArgs *) { take(job); }) {}

    void take(IInstallationJob *job)
    {
        Ptr<IInstallationResult> result;
        VARIANT_BOOL completed;
        CHECK(job->get_IsCompleted(&completed));
        end = completed == VARIANT_TRUE ? installer->EndInstall(job, &result) : E_UNEXPECTED;
        if (SUCCEEDED(end))
            CHECK(result->get_ResultCode(&code));
        if (clean_up)
            cleaned = job->CleanUp();
        SetEvent(ended);
    }
};

static void nothing(ISearchJob *, ISearchCompletedCallbackArgs *) {}

static void install(bool freely, bool clean_up)
{
    Ptr<IUpdateCollection> updates;
    Ptr<IInstallationJob> job;
    Progress progress;
    Completed completed;
    VARIANT state;
    search(session, L"IsInstalled=0", &updates);
    CHECK(installer->put_Updates(updates));
    progress.freely = completed.freely = freely;
    completed.clean_up = clean_up;
    completed.answer = E_ACCESSDENIED; // changes nothing
    V_VT(&state) = VT_I2;
    V_I2(&state) = 7;
    CHECK(installer->BeginInstall(&progress, &completed, state, &job));
    bool in_time = wait_for(ended);
    printf("completed %d calls %ld end 0x%08lX cleaned 0x%08lX\n", in_time, completed.calls, (unsigned long)completed.end, (unsigned long)completed.cleaned);
    printf("progress %d last %ld\n", progress.calls > 0, progress.last);
    printf("threads %d %d\n", progress.right_thread, completed.right_thread);
    CHECK(job->get_AsyncState(&state));
    printf("state %d %d\n", V_VT(&state), V_I2(&state));
    HRESULT cleaned = job->CleanUp();
    // In process nothing refers to the callbacks any more; COM itself lets go of what is far away in its own time.
    for (int waits = 0; is_far && completed.references > 1 && waits < 1000; waits++)
        wait_for(nullptr, 10);
    printf("CleanUp 0x%08lX references %ld %ld\n", (unsigned long)cleaned, progress.references, completed.references);
}

// A search without waiting for its end: what is not called cannot be harmed, and CleanUp waits for all of it.
static void searching()
{
    Ptr<IUpdateSearcher> searcher;
    Ptr<ISearchJob> job;
    Ptr<ISearchResult> result, none;
    Found found(nothing);
    VARIANT state;
    VariantInit(&state);
    CHECK(session->CreateUpdateSearcher(&searcher));
    CHECK(searcher->BeginSearch(Text(L"IsInstalled=0"), &found, state, &job));
    CHECK(job->CleanUp());
    printf("search called %ld on its thread %d\n", found.calls, found.right_thread);
    CHECK(searcher->EndSearch(job, &result));
    printf("again 0x%08lX\n", (unsigned long)searcher->EndSearch(job, &none));
}

static void aborting()
{
    Ptr<IUpdateCollection> updates;
    Ptr<IInstallationJob> job;
    OperationResultCode code;
    Completed completed;
    VARIANT state;
    LONG total;
    VariantInit(&state);
    search(session, L"IsInstalled=0", &updates);
    CHECK(installer->put_Updates(updates));
    CHECK(installer->BeginInstall(nullptr, &completed, state, &job));
    CHECK(job->RequestAbort());
    printf("called %d\n", wait_for(ended));
    printf("ended 0x%08lX as %d\n", (unsigned long)completed.end, completed.code);
    Ptr<IUpdateCollection> acted;
    CHECK(job->get_Updates(&acted));
    CHECK(acted->get_Count(&total));
    Ptr<IInstallationProgress> progress;
    Ptr<IUpdateInstallationResult> part;
    CHECK(job->GetProgress(&progress));
    CHECK(progress->GetUpdateResult(total - 1, &part));
    CHECK(part->get_ResultCode(&code));
    printf("of %ld the last %d\n", total, code);
    CHECK(job->CleanUp());
}

// Waits for news only, as many programs do: a call into the apartment that was looked over before is none.
static bool wait_for_news()
{
    while (true) {
        DWORD woken = MsgWaitForMultipleObjects(1, &ended, FALSE, 10000, QS_ALLINPUT);
        if (woken != WAIT_OBJECT_0 + 1)
            return woken == WAIT_OBJECT_0;
        MSG message;
        while (PeekMessageW(&message, nullptr, 0, 0, PM_REMOVE))
            DispatchMessageW(&message);
    }
}

static void waiting_for_news()
{
    Ptr<IUpdateCollection> updates;
    VARIANT state;
    int came = 0, jobs = 0;
    VariantInit(&state);
    search(session, L"IsInstalled=0", &updates);
    CHECK(installer->put_Updates(updates));
    for (; jobs < 150 && came == jobs; jobs++) {
        Ptr<IInstallationJob> job;
        Progress progress;
        Completed completed;
        ResetEvent(ended);
        CHECK(jobs % 2 ? installer->BeginUninstall(&progress, &completed, state, &job) : installer->BeginInstall(&progress, &completed, state, &job));
        CHECK(job->RequestAbort());
        came += wait_for_news();
        CHECK(job->CleanUp());
    }
    printf("came %d of %d\n", came, jobs);
}

static void error_of(const char *what, HRESULT result, IUnknown *object, REFIID iid)
{
    Ptr<ISupportErrorInfo> supports;
    Ptr<IErrorInfo> info;
    Text text, source;
    CHECK(object->QueryInterface(IID_PPV_ARGS(&supports)));
    if (GetErrorInfo(0, &info) == S_OK) {
        info->GetDescription(&text);
        info->GetSource(&source);
    }
    printf("%s 0x%08lX supported %d source %ls text %d\n", what, (unsigned long)result, supports->InterfaceSupportsErrorInfo(iid) == S_OK,
           source.it ? source.it : L"none", SysStringLen(text) > 10);
}

template <class T> static const char *offered(IUnknown *object)
{
    Ptr<T> found;
    return object->QueryInterface(__uuidof(T), (void **)&found) == S_OK ? "yes" : "no";
}

static void values()
{
    Ptr<IUpdateCollection> updates;
    Ptr<IUpdate> update;
    Ptr<IUpdateSearcher> searcher;
    Ptr<ISearchResult> none;
    Ptr<IStringCollection> strings;
    Ptr<IUpdateIdentity> identity;
    Ptr<IUnknown> first, second, enumerator;
    DECIMAL size;
    DATE date;
    VARIANT deadline;
    VARIANT_BOOL flag;
    LONG number;
    Text title, text;
    search(session, L"IsInstalled=0", &updates);
    CHECK(updates->get_Item(0, &update));
    CHECK(update->get_Title(&title));
    CHECK(update->get_MaxDownloadSize(&size));
    CHECK(update->get_LastDeploymentChangeTime(&date));
    CHECK(update->get_Deadline(&deadline));
    CHECK(update->get_IsDownloaded(&flag));
    CHECK(update->get_Identity(&identity));
    CHECK(identity->get_RevisionNumber(&number));
    printf("%ls size %llu scale %d date %d deadline %d downloaded %d revision %ld\n", title.it, (unsigned long long)size.Lo64, size.scale,
           date >= 0, V_VT(&deadline), flag, number);
    printf("offers %s %s %s %s\n", offered<IUpdate5>(update), offered<IUpdateEx>(update), offered<IWindowsDriverUpdate>(update), offered<IDispatch>(update));

    CHECK(update->QueryInterface(IID_IUnknown, (void **)&first));
    Ptr<IUpdate5> newest;
    Ptr<IUpdate> again;
    CHECK(update->QueryInterface(IID_PPV_ARGS(&newest)));
    CHECK(newest->QueryInterface(IID_IUnknown, (void **)&second));
    CHECK(updates->get_Item(0, &again));
    printf("identity %d %d\n", first.it == second.it, again.it == update.it);

    CHECK(CoCreateInstance(__uuidof(StringCollection), nullptr, CLSCTX_INPROC_SERVER, IID_PPV_ARGS(&strings)));
    CHECK(strings->Add(Text(L"Grüße, \"\\ \x20AC \xD83D\xDE00"), &number));
    CHECK(strings->put_Item(0, Text(L"Grüße, \"\\ \x20AC \xD83D\xDE00!")));
    CHECK(strings->get_Item(0, &text));
    printf("string %d at %ld\n", !wcscmp(text, L"Grüße, \"\\ \x20AC \xD83D\xDE00!"), number);
    error_of("index", strings->get_Item(5, &text), strings, __uuidof(IStringCollection));

    // Late-bound with named arguments, an indexed put, and a property-get that is none.
    wchar_t insert[] = L"INSERT", value[] = L"value", index[] = L"index";
    LPOLESTR names[] = {insert, value, index};
    DISPID ids[3], put = DISPID_PROPERTYPUT;
    CHECK(strings->GetIDsOfNames(IID_NULL, names, 3, LOCALE_USER_DEFAULT, ids));
    VARIANT given[2];
    V_VT(&given[0]) = VT_BSTR;
    V_BSTR(&given[0]) = SysAllocString(L"named");
    V_VT(&given[1]) = VT_I2;
    V_I2(&given[1]) = 1;
    DISPPARAMS parameters = {given, &ids[1], 2, 2};
    CHECK(strings->Invoke(ids[0], IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_METHOD, &parameters, nullptr, nullptr, nullptr));
    DISPPARAMS putting = {given, &put, 2, 1};
    CHECK(strings->Invoke(DISPID_VALUE, IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_PROPERTYPUT, &putting, nullptr, nullptr, nullptr));
    HRESULT as_property = strings->Invoke(ids[0], IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_PROPERTYGET, &parameters, nullptr, nullptr, nullptr);
    UINT wrong = 9;
    V_VT(&given[1]) = VT_DISPATCH;
    V_DISPATCH(&given[1]) = strings;
    HRESULT mismatch = strings->Invoke(ids[0], IID_NULL, LOCALE_USER_DEFAULT, DISPATCH_METHOD, &parameters, nullptr, nullptr, &wrong);
    VariantClear(&given[0]);
    Text second_text;
    CHECK(strings->get_Item(1, &second_text));
    printf("late %ls 0x%08lX 0x%08lX of %u\n", second_text.it, (unsigned long)as_property, (unsigned long)mismatch, wrong);

    CHECK(strings->get__NewEnum(&enumerator));
    Ptr<IEnumVARIANT> each;
    CHECK(enumerator->QueryInterface(IID_IEnumVARIANT, (void **)&each));
    VARIANT elements[3];
    ULONG fetched;
    HRESULT next = each->Next(3, elements, &fetched);
    printf("enumerated %ld of 3: 0x%08lX", (long)fetched, (unsigned long)next);
    printf(", then 0x%08lX\n", (unsigned long)each->Next(1, &elements[1], &fetched));
    VariantClear(&elements[0]);

    CHECK(session->CreateUpdateSearcher(&searcher));
    CHECK(searcher->put_Online(VARIANT_FALSE));
    printf("no boolean 0x%08lX\n", (unsigned long)searcher->put_Online(5));
    error_of("criteria", searcher->Search(Text(L"Type=Software"), &none), searcher, __uuidof(IUpdateSearcher));
    printf("null out 0x%08lX\n", (unsigned long)update->get_Title(nullptr));

    Ptr<IUpdateInstaller2> quiet;
    HWND window = (HWND)(LONG_PTR)0x1234, back;
    CHECK(installer->QueryInterface(IID_PPV_ARGS(&quiet)));
    CHECK(quiet->put_ForceQuiet(VARIANT_TRUE));
    CHECK(installer->put_ParentHwnd(window));
    CHECK(installer->get_ParentHwnd(&back));
    printf("window %d\n", window == back);
    Ptr<IUpdateCollection> same;
    CHECK(installer->put_Updates(updates));
    CHECK(installer->get_Updates(&same));
    printf("same %d\n", same.it == updates.it);

    Ptr<ITypeInfo> type;
    TYPEATTR *attributes;
    CHECK(session->GetTypeInfo(0, 0, &type));
    CHECK(type->GetTypeAttr(&attributes));
    printf("type %d\n", attributes->guid == __uuidof(IUpdateSession3));
    type->ReleaseTypeAttr(attributes);
}

// Whoever else lets go of it needs a while, so that CleanUp has something to wait for.
struct Reluctant : Found {
    Reluctant() : Found(nothing) {}
    STDMETHOD_(ULONG, Release)() override
    {
        if (GetCurrentThreadId() != main_thread)
            Sleep(20);
        return Found::Release();
    }
};

static void reluctant()
{
    Ptr<IUpdateSearcher> searcher;
    VARIANT state;
    int fine = 0;
    VariantInit(&state);
    CHECK(session->CreateUpdateSearcher(&searcher));
    for (int round = 0; round < 50; round++) {
        Ptr<ISearchJob> job;
        Reluctant found;
        CHECK(searcher->BeginSearch(Text(L"IsInstalled=0"), &found, state, &job));
        CHECK(job->CleanUp());
        fine += found.calls == 1 && found.references == 1;
        while (found.references > 1)
            Sleep(10);
    }
    printf("fine %d of 50\n", fine);
}

// One apartment of many: a session of its own, a callback of its own.
static DWORD WINAPI one_of_many(void *given)
{
    LONG *fine = (LONG *)given;
    CHECK(CoInitializeEx(nullptr, is_sta ? COINIT_APARTMENTTHREADED : COINIT_MULTITHREADED));
    {
        Ptr<IUpdateSession> own;
        Ptr<IUpdateSearcher> searcher;
        CHECK(CoCreateInstance(__uuidof(WuaUpdateSession), nullptr, CLSCTX_INPROC_SERVER, __uuidof(IUpdateSession), (void **)&own));
        CHECK(own->CreateUpdateSearcher(&searcher));
        for (int round = 0; round < 3; round++) {
            Ptr<ISearchJob> job;
            Ptr<ISearchResult> result;
            Ptr<IUpdateCollection> updates;
            Found found(nothing);
            VARIANT state;
            LONG count;
            VariantInit(&state);
            CHECK(searcher->BeginSearch(Text(L"IsInstalled=0"), &found, state, &job));
            CHECK(job->CleanUp());
            CHECK(searcher->EndSearch(job, &result));
            CHECK(result->get_Updates(&updates));
            CHECK(updates->get_Count(&count));
            if (found.calls == 1 && found.references == 1 && count == 2)
                InterlockedIncrement(fine);
        }
    }
    CoUninitialize();
    return 0;
}

static void many()
{
    HANDLE threads[16];
    LONG fine = 0;
    for (HANDLE &thread : threads)
        thread = CreateThread(nullptr, 0, one_of_many, &fine, 0, nullptr);
    WaitForMultipleObjects(16, threads, TRUE, INFINITE);
    printf("fine %ld of 48\n", fine);
}

// The server ends while a call waits, and another one comes.
static void gone()
{
    Ptr<IUpdateCollection> updates;
    Ptr<IInstallationJob> job;
    Ptr<IInstallationResult> result;
    Ptr<IUpdateSession> other;
    VARIANT state;
    VariantInit(&state);
    search(session, L"IsInstalled=0", &updates);
    CHECK(installer->put_Updates(updates));
    CHECK(installer->BeginInstall(nullptr, nullptr, state, &job));
    fclose(fopen("C:\\begun", "w")); // for the test
    printf("EndInstall 0x%08lX\n", (unsigned long)installer->EndInstall(job, &result));
    error_of("and then", installer->put_Updates(updates), installer, __uuidof(IUpdateInstaller));
    HRESULT anew = E_FAIL;
    for (int tries = 0; FAILED(anew) && tries < 2000; tries++) {
        anew = CoCreateInstance(__uuidof(WuaUpdateSession), nullptr, CLSCTX_INPROC_SERVER, __uuidof(IUpdateSession), (void **)&other);
        Sleep(10);
    }
    printf("anew 0x%08lX\n", (unsigned long)anew);
}

int main(int, char **words)
{
    const char *scenario = words[2];
    is_far = !strncmp(scenario, "local", 5);
    DWORD where = is_far ? CLSCTX_LOCAL_SERVER : CLSCTX_INPROC_SERVER;
    enter(words[1]);
    ended = CreateEvent(nullptr, TRUE, FALSE, nullptr);
    CHECK(CoCreateInstance(__uuidof(WuaUpdateSession), nullptr, where, __uuidof(IUpdateSession), (void **)&session));
    CHECK(session->CreateUpdateInstaller(&installer));
    if (!strcmp(scenario, "values"))
        values();
    else if (!strcmp(scenario, "search"))
        searching();
    else if (!strcmp(scenario, "abort"))
        aborting();
    else if (!strcmp(scenario, "news") || !strcmp(scenario, "local-news"))
        waiting_for_news();
    else if (!strcmp(scenario, "reluctant"))
        reluctant();
    else if (!strcmp(scenario, "many"))
        many();
    else if (!strcmp(scenario, "gone"))
        gone();
    else
        install(!strcmp(scenario, "free"), !strcmp(scenario, "cleanup"));
    installer->Release();
    printf("left %lu\n", session->Release());
    CoUninitialize();
    return 0;
}
