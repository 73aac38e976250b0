"""Whether all ranks of a job were given the same data and options."""

from __future__ import annotations

import sys
from typing import Any

from sluice.errors import RanksDisagreeError

_SHOWN = 8


def compare_ranks(facts: dict[str, Any]) -> None:
    """Compares what each rank's daemon said; every rank of the job must call it.

    Does nothing unless torch.distributed is initialised with more than one rank.

    Args:
        facts: what must be equal; `description` explains a difference in `fingerprint` and is not compared.

    Raises:
        RanksDisagreeError: ranks differ, on every rank, with an account.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return
    size = distributed.get_world_size()
    if size < 2:
        return
    everyone: list[Any] = [None] * size
    distributed.all_gather_object(everyone, facts)
    lines = differences(everyone)
    if lines:
        raise RanksDisagreeError(
            "the ranks of this job do not have the same data and options; their daemons' configurations or the streams "
            "they see differ:\n" + "\n".join(lines)
        )


def differences(everyone: list[dict[str, Any]]) -> list[str]:
    """A line for each fact in which some rank differs from rank 0.

    Args:
        everyone: the facts by rank.
    """
    lines = []
    for name, reference in everyone[0].items():
        if name == "description":
            continue
        others = [rank for rank, facts in enumerate(everyone) if facts.get(name) != reference]
        if not others:
            continue
        shown = ", ".join(map(str, others[:_SHOWN])) + (f" and {len(others) - _SHOWN} more" if others[_SHOWN:] else "")
        lines.append(f"  {name}: rank 0 has {reference!r}, rank {shown} {everyone[others[0]].get(name)!r}")
        if name == "fingerprint":
            lines += _description_lines(everyone[0].get("description", ""), everyone[others[0]].get("description", ""))
    return lines


def _description_lines(first: str, other: str) -> list[str]:
    """The lines of two descriptions that are not in both."""
    ours, theirs = first.splitlines(), other.splitlines()
    removed = [line for line in ours if line not in set(theirs)]
    added = [line for line in theirs if line not in set(ours)]
    return [f"    rank 0 only: {line}" for line in removed[:_SHOWN]] + [
        f"    the other only: {line}" for line in added[:_SHOWN]
    ]
