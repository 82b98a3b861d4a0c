"""A program over wuapi that may be killed and started again.

``FOLDER IMPLEMENTATION begin`` installs everything and says the job's id. ``... resume [JOB]`` takes that job
up, or the newest one of its application; it says "attached", and in the end what it was called with.
"""

import json
import sys
import threading
from typing import Any

from tests.support.machines import IMPLEMENTATIONS

from wua.api.agent import Agent
from wua.engine.agent import LocalAgent
from wua.model.enums import TargetKind
from wua.model.plugins import TargetSpec
from wua.testing.machine import SimulatedMachine
from wua.wuapi import (
    IInstallationCompletedCallback,
    IInstallationProgressChangedCallback,
    UpdateSession,
)


class Progress(IInstallationProgressChangedCallback):
    def __init__(self) -> None:
        self.percents: list[int] = []

    def Invoke(self, installationJob: Any, callbackArgs: Any) -> None:
        self.percents.append(callbackArgs.Progress.PercentComplete)


class Completed(IInstallationCompletedCallback):
    def __init__(self, end: Any) -> None:
        self.end = end
        self.calls: list[dict[str, Any]] = []
        self.called = threading.Event()

    def Invoke(self, installationJob: Any, callbackArgs: Any) -> None:
        result = self.end(installationJob)
        updates = installationJob.Updates
        self.calls.append(
            {
                "completed": installationJob.IsCompleted,
                "state": installationJob.AsyncState,
                "code": result.ResultCode,
                "restart": result.RebootRequired,
                "updates": {u.Title: result.GetUpdateResult(n).ResultCode for n, u in enumerate(updates)},
            }
        )
        self.called.set()


def main(folder: str, implementation: str, verb: str, job_id: str = "") -> None:
    plug_ins = {"plug-in": "simulated", "service": "simulated", "handler": "simulated"}
    machine = SimulatedMachine(TargetSpec(TargetKind.SIMULATED, folder, plug_ins))
    session = UpdateSession(agent=Agent(IMPLEMENTATIONS[implementation](LocalAgent(machine))))
    session.ClientApplicationID = "the restarted one"
    installer = session.CreateUpdateInstaller()
    if verb == "begin":
        installer.Updates = session.CreateUpdateSearcher().Search("IsInstalled=0").Updates
        job = installer.BeginInstall(None, None, None)
        print(job.wua_job_id, flush=True)
        job.CleanUp()
        return
    progress, completed = Progress(), Completed(installer.EndInstall)
    attached = session.wua_attach(job_id or session.wua_jobs()[0], progress, completed, "mine")
    print("attached", flush=True)
    completed.called.wait()
    attached.CleanUp()
    print(json.dumps({"calls": completed.calls, "percents": progress.percents}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
