"""Files that the daemon orders closed are, and it is told so."""

from __future__ import annotations

import gc

import pytest
from sluice.wire.batches import Bytes

from PythonClientTests.connection.test_session import expected_bytes, open_descriptors, open_session, received_bytes
from PythonClientTests.fake.daemon import FakeDaemon

INLINE, DESCRIPTORS = Bytes.INLINE, Bytes.DESCRIPTORS


def test_dropped_files_are_closed_and_reported(daemon: FakeDaemon) -> None:
    daemon.script.drop_after = 2
    before = open_descriptors()
    with open_session(daemon, DESCRIPTORS) as session:
        assert received_bytes(session.batches(0)) == expected_bytes(daemon)
        session.state(0, 4)
        assert len(daemon.dropped) >= len(daemon.shards) - 1
        assert len(set(daemon.dropped)) == len(daemon.dropped)
    gc.collect()
    assert open_descriptors() <= before + 2 * daemon.connections


@pytest.mark.parametrize("how", [INLINE, Bytes.NONE])
def test_files_are_dropped_before_a_reply_without_files(daemon: FakeDaemon, how: Bytes) -> None:
    before = open_descriptors()
    with open_session(daemon, DESCRIPTORS) as session:
        assert received_bytes(session.batches(0)) == expected_bytes(daemon)
        held = open_descriptors()
        daemon.script.drop_by_frame = True
        batches = list(session.batches(0, how=how))
        assert [len(batch) for batch in batches] == [len(batch) for batch in session.batches(0)]
        session.state(0, 4)
        assert len(daemon.dropped) == len(daemon.shards)
        assert held - before >= len(daemon.shards)
        # They come anew, under other handles, for the batches asked for after that.
        assert daemon.connections == 1
