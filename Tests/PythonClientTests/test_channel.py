"""The hand-over between a loader's thread and its loop."""

from __future__ import annotations

import os
import threading

import pytest
from sluice.channel import Channel
from sluice.errors import ForkedError


def test_items_come_in_order_and_no_more_wait_than_fit() -> None:
    channel: Channel[int] = Channel(3)
    given: list[int] = []

    def produce() -> None:
        for item in range(1000):
            assert channel.put(item)
            given.append(item)
        channel.end()

    thread = threading.Thread(target=produce)
    thread.start()
    for expected in range(1000):
        assert channel.get() == expected
        # One more may have been handed over than was counted.
        assert len(given) <= expected + 1 + 3
    with pytest.raises(StopIteration):
        channel.get()
    with pytest.raises(StopIteration):
        channel.get()
    thread.join()


def test_a_failure_comes_after_the_items_and_once() -> None:
    channel: Channel[str] = Channel(2)
    assert channel.put("first")
    channel.end(OSError("the disk is gone"))
    assert channel.get() == "first"
    with pytest.raises(OSError, match="the disk is gone"):
        channel.get()
    with pytest.raises(StopIteration):
        channel.get()


def test_the_consumer_ends_it() -> None:
    channel: Channel[int] = Channel(1)
    assert channel.put(0)
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.extend(channel.put(item) for item in (1, 2)))
    thread.start()
    channel.end()
    thread.join(10)
    assert results == [False, False]


def test_whoever_waits_is_woken_by_the_end() -> None:
    channel: Channel[int] = Channel(1)
    ended: list[bool] = []

    def consume() -> None:
        try:
            channel.get()
        except StopIteration:
            ended.append(True)

    thread = threading.Thread(target=consume)
    thread.start()
    channel.end()
    thread.join(10)
    assert ended == [True]


def test_a_fork_has_no_producer() -> None:
    channel: Channel[int] = Channel(1)
    assert channel.put(0)
    process = os.fork()
    if process == 0:
        code = 1
        try:
            channel.get()
        except ForkedError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert channel.get() == 0
