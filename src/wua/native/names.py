"""What late binding must know of wuapi.h beforehand: callback interfaces, and which members are called.

Data only, and of few lines; a test compares it with the whole declaration.
"""

from collections.abc import Mapping
from typing import Final

CALLBACKS: Final[Mapping[str, str]] = {
    "IDownloadCompletedCallback": "77254866-9f5b-4c8e-b9e2-c77a8530d64b",
    "IDownloadProgressChangedCallback": "8c3f1cdd-6173-4591-aebd-a56a53ca77c1",
    "IInstallationCompletedCallback": "45f4f6f3-d602-4f98-9a8a-3efa152ad2d3",
    "IInstallationProgressChangedCallback": "e01402d5-f8da-43ba-a012-38894bd048f1",
    "ISearchCompletedCallback": "88aee058-d4b0-4725-a2f1-814a67ae964c",
}

METHODS: Final = frozenset(
    {
        "AcceptEula",
        "Add",
        "AddService2",
        "BeginDownload",
        "BeginInstall",
        "BeginSearch",
        "BeginUninstall",
        "CleanUp",
        "CopyFromCache",
        "CopyToCache",
        "EnableService",
        "EndDownload",
        "EndInstall",
        "EndSearch",
        "EndUninstall",
        "GetProgress",
        "GetTotalHistoryCount",
        "GetUpdateResult",
        "Item",  # a property that takes an index
        "Pause",
        "QueryHistory",
        "QueryServiceRegistration",
        "RecordInstallationResult",
        "RegisterServiceWithAU",
        "RemoveService",
        "RequestAbort",
        "Resume",
        "Save",
        "Search",
        "UnregisterServiceWithAU",
    }
)
