"""Errors as data: what happened, why, and what to do next.

A ``Problem`` is a value that can be stored, printed and sent; a ``WuaError``
carries one through Python code. Every problem id stands once in ``CATALOGUE``.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from wua.model import codes
from wua.model.struct import Value

# Win32 errors as HRESULTs, where wuerror.h has no code of its own.
ERROR_DISK_FULL: Final = 0x80070070
ERROR_TIMEOUT: Final = 0x800705B4
ERROR_PROCESS_ABORTED: Final = 0x8007042B


class Problem(Value, frozen=True):
    """One error a person can act on.

    ``hresult`` is unsigned. ``unmapped`` is the installer's own exit code where it was
    not an HRESULT, else 0. ``seen`` is the evidence: the message, the file, the holder.
    """

    id: str
    hresult: int
    seen: str
    cause: str
    next_step: str
    unmapped: int = 0

    def __str__(self) -> str:
        return f"{self.seen} [{self.id}, 0x{self.hresult:08X}]"


class WuaError(Exception):
    """Every error that wua raises on purpose; ``problem`` says all there is to know."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return str(self.problem)


class Kind(NamedTuple):
    """A row of the catalogue."""

    hresult: int
    cause: str
    next_step: str


def problem(kind: str, seen: str, *, next_step: str = "", unmapped: int = 0) -> Problem:
    """A ``Problem`` of a kind of the catalogue; ``next_step`` replaces the general advice.

    Raises:
        KeyError: the catalogue has no such kind (a defect in the caller).
    """
    row = CATALOGUE[kind]
    return Problem(kind, row.hresult, seen, row.cause, next_step or row.next_step, unmapped)


def error(kind: str, seen: str, *, next_step: str = "", unmapped: int = 0) -> WuaError:
    """The exception for ``problem(...)``, to be raised by the caller."""
    return WuaError(problem(kind, seen, next_step=next_step, unmapped=unmapped))


CATALOGUE: Final[Mapping[str, Kind]] = {
    # --- asking
    "criteria-invalid": Kind(
        codes.WU_E_INVALID_CRITERIA,
        "The search text is not in the criteria language.",
        "Correct the text at the position shown; `wua search --help` has examples.",
    ),
    "no-updates": Kind(
        codes.WU_E_NO_UPDATE,
        "The operation was given no updates.",
        "Search first and pass at least one update.",
    ),
    "unknown-update": Kind(
        codes.WU_E_ITEMNOTFOUND,
        "No update with this identity is in the catalogue.",
        "Search again: the sources may have moved on to a newer version.",
    ),
    "unknown-job": Kind(
        codes.WU_E_ITEMNOTFOUND,
        "No job with this id is in the store of this target.",
        "List the jobs with `wua jobs`, and check that --root names the same target.",
    ),
    "unknown-service": Kind(
        codes.WU_E_DS_UNKNOWNSERVICE,
        "No update service with this id is registered.",
        "List the services with `wua info`.",
    ),
    "service-needed": Kind(
        codes.WU_E_DS_NEEDWINDOWSSERVICE,
        "The machine's own update service stays, and automatic updates need one to use.",
        "Register another service first, or leave this one as it is.",
    ),
    "not-for-automatic-updates": Kind(
        codes.WU_E_INVALID_OPERATION,
        "The service does not let itself be used by automatic updates.",
        "Search it by its id instead.",
    ),
    "automatic-off": Kind(
        codes.WU_E_AU_NOSERVICE,
        "Automatic updates are off, or were never configured.",
        "Configure them at a level above disabled first.",
    ),
    "automatic-paused": Kind(
        codes.WU_E_AU_PAUSED,
        "Automatic updates are paused.",
        "Wait for the end of the pause, or end it.",
    ),
    "invalid-argument": Kind(
        codes.E_INVALIDARG,
        "An argument has a value that the operation cannot take.",
        "Correct the argument named in the message.",
    ),
    "too-many-updates": Kind(
        codes.E_INVALIDARG,
        "More packages were named at once than the system passes to one command (about two megabytes).",
        "Ask for fewer at once, in several jobs.",
    ),
    "access-denied": Kind(
        codes.E_ACCESSDENIED,
        "Changing this target needs a right that the caller does not have.",
        "Run it as the user named in the message (for this host: with sudo).",
    ),
    "mandatory-update": Kind(
        codes.WU_E_DS_DECLINENOTALLOWED,
        "An update that is mandatory, or that has a deadline, cannot be hidden.",
        "Hold the package with `apt-mark hold` if it must not change.",
    ),
    "licence-declined": Kind(
        codes.WU_E_EULAS_DECLINED,
        "The update has a licence that nobody has accepted on this machine.",
        "Read the licence (`EulaText`) and accept it (`AcceptEula`), then try again.",
    ),
    # --- the state of the machine
    "restart-first": Kind(
        codes.WU_E_INSTALL_NOT_ALLOWED,
        "The machine has to be restarted before anything can be installed or removed.",
        "Restart it, then try again.",
    ),
    "busy": Kind(
        codes.WU_E_OPERATIONINPROGRESS,
        "Another wua installation is running on this target.",
        "Wait for it (`wua jobs`, `wua attach JOB`), or let the new job queue.",
    ),
    "lock-held": Kind(
        codes.WU_E_INSTALL_NOT_ALLOWED,
        "Another package manager held its lock for longer than the lock time-out.",
        "Let the program named in the message finish and try again; --lock-timeout waits longer.",
    ),
    "system-interrupted": Kind(
        codes.WU_E_INSTALL_NOT_ALLOWED,
        "An earlier package run was interrupted and could not be repaired automatically.",
        "Look at the packages named; `dpkg --audit` and `apt-get -f install` show what is left.",
    ),
    "target-unusable": Kind(
        codes.WU_E_INVALID_OPERATION,
        "The target lacks something that wua needs there.",
        "Do what the message says, or choose another target.",
    ),
    "plan-stale": Kind(
        codes.WU_E_INVALID_OPERATION,
        "The machine or its sources changed, and the request now means something else than the plan.",
        "Make the plan again, look at the difference, and approve the new one.",
    ),
    "needs-another-download": Kind(
        codes.WU_E_UH_NEEDANOTHERDOWNLOAD,
        "The update now needs more packages than were downloaded.",
        "Search, download and install again.",
    ),
    "not-downloaded": Kind(
        codes.WU_E_DM_NOTDOWNLOADED,
        "The content of the update is not in the cache, and this operation does not download.",
        "Download it first.",
    ),
    "unsolvable": Kind(
        codes.WU_E_UH_INVALIDMETADATA,
        "apt found no way to satisfy the dependencies of the request.",
        "Read apt's reason in the message; often a held package or a source that is not in step.",
    ),
    "removal-refused": Kind(
        codes.WU_E_INVALID_INSTALL_REQUESTED,
        "The plan would remove packages, and this caller did not allow removals.",
        "Look at the plan; allow removals (--allow-removals) only if losing these packages is right.",
    ),
    "essential-removal": Kind(
        codes.WU_E_INVALID_INSTALL_REQUESTED,
        "The plan would remove an essential package.",
        "wua never does that. If it is right, do it by hand with apt-get.",
    ),
    "uninstall-not-allowed": Kind(
        codes.WU_E_UNINSTALL_NOT_ALLOWED,
        "wua did not install this, or the previous version cannot be had any more.",
        "`wua remove` takes a package away whoever installed it.",
    ),
    # --- getting the content
    "download-failed": Kind(
        codes.WU_E_DM_URLNOTAVAILABLE,
        "A file could not be fetched from its addresses.",
        "Check the network and the address in the message, then try again: finished files are kept.",
    ),
    "content-mismatch": Kind(
        codes.WU_E_DM_INCORRECTFILEHASH,
        "A file is not the one that the signed index describes.",
        "The file was not used. Refresh the lists and download again; if it stays, the mirror is at fault.",
    ),
    "no-network": Kind(
        codes.WU_E_DM_NONETWORK,
        "No update source could be reached.",
        "Check the connection and apt's proxy settings; --offline works with what is stored.",
    ),
    "source-refused": Kind(
        codes.WU_E_METADATA_SIGNATURE_VERIFY_FAILED,
        "apt refused an index: no trusted signature, or the Release file has expired.",
        "Mend the source in apt's configuration; wua uses only what apt accepts.",
    ),
    "source-warning": Kind(
        codes.WU_E_PT_ECP_INVALID_METADATA,
        "apt warns about a source; its index is used all the same.",
        "Mend the source in apt's configuration.",
    ),
    "index-unreadable": Kind(
        codes.WU_E_XML_INVALID,
        "A package index that apt stored is damaged or in a format that cannot be read here.",
        "Fetch the lists again (`wua search --refresh`); until then the index counts as it was read before.",
    ),
    "catalogue-damaged": Kind(
        codes.WU_E_DS_INVALID,
        "The catalogue file was damaged; it has been dropped.",
        "Search again: the catalogue is made anew from the lists.",
    ),
    "no-such-folder": Kind(
        codes.COR_E_DIRECTORYNOTFOUND,
        "The folder to copy to is not there.",
        "Make the folder first, or name another one.",
    ),
    "disk-full": Kind(
        ERROR_DISK_FULL,
        "The file system has no room for this.",
        "Free the space named in the message and try again; what was downloaded is kept.",
    ),
    # --- installing
    "script-failed": Kind(
        codes.WU_E_UH_INSTALLERFAILURE,
        "A script inside the package failed.",
        "Read the script's output in the message and mend its cause, then install the update again.",
    ),
    "package-failed": Kind(
        codes.WU_E_UH_INSTALLERFAILURE,
        "dpkg could not unpack or configure the package.",
        "Read dpkg's message; a conflict over a file names the other package.",
    ),
    "dependency-failed": Kind(
        codes.WU_E_UH_INSTALLERFAILURE,
        "A package that this one depends on failed, so it was left unconfigured.",
        "Mend the failure named first, then install this update again.",
    ),
    "conffile-stop": Kind(
        codes.WU_E_UH_CANREQUIREINPUT,
        "A configuration file was changed here and the package brings a new one; the policy is to stop.",
        "Choose --conffiles keep or --conffiles take.",
    ),
    "script-unsafe": Kind(
        codes.WU_E_UH_LOCALONLY,
        "The package's scripts ignore DPKG_ROOT and would act on the wrong system in this kind of root.",
        "Use a root in a user namespace, or insist with --insist.",
    ),
    "installer-killed": Kind(
        ERROR_PROCESS_ABORTED,
        "The installer was killed before it had finished.",
        "The package state was repaired as the job's events tell; install again what is missing.",
    ),
    "outcome-unknown": Kind(
        codes.WU_E_INSTALLATION_RESULTS_NOT_FOUND,
        "Installer and supervisor both died: the exit status is lost, and the system lacks the update.",
        "Install it again.",
    ),
    "not-installed-after-all": Kind(
        codes.WU_E_UH_POSTREBOOTUNEXPECTEDSTATE,
        "The installer reported success, but the system does not show the update.",
        "Read the installer's output with `wua attach JOB --output`.",
    ),
    "installer-failed": Kind(
        codes.WU_E_UH_INSTALLERFAILURE,
        "The installer ended with an error that belongs to no single package.",
        "Read its output in the message.",
    ),
    "timed-out": Kind(
        ERROR_TIMEOUT,
        "A phase took longer than the time-out that the caller set for it.",
        "The phase is named in the message; raise its time-out or look for what it waited on.",
    ),
    "aborted": Kind(
        codes.WU_E_CALL_CANCELLED,
        "The job was asked to abort before this update's turn.",
        "Start it again when you are ready.",
    ),
    "caller-died": Kind(
        codes.WU_E_CALL_CANCELLED,
        "The process that ran this search, plan or rehearsal ended before it was done.",
        "Start it again.",
    ),
    "all-failed": Kind(
        codes.WU_E_ALL_UPDATES_FAILED,
        "Every update of the operation failed.",
        "Look at the reason of each update.",
    ),
    # --- Windows
    "windows-refused": Kind(
        codes.E_FAIL,
        "Microsoft's update agent answered with an error; its own code is the HRESULT.",
        "`wua explain CODE` tells what is known of the code; WindowsUpdate.log tells more.",
    ),
    "interrupted": Kind(
        ERROR_PROCESS_ABORTED,
        "The process that ran the job ended, and neither the history of Windows Update nor the state of "
        "the update shows that it was done.",
        "Search again, and start it again if the update is still offered.",
    ),
    # --- wua itself
    "store-newer": Kind(
        codes.WU_E_DS_BADVERSION,
        "The store was written by a newer version of wua; this one will not touch it.",
        "Use that version, or name another state folder with WUA_STATE.",
    ),
    "store-unwritable": Kind(
        codes.WU_E_DS_STOREFILELOCKED,
        "The store cannot be written.",
        "Check the permissions and the free space of the folder named in the message.",
    ),
    "store-corrupt": Kind(
        codes.WU_E_DS_INVALID,
        "The store's file is damaged.",
        "Do it again: the file is kept aside, and the store is built again from the folders of its jobs.",
    ),
    "host-failed": Kind(
        codes.WU_E_SERVICE_STOP,
        "The job host could not be started.",
        "Its log, named in the message, tells why.",
    ),
    "not-supported": Kind(
        codes.WU_E_NOT_SUPPORTED,
        "This operation is not possible here.",
        "The message names what it needs.",
    ),
    "connection-lost": Kind(
        codes.WU_E_SERVICE_STOP,
        "The connection to the agent was lost.",
        "Connect again; acting jobs go on in the job host.",
    ),
    "unexpected": Kind(
        codes.WU_E_UNEXPECTED,
        "A defect in wua.",
        "Please report it with the text of the message.",
    ),
}
