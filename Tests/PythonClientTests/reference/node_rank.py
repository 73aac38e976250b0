"""One rank of a job over several nodes: an epoch and a half from its node's daemon, its sample ids to a file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import sluice
import torch.distributed as dist


def main() -> None:
    """Take one epoch and some of the next."""
    dist.init_process_group("gloo")
    try:
        dataset = sluice.StreamingDataset("mix", batch_size=4, shuffle=True)
    except sluice.errors.RanksDisagreeError as error:
        print(f"rank {dist.get_rank()} stops: {error}")
        sys.exit(7)
    loader = sluice.BatchLoader(dataset, columns=[], id_column="id")
    epochs = [[batch["id"].tolist() for batch in loader], [next(iter(loader))["id"].tolist()]]
    loader.close()
    result = {"rank": dist.get_rank(), "node": int(os.environ["GROUP_RANK"]), "epochs": epochs}
    Path(sys.argv[1], f"rank-{dist.get_rank()}.json").write_text(json.dumps(result))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
