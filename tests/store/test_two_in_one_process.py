"""Two stores on one file in one process: neither may drop the other's locks."""

import subprocess
import sys
from pathlib import Path

from wua.model.jobs import JobKind, JobSpec
from wua.model.plans import Operation, PlanRequest
from wua.store.state import StateStore

SPEC = JobSpec(JobKind.INSTALL, request=PlanRequest(Operation.INSTALL))
OPEN_AND_CLOSE = """
import sys
from pathlib import Path
from wua.store.state import StateStore
store = StateStore(Path(sys.argv[1]))
print(len(store.jobs()))
store.close()
"""


def in_another_process(path: Path) -> int:
    """How many jobs another process sees that opens the store and closes it again."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AND_CLOSE, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_a_second_store_in_the_process_leaves_the_first_ones_locks(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = StateStore(path)
    first.add_job(SPEC, ())
    second = StateStore(path)
    assert len(second.jobs()) == 1
    assert in_another_process(path) == 1  # its close would delete a log that nobody seems to use
    first.add_job(SPEC, ())
    assert in_another_process(path) == 2
    second.close()
    first.close()
