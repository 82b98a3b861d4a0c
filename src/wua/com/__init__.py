"""The objects of ``wua.wuapi`` for native programs: served over a loop-back port to proxies in a DLL.

``server`` is what ``wua com serve`` runs, ``registration`` what makes a Wine prefix know the classes, and
``native/`` beside this package's sources the DLL's own code. Everything here is a preview.
"""
