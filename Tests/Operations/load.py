"""A trainer that keeps a daemon busy while something is done to it."""

from __future__ import annotations

import struct
import threading

from EndToEnd import wire
from EndToEnd.wire import Connection
from testbed.fixtures import Stage

# The code of an error that says: the daemon is stopping.
DRAINING = 45


class Load:
    """A client that drains epochs over and over, and must get the same bytes each time."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.stopping = threading.Event()
        self.rounds = 0
        self.failure: BaseException | None = None
        self.first_round = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> Load:
        self.thread.start()
        assert self.first_round.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(60)
        if self.failure:
            raise self.failure

    def run(self) -> None:
        """Drain until told to stop, on one session."""
        try:
            with Connection(self.stage.socket) as client:
                session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
                wanted: list[bytes] = []
                while not self.stopping.is_set():
                    reply = client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
                    batches = struct.unpack("<qqI", reply[:20])[2]
                    got = [client.ask(wire.BATCH, wire.batch(session, 0, at, mode=1)) for at in range(batches)]
                    assert not wanted or got == wanted
                    wanted = got
                    self.rounds += 1
                    self.first_round.set()
        except BaseException as error:
            self.failure = error
            self.first_round.set()

    def keeps_going(self) -> bool:
        """Whether another whole epoch is served from now on."""
        before = self.rounds
        waited = threading.Event()
        for _ in range(600):
            if self.rounds > before + 1:
                return True
            if self.failure:
                return False
            waited.wait(0.05)
        return False
