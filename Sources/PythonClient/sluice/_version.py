"""The version of the package, which is also what it calls itself to the daemon."""

__version__ = "1.0.0"
