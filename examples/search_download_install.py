"""Find, download and install updates as a script for Windows does it, through pywin32's names.

    wua script examples/search_download_install.py                  # all that this machine needs
    wua --root box script examples/search_download_install.py --criteria "IsInstalled=0 and DeploymentAction=*" hello
    python search_download_install.py                               # the same file, on Windows with pywin32

Nothing in it knows of wua. It takes the steps that the documentation of the Windows Update Agent shows: search,
agree to licences, download, install, and tell of each update, with the switches that scripts have for it.
"""

import argparse
import sys

import pywintypes
import win32com.client

SUCCEEDED = 2
CODES = {
    0: "not started",
    1: "in progress",
    2: "succeeded",
    3: "succeeded with errors",
    4: "failed",
    5: "aborted",
}


def arguments():
    parser = argparse.ArgumentParser(description="Find, download and install updates.")
    parser.add_argument("--criteria", default="IsInstalled=0 and IsHidden=0")
    parser.add_argument(
        "--offline", action="store_true", help="search what is known without asking the service"
    )
    parser.add_argument("--list", action="store_true", help="find only")
    parser.add_argument("--download", action="store_true", help="find and download only")
    parser.add_argument("--force", action="store_true", help="install again what is installed")
    parser.add_argument("--quiet", action="store_true", help="let no installer show anything")
    parser.add_argument("--no-restart", action="store_true", help="leave out what may need a restart")
    parser.add_argument("words", nargs="*", help="only updates with one of these words in their title")
    return parser.parse_args()


def find(session, asked):
    """The updates that are wanted, in a collection of our own."""
    searcher = session.CreateUpdateSearcher()
    searcher.Online = not asked.offline
    result = searcher.Search(asked.criteria)
    for warning in result.Warnings:
        print(f"warning: {warning.Message}")
    wanted = win32com.client.Dispatch("Microsoft.Update.UpdateColl")
    for update in result.Updates:
        if asked.words and not any(word in update.Title.split() for word in asked.words):
            continue
        if asked.no_restart and update.InstallationBehavior.RebootBehavior:
            continue
        wanted.Add(update)
    return wanted


def show(updates):
    for number in range(updates.Count):
        update = updates.Item(number)
        kind = ", ".join(category.Name for category in update.Categories)
        print(f"{number + 1}. {update.Title} ({kind}; {update.MaxDownloadSize} bytes)")


def download(session, updates, asked):
    """Fetch what is not there yet; answers what can be installed now."""
    missing = win32com.client.Dispatch("Microsoft.Update.UpdateColl")
    for update in updates:
        if not update.EulaAccepted:
            update.AcceptEula()
        if not update.IsDownloaded:
            missing.Add(update)
    if missing.Count:
        downloader = session.CreateUpdateDownloader()
        downloader.Updates = missing
        downloader.IsForced = asked.force
        result = downloader.Download()
        print(f"download: {CODES[result.ResultCode]}")
    ready = win32com.client.Dispatch("Microsoft.Update.UpdateColl")
    for update in updates:
        if update.IsDownloaded:
            ready.Add(update)
    return ready


def install(session, updates, asked):
    """Install, tell of each update; answers whether all went well."""
    installer = session.CreateUpdateInstaller()
    if installer.IsBusy:
        print("another installation is at work")
        return False
    if installer.RebootRequiredBeforeInstallation:
        print("the machine must be restarted first")
        return False
    installer.Updates = updates
    installer.IsForced = asked.force
    installer.ForceQuiet = asked.quiet
    installer.AllowSourcePrompts = False
    result = installer.Install()
    print(f"installation: {CODES[result.ResultCode]}; restart needed: {result.RebootRequired}")
    for number in range(updates.Count):
        one = result.GetUpdateResult(number)
        code = f", 0x{one.HResult & 0xFFFFFFFF:08X}" if one.HResult else ""
        print(f"  {updates.Item(number).Title}: {CODES[one.ResultCode]}{code}")
    return result.ResultCode == SUCCEEDED


def main():
    asked = arguments()
    session = win32com.client.Dispatch("Microsoft.Update.Session")
    session.ClientApplicationID = "search_download_install"
    try:
        updates = find(session, asked)
        show(updates)
        if not updates.Count:
            print("there is nothing to install")
            return 0
        if asked.list:
            return 0
        ready = download(session, updates, asked)
        if asked.download or not ready.Count:
            return 0 if ready.Count == updates.Count else 1
        done = install(session, ready, asked)
        return 0 if done and ready.Count == updates.Count else 1
    except pywintypes.com_error as failure:
        hresult, text, details, _ = failure.args
        code = details[5] if details else hresult
        print(f"failed: 0x{code & 0xFFFFFFFF:08X} {(details and details[2]) or text}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
