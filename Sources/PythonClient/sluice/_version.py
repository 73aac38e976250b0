"""The version of the package, which is also what it calls itself to the daemon: the daemon's own."""

__version__ = "0.1.0"
