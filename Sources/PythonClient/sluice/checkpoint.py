"""A trainer's checkpoint of its data: the reference's five keys, and what the order was made of.

    {"epoch": 1, "sample_in_epoch": 4096, "num_canonical_nodes": 2, "shuffle_seed": 9176, "initial_physical_nodes": 2,
     "fingerprint": "…", "description": "…"}

The reference takes such an object and ignores the last two keys; this package takes the reference's own, which lacks
them.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sluice.wire.messages import Expected, ResumePoint

_LONGEST = 4096
"""Bytes of JSON that the reference can load: one page of shared memory, with a zero byte at the end."""

_PACKED = "zlib:"
_REQUIRED = ("epoch", "sample_in_epoch", "num_canonical_nodes", "shuffle_seed")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint, read.

    Attributes:
        point: where to go on.
        fingerprint: of the data and options it was made of; "" in the reference's.
        description: what the fingerprint was made of; may be "".
        accept_different: go on with other data or options.
    """

    point: ResumePoint
    fingerprint: str = ""
    description: str = ""
    accept_different: bool = False

    @property
    def expected(self) -> Expected | None:
        """What the daemon is to compare with."""
        if not self.fingerprint:
            return None
        return Expected(self.fingerprint, self.description, self.accept_different)

    @staticmethod
    def parse(state: Mapping[str, Any], accept_different: bool = False) -> Checkpoint:
        """From a state dict.

        Args:
            state: ours or the reference's.
            accept_different: go on with other data or options than it was made of.

        Raises:
            KeyError: a key that the reference requires is missing.
            ValueError: a number is none.
        """
        missing = [key for key in _REQUIRED if key not in state]
        if missing:
            raise KeyError(f"a checkpoint of a StreamingDataset has {', '.join(_REQUIRED)}; missing: {missing}")
        point = ResumePoint(
            epoch=int(state["epoch"]),
            sample_in_epoch=int(state["sample_in_epoch"]),
            num_canonical_nodes=_optional(state["num_canonical_nodes"]),
            shuffle_seed=_optional(state["shuffle_seed"]),
            initial_physical_nodes=_optional(state.get("initial_physical_nodes")),
        )
        description = str(state.get("description", ""))
        if description.startswith(_PACKED):
            description = zlib.decompress(base64.b85decode(description[len(_PACKED) :])).decode()
        return Checkpoint(point, str(state.get("fingerprint", "")), description, accept_different)

    def state(self) -> dict[str, Any]:
        """As a state dict that the reference can load, too: its JSON has at most 4,095 bytes.

        The description is packed if it would not fit, and left out if it does not fit then.
        """
        point = self.point
        state: dict[str, Any] = {
            "epoch": point.epoch,
            "sample_in_epoch": point.sample_in_epoch,
            "num_canonical_nodes": point.num_canonical_nodes,
            "shuffle_seed": point.shuffle_seed,
            "initial_physical_nodes": point.initial_physical_nodes,
        }
        if self.fingerprint:
            state["fingerprint"] = self.fingerprint
        if not self.description:
            return state
        packed = _PACKED + base64.b85encode(zlib.compress(self.description.encode(), 9)).decode()
        for description in (self.description, packed):
            whole = {**state, "description": description}
            if len(json.dumps(whole, sort_keys=True)) < _LONGEST:
                return whole
        return state


def _optional(value: Any) -> int | None:
    return None if value is None else int(value)
