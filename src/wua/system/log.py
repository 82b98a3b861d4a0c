"""The log of a process without a terminal: standard error, a line with its time for each message."""

import contextlib
import sys
import time


def log(text: str) -> None:
    """Write a line; a log that can't be written (its disk may be full) stops nothing."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{stamp} {text}\n")
        sys.stderr.flush()
