"""HRESULTs of Microsoft's agent as problems. The causes are those on Windows, from ``explanations``."""

from collections.abc import Mapping
from typing import Final

from wua.model import codes
from wua.model.explanations import explain
from wua.model.problems import CATALOGUE, ERROR_DISK_FULL, Problem
from wua.native.natives import Refusal

OTHERWISE: Final = "windows-refused"
_KINDS: Final[Mapping[int, str]] = {
    codes.E_ACCESSDENIED: "access-denied",
    codes.E_INVALIDARG: "invalid-argument",
    codes.WU_E_INVALID_CRITERIA: "criteria-invalid",
    codes.WU_E_NO_UPDATE: "no-updates",
    codes.WU_E_ITEMNOTFOUND: "unknown-update",
    codes.WU_E_DS_UNKNOWNSERVICE: "unknown-service",
    codes.WU_E_SERVICE_NOT_REGISTERED: "unknown-service",
    codes.WU_E_DS_NEEDWINDOWSSERVICE: "service-needed",
    codes.WU_E_DS_DECLINENOTALLOWED: "mandatory-update",
    codes.WU_E_AU_NOSERVICE: "automatic-off",
    codes.WU_E_AU_PAUSED: "automatic-paused",
    codes.WU_E_OPERATIONINPROGRESS: "busy",
    codes.WU_E_CALL_CANCELLED: "aborted",
    codes.WU_E_DM_NOTDOWNLOADED: "not-downloaded",
    codes.WU_E_DM_INCORRECTFILEHASH: "content-mismatch",
    codes.WU_E_DM_NONETWORK: "no-network",
    codes.WU_E_UH_NEEDANOTHERDOWNLOAD: "needs-another-download",
    codes.WU_E_UNINSTALL_NOT_ALLOWED: "uninstall-not-allowed",
    codes.WU_E_ALL_UPDATES_FAILED: "all-failed",
    codes.WU_E_NOT_SUPPORTED: "not-supported",
    codes.COR_E_DIRECTORYNOTFOUND: "no-such-folder",
    ERROR_DISK_FULL: "disk-full",
}


def problem_of(refusal: Refusal, doing: str = "", *, unmapped: int = 0) -> Problem:
    """The problem that a code of Microsoft's agent stands for. ``doing`` names what was refused."""
    kind = _KINDS.get(refusal.hresult, OTHERWISE)
    known = explain(f"0x{refusal.hresult:08X}")
    row = CATALOGUE[kind]
    said = refusal.text or known.name or f"0x{refusal.hresult:08X}"
    return Problem(
        kind,
        refusal.hresult,
        f"{doing}: {said}" if doing else said,
        known.cause or known.meaning or row.cause,
        known.next_step or row.next_step,
        unmapped,
    )
