"""``win32com.client.dynamic``: late binding, which is the only kind here."""

from wua.compat.win32com.client import CDispatch, Dispatch

__all__ = ["CDispatch", "Dispatch"]
