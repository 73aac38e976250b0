"""Several batches in one request: when, and that nobody can tell by the batches."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sluice
from sluice import errors
from sluice.connection import grouping
from sluice.connection.grouping import Grouping
from sluice.wire.batches import Bytes

from PythonClientTests.connection.test_session import expected_bytes, open_session, received_bytes
from PythonClientTests.fake.daemon import FakeDaemon
from PythonClientTests.fake.script import RefusalError

FAST, SLOW = 0.0001, 0.1


class Clocked:
    """A grouping whose batches come at a given pace, in seconds."""

    def __init__(self, batch_bytes: int, depth: int = 4, most: int = 64) -> None:
        self.group = Grouping(batch_bytes, depth, most)
        self.now = 100.0
        self.batches = 1

    def reply(self, pace: float, inline: bool = False) -> tuple[int, int]:
        """What the next request is for, and how many are under way, after another reply."""
        self.now += pace * self.batches
        self.batches = self.group.size
        self.group.came(self.now, self.batches, inline)
        return self.group.size, self.group.depth


@pytest.fixture
def always_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pace counts as a fast one."""
    monkeypatch.setattr(grouping, "_FAST", math.inf)


def test_requests_grow_while_batches_are_fast() -> None:
    clocked = Clocked(batch_bytes=64 << 10)
    # Of the first reply nobody knows the pace.
    assert [clocked.reply(FAST) for _ in range(5)] == [(1, 4), (2, 2), (4, 2), (8, 2), (8, 2)]


@pytest.mark.parametrize("pace", [SLOW, 1000.0])
def test_slow_batches_come_singly_until_they_are_fast_again(pace: float) -> None:
    clocked = Clocked(batch_bytes=1000)
    for _ in range(4):
        clocked.reply(FAST)
    assert clocked.group.size == 8
    assert clocked.reply(pace) == (1, 4)
    assert clocked.reply(pace) == (1, 4)
    assert clocked.reply(FAST) == (2, 2)


def test_between_fast_and_slow_it_stays() -> None:
    clocked = Clocked(batch_bytes=1000)
    for _ in range(3):
        clocked.reply(FAST)
    assert [clocked.reply(0.01) for _ in range(3)] == [(4, 2)] * 3


@pytest.mark.parametrize(
    ("batch_bytes", "inline", "most"),
    [(0, True, 8), (512 << 10, True, 2), (512 << 10, False, 8), (3 << 20, False, 2), (9 << 20, False, 1)],
)
def test_large_batches_come_by_themselves(batch_bytes: int, inline: bool, most: int) -> None:
    clocked = Clocked(batch_bytes)
    assert max(clocked.reply(FAST, inline)[0] for _ in range(8)) == most


@pytest.mark.parametrize("most", [1, 3])
def test_the_daemon_wants_no_more_together(most: int) -> None:
    clocked = Clocked(batch_bytes=10, most=most)
    assert max(clocked.reply(FAST)[0] for _ in range(8)) == most


def test_nothing_is_grouped_where_nothing_is_wanted_ahead() -> None:
    clocked = Clocked(batch_bytes=10, depth=1)
    assert [clocked.reply(FAST) for _ in range(4)] == [(1, 1)] * 4


@pytest.mark.usefixtures("always_fast")
@pytest.mark.parametrize("how", [Bytes.INLINE, Bytes.DESCRIPTORS, Bytes.NONE])
def test_the_batches_are_the_same(daemon: FakeDaemon, how: Bytes) -> None:
    daemon.script.drop_after = 2 if how is Bytes.DESCRIPTORS else 0
    with open_session(daemon, how) as session:
        alone = list(session.batches(0, depth=1))
        assert set(daemon.groups) == {1}
        grouped = list(session.batches(0, depth=4))
    assert max(daemon.groups) == 8
    assert [batch.number for batch in grouped] == list(range(len(alone)))
    for one, other in zip(alone, grouped, strict=True):
        assert one.ids.tolist() == other.ids.tolist()
        assert one.shards.tolist() == other.shards.tolist()
        assert one.offsets.tolist() == other.offsets.tolist()
        assert one.data.tobytes() == other.data.tobytes()
    assert daemon.connections == 1


@pytest.mark.usefixtures("always_fast")
@pytest.mark.parametrize("how", [Bytes.INLINE, Bytes.DESCRIPTORS])
def test_a_connection_lost_within_a_group(daemon: FakeDaemon, how: Bytes) -> None:
    daemon.script.hang_up_before_batch = {6, 12, 13}
    with open_session(daemon, how) as session:
        batches = session.batches(0)
        received = []
        for batch in batches:
            received.append(batch)
            if batch.number == 20:
                # In the middle of a group of which some batches are here already.
                daemon.hang_up()
        assert received_bytes(received) == expected_bytes(daemon)
    assert not daemon.script.hang_up_before_batch


@pytest.mark.usefixtures("always_fast")
def test_leaving_within_the_last_group_keeps_no_file_from_the_daemon(daemon: FakeDaemon) -> None:
    """The files that a group's reply orders dropped are closed with its last batch, or with the connection."""
    daemon.script.drop_after = 1
    with open_session(daemon, Bytes.DESCRIPTORS) as session:
        last = session.epoch(0).batches - 1
        for batch in session.batches(0):
            if batch.number == last - 1:
                assert sum(daemon.groups) == last + 1, "nothing is asked for any more"
                break
        assert len(list(session.batches(0))) == last + 1
        assert daemon.connections == 2


@pytest.mark.usefixtures("always_fast")
def test_a_group_that_is_refused_is_asked_for_singly(daemon: FakeDaemon) -> None:
    daemon.script.most_batches = 3
    with open_session(daemon, Bytes.INLINE) as session:
        assert received_bytes(session.batches(0)) == expected_bytes(daemon)
    assert max(daemon.groups) > 3
    assert daemon.groups[-1] == 1


@pytest.mark.usefixtures("always_fast")
def test_what_is_refused_singly_too_is_an_error(daemon: FakeDaemon) -> None:
    refusal = RefusalError(33, "the cache limit is 10 bytes; one batch needs 20")
    daemon.script.refuse_always = {14: refusal}
    with open_session(daemon, Bytes.INLINE) as session:
        batches = session.batches(0)
        assert [next(batches).number for _ in range(14)] == list(range(14))
        with pytest.raises(errors.CacheError, match="one batch needs 20"):
            next(batches)


@pytest.mark.usefixtures("always_fast")
@pytest.mark.parametrize("prefetch", [0, 4])
def test_epochs_share_a_connection(daemon: FakeDaemon, prefetch: int) -> None:
    dataset = sluice.StreamingDataset("fixtures", batch_size=4, socket=str(daemon.path))
    loader = sluice.BatchLoader(dataset, prefetch=prefetch)
    assert sum(1 for _ in loader) == len(loader)
    connections = daemon.connections
    for _ in range(3):
        assert sum(1 for _ in loader) == len(loader)
    assert daemon.connections == connections


@pytest.mark.usefixtures("always_fast")
@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_a_failure_within_a_group_comes_after_the_batches_before_it(daemon: FakeDaemon, prefetch: int) -> None:
    calls: list[int] = []

    def collate(samples: list[dict[str, Any]]) -> int:
        calls.append(len(samples))
        if len(calls) == 15:
            raise ArithmeticError("the fifteenth")
        return len(calls)

    dataset = sluice.StreamingDataset("fixtures", batch_size=4, socket=str(daemon.path))
    received = iter(sluice.BatchLoader(dataset, prefetch=prefetch, collate_fn=collate))
    assert [next(received) for _ in range(14)] == list(range(1, 15))
    with pytest.raises(ArithmeticError, match="the fifteenth"):
        next(received)
    assert max(daemon.groups) > 1
