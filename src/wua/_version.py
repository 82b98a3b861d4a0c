"""The one place that holds the version; imports nothing, so that ``wua --version`` is quick."""

__version__ = "0.1.0"
