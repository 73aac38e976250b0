"""Sluice: training data from a daemon on this machine."""

from sluice._version import __version__

__all__ = ["__version__"]
