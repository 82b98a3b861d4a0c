"""The command ``wua``, also as ``python -m wua``."""

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
    from wua.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
