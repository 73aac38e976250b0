"""`StreamingDataset`: the reference's arguments and meanings, served by the daemon."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sluice.agreement import compare_ranks
from sluice.arguments import UNSET, Unset, describe
from sluice.batch import Batch
from sluice.connection.address import Address
from sluice.cursor import Cursor
from sluice.facts import DatasetFacts
from sluice.indexing import Indexable
from sluice.iteration import SampleIterator
from sluice.session import Session
from sluice.stream import Stream
from sluice.world import World, data_worker

if TYPE_CHECKING:
    from torch.utils.data import IterableDataset

    _Base = IterableDataset[dict[str, Any]]
else:
    try:
        from torch.utils.data import IterableDataset as _Base
    except ImportError:
        _Base = object


class StreamingDataset(DatasetFacts, Indexable, _Base):
    """A dataset whose order, shards and cache the daemon keeps; a torch `IterableDataset` of dicts.

    Three ways to say what to iterate: the name of a dataset that the operator registered; `streams`; or `remote`. The
    last two need the daemon's permission (`inline_datasets` in its configuration). With a name, the other arguments
    that are given replace the registered options.

    Args:
        dataset: name of a registered dataset.
        streams: the streams to mix.
        remote: URL of the only stream.
        local: the reference's cache directory; the daemon keeps its own, and this is warned about.
        split: path below `remote`; default for `streams`.
        download_retry: attempts for one file in all; default for `streams`.
        download_timeout: seconds without a byte after which an attempt fails; default for `streams`.
        validate_hash: digest that every shard must match; default for `streams`.
        keep_zip: keep compressed files; default for `streams`.
        epoch_size: samples of an epoch, as a number or text (`"100k"`), if the streams' weights are relative.
        predownload: samples to prepare ahead of each rank; the daemon decides if not given.
        cache_limit: belongs to the daemon's configuration; warned about.
        sampling_method: `balanced` (the default) or `fixed`.
        sampling_granularity: samples taken from one shard at a time for a partial repeat.
        partition_algo: `relaxed` (the default) or `orig`.
        num_canonical_nodes: nodes that the order is made for; the first run's nodes if not given.
        batch_size: samples of a device batch; the same as the DataLoader's.
        shuffle: whether to shuffle.
        shuffle_algo: `py1e` (the default), `py1br`, `py1s`, `py2s` or `naive`.
        shuffle_seed: 9176 if not given.
        shuffle_block_size: samples that are shuffled together.
        batching_method: `random` (the default), `stratified`, `per_stream` or `device_per_stream`.
        allow_unsafe_types: decode pickled columns, which can run any code.
        replication: consecutive ranks that get the same samples.
        stream_name: how the daemon reaches the only stream, if its URL does not say (a stream's `kind`).
        stream_config: the kind's own keys.
        socket: the daemon's socket; else SLUICE_SOCKET, else /run/sluice/sluiced.sock.
        wait: seconds to wait for a daemon that is not there; else SLUICE_WAIT, else 60.
        world: this rank's place in the job; else from torch.distributed or torchrun's environment.
        compare: compare data and options across the ranks of torch.distributed, which every rank must then do.

    Attributes:
        world: nodes and ranks.
        streams: the streams, with what an epoch draws of each.

    Raises:
        ValueError: the arguments exclude each other, or one cannot be.
        DaemonUnavailableError: no daemon answered.
        DaemonError: the daemon refuses the dataset.
        UnsafeTypeError: a column is pickled and that was not allowed.
        RanksDisagreeError: the ranks of this job have different data or options.
    """

    def __init__(
        self,
        dataset: str | None = None,
        /,
        *,
        streams: Sequence[Stream] | None = None,
        remote: str | None = None,
        local: str | None = None,
        split: str | None = None,
        download_retry: int | None = None,
        download_timeout: float | None = None,
        validate_hash: str | None = None,
        keep_zip: bool | None = None,
        epoch_size: float | str | None = None,
        predownload: int | None = None,
        cache_limit: int | str | None = None,
        sampling_method: str | Unset = UNSET,
        sampling_granularity: int | Unset = UNSET,
        partition_algo: str | Unset = UNSET,
        num_canonical_nodes: int | None = None,
        batch_size: int | None = None,
        shuffle: bool | Unset = UNSET,
        shuffle_algo: str | Unset = UNSET,
        shuffle_seed: int | Unset = UNSET,
        shuffle_block_size: int | None = None,
        batching_method: str | Unset = UNSET,
        allow_unsafe_types: bool = False,
        replication: int | None = None,
        stream_name: str | None = None,
        stream_config: Mapping[str, Any] | None = None,
        socket: str | os.PathLike[str] | None = None,
        wait: float | None = None,
        world: World | None = None,
        compare: bool = True,
    ) -> None:
        # The parameters above are the interface; what they mean to the daemon is the business of `arguments`.
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        source = describe(arguments)
        self.world = (world if world is not None else World.detect()).alone()
        self.streams = source.streams
        self.allow_unsafe_types = allow_unsafe_types
        self._has_batch_size = source.has_batch_size
        self._cursor = Cursor(Address.resolve(socket, wait), source.request(self.world), self.world, allow_unsafe_types)
        self._iterators: weakref.WeakSet[SampleIterator] = weakref.WeakSet()
        self._at_hand = threading.local()
        self.streams = self.streams or [Stream(name=stream.name) for stream in self.session.info.streams]
        for stream, known in zip(self.streams, self.session.info.streams, strict=True):
            stream.apply(known.samples, known.drawn, self.epoch_size)
        if compare and data_worker() is None:
            compare_ranks(self.comparable())
        self.session.rest()

    @property
    def session(self) -> Session:
        """The dataset as the daemon opened it for this process."""
        return self._cursor.session

    @property
    def next_epoch(self) -> int:
        """The epoch that the next iteration begins, if no checkpoint says otherwise."""
        return self._cursor.next_epoch

    @next_epoch.setter
    def next_epoch(self, epoch: int) -> None:
        self._cursor.next_epoch = epoch

    @property
    def epoch(self) -> int:
        """The epoch that the last iteration began; -1 before the first."""
        return self.next_epoch - 1

    # Samples by number.

    def get_item(self, sample_id: int, retry: int = 7) -> dict[str, Any]:
        """One sample by its global id.

        Args:
            sample_id: in 0 ..< size.
            retry: the reference's; nothing depends on it here, since the daemon has the sample's shard before it
                answers, and how often it tries to get that is the stream's `download_retry`.

        Returns:
            `{column: value}`, with the values that the reference's decoders return.

        Raises:
            NoSuchSampleError: there is none of that id.
            ShardError: its shard cannot be had.
            DecodingError: its bytes are not of its columns.
        """
        at_hand: tuple[Batch, dict[int, int]] | None = getattr(self._at_hand, "batch", None)
        if at_hand is not None:
            index = at_hand[1].get(sample_id)
            if index is not None:
                return at_hand[0].sample(index)
        return self.session.samples([sample_id]).sample(0)

    def will_get(self, ids: list[int]) -> None:
        """Fetches samples together that are about to be asked for one by one."""
        self.hold(None)
        if len(ids) > 1:
            self.hold(self.session.samples(sorted(set(ids))))

    def hold(self, batch: Batch | None) -> None:
        """Keeps a batch at hand for `get_item` in this thread, in place of the last one."""
        self._at_hand.batch = None if batch is None else (batch, {id_: at for at, id_ in enumerate(batch.ids.tolist())})

    # Iteration.

    def __iter__(self) -> SampleIterator:
        """The rank's samples of the next epoch, or this DataLoader worker's part of them.

        The iterator has `state_dict` and `load_state_dict` for torchdata's `StatefulDataLoader`. An iteration begun
        earlier in this process ends.
        """
        for iterator in list(self._iterators):
            iterator.close()
        iterator = SampleIterator(self)
        self._iterators.add(iterator)
        if data_worker() is not None:
            # A worker is told to iterate when all of them are; it must not wait for a sample to claim the epoch.
            iterator.begin()
        return iterator

    def begin_epoch(self, claim: str | None = None, worker: int = 0) -> int:
        """Begins the next epoch for an iteration of this process, for loaders; `session` then serves it.

        Args:
            claim: what the DataLoader workers of one iteration have in common.
            worker: this worker's number.

        Raises:
            ValueError: the dataset was given without a batch size.
        """
        if not self._has_batch_size:
            raise ValueError(
                "batch_size is missing: pass StreamingDataset the samples of a device batch, the same as the "
                "DataLoader's; the order depends on it"
            )
        return self._cursor.begin(claim, worker)

    def resume_epoch(self, state: Mapping[str, Any]) -> int:
        """Begins the epoch of a checkpoint for an iteration of this process, whatever was begun before."""
        return self._cursor.resume(state)

    # Checkpoints.

    def state_dict(self, num_samples: int = 0, from_beginning: bool = False) -> dict[str, Any]:
        """A checkpoint in the reference's form, with the fingerprint.

        Loaders do this for you: see `StreamingDataLoader.state_dict` and `BatchLoader.state_dict`.

        Args:
            num_samples: samples that all ranks together have received in this epoch (divided by `replication`).
            from_beginning: since the epoch's beginning, not since it was begun or resumed in this run.

        Returns:
            `epoch`, `sample_in_epoch`, `num_canonical_nodes`, `shuffle_seed`, `initial_physical_nodes`, `fingerprint`
            and `description`. Makes no request of the daemon.
        """
        return self._cursor.state(num_samples, from_beginning)

    def load_state_dict(self, obj: Mapping[str, Any], *, accept_different: bool = False) -> None:
        """Continues from a checkpoint of ours or of the reference's, at the next iteration.

        Args:
            obj: what `state_dict` gave.
            accept_different: go on though data or options are not those the checkpoint was made of.

        Raises:
            KeyError: it lacks a key.
            FingerprintError: data or options differ; the message tells which.
            BadResumeError: its numbers cannot be.
        """
        self._cursor.load(obj, accept_different)

    # Life.

    def close(self) -> None:
        """Ends this process's iterations and connections. The dataset can be used again."""
        for iterator in list(self._iterators):
            iterator.close()
        self.session.rest()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_iterators"], state["_at_hand"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._iterators = weakref.WeakSet()
        self._at_hand = threading.local()

    def __repr__(self) -> str:
        info = self.session.info
        rank = f"rank {self.world.rank} of {self.world.ranks}"
        return f"{type(self).__name__}({info.dataset!r}, {info.size} samples, {rank})"
