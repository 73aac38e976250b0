"""Trains a small language model on a dataset of token sequences: DDP, checkpoints, resumption on any number of ranks.

    torchrun --nproc-per-node 2 train_tokens.py --dataset tokens --steps 200 --checkpoint run.pt
    torchrun --nproc-per-node 4 train_tokens.py --dataset tokens --steps 400 --checkpoint run.pt

The second call goes on where the first one stopped, in the same global order, with twice the ranks: the global batch
stays what it was, so each rank's share halves. The dataset has a column of token ids, all sequences of one length: an
`ndarray:uint16:N` (or other integers), or `bytes` holding little-endian uint16.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sluice import BatchLoader, Ragged, StreamingDataset


class SmallModel(nn.Module):
    """A causal transformer of a few layers.

    Args:
        vocabulary: number of token ids.
        width: of the embeddings.
        layers: transformer layers.
        context: longest sequence.
    """

    def __init__(self, vocabulary: int, width: int = 64, layers: int = 2, context: int = 512) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(context, width)
        layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=4 * width, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of shape (batch, length, vocabulary) for tokens of shape (batch, length)."""
        length = tokens.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=tokens.device)
        hidden = self.tokens(tokens) + self.places(torch.arange(length, device=tokens.device))
        logits: Tensor = self.out(self.layers(hidden, mask=mask, is_causal=True))
        return logits


def tokens_of(column: Any) -> Tensor:
    """Token ids of shape (batch, length), from a column of arrays or of bytes."""
    if isinstance(column, Ragged):
        rows = len(column)
        values = column.values.view(torch.uint16) if column.kind == "bytes" else column.values
        tokens: Tensor = values.reshape(rows, -1).long()
        return tokens
    return torch.as_tensor(column).long()


def endless(loader: BatchLoader) -> Iterator[dict[str, Any]]:
    """Batches of one epoch after another."""
    while True:
        yield from loader


class Trainer:
    """Model, optimiser and data, and how they go into a checkpoint and come back.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.step = 0
        torch.manual_seed(0)
        self.model = SmallModel(options.vocabulary)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=options.learning_rate)
        ranks = dist.get_world_size()
        if options.global_batch % ranks:
            raise SystemExit(f"a global batch of {options.global_batch} is not made of {ranks} equal parts")
        # Every rank's daemon must have the same data: the constructor compares them, and stops the job if not.
        dataset = StreamingDataset(options.dataset, batch_size=options.global_batch // ranks, socket=options.socket)
        self.loader = BatchLoader(dataset, id_column="id")

    def load(self) -> None:
        """Goes on from the checkpoint, if there is one."""
        path: Path = self.options.checkpoint
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.loader.load_state_dict(state["data"])
        self.step = state["step"]

    def save(self) -> None:
        """Writes a checkpoint on rank 0, and leaves a whole one whenever it is interrupted."""
        if dist.get_rank() == 0:
            state = {
                "model": self.model.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "data": self.loader.state_dict(),
                "step": self.step,
            }
            path: Path = self.options.checkpoint
            part = path.with_suffix(".part")
            torch.save(state, part)
            part.rename(path)
        dist.barrier()

    def train(self) -> None:
        """Takes steps until there are as many as wanted."""
        wrapped = DistributedDataParallel(self.model)
        batches = endless(self.loader)
        while self.step < self.options.steps:
            batch = next(batches)
            tokens = tokens_of(batch[self.options.column])
            logits = wrapped(tokens[:, :-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            self.step += 1
            self.report(batch["id"], loss.item())
            if self.step % self.options.save_every == 0 or self.step == self.options.steps:
                self.save()
        batches.close()  # type: ignore[attr-defined]

    def report(self, ids: Tensor, loss: float) -> None:
        """Tells of a step; with --record, which samples it saw, too."""
        if dist.get_rank() == 0 and (self.step % 10 == 0 or self.step == self.options.steps):
            print(f"step {self.step}: loss {loss:.4f}", flush=True)
        if self.options.record is not None:
            path = self.options.record / f"rank-{dist.get_rank()}-of-{dist.get_world_size()}.jsonl"
            with path.open("a") as file:
                epoch = self.loader.dataset.epoch
                file.write(json.dumps({"step": self.step, "epoch": epoch, "ids": ids.tolist(), "loss": loss}) + "\n")


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description="Trains a small language model from a Sluice dataset.")
    parser.add_argument("--dataset", default="tokens", help="name of the dataset in the daemon's configuration")
    parser.add_argument("--column", default="tokens", help="column of token ids")
    parser.add_argument("--socket", default=None, help="the daemon's socket (default: SLUICE_SOCKET or /run/sluice)")
    parser.add_argument("--vocabulary", type=int, default=256)
    parser.add_argument("--global-batch", type=int, default=16, help="sequences of a step over all ranks")
    parser.add_argument("--steps", type=int, default=100, help="steps in all, those before a checkpoint included")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.pt"))
    parser.add_argument("--save-every", type=int, default=20, help="steps between checkpoints")
    parser.add_argument("--record", type=Path, default=None, help="directory for a list of the samples of each step")
    options = parser.parse_args()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    dist.init_process_group("gloo")
    try:
        trainer = Trainer(options)
        trainer.load()
        trainer.train()
        trainer.loader.close()
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
