"""``win32con``: the few constants that ``win32com`` itself reads."""

from typing import Final

__all__ = ["HKEY_CLASSES_ROOT", "HKEY_CURRENT_USER", "HKEY_LOCAL_MACHINE"]

HKEY_CLASSES_ROOT: Final = -0x80000000
HKEY_CURRENT_USER: Final = -0x7FFFFFFF
HKEY_LOCAL_MACHINE: Final = -0x7FFFFFFE
