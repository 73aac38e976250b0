"""Clients of the strain tests, in a process apart from pytest's: one mode each.

killed SOCKET DATASET COUNT SEED      forks COUNT clients, kills each with SIGKILL at a random moment
soak SOCKET DATASET CLIENTS SECONDS   forks CLIENTS that read for so long; every sample is looked at
steady SOCKET DATASET RANK RANKS [DEPTH]
                                    takes as many batches as each line of standard input says; reports their ids
stuck SOCKET DATASET                  asks for far more than the socket holds, says so, and never reads
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator

import sluice
from sluice.batch import Batch
from sluice.connection.connection import Connection
from sluice.session import DEFAULT_DEPTH, Session
from sluice.wire.batches import ALL_WORKERS, Bytes, encode_batch_request
from sluice.wire.frames import Kind
from sluice.wire.messages import OpenReply, OpenRequest
from sluice.world import World

MODES = (Bytes.DESCRIPTORS, Bytes.INLINE)


def opened(socket: str, dataset: str) -> tuple[Connection, OpenReply]:
    """A connection with a session."""
    connection = Connection(socket)
    request = OpenRequest(dataset=dataset)
    return connection, OpenReply.decode(connection.receive(connection.send(Kind.OPEN, request.encode())).data)


def flood(socket: str, dataset: str, random_numbers: random.Random) -> None:
    """Ask for one batch after another, several under way, until killed."""
    from sluice.memory import BufferPool

    connection, info = opened(socket, dataset)
    connection.receive(connection.send(Kind.EPOCH, info.session.to_bytes(4, "little") + bytes(8)))
    pool = BufferPool()
    waiting: list[int] = []
    batches = info.length // info.batch_size
    while True:
        first, how = random_numbers.randrange(batches), random_numbers.choice(MODES)
        waiting.append(connection.send(Kind.BATCH, encode_batch_request(info.session, 0, ALL_WORKERS, first, 1, how)))
        if len(waiting) > 3:
            connection.receive_batch(waiting.pop(0), pool)


def killed(socket: str, dataset: str, count: int, seed: int) -> None:
    """Fork clients, eight at a time, and kill each at a random moment of its life."""
    random_numbers = random.Random(seed)  # noqa: S311
    left, running = count, dict[int, float]()
    while left or running:
        while left and len(running) < 8:
            left -= 1
            child_seed, life = random_numbers.randrange(1 << 30), random_numbers.uniform(0, 0.03)
            child = os.fork()
            if child == 0:
                with contextlib.suppress(BaseException):
                    flood(socket, dataset, random.Random(child_seed))  # noqa: S311
                os._exit(1)
            running[child] = time.monotonic() + life
        child, at = min(running.items(), key=lambda item: item[1])
        # The moment of a client's death is what is random here; nothing is waited for.
        time.sleep(max(0.0, at - time.monotonic()))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"a client ended by itself before it was killed, with status {status}; seed {seed}")
        del running[child]
    print(json.dumps({"killed": count}))


def check(batch: Batch, names: list[str], firsts: list[int]) -> None:
    """A sample must be the one that its id means."""
    for sample, stream, values in zip(batch.ids.tolist(), batch.streams.tolist(), batch.samples(), strict=True):
        if (values["source"], values["index"]) != (names[stream], sample - firsts[stream]):
            raise SystemExit(f"sample {sample} is {values['source']} {values['index']}")


def named(session: Session) -> tuple[list[str], list[int]]:
    streams = session.info.streams
    return [stream.name for stream in streams], [stream.first_sample for stream in streams]


def soak(socket: str, dataset: str, clients: int, seconds: float) -> None:
    """Fork clients that read epochs until the time is over, checking every sample."""
    children = []
    end = time.monotonic() + seconds
    for rank in range(clients):
        child = os.fork()
        if child == 0:
            batches = 0
            try:
                world = World(nodes=1, ranks_per_node=clients, workers_per_rank=1, rank=rank)
                with (
                    sluice.connect(socket) as client,
                    client.open(dataset, world=world, how=MODES[rank % 2]) as session,
                ):
                    names, firsts = named(session)
                    epoch = 0
                    while time.monotonic() < end:
                        for batch in session.batches(epoch):
                            check(batch, names, firsts)
                            batches += 1
                        epoch += 1
            except BaseException as error:
                print(f"client {rank}: {error!r}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0 if batches else 2)
        children.append(child)
    print("begun", flush=True)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps({"failed": sum(1 for status in statuses if status)}))


def steady(socket: str, dataset: str, rank: int, ranks: int, depth: int = DEFAULT_DEPTH) -> None:
    """Go on through the epochs, some batches at a time, whatever becomes of the daemon."""
    world = World(nodes=1, ranks_per_node=ranks, workers_per_rank=1, rank=rank)
    with sluice.connect(socket, wait=60) as client, client.open(dataset, world=world, how=MODES[rank % 2]) as session:
        names, firsts = named(session)

        def forever() -> Iterator[tuple[int, list[int]]]:
            epoch = 0
            while True:
                for batch in session.batches(epoch, depth=depth):
                    check(batch, names, firsts)
                    yield epoch, batch.ids.tolist()
                epoch += 1

        batches = forever()
        print("ready", flush=True)
        for line in sys.stdin:
            print(json.dumps([next(batches) for _ in range(int(line))]), flush=True)


def stuck(socket: str, dataset: str) -> None:
    """Have replies made that nobody reads."""
    connection, info = opened(socket, dataset)
    for first in range(24):
        connection.send(Kind.BATCH, encode_batch_request(info.session, 0, ALL_WORKERS, first, 8, Bytes.INLINE))
    print("stuck", flush=True)
    sys.stdin.read()


def main() -> None:
    mode, arguments = sys.argv[1], sys.argv[2:]
    if mode == "killed":
        killed(arguments[0], arguments[1], int(arguments[2]), int(arguments[3]))
    elif mode == "soak":
        soak(arguments[0], arguments[1], int(arguments[2]), float(arguments[3]))
    elif mode == "steady":
        steady(arguments[0], arguments[1], *map(int, arguments[2:]))
    else:
        stuck(arguments[0], arguments[1])


if __name__ == "__main__":
    main()
