"""Running a script as ``python FILE.py ARGS`` would, with pywin32's names there."""

import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType
from typing import Final

from wua.compat import install

FAILED: Final = 1
INTERRUPTED: Final = 130  # as a shell has it for a program that Ctrl-C ended


def run_script(path: str, arguments: Sequence[str]) -> int:
    """Run a file as ``__main__`` of this process, which is its own from then on; answers its exit code.

    The script sees its ``sys.argv``, its folder first in ``sys.path``, and no frames of wua's in a traceback.
    """
    install()
    gc.enable()
    sys.argv = [path, *arguments]
    sys.path[:1] = [os.path.dirname(os.path.realpath(path))]
    module = ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = SourceFileLoader("__main__", path)
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    try:
        with io.open_code(os.path.abspath(path)) as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - running the file that was named is what this is for
    except SystemExit as ending:
        return _exit_code(ending.code)
    except BaseException as failure:  # noqa: BLE001 - python itself prints whatever a script lets out
        own = _own_frames(failure.__traceback__, path)
        sys.excepthook(type(failure), failure.with_traceback(own), own)
        return INTERRUPTED if isinstance(failure, KeyboardInterrupt) else FAILED
    return 0


def _exit_code(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return FAILED


def _own_frames(traceback: TracebackType | None, path: str) -> TracebackType | None:
    """The traceback from the script's first frame on."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename != path:
        traceback = traceback.tb_next
    return traceback
