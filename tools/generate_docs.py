"""Write the pages of docs/reference that are drawn from the code.

Run by ``make docs``; a test compares the pages with what the code says now.
"""

import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from wua.model.agent import AgentInfo
from wua.model.code_meanings import MEANINGS
from wua.model.jobs import Delivery, HistoryEntry, JobEvent, JobRecord
from wua.model.plans import Plan
from wua.model.problems import CATALOGUE, ERROR_DISK_FULL, ERROR_PROCESS_ABORTED, ERROR_TIMEOUT
from wua.model.states import TABLE, JobState
from wua.model.updates import SearchResult, Update, Verdict

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import cli_pages
import wuapi_pages

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
HEAD = "<!-- Drawn from the code by `make docs`; do not edit. -->\n\n"
CROSSING = [AgentInfo, SearchResult, Update, Verdict, Plan, JobRecord, JobEvent, HistoryEntry, Delivery]
WIN32: Final = {
    ERROR_DISK_FULL: "ERROR_DISK_FULL",
    ERROR_TIMEOUT: "ERROR_TIMEOUT",
    ERROR_PROCESS_ABORTED: "ERROR_PROCESS_ABORTED",
}


def table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def job_states() -> str:
    """The job state table, and a diagram of its steps."""
    rows = [
        (
            state.value,
            row.meaning,
            ", ".join(each.value for each in JobState if each in row.next) or "none",
            row.cancel.value,
            row.crash.value,
            f"{row.weight[0]} to {row.weight[1]}",
        )
        for state, row in TABLE.items()
    ]
    steps = [
        f"    {state.name} --> {after.name}\n"
        for state, row in TABLE.items()
        for after in JobState
        if after in row.next
    ]
    return (
        f"# Job states\n\n{HEAD}"
        "Every job goes through these states. *Cancel* is what a request to abort does there, *crash*\n"
        "what the next job host does with a job that it finds there, *percent* the part of the whole\n"
        "job's progress that the state stands for.\n\n"
        + table(("state", "meaning", "next", "cancel", "crash", "percent"), rows)
        + "\n```mermaid\nstateDiagram-v2\n"
        + "".join(steps)
        + "```\n"
    )


def problems() -> str:
    """Every kind of problem with its result code, likely cause and next step."""
    names = {value: name for name, (value, _, _) in reversed(MEANINGS.items())} | WIN32
    rows = [
        (f"`{kind}`", f"{names[row.hresult]} (0x{row.hresult:08X})", row.cause, row.next_step)
        for kind, row in CATALOGUE.items()
    ]
    return (
        f"# Problems\n\n{HEAD}"
        "Every error that wua raises on purpose is of one of these kinds. What was seen in the single\n"
        "case comes with the error itself.\n\n"
        + table(("id", "result code", "likely cause", "next step"), rows)
    )


def schema() -> str:
    """JSON schema (2020-12) of the values that cross the Agent protocol."""
    tops, components = msgspec.json.schema_components(CROSSING, ref_template="#/$defs/{name}")
    for rule in components.values():  # newer versions of Python strip the indentation themselves
        if "description" in rule:
            rule["description"] = inspect.cleandoc(rule["description"])
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of wua",
        "anyOf": list(tops),
        "$defs": dict(sorted(components.items())),
    }
    return json.dumps(document, indent=1) + "\n"


def pages() -> dict[str, str]:
    """The text of every generated page by its name in docs/reference."""
    own = {"job-states.md": job_states(), "problems.md": problems(), "values.schema.json": schema()}
    return own | cli_pages.pages() | wuapi_pages.pages()


def main() -> int:
    for name, text in pages().items():
        path = REFERENCE / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
