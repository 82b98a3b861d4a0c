"""Search, download, abort, install, uninstall, history over real packages. usage: pywin32|comtypes mta|sta"""

import sys

sys.coinit_flags = 0 if sys.argv[2] == "mta" else 2  # before the library is imported


class Job:
    """What the callbacks of one job have told; ``end`` is End… of who began it."""

    def __init__(self, end):
        self.percent, self.completed, self.result, self.end = -1, 0, 0, end

    def progress(self, job, args):
        self.percent = args.Progress.PercentComplete

    def done(self, job, args):
        self.completed += 1
        self.result = self.end(job).ResultCode

    def callbacks(self, kind):
        yield callback(f"I{kind}ProgressChangedCallback", self.progress)
        yield callback(f"I{kind}CompletedCallback", self.done)


def late_bound():
    """The session, and what makes a callback: late-bound, with wrapped objects."""
    import win32com.client
    import win32com.server.util

    class Callback:
        _public_methods_ = ["Invoke"]
        _dispid_to_func_ = {0: "Invoke"}

        def __init__(self, function):
            self.function = function

        def Invoke(self, job, args):
            self.function(win32com.client.Dispatch(job), win32com.client.Dispatch(args))

    session = win32com.client.Dispatch("Microsoft.Update.Session")
    return session, lambda name, function: win32com.server.util.wrap(Callback(function))


def early_bound():
    """The same by the type library: callbacks implement the typed interfaces."""
    import comtypes.client

    lib = comtypes.client.GetModule(r"C:\ProgramData\wua\wuacom.dll")

    def callback(name, function):
        class Callback(comtypes.COMObject):
            _com_interfaces_ = [getattr(lib, name)]

            def Invoke(self, job, args):
                self.function(job, args)

        made = Callback()
        made.function = function  # not the class, which lives until it is found unused
        return made

    return comtypes.client.CreateObject("Microsoft.Update.Session", interface=lib.IUpdateSession3), callback


def cycle(session):
    session.ClientApplicationID = "cycle"
    searcher = session.CreateUpdateSearcher()
    updates = searcher.Search("IsInstalled=0 and DeploymentAction=*").Updates
    for place in range(updates.Count):
        print("found", updates.Item(place).Title)
    downloader = session.CreateUpdateDownloader()
    downloader.Updates = updates
    job = Job(downloader.EndDownload)
    downloader.BeginDownload(*job.callbacks("Download"), None).CleanUp()
    print("downloaded", job.result, "progress", job.percent, "completed", job.completed)

    installer = session.CreateUpdateInstaller()
    installer.Updates = updates
    job = Job(installer.EndInstall)
    begun = installer.BeginInstall(*job.callbacks("Installation"), None)
    begun.RequestAbort()
    begun.CleanUp()
    there = searcher.Search("IsInstalled=1 and Name='editor'").Updates.Count
    print("aborted", job.result, "completed", job.completed, "installed", there)

    job = Job(installer.EndInstall)
    installer.BeginInstall(*job.callbacks("Installation"), None).CleanUp()
    print("installed", job.result, "progress", job.percent, "completed", job.completed)

    installer.Updates = searcher.Search("IsInstalled=1 and Name='editor'").Updates
    print("removed", installer.Uninstall().ResultCode)
    history = searcher.QueryHistory(0, searcher.GetTotalHistoryCount())
    for place in range(history.Count):
        entry = history.Item(place)
        print("history", entry.Title, entry.Operation, entry.ResultCode, entry.ClientApplicationID)


session, callback = late_bound() if sys.argv[1] == "pywin32" else early_bound()
cycle(session)
sys.stdout.flush()
del session
