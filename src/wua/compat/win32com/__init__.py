"""``win32com``: a package; what there is of it is in ``win32com.client`` and ``win32com.server.util``."""
