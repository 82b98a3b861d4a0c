"""``python -m wua.api.notified module:function``: hand the event on standard input to a function."""

import importlib
import json
import sys


def main(path: str) -> None:
    """Whatever the function raises makes the exit status non-zero, and the delivery is tried again."""
    module, _, name = path.partition(":")
    getattr(importlib.import_module(module), name)(json.load(sys.stdin))


if __name__ == "__main__":
    main(sys.argv[1])
