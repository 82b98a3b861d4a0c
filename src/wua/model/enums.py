"""Enums of the domain. Numbers are those of wuapi.h wherever it has them."""

from enum import Enum, IntEnum


class ResultCode(IntEnum):
    """Outcome of an operation or of one update in it (OperationResultCode)."""

    NOT_STARTED = 0
    IN_PROGRESS = 1
    SUCCEEDED = 2
    SUCCEEDED_WITH_ERRORS = 3
    FAILED = 4
    ABORTED = 5


class UpdateType(IntEnum):
    SOFTWARE = 1
    DRIVER = 2


class DeploymentAction(IntEnum):
    """What an offer is deployed for.

    DETECTION marks an update that is known but not deployed to this machine yet
    (a phased update): it is shown on request and never installed by default.
    """

    NONE = 0
    INSTALLATION = 1
    UNINSTALLATION = 2
    DETECTION = 3
    OPTIONAL_INSTALLATION = 4


class DownloadPhase(IntEnum):
    INITIALIZING = 1
    DOWNLOADING = 2
    VERIFYING = 3


class UpdateOperation(IntEnum):
    INSTALLATION = 1
    UNINSTALLATION = 2


class ServerSelection(IntEnum):
    DEFAULT = 0
    MANAGED_SERVER = 1
    WINDOWS_UPDATE = 2
    OTHERS = 3


class TargetKind(Enum):
    """What kind of machine is being updated."""

    HOST = "host"  # this Debian machine
    NAMESPACE_ROOT = "namespace-root"  # a complete small Debian in a user namespace
    PLAIN_ROOT = "plain-root"  # a folder with a stub for the host's packages
    SIMULATED = "simulated"  # a scripted machine of wua.testing
    SHADOW = "shadow"  # a copy of this host's package database, to rehearse in
    WINDOWS_HOST = "windows-host"  # this Windows machine, by Microsoft's own agent


class ConffilePolicy(Enum):
    """What to do when a package brings a new version of a configuration file that was changed here."""

    KEEP = "keep"  # the changed file stays; the new one is put beside it
    TAKE = "take"  # the new file replaces the changed one, which is put beside it
    STOP = "stop"  # the update fails and names the file


class AbortAnswer(Enum):
    """What RequestAbort will lead to, answered at once."""

    ENDED = "ended"  # the job had ended before
    AT_ONCE = "at-once"  # it had not touched the target: it ends now
    AFTER_STEP = "after-step"  # the running package transaction ends first; the rest is left undone
