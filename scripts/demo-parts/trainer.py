"""One rank's trainer: takes its batches of one epoch from the daemon and reports each as a line of JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sluice
from samples import text_of
from sluice.world import World


def main() -> None:
    """Train one epoch."""
    socket, dataset, rank, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    world = World(nodes=1, ranks_per_node=ranks, workers_per_rank=1, rank=rank)
    with sluice.connect(socket) as client, client.open(dataset, world=world) as session:
        streams = session.info.streams
        for batch in session.batches(0):
            right, size, names = 0, 0, []
            for sample, number, content in zip(batch.ids, batch.streams, batch.samples(), strict=True):
                stream, index, text = streams[int(number)], content["index"], content["text"]
                # "Training": that each sample is the one its id says, to the last letter.
                right += (
                    content["source"] == stream.name
                    and int(sample) == stream.first_sample + index
                    and text == text_of(stream.name, index)
                )
                size += len(text)
                names.append(stream.name)
            report = {"ids": [int(sample) for sample in batch.ids], "streams": names, "right": right, "bytes": size}
            sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
