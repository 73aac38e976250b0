"""Sluice: training data from the daemon on this machine.

    from sluice import BatchLoader, StreamingDataset

    dataset = StreamingDataset("pretrain")
    for batch in BatchLoader(dataset):
        train_step(batch["tokens"])

`StreamingDataset`, `Stream` and `StreamingDataLoader` take MosaicML Streaming's arguments. `connect` is the way in for
programs that want neither torch nor a dataset object.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sluice import errors
from sluice._version import __version__
from sluice.errors import SluiceError

if TYPE_CHECKING:
    from sluice.batch import Batch
    from sluice.batch_loader import BatchLoader
    from sluice.client import Client, Health, connect
    from sluice.dataloader import StreamingDataLoader
    from sluice.dataset import StreamingDataset
    from sluice.decoding import Ragged
    from sluice.elsewhere import clean_stale_shared_memory
    from sluice.session import Session
    from sluice.stream import Stream
    from sluice.wire.messages import ResumePoint
    from sluice.world import World

__all__ = [
    "Batch",
    "BatchLoader",
    "Client",
    "Health",
    "Ragged",
    "ResumePoint",
    "Session",
    "SluiceError",
    "Stream",
    "StreamingDataLoader",
    "StreamingDataset",
    "World",
    "__version__",
    "clean_stale_shared_memory",
    "connect",
    "errors",
]

_HOMES = {
    "Batch": "sluice.batch",
    "BatchLoader": "sluice.batch_loader",
    "Client": "sluice.client",
    "Health": "sluice.client",
    "Ragged": "sluice.decoding",
    "ResumePoint": "sluice.wire.messages",
    "Session": "sluice.session",
    "Stream": "sluice.stream",
    "StreamingDataLoader": "sluice.dataloader",
    "StreamingDataset": "sluice.dataset",
    "World": "sluice.world",
    "clean_stale_shared_memory": "sluice.elsewhere",
    "connect": "sluice.client",
}


def __getattr__(name: str) -> Any:
    """Imports what is asked for, so that a program without torch, or in a hurry, pays for nothing else."""
    home = _HOMES.get(name)
    if home is None:
        from sluice.elsewhere import ELSEWHERE

        if name in ELSEWHERE:
            # An AttributeError's message would not survive `from sluice import …`.
            raise ImportError(f"sluice has no {name}: {ELSEWHERE[name]}", name="sluice")
        raise AttributeError(f"module 'sluice' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
