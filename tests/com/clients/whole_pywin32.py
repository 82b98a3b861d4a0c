"""pywin32: late-bound, with wrapped objects as callbacks."""

import sys

import pythoncom
import pywintypes
import win32com.client
import win32com.server.util

session = win32com.client.Dispatch("Microsoft.Update.Session")
session.ClientApplicationID = "whole_pywin32"
searcher = session.CreateUpdateSearcher()
updates = searcher.Search("IsInstalled=0").Updates
print([(u.Title, str(u.MaxDownloadSize), u.IsDownloaded, u.LastDeploymentChangeTime.year) for u in updates])
print(len(updates), updates.Item(1).Title, updates(0).Identity.RevisionNumber, updates[0].Title)


class Progress:
    _public_methods_ = ["Invoke"]
    _dispid_to_func_ = {0: "Invoke"}
    percent = -1

    def Invoke(self, job, args):
        Progress.percent = win32com.client.Dispatch(args).Progress.PercentComplete


class Completed:
    _public_methods_ = ["Invoke"]
    _dispid_to_func_ = {0: "Invoke"}

    def Invoke(self, job, args):
        result = installer.EndInstall(win32com.client.Dispatch(job))
        print("installed", result.ResultCode, result.RebootRequired, result.GetUpdateResult(0).HResult)


installer = session.CreateUpdateInstaller()
installer.Updates = updates
wrap = win32com.server.util.wrap
job = installer.BeginInstall(wrap(Progress()), wrap(Completed()), "state")
job.CleanUp()
print(Progress.percent, job.AsyncState, job.IsCompleted)
installer.Updates = searcher.Search("IsInstalled=1").Updates
job = installer.BeginUninstall(None, None, None)
print("removed", installer.EndUninstall(job).ResultCode)
newest = min(4, searcher.GetTotalHistoryCount())
print([(entry.Title, entry.Operation) for entry in searcher.QueryHistory(0, newest)])
try:
    searcher.Search("Type=Software")
except pywintypes.com_error as error:
    print(error.hresult, error.excepinfo[5], "criteria language" in error.excepinfo[2])
try:
    print(session.NoSuchMember)
except AttributeError as error:
    print(error)
sys.stdout.flush()
del job, installer, updates, searcher, session
pythoncom.CoUninitialize()
