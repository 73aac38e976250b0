"""Runs a program once per rank, as torchrun would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from testbed.daemon import dying_with_us

SOURCES = Path(__file__).resolve().parents[3] / "Sources" / "PythonClient"


def free_port() -> int:
    """A TCP port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def private_shared_memory() -> Iterator[list[str]]:
    """A prefix for commands that then have a /dev/shm of their own together, as on a machine of their own.

    The reference finds its shared memory by numbers that everything on a machine counts up together, and a process that
    ends, or a clean-up, takes away what another one has under such a number. Empty where this needs more rights.
    """
    own = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    holder = subprocess.Popen(
        dying_with_us([*own, "mount -t tmpfs -o size=256m none /dev/shm && echo ready && exec cat"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        ready = holder.stdout.readline() == b"ready\n"
        yield ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "--"] if ready else []
    finally:
        holder.stdin.close()
        holder.wait(30)
        holder.stdout.close()


def start_ranks(
    arguments: Sequence[str],
    ranks: int,
    environments: Sequence[Mapping[str, str]] = ({},),
    within: Sequence[str] = (),
) -> list[subprocess.Popen[str]]:
    """Starts the ranks of one node; rank r gets the environment r modulo their number, too.

    `within` is a prefix for the commands, such as `private_shared_memory` gives.
    """
    port = str(free_port())
    processes = []
    for rank in range(ranks):
        environment = os.environ | {
            "PYTHONPATH": str(SOURCES),
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(ranks),
            "LOCAL_WORLD_SIZE": str(ranks),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
        }
        processes.append(
            subprocess.Popen(
                dying_with_us(
                    [*within, sys.executable, *(argument.replace("{rank}", str(rank)) for argument in arguments)]
                ),
                env=environment | dict(environments[rank % len(environments)]),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
    return processes


def start_torchrun(arguments: Sequence[str], ranks: int) -> subprocess.Popen[str]:
    """Starts one node's ranks by torchrun itself."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    return subprocess.Popen(
        dying_with_us([*command, *arguments]),
        env=os.environ | {"PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def outputs_of(processes: Sequence[subprocess.Popen[str]], seconds: float) -> list[str]:
    """Waits for all of them and gives what each said; ends the others when one has failed, or the time is over.

    All pipes are read at once: a rank whose pipe is full would stop, and every other rank wait for it.
    """
    deadline, pause = time.monotonic() + seconds, threading.Event()
    with ThreadPoolExecutor(len(processes)) as readers:
        outputs = readers.map(lambda process: process.communicate()[0], processes)
        while any(process.poll() is None for process in processes):
            if any(process.poll() not in (None, 0) for process in processes) or time.monotonic() > deadline:
                # A moment for those that fail for the same reason and say so.
                pause.wait(3)
                for process in processes:
                    # With its DataLoader workers, which may hold its pipe open and wait for others themselves.
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
            pause.wait(0.02)
        return list(outputs)


def finish_ranks(processes: Sequence[subprocess.Popen[str]], seconds: float = 900) -> list[str]:
    """Waits for all of them and gives what each said; fails with that if one did not end well."""
    outputs = outputs_of(processes, seconds)
    failed = [
        f"rank {rank} ended with {process.returncode}:\n{output[-4000:]}"
        for rank, (process, output) in enumerate(zip(processes, outputs, strict=True))
        if process.returncode != 0
    ]
    assert not failed, "\n".join(failed)
    return outputs
