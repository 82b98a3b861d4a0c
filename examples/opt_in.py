"""Have an update service used besides the machine's own, through pywin32's names.

    wua script examples/opt_in.py                                   # to Microsoft Update
    wua script examples/opt_in.py --service 5e1f0a52-6a0e-4d0c-9b6e-1f2a3c4d5e6f
    wua script examples/opt_in.py --leave
    python opt_in.py                                                # the same file, on Windows with pywin32

Nothing in it knows of wua. It takes the steps that the documentation of the Windows Update Agent shows for
opting in: register the service online, else as soon as it answers, and have automatic updates use it. On
Debian no Microsoft Update answers, so it is noted and waited for.

Ends with 0 when the service is registered or gone, 1 when it is waited for, 2 for another error of the agent.
"""

import argparse
import sys

import pywintypes
import win32com.client

MICROSOFT_UPDATE = "7971f918-a847-4430-9279-4a52d1efe18d"
PENDING, ONLINE, WITH_AUTOMATIC_UPDATES = 1, 2, 4  # AddServiceFlag
STATES = {1: "not registered", 2: "waited for", 3: "registered"}
REGISTERED = 3


def opt_in(services, service):
    """Register; what can't be done now is noted by the agent, though the call fails."""
    try:
        registration = services.AddService2(service, PENDING | ONLINE | WITH_AUTOMATIC_UPDATES, "")
    except pywintypes.com_error as failure:
        print(f"not now: 0x{failure.excepinfo[5] & 0xFFFFFFFF:08X}")
        registration = services.QueryServiceRegistration(service)
    print(f"{service}: {STATES[registration.RegistrationState]}")
    if registration.Service is not None:
        used = "used" if registration.Service.IsRegisteredWithAU else "not used"
        print(f"{registration.Service.Name}, {used} by automatic updates")
    return 0 if registration.RegistrationState == REGISTERED else 1


def main():
    parser = argparse.ArgumentParser(description="Opt in to an update service.")
    parser.add_argument("--service", default=MICROSOFT_UPDATE, help="its id; Microsoft Update by default")
    parser.add_argument("--leave", action="store_true", help="opt out again")
    asked = parser.parse_args()
    services = win32com.client.Dispatch("Microsoft.Update.ServiceManager")
    services.ClientApplicationID = "opt_in"
    try:
        if not asked.leave:
            return opt_in(services, asked.service)
        services.RemoveService(asked.service)
    except pywintypes.com_error as failure:
        print(f"failed: 0x{failure.excepinfo[5] & 0xFFFFFFFF:08X}")
        return 2
    print(f"{asked.service}: removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
