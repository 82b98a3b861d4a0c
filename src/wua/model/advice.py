"""Likely causes and next steps for the result codes that people meet most. Data only.

The causes are those on Windows, where most people meet these codes; what wua itself means by a code
stands in the problem catalogue and is added by ``explanations``.
"""

from typing import Final, NamedTuple


class Advice(NamedTuple):
    cause: str
    next_step: str


class Foreign(NamedTuple):
    """A code of another part of Windows that updating hands through."""

    value: int
    meaning: str
    cause: str
    next_step: str


_REBOOT: Final = "Restart the machine, search again, and install what is still offered."
_SERVICES: Final = (
    "See that the services Windows Update, Background Intelligent "
    "Transfer and Cryptographic Services can start."
)
_PROXY: Final = (
    "Check the proxy that the machine account uses (netsh winhttp show proxy) and what firewalls let through."
)
_RETRY: Final = "Wait some minutes and search again."
_WSUS: Final = "Check the WSUS server: its web site, its application pool, and its disk space."
_REPAIR: Final = "Run DISM /Online /Cleanup-Image /RestoreHealth, then sfc /scannow, then try again."
_READ_LOG: Final = "Read the installer's own log; on Windows, Get-WindowsUpdateLog and CBS.log."

ADVICE: Final[dict[str, Advice]] = {
    # success, with a remark
    "WU_S_REBOOT_REQUIRED": Advice(
        "Files in use are replaced, or services take up the new version, only at the next start.",
        "Restart when it suits. Until then the update may go on being listed.",
    ),
    "WU_S_ALREADY_INSTALLED": Advice(
        "The update came by another way, or the search was made before it was installed.",
        "Nothing to do; search again for a list that is up to date.",
    ),
    "WU_S_ALREADY_UNINSTALLED": Advice(
        "Somebody took it away before, or it never was installed here.",
        "Nothing to do; search again for a list that is up to date.",
    ),
    "WU_S_ALREADY_DOWNLOADED": Advice(
        "The content was fetched before and is still in the cache.", "Nothing to do; it can be installed."
    ),
    "WU_S_UPDATE_ERROR": Advice(
        "Part of the updates succeeded and part failed.", "Look at the result of each update."
    ),
    # general
    "E_ACCESSDENIED": Advice(
        "The program runs without administrator rights, a file or registry key is locked "
        "down by permissions or "
        "protection software, or an agent member that works only locally was called from afar.",
        "Run it elevated and on the machine itself. If it is, look for the file that is refused in the log.",
    ),
    "E_FAIL": Advice(
        "A part of the agent or of an installer failed and gave no better code.",
        _READ_LOG,
    ),
    "E_INVALIDARG": Advice(
        "A program passed a value that the call does not take: an empty collection "
        "member, a wrong type, a bad date.",
        "Correct the call; the documentation of the member names what it takes.",
    ),
    "E_OUTOFMEMORY": Advice(
        "Memory ran out, often during a scan of a very large catalogue on a small machine.",
        "Close programs or give the machine more memory; on WSUS, decline superseded updates.",
    ),
    "E_ABORT": Advice("The operation was stopped while it ran.", "Start it again."),
    "E_POINTER": Advice("A program passed nothing where an object is needed.", "Correct the call."),
    "E_UNEXPECTED": Advice("The agent met a state that it has no name for.", _REBOOT),
    "WU_E_NO_SERVICE": Advice(
        "The agent's service is stopped or disabled, or is just starting.",
        _SERVICES,
    ),
    "WU_E_UNKNOWN_ID": Advice(
        "A program holds an identifier from an earlier search or of another service.",
        "Search again and use the identifiers of that search.",
    ),
    "WU_E_NOT_INITIALIZED": Advice(
        "The agent was asked before it had finished starting, or its program files are damaged.",
        "Try again after a minute; if it stays, repair the agent's files (sfc /scannow).",
    ),
    "WU_E_INVALIDINDEX": Advice(
        "A program counted past the end of a collection; collections begin at 0.",
        "Correct the loop: indexes go from 0 to Count - 1.",
    ),
    "WU_E_ITEMNOTFOUND": Advice(
        "The update, category or service was there when it was listed and is gone now, or never was.",
        "Search or list again.",
    ),
    "WU_E_OPERATIONINPROGRESS": Advice(
        "Another program, or automatic updating itself, is installing.",
        "Wait until it has ended; IsBusy of the installer tells.",
    ),
    "WU_E_COULDNOTCANCEL": Advice(
        "The installer is at a point where stopping would leave the system half changed.",
        "Let it finish; the result can be uninstalled afterwards.",
    ),
    "WU_E_CALL_CANCELLED": Advice(
        "Somebody, or a shutdown, asked the operation to stop.",
        "Start it again when nothing stands in its way.",
    ),
    "WU_E_NOOP": Advice("Everything asked for was done already.", "Nothing to do."),
    "WU_E_XML_INVALID": Advice(
        "The description of an update is damaged, or in a form that the agent does not know.",
        "Refresh the list of updates; if it stays, the publisher or the mirror is at fault.",
    ),
    "WU_E_INVALID_INSTALL_REQUESTED": Advice(
        "Updates that may not be installed together, or not by this caller, were put into one operation.",
        "Install them one at a time to see which one is refused, and why.",
    ),
    "WU_E_INSTALL_NOT_ALLOWED": Advice(
        "Another installation is running, or an earlier one waits for a restart before "
        "anything else may follow.",
        "Wait for the other installation; if none runs, restart the machine.",
    ),
    "WU_E_NOT_APPLICABLE": Advice(
        "None of the updates fits this edition, version or architecture, or newer ones replaced them.",
        "Compare what the update asks for with the system; search again.",
    ),
    "WU_E_EXCLUSIVE_INSTALL_CONFLICT": Advice(
        "One of the updates (often a feature update) must be installed alone.",
        "Install it in an operation of its own; Impact of its InstallationBehavior tells which one.",
    ),
    "WU_E_SELFUPDATE_IN_PROGRESS": Advice(
        "The agent is replacing itself with a newer version.", "Wait a few minutes and try again."
    ),
    "WU_E_SERVICE_STOP": Advice(
        "The service or the machine was shutting down while the operation ran.",
        "Let the shutdown finish, and try again after the start.",
    ),
    "WU_E_NO_CONNECTION": Advice(
        "The machine lost its network, or has none yet.", "Check the connection, then search again."
    ),
    "WU_E_NO_INTERACTIVE_USER": Advice(
        "The update wants to show a window, and nobody is logged on where it could.",
        "Log on locally and install it there, or choose a silent version of it.",
    ),
    "WU_E_TIME_OUT": Advice(
        "A server, or a part of the agent, did not answer in time.", _RETRY + " " + _PROXY
    ),
    "WU_E_ALL_UPDATES_FAILED": Advice(
        "Each update failed; often all for one reason, such as no space or a missing restart.",
        "Look at the result code of each update and deal with the first one.",
    ),
    "WU_E_EULAS_DECLINED": Advice(
        "The licence terms of the updates were not accepted.", "Call AcceptEula on each update, then install."
    ),
    "WU_E_NO_UPDATE": Advice(
        "The list of updates was empty: the search found nothing, or its result was not handed over.",
        "Check that the search found something before installing.",
    ),
    "WU_E_USER_ACCESS_DISABLED": Advice(
        "A policy takes Windows Update away from this user.",
        "Ask the administrator; the policies are under Windows Update in Group Policy.",
    ),
    "WU_E_UNINSTALL_NOT_ALLOWED": Advice(
        "The update cannot be removed (its content is merged into the system), or only "
        "its WSUS server may ask for it.",
        "Look at IsUninstallable; for servicing packages, try wusa /uninstall or DISM.",
    ),
    "WU_E_BIN_SOURCE_ABSENT": Advice(
        "A small update builds on files that are not there in the expected version.",
        "Download the full update; wua and newer agents do so by themselves.",
    ),
    "WU_E_SOURCE_ABSENT": Advice(
        "The files that a feature was installed from are needed, and the place is gone.",
        "Make the original installation media available and try again.",
    ),
    "WU_E_WU_DISABLED": Advice(
        "A policy forbids every update service but the managed one.",
        "Search with the managed service, or have the policy changed.",
    ),
    "WU_E_INVALID_PROXY_SERVER": Advice(
        "The proxy list holds something that is no address.",
        "Correct it: netsh winhttp show proxy shows it, netsh winhttp set proxy changes it.",
    ),
    "WU_E_INVALID_CRITERIA": Advice(
        "The search text is not in the criteria language: text values need single "
        "quotes, numbers none, and `or` may not "
        "stand inside parentheses.",
        "Correct the text; a good one to begin with is IsInstalled=0 and IsHidden=0.",
    ),
    "WU_E_DOWNLOAD_FAILED": Advice(
        "The content could not be fetched: network, proxy, or the server.",
        "Look at the code of the single update, which is more exact.",
    ),
    "WU_E_UPDATE_NOT_PROCESSED": Advice(
        "The operation ended before it was this update's turn.",
        "Install it again by itself.",
    ),
    "WU_E_INVALID_OPERATION": Advice(
        "A call came at the wrong moment: ending a job twice, or changing an object that is in use.",
        "Correct the order of the calls.",
    ),
    "WU_E_NOT_SUPPORTED": Advice(
        "This kind of object or this version of the agent does not offer the operation.",
        "Look for another way; a newer interface of the object may have it.",
    ),
    "WU_E_TOO_MANY_RESYNC": Advice(
        "The server kept asking the client to begin anew; it was restored from a backup, or is overloaded.",
        _WSUS,
    ),
    "WU_E_UNKNOWN_SERVICE": Advice(
        "The service was removed, or never registered on this machine.",
        "List the services; add it again with AddService2.",
    ),
    "WU_E_PER_MACHINE_UPDATE_ACCESS_DENIED": Advice(
        "The update changes the whole machine, and the caller is no administrator.", "Run it elevated."
    ),
    "WU_E_LOW_BATTERY": Advice(
        "The battery might not last until the end of the installation.", "Connect the machine to power."
    ),
    "WU_E_SYSTEM_UNSUPPORTED": Advice(
        "This edition lacks a feature that the update or the call needs.",
        "Compare the edition with what the update asks for.",
    ),
    "WU_E_UNEXPECTED": Advice("The agent failed in a way that no other code describes.", _READ_LOG),
    # talking to a server
    "WU_E_PT_ENDPOINT_UNREACHABLE": Advice("The address of the server cannot be reached from here.", _PROXY),
    "WU_E_PT_ENDPOINT_DISCONNECTED": Advice(
        "The connection broke while it was in use: an unstable network, or a firewall "
        "that cuts long transfers.",
        _RETRY,
    ),
    "WU_E_PT_SECURITY_VERIFICATION_FAILURE": Advice(
        "The secure connection could not be trusted: a wrong clock, a missing root "
        "certificate, or a proxy that "
        "opens connections.",
        "Check date and time and the certificates; leave update addresses out of inspection.",
    ),
    "WU_E_PT_SOAPCLIENT_CONNECT": Advice("The server did not take the connection.", _PROXY),
    "WU_E_PT_SOAPCLIENT_SEND": Advice(
        "The request could not be sent: no connection, or no secure one.", _PROXY
    ),
    "WU_E_PT_SOAPCLIENT_SOAPFAULT": Advice(
        "The server understood the request and refused it, often because the client's "
        "cookie or identity is not "
        "known to it any more.",
        "Reset the client's identity at the server (wuauclt /resetauthorization) and search again.",
    ),
    "WU_E_PT_EXCEEDED_MAX_SERVER_TRIPS": Advice(
        "The catalogue of the server is so large that one scan needs more questions than allowed.",
        "Search again, it goes on where it stopped; on WSUS, decline superseded updates and clean up.",
    ),
    "WU_E_PT_SUS_SERVER_NOT_SET": Advice(
        "A managed search was asked for, and no policy names a WSUS server.",
        "Set the policy, or search with another service.",
    ),
    "WU_E_PT_REFRESH_CACHE_REQUIRED": Advice(
        "The server was rebuilt or restored, and what the client remembers does not fit it any more.",
        "Search again; if it stays, reset the client's authorization.",
    ),
    "WU_E_PT_HTTP_STATUS_BAD_REQUEST": Advice(
        "A proxy or filter changed the request, or the address is wrong.", _PROXY
    ),
    "WU_E_PT_HTTP_STATUS_DENIED": Advice(
        "The server or a proxy wants a login that the machine account does not have.",
        "Allow anonymous access to the update addresses.",
    ),
    "WU_E_PT_HTTP_STATUS_FORBIDDEN": Advice(
        "A firewall or proxy blocks the address, or the server forbids it.", _PROXY
    ),
    "WU_E_PT_HTTP_STATUS_NOT_FOUND": Advice(
        "The address of the server is wrong, or a part of its web site is missing.",
        "Check the address in the policy, port included. " + _WSUS,
    ),
    "WU_E_PT_HTTP_STATUS_PROXY_AUTH_REQ": Advice(
        "The proxy wants a login, and the agent runs as the machine, not as you.",
        "Let the update addresses pass without a login. " + _PROXY,
    ),
    "WU_E_PT_HTTP_STATUS_REQUEST_TIMEOUT": Advice("The server gave up waiting for the request.", _RETRY),
    "WU_E_PT_HTTP_STATUS_SERVER_ERROR": Advice("The server failed while it answered.", _WSUS),
    "WU_E_PT_HTTP_STATUS_BAD_GATEWAY": Advice(
        "A proxy got no usable answer from the server behind it.", _RETRY
    ),
    "WU_E_PT_HTTP_STATUS_SERVICE_UNAVAIL": Advice(
        "The server is overloaded or its application pool has stopped.", _WSUS
    ),
    "WU_E_PT_HTTP_STATUS_GATEWAY_TIMEOUT": Advice(
        "A proxy waited too long for the server behind it.", _RETRY
    ),
    "WU_E_PT_WINHTTP_NAME_NOT_RESOLVED": Advice(
        "The name of the server or of the proxy is unknown to DNS.",
        "Try nslookup with the name; correct DNS or the address in the policy.",
    ),
    "WU_E_PT_ECP_SUCCEEDED_WITH_ERRORS": Advice(
        "Part of the information that the server keeps in extra files was damaged or could not be fetched.",
        "Often a filter that forbids .cab files; allow them, then search again.",
    ),
    "WU_E_REDIRECTOR_SLS_GENERIC_ERROR": Advice(
        "The service that tells where the update servers are could not be asked.", _PROXY
    ),
    # downloading
    "WU_E_DM_URLNOTAVAILABLE": Advice(
        "The metadata of the update names no address for the file, or the address leads nowhere.",
        "Search again; on WSUS, see that the content has been downloaded to the server.",
    ),
    "WU_E_DM_INCORRECTFILEHASH": Advice(
        "What arrived is not what was signed: a damaged transfer, or something on the "
        "way that changes files.",
        "Download again. If it happens again, look at proxies and scanners between here and the server.",
    ),
    "WU_E_DM_NONETWORK": Advice("There is no network connection.", "Connect, and download again."),
    "WU_E_DM_NOTDOWNLOADED": Advice(
        "Install was called for an update whose content is not there (any more).",
        "Download it, check IsDownloaded, then install.",
    ),
    "WU_E_DM_FAILTOCONNECTTOBITS": Advice(
        "The transfer service is stopped or disabled.",
        _SERVICES,
    ),
    "WU_E_DM_BITSTRANSFERERROR": Advice(
        "The transfer service reported an error of its own.",
        "bitsadmin /list /allusers /verbose shows it. " + _PROXY,
    ),
    "WU_E_DM_CONTENTCHANGED": Advice(
        "The publisher replaced the update while it was being fetched.", "Search and download again."
    ),
    "WU_E_DM_UNAUTHORIZED": Advice(
        "The server does not let this client have the file.",
        "See that the machine is entitled to it, and that its clock is right.",
    ),
    # installing
    "WU_E_UH_LOCALONLY": Advice(
        "The installer of this update works only on the machine itself.", "Start the installation there."
    ),
    "WU_E_UH_INVALIDMETADATA": Advice(
        "What the update says about itself contradicts itself or the system.",
        "Search again for a newer revision; report it to the publisher.",
    ),
    "WU_E_UH_INSTALLERHUNG": Advice(
        "The installer did not end within its time limit: it waits for something, often a hidden window.",
        "See what it waits for; restart the machine and install it again by itself.",
    ),
    "WU_E_UH_OPERATIONCANCELLED": Advice("The installation was stopped while it ran.", "Start it again."),
    "WU_E_UH_CANREQUIREINPUT": Advice(
        "The update may ask questions, and a quiet installation was demanded.",
        "Install it where somebody can answer, or give the answer in advance.",
    ),
    "WU_E_UH_INSTALLERFAILURE": Advice(
        "The update's own installer failed; its exit code is the unmapped result code.",
        "Look up that exit code in the installer's documentation. " + _READ_LOG,
    ),
    "WU_E_UH_NEEDANOTHERDOWNLOAD": Advice(
        "The installer found out that it needs more content than was fetched.",
        "Download the update again, then install it.",
    ),
    "WU_E_UH_POSTREBOOTSTILLPENDING": Advice(
        "The update is being finished after the restart.", "Wait some minutes, then look again."
    ),
    "WU_E_UH_POSTREBOOTUNEXPECTEDSTATE": Advice(
        "The installer said that all was well, and the system shows otherwise.",
        _REPAIR,
    ),
    "WU_E_UH_NEW_SERVICING_STACK_REQUIRED": Advice(
        "The part of Windows that installs updates is too old for this one.",
        "Install the newest servicing stack update, then this one.",
    ),
    "WU_E_UH_UNEXPECTED": Advice("An installer handler failed without a better code.", _READ_LOG),
    "WU_E_INSTALLATION_RESULTS_NOT_FOUND": Advice(
        "The operation never began, or its record is lost.", "Look at the history, then install again."
    ),
    # trust, scan packages, store
    "WU_E_METADATA_SIGNATURE_VERIFY_FAILED": Advice(
        "The description of the updates is not signed by someone who is trusted, or was changed on the way.",
        "Check date and time and the certificates, and what inspects connections.",
    ),
    "WU_E_OL_INVALID_SCANFILE": Advice(
        "wsusscn2.cab is damaged, incomplete, or not the file it seems.",
        "Fetch it again and compare its size and signature.",
    ),
    "WU_E_OL_NEWCLIENT_REQUIRED": Advice(
        "The scan package is in a form newer than this agent.", "Update the agent, then scan again."
    ),
    "WU_E_DS_SHUTDOWN": Advice("The agent was ending while its store was in use.", "Try again."),
    "WU_E_DS_INUSE": Advice(
        "Another program has the store open.",
        "Wait for it; scanners and backup programs are the usual ones.",
    ),
    "WU_E_DS_INVALID": Advice(
        "The store was damaged: the disk was full, the power failed, or the disk itself is failing.",
        "Check the disk, then let the store be built anew (on Windows: rename SoftwareDistribution).",
    ),
    "WU_E_DS_BADVERSION": Advice(
        "The store was written by another version of the agent.",
        "Use that version, or let the store be built anew (on Windows: rename SoftwareDistribution).",
    ),
    "WU_E_DS_NODATA": Advice(
        "The store lacks something that it should have; it is incomplete.",
        "Stop the service, rename the folder SoftwareDistribution, start it and search: it is built anew.",
    ),
    "WU_E_DS_STOREFILELOCKED": Advice(
        "Another program holds the file of the store, or it may not be written.",
        "Find the program that has it open, or mend the permissions.",
    ),
    "WU_E_DS_UNKNOWNSERVICE": Advice(
        "The search names a service that is not registered on this machine.",
        "List the services, and register it if it is right.",
    ),
    "WU_E_DS_SERVICEEXPIRED": Advice(
        "The permission to use this service has run out.", "Register it again with a newer authorization."
    ),
    "WU_E_DS_DECLINENOTALLOWED": Advice(
        "Mandatory updates and those with a deadline cannot be hidden.",
        "Talk to whoever set the deadline.",
    ),
    # automatic updates, agent setup
    "WU_E_AU_NOSERVICE": Advice("Automatic updating is switched off or not configured.", _SERVICES),
    "WU_E_AU_PAUSED": Advice("Somebody paused the updates.", "Resume them in the settings."),
    "WU_E_REBOOT_IN_PROGRESS": Advice("The machine is going down.", "Try again after the start."),
    "WU_E_SETUP_SKIP_UPDATE": Advice(
        "The server told the agent not to update itself now.", "Nothing to do; it tries again later."
    ),
    "WU_E_SELFUPDATE_REQUIRED": Advice(
        "The agent is too old for this server.", "Let the agent update itself, then search again."
    ),
    "WU_E_DRV_PRUNED": Advice(
        "The driver does not fit a device of this machine, or a better one is there.", "Nothing to do."
    ),
}

FOREIGN: Final[dict[str, Foreign]] = {
    "ERROR_FILE_NOT_FOUND": Foreign(
        0x80070002,
        "A file was not found.",
        "Files of the download or of the system are missing; often the update cache is damaged.",
        "Stop the service, rename the folder SoftwareDistribution, start it and search again.",
    ),
    "ERROR_INVALID_DATA": Foreign(
        0x8007000D,
        "The data is not valid.",
        "A file of the update or of the component store is damaged.",
        _REPAIR,
    ),
    "ERROR_SHARING_VIOLATION": Foreign(
        0x80070020,
        "A file is in use by another program.",
        "A scanner or another program holds a file that is to be replaced.",
        "Close programs, pause the scanner, and install again after a restart.",
    ),
    "ERROR_DISK_FULL": Foreign(
        0x80070070,
        "The disk is full.",
        "The download, the unpacked files or the copies for going back do not fit.",
        "Free space (on Windows: cleanmgr, old feature-update files), then install again.",
    ),
    "ERROR_SERVICE_DISABLED": Foreign(
        0x80070422,
        "The service is disabled.",
        "The update service, or one that it needs, was switched off.",
        _SERVICES,
    ),
    "ERROR_SERVICE_DOES_NOT_EXIST": Foreign(
        0x80070424,
        "The service is not installed.",
        "The registration of the update service is gone, often after malware or a cleaning program.",
        _REPAIR,
    ),
    "ERROR_PROCESS_ABORTED": Foreign(
        0x8007042B,
        "The process ended unexpectedly.",
        "The installer was killed or crashed.",
        "Install again; if it crashes again, read its log.",
    ),
    "ERROR_SHUTDOWN_IN_PROGRESS": Foreign(
        0x8007045B,
        "The system is shutting down.",
        "The operation met a shutdown.",
        "Try again after the start.",
    ),
    "ERROR_NOT_FOUND": Foreign(
        0x80070490,
        "An element was not found.",
        "The component store, or the driver store, does not have what the update refers to.",
        _REPAIR,
    ),
    "ERROR_TIMEOUT": Foreign(
        0x800705B4,
        "The operation took longer than its time-out.",
        "A service or an installer did not answer in time.",
        "Look at what it waited for; try again when the machine is less busy.",
    ),
    "ERROR_INSTALL_USEREXIT": Foreign(
        0x80070642,
        "The user cancelled the installation.",
        "Somebody, or a program that closes windows, cancelled it.",
        "Install again.",
    ),
    "ERROR_INSTALL_FAILURE": Foreign(
        0x80070643,
        "Fatal error during installation.",
        "Windows Installer or the .NET installer failed; also too little room in the recovery partition.",
        "Read the installer's log for the first 'return value 3'; repair the product, then try again.",
    ),
    "ERROR_INSTALL_ALREADY_RUNNING": Foreign(
        0x80070652,
        "Another installation is already running.",
        "Windows Installer runs one installation at a time.",
        "Wait for the other one, or restart the machine.",
    ),
    "ERROR_PATCH_TARGET_NOT_FOUND": Foreign(
        0x80070666,
        "Another version of the product is installed.",
        "The installed version is not the one that the update is for.",
        "Remove or update the installed version first.",
    ),
    "ERROR_SUCCESS_REBOOT_REQUIRED": Foreign(
        0x80070BC2,
        "Done, and a restart is needed to finish.",
        "Files in use are replaced at the next start.",
        "Restart the machine.",
    ),
    "ERROR_FAIL_REBOOT_REQUIRED": Foreign(
        0x80070BC9,
        "It failed, and a restart is needed to roll it back.",
        "An earlier change waits for a restart.",
        _REBOOT,
    ),
    "ERROR_INTERNET_TIMEOUT": Foreign(
        0x80072EE2, "The connection timed out.", "The server or proxy did not answer.", _PROXY
    ),
    "ERROR_INTERNET_NAME_NOT_RESOLVED": Foreign(
        0x80072EE7,
        "The server's name does not resolve.",
        "DNS does not know the name, or there is no network.",
        _PROXY,
    ),
    "ERROR_INTERNET_CANNOT_CONNECT": Foreign(
        0x80072EFD,
        "No connection to the server.",
        "A firewall, a wrong proxy, or the server is down.",
        _PROXY,
    ),
    "ERROR_INTERNET_CONNECTION_ABORTED": Foreign(
        0x80072EFE, "The connection was broken off.", "Something between here and the server cuts it.", _PROXY
    ),
    "ERROR_INTERNET_DECODING_FAILED": Foreign(
        0x80072F8F,
        "The secure connection failed.",
        "Usually the clock is wrong; else an old TLS version or a missing certificate.",
        "Set date and time, then try again.",
    ),
    "ERROR_SXS_COMPONENT_STORE_CORRUPT": Foreign(
        0x80073712,
        "The component store is damaged.",
        "A file that servicing needs is missing or damaged.",
        _REPAIR,
    ),
    "ERROR_SXS_ASSEMBLY_MISSING": Foreign(
        0x80073701,
        "A component is missing.",
        "An earlier update was only half installed or half removed.",
        _REPAIR,
    ),
    "CO_E_SERVER_EXEC_FAILURE": Foreign(
        0x80080005,
        "A server process could not be started.",
        "The machine is overloaded, or permissions are wrong.",
        _REBOOT,
    ),
    "TRUST_E_NOSIGNATURE": Foreign(
        0x800B0100,
        "There is no signature.",
        "The file is damaged or was changed.",
        "Delete the download and fetch it again.",
    ),
    "CERT_E_UNTRUSTEDROOT": Foreign(
        0x800B0109,
        "The certificate chain ends in a root that is not trusted.",
        "Root certificates are out of date, or a proxy opens connections.",
        "Update the root certificates; leave update addresses out of inspection.",
    ),
    "CBS_E_SOURCE_MISSING": Foreign(
        0x800F081F,
        "The source files could not be found.",
        "The component store is damaged, or a feature needs its installation media.",
        "Run DISM /RestoreHealth with /Source naming good installation media.",
    ),
    "CBS_E_STORE_CORRUPTION": Foreign(
        0x800F0831, "The component store is damaged.", "The record of an earlier update is missing.", _REPAIR
    ),
    "CBS_E_INSTALLERS_FAILED": Foreign(
        0x800F0922,
        "A step of the servicing installers failed.",
        "Often too little room in the system partition, or a connection (VPN) that gets in the way.",
        "Make room in the system partition, disconnect VPNs, then try again.",
    ),
    "CBS_E_NOT_APPLICABLE": Foreign(
        0x800F081E,
        "The package does not apply here.",
        "It is for another version or edition, or is there already.",
        "Nothing to do; compare the version.",
    ),
    "MOSETUP_E_COMPAT_INSTALLREQ_BLOCK": Foreign(
        0xC1900208,
        "A program or device stands in the way of the feature update.",
        "Something that is installed is known not to work with the new version.",
        "Setup's compatibility report names it; update or remove it.",
    ),
}
