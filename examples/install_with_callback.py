"""Install updates in the background and be told, the way wuapi.h words it.

    python examples/install_with_callback.py                          # on a machine that is only played
    python examples/install_with_callback.py --root box hello         # in a Debian root of your own
    python examples/install_with_callback.py --root box --uninstall hello

The first line is all that the example needs. A root is made when it is missing, and needs no privileges.
"""

import argparse
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import wua
from wua import wuapi


class Progress(wuapi.IInstallationProgressChangedCallback):
    """Prints how far the operation is."""

    def Invoke(self, installationJob, callbackArgs):
        now = callbackArgs.Progress
        title = installationJob.Updates.Item(now.CurrentUpdateIndex).Title
        sys.stdout.write(f"{now.PercentComplete:3} %  {title}\n")  # whole: it comes on another thread


class Completed(wuapi.IInstallationCompletedCallback):
    """Takes the result and lets the main program go on."""

    def __init__(self, end):
        self.end = end
        self.called = threading.Event()
        self.failed = False

    def Invoke(self, installationJob, callbackArgs):
        try:
            result = self.end(installationJob)
            report(installationJob.Updates, result)
            self.failed = result.ResultCode != wuapi.orcSucceeded
        except wuapi.ComError as failure:
            print(failure)
            self.failed = True
            return failure.hresult
        finally:
            self.called.set()
        return wuapi.S_OK


def report(updates, result):
    """One line for the whole, one for each update."""
    print(f"{result.ResultCode.name}, restart needed: {'yes' if result.RebootRequired else 'no'}")
    for number, update in enumerate(updates):
        part = result.GetUpdateResult(number)
        print(f"  {update.Title}: {part.ResultCode.name} 0x{part.HResult & 0xFFFFFFFF:08X}")


def choose(session, criteria, names):
    """The updates that a search finds, all of them or those with a name in their title's first word."""
    found = session.CreateUpdateSearcher().Search(criteria).Updates
    chosen = wuapi.UpdateCollection()
    for update in found:
        if not names or update.Title.split()[0] in names:
            chosen.Add(update)
    return chosen


def install(session, updates):
    """Download, then install in the background. Answers whether all of it succeeded."""
    downloader = session.CreateUpdateDownloader()
    downloader.Updates = updates
    downloader.Download()  # installing itself never downloads
    installer = session.CreateUpdateInstaller()
    installer.Updates = updates
    return wait_for(installer.BeginInstall, installer.EndInstall)


def uninstall(session, updates):
    """Go back to the state before the updates, in the background."""
    installer = session.CreateUpdateInstaller()
    installer.Updates = updates
    return wait_for(installer.BeginUninstall, installer.EndUninstall)


def wait_for(begin, end):
    """Begin an operation, do something else, and wait until it has called back."""
    completed = Completed(end)
    job = begin(Progress(), completed, "any object of the caller's")
    sys.stdout.write("begun; this program could do something else now\n")
    completed.called.wait()
    job.CleanUp()  # no callback comes after this
    return not completed.failed


@contextmanager
def machine(root):
    """The agent of a root, or of a machine that is only played."""
    if root:
        with wua.open(root=root) as agent:
            yield agent
        return
    from wua.testing.machine import SimulatedMachine, SimulatedUpdate

    updates = [SimulatedUpdate("editor", "2.0"), SimulatedUpdate("kernel", "6.1", reboot=True)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with wua.open(target=SimulatedMachine.create(Path(folder) / "machine", updates)) as agent:
            yield agent


def main():
    parser = argparse.ArgumentParser(description="Install updates in the background and be told.")
    parser.add_argument("--root", help="a Debian root of your own; made when it is missing")
    parser.add_argument("--uninstall", action="store_true", help="go back instead")
    parser.add_argument("names", nargs="*", help="packages; all that the search finds when none is named")
    asked = parser.parse_args()
    wanted = "IsInstalled=1" if asked.uninstall else "IsInstalled=0"
    if asked.names:
        wanted += " and DeploymentAction=*"  # also what is not installed in any version
    with machine(asked.root) as agent, wua.use(agent):
        session = wuapi.UpdateSession()
        session.ClientApplicationID = "install_with_callback"
        updates = choose(session, wanted, asked.names)
        if not updates.Count:
            print("nothing to do")
            return 0
        done = (uninstall if asked.uninstall else install)(session, updates)
        return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
