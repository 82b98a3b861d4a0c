"""comtypes: early-bound by the type library, callbacks implement the typed interfaces. usage: mta|sta"""

import sys

sys.coinit_flags = 0 if sys.argv[1] == "mta" else 2  # before comtypes is imported

import threading

import comtypes
import comtypes.client

main = threading.get_ident()
lib = comtypes.client.GetModule(r"C:\ProgramData\wua\wuacom.dll")
session = comtypes.client.CreateObject(lib.WuaUpdateSession, interface=lib.IUpdateSession3)
session.ClientApplicationID = "whole_comtypes"
searcher = session.CreateUpdateSearcher()
updates = searcher.Search("IsInstalled=0").Updates
print([(updates[n].Title, updates[n].IsDownloaded) for n in range(updates.Count)])
percents = []


class Progress(comtypes.COMObject):
    _com_interfaces_ = [lib.IInstallationProgressChangedCallback]

    def Invoke(self, job, args):
        percents.append(args.Progress.PercentComplete)


class Completed(comtypes.COMObject):
    _com_interfaces_ = [lib.IInstallationCompletedCallback]

    def Invoke(self, job, args):
        result = installer.EndInstall(job)
        same = threading.get_ident() == main
        print("installed", result.ResultCode, job.IsCompleted, "on the main thread" if same else "elsewhere")


installer = session.CreateUpdateInstaller()
installer.Updates = updates
job = installer.BeginInstall(Progress(), Completed(), 5)
job.CleanUp()
print(percents == sorted(percents), percents[-1], job.AsyncState)
try:
    searcher.Search("Type=Software")
except comtypes.COMError as error:
    print(hex(error.hresult & 0xFFFFFFFF), "criteria language" in error.details[0])
for interface in (lib.IUpdate5, lib.IWindowsDriverUpdate):
    try:
        updates[0].QueryInterface(interface)
        print("offered")
    except comtypes.COMError as error:
        print(hex(error.hresult & 0xFFFFFFFF))
