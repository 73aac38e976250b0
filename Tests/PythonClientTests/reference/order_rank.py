"""One rank of the order test: takes each case with both libraries, and writes what they gave.

order_rank.py CASES.json OUTPUT.jsonl

A case goes four ways: each library takes it, and then each goes on from the checkpoint that the other one made. All
cases of a rank are taken by one process, under a process group of its own as in a trainer, so that imports and
rendezvous are paid for once. The libraries differ in one import and in how a stream is named.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import sluice
import streaming
import torch
import torch.distributed as dist

LIBRARIES = ("streaming", "sluice")
OTHER = {"streaming": "sluice", "sluice": "streaming"}


def identify(sample: dict[str, Any]) -> str:
    """Who a sample is, with a digest of all of its values and their types."""
    content = repr([(name, type(value).__name__, value) for name, value in sorted(sample.items())])
    return f"{sample['source']}:{sample['index']}:{hashlib.blake2b(content.encode(), digest_size=8).hexdigest()}"


def open_with(library: str, case: dict[str, Any]) -> tuple[Any, Any]:
    """The case's dataset, and the library's loader class; a stream is a directory there and a registered name here."""
    module: Any = streaming if library == "streaming" else sluice
    place = "local" if library == "streaming" else "name"
    streams = [module.Stream(**{place: stream[place]}, **stream["weight"]) for stream in case["streams"]]
    return module.StreamingDataset(streams=streams, **case["options"]), module.StreamingDataLoader


def take(library: str, case: dict[str, Any], state: dict[str, Any] | None, stops: list[int | None]) -> dict[str, Any]:
    """Some batches of each epoch (all for None), on from a checkpoint if there is one; a checkpoint after the last."""
    began = time.monotonic()
    dataset, loader_class = open_with(library, case)
    loader = loader_class(
        dataset, batch_size=case["options"]["batch_size"], num_workers=case["workers"], collate_fn=as_columns
    )
    if state is not None:
        loader.load_state_dict(state)
    epochs = []
    for stop in stops:
        batches = []
        for batch in loader:
            batches.append([identify(sample) for sample in batch["samples"]])
            if stop is not None and len(batches) == stop:
                break
        epochs.append(batches)
    return {
        "length": len(dataset),
        "size": dataset.size,
        "drawn": [int(stream.choose) for stream in dataset.streams],
        "epochs": epochs,
        "state": loader.state_dict(),
        "seconds": time.monotonic() - began,
    }


def go_through(case: dict[str, Any]) -> dict[str, Any]:
    """The case by both libraries, and the rest of the epoch from each other's checkpoint if the case asks for that."""
    begin: dict[str, Any] = case.get("states") or dict.fromkeys(LIBRARIES)
    whole = {library: take(library, case, begin[library], case["stops"]) for library in LIBRARIES}
    if not case["exchange"]:
        return {"whole": whole}
    # Rank 0's checkpoint is the one that a trainer saves and every rank loads.
    states = [{library: whole[library]["state"] for library in LIBRARIES}]
    if dist.is_initialized():
        dist.broadcast_object_list(states)
    rest = {library: take(library, case, states[0][OTHER[library]], [*case["stops"][:1], 2]) for library in LIBRARIES}
    return {"whole": whole, "rest": rest}


def as_columns(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch whose size both loaders can tell."""
    return {"samples": samples}


def main() -> None:
    """Take every case."""
    cases, output = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    together = int(os.environ["WORLD_SIZE"]) > 1
    if together:
        dist.init_process_group("gloo")
    with output.open("w") as file:
        for case in cases:
            try:
                result = go_through(case)
            except Exception as error:
                raise RuntimeError(f"case {case['name']}: {error}") from error
            file.write(json.dumps(result) + "\n")
            file.flush()
    if together:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
