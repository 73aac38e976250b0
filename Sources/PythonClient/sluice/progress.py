"""Which epoch a rank is in, shared by the rank's process and its DataLoader workers, however those were started.

A small document in anonymous memory behind a descriptor, which a fork inherits and a spawn is handed. Record locks
guard it: they end with the process that holds them, so a killed worker leaves nothing locked.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import DupFd
from threading import Lock
from typing import Any

_CLAIMS_KEPT = 4


class Progress:
    """The next epoch, the checkpoint that was loaded, and the one in force.

    Args:
        document: initial contents, of another one.
    """

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self._descriptor = os.memfd_create("sluice-progress", os.MFD_CLOEXEC)
        self._guard = Lock()
        self._process = os.getpid()
        self._write(document or {"next_epoch": 0, "loaded": None, "active": None, "claims": []})

    @classmethod
    def _adopt(cls, descriptor: int) -> Progress:
        progress = cls.__new__(cls)
        progress._descriptor = descriptor
        progress._guard = Lock()
        progress._process = os.getpid()
        return progress

    def __reduce__(self) -> tuple[Any, ...]:
        if get_spawning_popen() is not None:
            return _rebuild, (DupFd(self._descriptor),)
        with self._locked() as document:
            return Progress, (document,)

    def __del__(self) -> None:
        descriptor = getattr(self, "_descriptor", -1)
        if descriptor >= 0:
            os.close(descriptor)

    def read(self) -> dict[str, Any]:
        """The document as it is now."""
        with self._locked() as document:
            return document

    def set_next_epoch(self, epoch: int) -> None:
        """Makes the next iteration that epoch."""
        with self._locked() as document:
            document["next_epoch"] = epoch
            self._write(document)

    def load(self, state: dict[str, Any]) -> None:
        """Keeps a checkpoint for the next iteration to apply."""
        with self._locked() as document:
            document["loaded"] = state
            self._write(document)

    def begin(self, claim: str | None = None, worker: int = 0) -> tuple[int, dict[str, Any] | None, bool]:
        """Begins an iteration: the reference's rule for which epoch comes next.

        The workers of one DataLoader iteration begin the same epoch: the first of them decides.

        Args:
            claim: what the workers of one iteration have in common; None outside DataLoader workers.
            worker: this worker's number.

        Returns:
            The epoch, the checkpoint in force (for this epoch or an earlier one), and whether a loaded checkpoint was
            passed over because its epoch lies behind.
        """
        with self._locked() as document:
            if claim is not None:
                for entry in document["claims"]:
                    if entry["claim"] == claim and worker not in entry["workers"]:
                        entry["workers"].append(worker)
                        self._write(document)
                        return entry["epoch"], entry["active"], False
            presumed, loaded = document["next_epoch"], document["loaded"]
            epoch, stale = presumed, False
            if loaded is not None:
                if loaded["epoch"] >= presumed:
                    epoch = loaded["epoch"]
                    document["active"] = loaded
                else:
                    stale = loaded != document["active"]
                    document["loaded"] = document["active"]
            self._begun(document, epoch, claim, worker)
            return epoch, document["active"], stale

    def resume(self, state: dict[str, Any]) -> None:
        """Begins the iteration of a checkpoint, whatever was begun before."""
        with self._locked() as document:
            document["loaded"] = document["active"] = state
            document["next_epoch"] = state["epoch"] + 1
            self._write(document)

    def _begun(self, document: dict[str, Any], epoch: int, claim: str | None, worker: int) -> None:
        document["next_epoch"] = epoch + 1
        if claim is not None:
            entry = {"claim": claim, "workers": [worker], "epoch": epoch, "active": document["active"]}
            document["claims"] = [entry, *document["claims"][: _CLAIMS_KEPT - 1]]
        self._write(document)

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        if self._process != os.getpid():
            # Another thread may have held the guard when this process was forked; record locks are not inherited.
            self._process, self._guard = os.getpid(), Lock()
        with self._guard:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            try:
                length = os.fstat(self._descriptor).st_size
                yield json.loads(os.pread(self._descriptor, length, 0))
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _write(self, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        os.ftruncate(self._descriptor, len(data))
        os.pwrite(self._descriptor, data, 0)


def _rebuild(descriptor: Any) -> Progress:
    return Progress._adopt(descriptor.detach())
