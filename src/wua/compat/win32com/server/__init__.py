"""``win32com.server``: what makes a Python object one that COM can call."""
