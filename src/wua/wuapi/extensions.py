"""Members of wua's own, which wuapi.h does not have. They begin with ``wua_``: nobody takes them for native.

They are declared and reached like the others, early and late bound, and have no DISPID of their own.
"""

from typing import Final

from wua.wuapi.shape import Param, Row

_NO_SLOT: Final = -1

ROWS: Final[dict[str, Row]] = {
    row.name: row
    for row in (
        Row(_NO_SLOT, "wua_job_id", "get", None, (), "BSTR"),
        Row(_NO_SLOT, "wua_jobs", "method", None, (), "VARIANT"),
        Row(
            _NO_SLOT,
            "wua_attach",
            "method",
            None,
            (
                Param("job_id", "BSTR"),
                Param("on_progress", "IUnknown*"),
                Param("on_completed", "IUnknown*"),
                Param("state", "VARIANT"),
            ),
            "IDispatch*",
        ),
    )
}
