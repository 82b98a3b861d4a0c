// What the C++ clients share: checked calls, owners, how a thread of an apartment waits, callbacks.
#include <windows.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <functional>
#include "wua.h"

#define CHECK(call) checked(call, #call)

inline HRESULT checked(HRESULT result, const char *what)
{
    if (FAILED(result)) {
        printf("failed: %s 0x%08lX\n", what, (unsigned long)result);
        fflush(stdout);
        ExitProcess(3);
    }
    return result;
}

template <class T> struct Ptr {
    T *it = nullptr;
    ~Ptr() { if (it) it->Release(); }
    T **operator&() { return &it; }
    T *operator->() const { return it; }
    operator T *() const { return it; }
};

struct Text {
    BSTR it;
    explicit Text(const wchar_t *text = nullptr) : it(SysAllocString(text)) {}
    ~Text() { SysFreeString(it); }
    BSTR *operator&() { return &it; }
    operator BSTR() const { return it; }
};

inline bool is_sta;
inline DWORD main_thread;

inline void enter(const char *apartment)
{
    is_sta = !strcmp(apartment, "sta");
    main_thread = GetCurrentThreadId();
    CHECK(CoInitializeEx(nullptr, is_sta ? COINIT_APARTMENTTHREADED : COINIT_MULTITHREADED));
}

// Waits as a program of its apartment should: an STA serves its messages meanwhile, also those that came before.
inline bool wait_for(HANDLE event, DWORD most = 20000)
{
    for (ULONGLONG limit = GetTickCount64() + most; GetTickCount64() < limit;) {
        DWORD woken = MsgWaitForMultipleObjectsEx(!!event, &event, most, is_sta ? QS_ALLINPUT : 0, MWMO_INPUTAVAILABLE);
        if (event && woken == WAIT_OBJECT_0)
            return true;
        MSG message;
        while (PeekMessageW(&message, nullptr, 0, 0, PM_REMOVE))
            DispatchMessageW(&message);
    }
    return false;
}

// Counts its calls and its references, and does in a call what it was made for. Its maker owns it.
template <class Interface, class Job, class Args> class Callback : public Interface {
    std::function<void(Job *, Args *)> act;
    IUnknown *marshaler = nullptr;

public:
    LONG references = 1, calls = 0;
    HRESULT answer = S_OK;
    bool right_thread = true, freely = false;

    explicit Callback(std::function<void(Job *, Args *)> given) : act(given) {}

    STDMETHOD(QueryInterface)(REFIID iid, void **found) override
    {
        if (freely && iid == IID_IMarshal) {
            if (!marshaler)
                CoCreateFreeThreadedMarshaler(this, &marshaler);
            return marshaler->QueryInterface(iid, found);
        }
        bool known = iid == IID_IUnknown || iid == __uuidof(Interface);
        *found = known ? this : nullptr;
        return known ? (this->AddRef(), S_OK) : E_NOINTERFACE;
    }
    STDMETHOD_(ULONG, AddRef)() override { return InterlockedIncrement(&references); }
    STDMETHOD_(ULONG, Release)() override { return InterlockedDecrement(&references); }
    STDMETHOD(Invoke)(Job *job, Args *args) override
    {
        calls++;
        right_thread = right_thread && (GetCurrentThreadId() == main_thread) == (is_sta && !freely);
        act(job, args);
        return answer;
    }
};

using Found = Callback<ISearchCompletedCallback, ISearchJob, ISearchCompletedCallbackArgs>;
using Downloading = Callback<IDownloadProgressChangedCallback, IDownloadJob, IDownloadProgressChangedCallbackArgs>;
using Downloaded = Callback<IDownloadCompletedCallback, IDownloadJob, IDownloadCompletedCallbackArgs>;
using Installing = Callback<IInstallationProgressChangedCallback, IInstallationJob, IInstallationProgressChangedCallbackArgs>;
using Installed = Callback<IInstallationCompletedCallback, IInstallationJob, IInstallationCompletedCallbackArgs>;

inline void search(IUpdateSession *session, const wchar_t *criteria, IUpdateCollection **updates)
{
    Ptr<IUpdateSearcher> searcher;
    Ptr<ISearchResult> found;
    CHECK(session->CreateUpdateSearcher(&searcher));
    CHECK(searcher->Search(Text(criteria), &found));
    CHECK(found->get_Updates(updates));
}
