"""What programs for the reference import beside datasets and loaders, and where it is with Sluice."""

from __future__ import annotations

_WRITE = (
    "write shards with `sluice pack` (of JSONL, CSV, TSV, folders, .npy), or with MosaicML Streaming's writers; both "
    "are read"
)
_SUBCLASS = "derive from sluice.StreamingDataset and transform samples in __getitem__, as MosaicML Streaming's does"

ELSEWHERE = {
    "MDSWriter": _WRITE,
    "JSONWriter": _WRITE,
    "CSVWriter": _WRITE,
    "TSVWriter": _WRITE,
    "XSVWriter": _WRITE,
    "LocalDataset": "register the directory in the daemon's configuration (streams: {NAME: {local: …}}) and open it "
    "with StreamingDataset, which has len() and indexing",
    "base": "what a trainer needs is in the package itself; clean_stale_shared_memory is there, too",
    "multimodal": _SUBCLASS,
    "text": _SUBCLASS,
    "vision": _SUBCLASS,
}
"""By the reference's name."""


def clean_stale_shared_memory() -> None:
    """Does nothing: Sluice leaves no named shared memory behind, so there is none to clean.

    Programs for the reference call its function of that name before they make a dataset.
    """
