"""The command ``wua``, also as ``python -m wua``."""

import gc
import io
import sys


def main() -> int:
    """Run the command line of this process; answers the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):  # answered before anything else is loaded
        from wua._version import __version__

        print(f"wua {__version__}")
        return 0
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal cannot show is no error
            stream.reconfigure(errors="replace")
    gc.disable()  # little that is loaded on the way to an answer is ever garbage; an open agent turns it on
    if sys.argv[1:] == ["jobs"]:
        from wua.cli.job_list import plain

        code = plain()
        if code is not None:
            return code
    from wua.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
