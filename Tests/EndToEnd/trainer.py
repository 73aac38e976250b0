"""One rank of a test: drains an epoch through the Python client and prints, for each batch, what it held."""

from __future__ import annotations

import json
import sys

import sluice


def main() -> None:
    """Take every batch of one epoch."""
    socket, dataset, epoch, rank, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    with sluice.connect(socket) as client:
        session = client.open(dataset, rank=rank, nodes=1, ranks_per_node=ranks, workers_per_rank=1)
        names = [stream.name for stream in session.streams]
        for batch in session.epoch(epoch):
            report = {
                "ids": [int(sample) for sample in batch.ids],
                "streams": [names[number] for number in batch.streams],
                "sources": list(batch["source"]),
                "indices": [int(index) for index in batch["index"]],
                "texts": list(batch["text"]),
            }
            sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
