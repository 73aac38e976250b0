"""What `sluice plan` says an epoch will be: for every rank its batches of sample ids, in order."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy
import numpy.typing


@dataclass(frozen=True)
class Plan:
    """An epoch's tensor: (nodes, ranks per node, workers per rank, batches per worker, batch size), padding -1."""

    tensor: numpy.typing.NDArray[numpy.int64]

    @property
    def samples(self) -> int:
        """Samples that ranks are given, padding apart."""
        return int((self.tensor >= 0).sum())

    @property
    def batches(self) -> int:
        """Device batches that hold samples, over all ranks."""
        return int((self.tensor >= 0).any(axis=-1).sum())

    def batches_of(self, rank: int) -> list[list[int]]:
        """The batches of one rank of the first node, as a loader with one worker yields them."""
        worker = self.tensor[0, rank, 0]
        return [[int(sample) for sample in batch if sample >= 0] for batch in worker if (batch >= 0).any()]


def planned_order(sluice: Path, configuration: Path, dataset: str, *, ranks: int, epoch: int = 0) -> Plan:
    """Ask `sluice plan` for an epoch of a dataset on one node, one worker a rank."""
    with tempfile.TemporaryDirectory(dir=configuration.parent) as folder:
        output = Path(folder) / "plan"
        command = [str(sluice), "plan", "--config", str(configuration), "--dataset", dataset]
        command += ["--nodes", "1", "--ranks-per-node", str(ranks), "--workers-per-rank", "1", "--epoch", str(epoch)]
        command += ["--json", "--output", str(output)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if answer.returncode != 0:
            raise RuntimeError(f"sluice plan: {(answer.stderr or answer.stdout).strip()}")
        shape = json.loads(answer.stdout)["shape"]
        return Plan(numpy.frombuffer(output.read_bytes(), dtype="<i8").reshape(shape))
