"""What the operations tests stand on."""

from testbed.fixtures import authority, stage, trust

__all__ = ["authority", "stage", "trust"]
