"""Find, download and install updates as a script for Windows does it, through pywin32's names.

    wua script examples/search_download_install.py --automate       # all that this machine needs
    wua --root box script examples/search_download_install.py hello --criteria "DeploymentAction=*"
    python search_download_install.py                               # the same file, on Windows with pywin32

Nothing in it knows of wua. It takes the steps, and has the switches, of the script that the documentation of
the Windows Update Agent shows for this: choose a service, search, hide or show, agree to licences, download,
install, tell of each update, restart. Without --automate it asks before each step.

Ends with 0 when all was done that was asked for, 1 when not, 2 for an error of the agent.
"""

import argparse
import sys

import pywintypes
import win32api
import win32com.client

DEFAULT, MANAGED, WINDOWS_UPDATE, OTHERS = range(4)  # ServerSelection
SERVICES = {
    "WU": (WINDOWS_UPDATE, None),
    "WSUS": (MANAGED, None),
    "MU": (OTHERS, "7971f918-a847-4430-9279-4a52d1efe18d"),
    "DCAT": (OTHERS, "855e8a7c-ecb4-4ca3-b045-1dfa50104289"),
    "STORE": (OTHERS, "117cab2d-82b1-4b5a-a08c-4d62dbee7782"),
}
SUCCEEDED = 2
CODES = {
    0: "not started",
    1: "in progress",
    2: "succeeded",
    3: "succeeded with errors",
    4: "failed",
    5: "aborted",
}
ACTIONS = {0: "none", 1: "installation", 2: "uninstallation", 3: "detection", 4: "optional installation"}
EXCLUSIVE = 2
NEEDS_ANOTHER_DOWNLOAD = -2145116147


def arguments():
    parser = argparse.ArgumentParser(description="Find, download and install updates.")
    parser.add_argument("--app-name", default="search_download_install", help="who is named in the history")
    parser.add_argument("--criteria", default="IsInstalled=0 and Type='Software' and IsHidden=0")
    parser.add_argument("--service", help="WU, MU, WSUS, DCAT, STORE or the id of another one")
    parser.add_argument("--offline", metavar="FILE", help="search a scan package (wsusscn2.cab) instead")
    parser.add_argument("--superseded", action="store_true", help="also updates that newer ones supersede")
    parser.add_argument("--automate", action="store_true", help="ask nothing")
    parser.add_argument("--hide", action="store_true", help="hide what is found")
    parser.add_argument("--show", action="store_true", help="show again what is found hidden")
    parser.add_argument("--no-download", action="store_true", help="find only")
    parser.add_argument("--no-install", action="store_true", help="find and download only")
    parser.add_argument("--details", action="store_true", help="tell more of each update")
    parser.add_argument("--bundles", action="store_true", help="tell of the updates in each update")
    parser.add_argument("--restart", action="store_true", help="restart the machine if that is needed")
    parser.add_argument("words", nargs="*", help="only updates with one of these words in their title")
    return parser.parse_args()


def agreed(asked, question):
    return asked.automate or input(f"{question} [y/n] ").strip().lower() == "y"


def search(session, asked):
    """The updates that are found, those that were not named left out."""
    searcher = session.CreateUpdateSearcher()
    if asked.offline:
        services = win32com.client.Dispatch("Microsoft.Update.ServiceManager")
        package = services.AddScanPackageService(asked.app_name, asked.offline, 0)
        searcher.ServerSelection, searcher.ServiceID = OTHERS, package.ServiceID
    elif asked.service:
        selection, service = SERVICES.get(asked.service.upper(), (OTHERS, asked.service))
        searcher.ServerSelection = selection
        if selection == OTHERS:
            searcher.ServiceID = service
    if asked.superseded:
        searcher.IncludePotentiallySupersededUpdates = True
    result = searcher.Search(asked.criteria)
    for warning in result.Warnings:
        print(f"warning: {warning.Message}")
    found = win32com.client.Dispatch("Microsoft.Update.UpdateColl")
    for update in result.Updates:
        if not asked.words or any(word in update.Title.split() for word in asked.words):
            found.Add(update)
    return found


def describe(update, asked):
    text = update.Title + (" (hidden)" if update.IsHidden else "")
    if asked.details:
        articles = [f"KB{number}" for number in update.KBArticleIDs]
        categories = [category.Name for category in update.Categories]
        text += f" ({', '.join(articles + categories)}; {ACTIONS[update.DeploymentAction]})"
    return text


def list_them(updates, asked):
    for number, update in enumerate(updates, 1):
        print(f"{number}. {describe(update, asked)}")
        if asked.bundles:
            for part in update.BundledUpdates:
                print(f"   - {describe(part, asked)}")


def hide_or_show(updates, asked):
    for update in updates:
        if asked.hide and not update.IsHidden and agreed(asked, f"Hide {update.Title}?"):
            update.IsHidden = True
            print(f"hidden: {update.Title}")
        elif asked.show and update.IsHidden and agreed(asked, f"Show {update.Title}?"):
            update.IsHidden = False
            print(f"shown: {update.Title}")


def why_not(update, chosen, asked):
    """Why an update is left out, or None. InstallationBehavior may be missing."""
    behavior = update.InstallationBehavior
    if behavior is not None and behavior.CanRequestUserInput:
        return "it asks questions while it is installed"
    if not update.EulaAccepted:
        if asked.automate:
            return "its licence was not agreed to"
        print(update.EulaText)
        if not agreed(asked, "Do you agree to this licence?"):
            return "its licence was declined"
        update.AcceptEula()
    if chosen and behavior is not None and behavior.Impact == EXCLUSIVE:
        return "it must be installed alone, and others come first"
    return None if agreed(asked, f"Install {update.Title}?") else "you said no"


def choose(updates, asked):
    chosen = win32com.client.Dispatch("Microsoft.Update.UpdateColl")
    for update in updates:
        reason = why_not(update, chosen.Count, asked)
        if reason:
            print(f"left out: {update.Title}: {reason}")
            continue
        chosen.Add(update)
        behavior = update.InstallationBehavior
        if behavior is not None and behavior.Impact == EXCLUSIVE:
            print(f"{update.Title} must be installed alone; the rest is for another time")
            break
    return chosen


def download(session, updates):
    """Answers what can be installed now."""
    downloader = session.CreateUpdateDownloader()
    downloader.Updates = updates
    print(f"download: {CODES[downloader.Download().ResultCode]}")
    ready = win32com.client.Dispatch("Microsoft.Update.UpdateColl")
    for update in updates:
        if update.IsDownloaded:
            ready.Add(update)
    return ready


def install(session, updates, asked):
    """Tell of each update; answers whether all went well."""
    if any(each.InstallationBehavior and each.InstallationBehavior.RebootBehavior for each in updates):
        print("a restart may be needed")
    if not agreed(asked, f"Install {updates.Count} now?"):
        return False
    installer = session.CreateUpdateInstaller()
    installer.Updates = updates
    result = installer.Install()
    print(f"installation: {CODES[result.ResultCode]}; restart needed: {result.RebootRequired}")
    for number in range(updates.Count):
        one = result.GetUpdateResult(number)
        code = f", 0x{one.HResult & 0xFFFFFFFF:08X}" if one.HResult else ""
        print(f"  {updates.Item(number).Title}: {CODES[one.ResultCode]}{code}")
        if one.HResult == NEEDS_ANOTHER_DOWNLOAD:
            print("  more has to be downloaded for it: run this again")
    if result.RebootRequired and asked.restart and agreed(asked, "Restart now?"):
        installer.Commit(0)
        restart()
    return result.ResultCode == SUCCEEDED


def restart():
    try:
        win32api.InitiateSystemShutdown(None, "Updates were installed", 30, True, True)
    except pywintypes.error as failure:
        print(f"restart it yourself: {failure.strerror}")


def main():
    asked = arguments()
    session = win32com.client.Dispatch("Microsoft.Update.Session")
    session.ClientApplicationID = asked.app_name
    try:
        updates = search(session, asked)
        list_them(updates, asked)
        if not updates.Count:
            print("there is nothing to install")
            return 0
        hide_or_show(updates, asked)
        if asked.no_download:
            return 0
        chosen = choose(updates, asked)
        ready = download(session, chosen) if chosen.Count else chosen
        complete = ready.Count == updates.Count
        if ready.Count and not asked.no_install:
            complete = install(session, ready, asked) and complete
        return 0 if complete else 1
    except pywintypes.com_error as failure:
        hresult, text, details, _ = failure.args
        code = details[5] if details else hresult
        print(f"failed: 0x{code & 0xFFFFFFFF:08X} {(details and details[2]) or text}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
