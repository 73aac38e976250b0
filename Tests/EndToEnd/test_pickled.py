"""Pickled columns: the daemon passes their bytes on, and the client refuses them unless it is told to trust them."""

from __future__ import annotations

import json
import pickle

import pytest
import sluice
from sluice.errors import UnsafeTypeError

from testbed.fixtures import Stage, in_order
from testbed.mds import write_stream


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (self.path, "w"))


def test_pickles_are_refused_unless_trusted(stage: Stage) -> None:
    sprung = stage.directory / "sprung"
    values = [{"a": 1}, (2, "b"), Trap(str(sprung))]
    home = stage.files / "pickled"
    write_stream(home, {"n": "int", "p": "bytes"}, ({"n": i, "p": pickle.dumps(v)} for i, v in enumerate(values)))
    index = json.loads((home / "index.json").read_text())
    for shard in index["shards"]:
        shard["column_encodings"] = ["int", "pkl"]
    (home / "index.json").write_text(json.dumps(index))
    stage.start(stage.configuration({"pickled": stage.remote("pickled")}, {"pickled": in_order("pickled", 3)}))
    with sluice.connect(stage.socket) as client:
        with pytest.raises(UnsafeTypeError, match=r"'p' is pickled.*allow_unsafe_types=True"):
            client.open("pickled")
        with pytest.raises(UnsafeTypeError):
            sluice.StreamingDataset("pickled", socket=stage.socket)[0]
        assert not sprung.exists(), "neither daemon nor client has unpickled anything"
        with client.open("pickled", allow_unsafe_types=True) as session:
            (batch,) = session.batches(0)
            assert [batch.sample(index)["p"] for index in (0, 1)] == values[:2]
            assert not sprung.exists()
    trusting = sluice.StreamingDataset("pickled", socket=stage.socket, allow_unsafe_types=True)
    assert trusting[1] == {"n": 1, "p": (2, "b")}
