"""Waiting for a single reply: awake for a moment where it usually comes at once.

Being woken on another core takes 20 to 50 µs, longer than a warm sample's whole round trip. So whoever waits for one
reply, and usually has it soon, looks for it again and again for a while before sleeping.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any, TypeAlias

Received: TypeAlias = "tuple[int, list[tuple[int, int, bytes]], int, Any]"

_CLOSE_ON_EXEC = int(socket.MSG_CMSG_CLOEXEC)
_AT_ONCE = int(socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT)
_LONGEST_LOOK = 60_000
_SOON = 150_000


class Promptness:
    """How soon replies have come of late, and so how to wait for the next one. Times are ns."""

    def __init__(self) -> None:
        self._usual = 4.0 * _SOON
        self._looks = False

    def receive(self, source: socket.socket, buffers: list[memoryview], ancillary: int) -> Received:
        """As `recvmsg_into`, descriptors closed on exec.

        Args:
            source: a blocking socket.
            buffers: for the bytes.
            ancillary: room for descriptors.

        Raises:
            OSError: as the socket does.
        """
        clock = time.perf_counter_ns
        began = clock()
        received: Received | None = None
        if self._looks:
            end = began + _LONGEST_LOOK
            while received is None and clock() < end:
                try:
                    received = source.recvmsg_into(buffers, ancillary, _AT_ONCE)
                except BlockingIOError:
                    # The daemon's thread may be waiting for this very core.
                    os.sched_yield()
        if received is None:
            received = source.recvmsg_into(buffers, ancillary, _CLOSE_ON_EXEC)
        self._usual += (min(clock() - began, 4 * _SOON) - self._usual) / 4
        if self._looks:
            if self._usual >= _LONGEST_LOOK:
                # Looking finds nothing in time; it is some replies before it is tried again.
                self._looks, self._usual = False, 4.0 * _SOON
        elif self._usual < _SOON:
            # What was measured included being woken; it begins anew without that.
            self._looks, self._usual = True, 0.0
        return received
