"""Find one update by its title, download and install it, through pywin32's names.

    wua --root box script examples/install_one_update.py "tzdata 2026f-0+deb12u1" --yes
    wua --root box script examples/install_one_update.py "tzdata 2026f-0+deb12u1" --uninstall --yes
    python install_one_update.py "the whole title"                  # the same file, on Windows with pywin32

Nothing in it knows of wua. It takes the steps that the documentation of the Windows Update Agent shows for a
specific update, and can go back: search among everything, compare titles without case, agree to the licence,
download, install. Without --yes it asks first.

Ends with 0 when it was done or there was nothing to do, 1 when not, 2 for an error of the agent.
"""

import argparse
import sys

import pywintypes
import win32com.client

SUCCEEDED = 2


def find(session, title):
    """The update with this title, in a collection of its own."""
    updates = win32com.client.Dispatch("Microsoft.Update.UpdateColl")
    for update in session.CreateUpdateSearcher().Search("Type='Software' and DeploymentAction=*").Updates:
        if update.Title.upper() == title.upper():
            updates.Add(update)
            break
    return updates


def prepare(session, updates, yes):
    """Agree to the licence and fetch what is missing; answers what keeps it from being installed, or None."""
    update = updates.Item(0)
    behavior = update.InstallationBehavior
    if behavior is not None and behavior.CanRequestUserInput:
        return "it asks questions while it is installed"
    if not update.EulaAccepted:
        print(update.EulaText)
        if not (yes or input("Do you agree to this licence? [y/n] ").strip().lower() == "y"):
            return "its licence was declined"
        update.AcceptEula()
    if not update.IsDownloaded:
        downloader = session.CreateUpdateDownloader()
        downloader.Updates = updates
        downloader.Download()
    return None if update.IsDownloaded else "it could not be downloaded"


def act(session, updates, uninstall):
    installer = session.CreateUpdateInstaller()
    installer.Updates = updates
    result = installer.Uninstall() if uninstall else installer.Install()
    one = result.GetUpdateResult(0)
    print(f"result {one.ResultCode}, 0x{one.HResult & 0xFFFFFFFF:08X}; restart: {result.RebootRequired}")
    return 0 if result.ResultCode == SUCCEEDED else 1


def main():
    parser = argparse.ArgumentParser(description="Install one update.")
    parser.add_argument("title", help="the whole title, in any case")
    parser.add_argument("--uninstall", action="store_true", help="go back to the state before it")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    asked = parser.parse_args()
    session = win32com.client.Dispatch("Microsoft.Update.Session")
    session.ClientApplicationID = "install_one_update"
    try:
        updates = find(session, asked.title)
        if not updates.Count:
            print(f"no update is called {asked.title}")
            return 1
        if bool(updates.Item(0).IsInstalled) != asked.uninstall:
            print("there is nothing to do")
            return 0
        verb = "Uninstall" if asked.uninstall else "Install"
        if not (asked.yes or input(f"{verb} {updates.Item(0).Title}? [y/n] ").strip().lower() == "y"):
            return 1
        reason = None if asked.uninstall else prepare(session, updates, asked.yes)
        if reason:
            print(f"not installed: {reason}")
            return 1
        return act(session, updates, asked.uninstall)
    except pywintypes.com_error as failure:
        details = failure.excepinfo
        print(f"failed: 0x{(details[5] if details else failure.hresult) & 0xFFFFFFFF:08X}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
