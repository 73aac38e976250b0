"""One rank of an order test: takes the cases of a file with one of the two libraries, and writes what it was given.

    order_rank.py {streaming|sluice} CASES.json OUTPUT.jsonl

The two libraries differ in one import and in how a dataset is named; everything after that is the same program.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any


def identify(samples: list[dict[str, Any]]) -> list[str]:
    """A batch as the identities of its samples, their text among it."""
    return [f"{sample['source']}:{sample['index']}:{len(sample['text'])}:{sample['text'][:12]}" for sample in samples]


def open_reference(case: dict[str, Any]) -> tuple[Any, Any]:
    """The case's dataset in MosaicML Streaming, and its loader class."""
    from streaming import Stream, StreamingDataLoader, StreamingDataset

    streams = [Stream(**stream) for stream in case["streams"]]
    return StreamingDataset(streams=streams, **case["options"]), StreamingDataLoader


def open_sluice(case: dict[str, Any]) -> tuple[Any, Any]:
    """The same from the daemon that SLUICE_SOCKET names."""
    from sluice import StreamingDataLoader, StreamingDataset

    return StreamingDataset(case["name"], **case["options"]), StreamingDataLoader


def take(case: dict[str, Any], library: str) -> dict[str, Any]:
    """Goes through the case: some batches of each epoch, a checkpoint after the last."""
    dataset, loader_class = open_reference(case) if library == "streaming" else open_sluice(case)
    loader = loader_class(
        dataset, batch_size=case["options"]["batch_size"], num_workers=case["workers"], collate_fn=as_columns
    )
    if case.get("state") is not None:
        loader.load_state_dict(case["state"])
    epochs = []
    for stop in case["stops"]:
        batches = []
        for batch in loader:
            batches.append(identify(batch["samples"]))
            if stop is not None and len(batches) == stop:
                break
        epochs.append(batches)
    result = {"length": len(dataset), "size": dataset.size, "epochs": epochs, "state": loader.state_dict()}
    del loader, dataset
    return result


def as_columns(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch whose size both loaders can tell."""
    return {"samples": samples}


def main() -> None:
    """Take every case."""
    library, cases, output = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    warnings.simplefilter("ignore")
    with output.open("w") as file:
        for case in cases:
            try:
                result = take(case, library)
            except Exception as error:  # what both refuse is as good an answer as what both give
                result = {"error": f"{type(error).__name__}: {error}"}
            file.write(json.dumps(result) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
