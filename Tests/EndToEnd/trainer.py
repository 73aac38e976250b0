"""One rank of a test: drains an epoch through the Python client and prints, for each batch, what it held."""

from __future__ import annotations

import json
import sys

import sluice
from sluice.world import World


def main() -> None:
    """Take every batch of one epoch."""
    socket, dataset, epoch, rank, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    world = World(nodes=1, ranks_per_node=ranks, workers_per_rank=1, rank=rank)
    with sluice.connect(socket) as client, client.open(dataset, world=world) as session:
        names = [stream.name for stream in session.info.streams]
        for batch in session.batches(epoch):
            report = {
                "ids": [int(sample) for sample in batch.ids],
                "streams": [names[int(number)] for number in batch.streams],
                "samples": batch.samples(),
            }
            sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
