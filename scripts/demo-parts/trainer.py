"""One rank's trainer: takes its batches of one epoch from the daemon and reports each as a line of JSON."""

from __future__ import annotations

import json
import sys

import sluice
from samples import text_of


def main() -> None:
    """Train one epoch."""
    socket, dataset, rank, ranks = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with sluice.connect(socket) as client:
        session = client.open(dataset, rank=rank, nodes=1, ranks_per_node=ranks, workers_per_rank=1)
        names = [stream.name for stream in session.streams]
        first = {stream.name: stream.first_sample for stream in session.streams}
        for batch in session.epoch(0):
            sources, indices, texts = batch["source"], batch["index"], batch["text"]
            streams = [names[number] for number in batch.streams]
            # "Training": that each sample is the one its id says, to the last letter.
            right = sum(
                source == stream and sample == first[stream] + int(index) and text == text_of(source, int(index))
                for sample, stream, source, index, text in zip(batch.ids, streams, sources, indices, texts, strict=True)
            )
            size = sum(len(text) for text in texts)
            report = {"ids": [int(sample) for sample in batch.ids], "streams": streams, "right": right, "bytes": size}
            sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
