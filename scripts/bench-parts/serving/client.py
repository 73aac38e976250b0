"""One client of `scripts/bench serve`, in a process of its own: reads batches for some seconds and says how many.

    python client.py KIND DIRECTORY BATCH_SIZE WORKERS SECONDS [SOCKET DATASET]

Says "ready" once its first batches are there, waits for a line, then counts. Only time inside an epoch counts: from its
eighth batch to its last, so that making a plan or starting workers is nobody's disadvantage. Prints one JSON line:
batches, bytes, seconds, and whether all samples seen within one epoch were different ones.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

WARM_UP = 8


def sluice_batches(socket: str, dataset: str, workers: int, kind: str) -> Iterator[Iterable[Any]]:
    """Epochs of batches from the daemon; without workers by `BatchLoader`."""
    import sluice

    # A registered dataset has its batch size from the operator.
    data = sluice.StreamingDataset(dataset, socket=socket)
    loader: Any
    if kind == "sluice-drop-in":
        loader = sluice.StreamingDataLoader(
            data, batch_size=data.batch_size, num_workers=workers, persistent_workers=workers > 0
        )
    else:
        loader = sluice.BatchLoader(data, prefetch=0 if kind == "sluice-direct" else 4)
    while True:
        yield loader


def reference_batches(directory: str, batch_size: int, workers: int) -> Iterator[Iterable[Any]]:
    """Epochs of batches from mosaicml-streaming."""
    from streaming import StreamingDataLoader, StreamingDataset

    data = StreamingDataset(local=directory, shuffle=True, batch_size=batch_size)
    loader = StreamingDataLoader(
        data, batch_size=batch_size, num_workers=workers, persistent_workers=workers > 0, drop_last=True
    )
    while True:
        yield loader


def litdata_batches(directory: str, batch_size: int, workers: int) -> Iterator[Iterable[Any]]:
    """Epochs of batches from litdata."""
    litdata = importlib.import_module("litdata")  # it has no types
    data = litdata.StreamingDataset(directory, shuffle=True, drop_last=True)
    loader = litdata.StreamingDataLoader(data, batch_size=batch_size, num_workers=workers)
    while True:
        yield loader


def bare_batches(directory: str, batch_size: int) -> Iterator[Iterable[Any]]:
    """Epochs of batches read as plainly as Python can: no daemon, no plan, one `preadv` a sample, memory used again.

    What a loader that reads in one thread cannot beat.
    """
    import numpy as np

    torch = importlib.import_module("torch")  # its types are not there everywhere
    places: list[tuple[int, int]] = []
    size = 0
    for path in sorted(Path(directory).glob("*.mds")):
        file = os.open(path, os.O_RDONLY)
        (count,) = struct.unpack("<I", os.pread(file, 4, 0))
        offsets = np.frombuffer(os.pread(file, 4 * (count + 1), 4), "<u4").tolist()
        size = offsets[1] - offsets[0]
        places += [(file, offset) for offset in offsets[:-1]]
    targets = [np.ones((batch_size, size), np.uint8) for _ in range(3)]
    order = np.random.default_rng(17)

    def epoch() -> Iterator[dict[str, Any]]:
        shuffled = order.permutation(len(places)).tolist()
        for number in range(len(places) // batch_size):
            target = targets[number % len(targets)]
            rows = target.reshape(-1).data
            for at, place in enumerate(shuffled[number * batch_size : (number + 1) * batch_size]):
                file, offset = places[place]
                os.preadv(file, (rows[at * size : (at + 1) * size],), offset)
            yield {"data": torch.from_numpy(target)}

    while True:
        yield epoch()


def tensor_of(batch: Any) -> Any:
    """The one column, (n, bytes of a sample)."""
    return batch["data"]


def main() -> None:
    """Read as the arguments say."""
    kind, directory, batch_size, workers, seconds = sys.argv[1:6]
    if kind.startswith("sluice"):
        epochs = sluice_batches(sys.argv[6], sys.argv[7], int(workers), kind)
    elif kind == "reference":
        epochs = reference_batches(directory, int(batch_size), int(workers))
    elif kind == "bare":
        epochs = bare_batches(directory, int(batch_size))
    else:
        epochs = litdata_batches(directory, int(batch_size), int(workers))
    measure(epochs, float(seconds))


def measure(epochs: Iterator[Iterable[Any]], seconds: float) -> None:
    """Count batches for so many seconds within epochs."""
    batches = size = 0
    spent = 0.0
    started = False
    seen: list[Any] = []
    is_whole = True
    while spent < seconds:
        began = None
        in_epoch = 0
        seen.clear()
        for batch in next(epochs):
            data = tensor_of(batch)
            in_epoch += 1
            if in_epoch == WARM_UP:
                if not started:
                    print("ready", flush=True)
                    sys.stdin.readline()
                    started = True
                began = time.perf_counter()
            elif began is not None:
                batches += 1
                size += data.numel()
                seen.append(data[:, :8].numpy().copy())
                if spent + time.perf_counter() - began >= seconds:
                    break
        if began is None:
            raise SystemExit(f"an epoch has only {in_epoch} batches")
        spent += time.perf_counter() - began
        is_whole = is_whole and all_different(seen)
    print(json.dumps({"batches": batches, "bytes": size, "seconds": spent, "whole": is_whole}), flush=True)


def all_different(seen: list[Any]) -> bool:
    """Whether no sample came twice; each begins with its number."""
    import numpy as np

    numbers = np.concatenate(seen).view("<i8").reshape(-1)
    return len(np.unique(numbers)) == len(numbers)


if __name__ == "__main__":
    main()
