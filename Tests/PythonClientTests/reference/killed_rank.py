"""One rank of a job that will be killed: takes an epoch's batches, notes each, and saves a checkpoint now and then.

killed_rank.py RECORD CHECKPOINT LOADER GLOBAL_BATCH EVERY

LOADER is `batches` for a BatchLoader, or the number of a StreamingDataLoader's workers. The checkpoint is rank 0's, as
in a trainer, and holds how many steps were taken; a step is noted before it counts.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import sluice
import torch.distributed as dist


def make_loader(kind: str, batch_size: int) -> Any:
    """The loader of that kind."""
    dataset = sluice.StreamingDataset("tokens", batch_size=batch_size)
    if kind == "batches":
        return sluice.BatchLoader(dataset, collate_fn=as_columns)
    return sluice.StreamingDataLoader(dataset, batch_size=batch_size, num_workers=int(kind), collate_fn=as_columns)


def as_columns(samples: list[dict[str, Any]]) -> dict[str, list[int]]:
    """The samples' own numbers."""
    return {"number": [sample["number"] for sample in samples]}


def main() -> None:
    """Go on from the checkpoint to the epoch's end."""
    record, checkpoint = Path(sys.argv[1]), Path(sys.argv[2])
    kind, batch, every = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    dist.init_process_group("gloo")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    loader = make_loader(kind, batch // ranks)
    step = 0
    if checkpoint.exists():
        state = json.loads(checkpoint.read_text())
        step = state["step"]
        loader.load_state_dict(state["data"])
    with (record / f"rank-{rank}.jsonl").open("a") as file:
        for taken in loader:
            step += 1
            file.write(json.dumps({"step": step, "ids": taken["number"]}) + "\n")
            file.flush()
            dist.barrier()
            if step % every == 0:
                if rank == 0:
                    part = checkpoint.with_suffix(".part")
                    part.write_text(json.dumps({"step": step, "data": loader.state_dict()}))
                    part.rename(checkpoint)
                dist.barrier()
    if rank == 0:
        (record / "finished").write_text(str(os.getpid()))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
