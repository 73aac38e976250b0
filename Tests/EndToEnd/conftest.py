"""What the end-to-end tests stand on."""

from testbed.fixtures import authority, stage, trust

__all__ = ["authority", "stage", "trust"]
