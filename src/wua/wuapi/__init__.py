"""The COM-shaped face: the object model of wuapi.h over a wua agent.

    from wua.wuapi import UpdateSession

    session = UpdateSession()
    found = session.CreateUpdateSearcher().Search("IsInstalled=0")

Which machine it talks to: the agent of ``with wua.use(agent):``, else the root that WUA_TARGET names,
else this machine. Native names live here and only here. A call that fails raises ComError.
"""

from wua.model.codes import S_OK, WU_S_MARKED_FOR_DISCONNECT
from wua.wuapi import enums
from wua.wuapi.automatic import AutomaticUpdates
from wua.wuapi.callbacks import (
    IDownloadCompletedCallback,
    IDownloadProgressChangedCallback,
    IInstallationCompletedCallback,
    IInstallationProgressChangedCallback,
    ISearchCompletedCallback,
)
from wua.wuapi.collections import StringCollection, UpdateCollection
from wua.wuapi.creation import CreateObject
from wua.wuapi.downloader import UpdateDownloader
from wua.wuapi.enums import *  # noqa: F403 - every enumeration and constant of the header
from wua.wuapi.errors import ComError
from wua.wuapi.installer import UpdateInstaller
from wua.wuapi.jobs import DownloadJob, InstallationJob, SearchJob
from wua.wuapi.machine import InstallationAgent, SystemInformation, WindowsUpdateAgentInfo
from wua.wuapi.order import callback_order
from wua.wuapi.proxy import WebProxy
from wua.wuapi.searcher import UpdateSearcher
from wua.wuapi.service_manager import UpdateServiceManager
from wua.wuapi.session import UpdateSession

__all__ = [  # noqa: PLE0604 - the names of enums are strings
    "S_OK",
    "WU_S_MARKED_FOR_DISCONNECT",
    "AutomaticUpdates",
    "ComError",
    "CreateObject",
    "DownloadJob",
    "IDownloadCompletedCallback",
    "IDownloadProgressChangedCallback",
    "IInstallationCompletedCallback",
    "IInstallationProgressChangedCallback",
    "ISearchCompletedCallback",
    "InstallationAgent",
    "InstallationJob",
    "SearchJob",
    "StringCollection",
    "SystemInformation",
    "UpdateCollection",
    "UpdateDownloader",
    "UpdateInstaller",
    "UpdateSearcher",
    "UpdateServiceManager",
    "UpdateSession",
    "WebProxy",
    "WindowsUpdateAgentInfo",
    "callback_order",
    *enums.__all__,
]
