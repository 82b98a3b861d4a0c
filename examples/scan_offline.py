"""List the updates that a scan package (wsusscn2.cab) says are missing, through pywin32's names.

    wua script examples/scan_offline.py wsusscn2.cab
    python scan_offline.py D:/wsusscn2.cab                          # the same file, on Windows with pywin32

Nothing in it knows of wua. It takes the steps that the documentation of the Windows Update Agent shows for a
scan without a network: register the package as a service, search that service, forget it. wua does not read
scan packages yet, and refuses every file with WU_E_OL_INVALID_SCANFILE.

Ends with 0, or with 2 for an error of the agent.
"""

import argparse
import os
import sys

import pywintypes
import win32com.client

OTHERS = 3  # ServerSelection
KEPT = 1  # the registration outlives the object that stands for it


def scan(services, path):
    package = services.AddScanPackageService("Offline scan", path, KEPT)
    try:
        searcher = win32com.client.Dispatch("Microsoft.Update.Session").CreateUpdateSearcher()
        searcher.ServerSelection = OTHERS
        searcher.ServiceID = package.ServiceID
        updates = searcher.Search("IsInstalled=0").Updates
        for number, update in enumerate(updates, 1):
            print(f"{number}. {update.Title}")
        print(f"{updates.Count} updates are missing")
    finally:
        services.RemoveService(package.ServiceID)


def main():
    parser = argparse.ArgumentParser(description="Scan for missing updates without a network.")
    parser.add_argument("package", help="the scan package")
    services = win32com.client.Dispatch("Microsoft.Update.ServiceManager")
    try:
        scan(services, os.path.abspath(parser.parse_args().package))
    except pywintypes.com_error as failure:
        print(f"failed: 0x{failure.excepinfo[5] & 0xFFFFFFFF:08X} {failure.excepinfo[2]}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
