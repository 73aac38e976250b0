"""Requests and replies other than batches, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from sluice.decoding import Column, Schema, ShardFormat
from sluice.errors import ProtocolError
from sluice.wire.codec import Reader, Writer
from sluice.wire.frames import MAGIC, VERSION

CAN_RECEIVE_DESCRIPTORS = 1
PASSES_DESCRIPTORS = 1
ACCEPTS_INLINE = 2
ALLOWS_ADMIN = 4


def encode_hello(process: int, client: str, capabilities: int = CAN_RECEIVE_DESCRIPTORS) -> bytearray:
    """The first request of a connection.

    Args:
        process: this process's id.
        client: name and version, at most 128 bytes.
        capabilities: the client's bits.
    """
    writer = Writer().u32(MAGIC).u16(VERSION).u16(VERSION).u32(capabilities, process)
    return writer.text(client).payload


@dataclass(frozen=True, slots=True)
class HelloReply:
    """What the daemon says of itself."""

    version: int
    capabilities: int
    max_reply_bytes: int
    max_pipelined: int
    daemon: str
    instance: str

    @staticmethod
    def decode(payload: memoryview) -> HelloReply:
        """From the payload of a hello reply."""
        reader = Reader(payload)
        reply = HelloReply(reader.u16(), reader.u32(), reader.u32(), reader.u32(), reader.text(), reader.text())
        reader.finish()
        return reply


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where in its epochs a dataset continues: the reference's checkpoint.

    Attributes:
        epoch: of the checkpoint.
        sample_in_epoch: samples of it that all ranks together have consumed.
        num_canonical_nodes: as in force then.
        shuffle_seed: as in force then.
        initial_physical_nodes: nodes of the run that began the epoch.
    """

    epoch: int
    sample_in_epoch: int
    num_canonical_nodes: int | None = None
    shuffle_seed: int | None = None
    initial_physical_nodes: int | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What the data and options of a checkpoint were.

    Attributes:
        fingerprint: in hexadecimal.
        description: what the daemon gave with it; may be "".
        accept_different: go on with other data or options.
    """

    fingerprint: str
    description: str = ""
    accept_different: bool = False


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Opens a session.

    Attributes:
        dataset: a registered name, or the JSON of a dataset specification if `inline`.
        inline: which of the two.
        overrides: JSON of the options that replace registered ones, or "".
        nodes: physical nodes of the world.
        ranks_per_node: ranks on each.
        workers_per_rank: DataLoader workers of each; 1 if the rank loads for itself.
        rank: the global rank.
        resume: a checkpoint.
        expected: what it was made of.
    """

    dataset: str
    inline: bool = False
    overrides: str = ""
    nodes: int = 1
    ranks_per_node: int = 1
    workers_per_rank: int = 1
    rank: int = 0
    resume: ResumePoint | None = None
    expected: Expected | None = None

    def encode(self) -> bytearray:
        """The request's payload."""
        writer = Writer().boolean(self.inline).text(self.dataset).text(self.overrides)
        writer.u32(self.nodes, self.ranks_per_node, self.workers_per_rank)
        writer.boolean(False).u32(0, self.rank)  # the rank is the global one, so the node is not read
        writer.boolean(self.resume is not None)
        if self.resume is not None:
            writer.i64(self.resume.epoch, self.resume.sample_in_epoch)
            writer.optional_i64(self.resume.num_canonical_nodes)
            writer.optional_i64(self.resume.shuffle_seed)
            writer.optional_i64(self.resume.initial_physical_nodes)
        writer.boolean(self.expected is not None)
        if self.expected is not None:
            writer.text(self.expected.fingerprint).text(self.expected.description)
            writer.boolean(self.expected.accept_different)
        return writer.payload


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of an open dataset.

    Attributes:
        name: as registered, or as the daemon calls an inline one.
        first_sample: global id of its first sample.
        samples: distinct samples.
        shards: of its index.
        drawn: samples of it in an epoch.
    """

    name: str
    first_sample: int
    samples: int
    shards: int
    drawn: int


@dataclass(frozen=True, slots=True)
class OpenReply:
    """What a session is; the world is the planning world, which replication makes smaller than the real one."""

    session: int
    dataset: str
    fingerprint: str
    description: str
    nodes: int
    ranks_per_node: int
    workers_per_rank: int
    rank: int
    batch_size: int
    replication: int
    epoch: int
    sample_in_epoch: int
    num_canonical_nodes: int
    shuffle_seed: int
    initial_physical_nodes: int
    epoch_size: int
    length: int
    size: int
    mean_sample_bytes: int
    streams: tuple[StreamInfo, ...] = field(repr=False)
    warnings: tuple[str, ...] = field(repr=False)

    @staticmethod
    def decode(payload: memoryview) -> OpenReply:
        """From the payload of an open reply."""
        reader = Reader(payload)
        u32, i64 = reader.u32, reader.i64
        reply = OpenReply(
            session=u32(),
            dataset=reader.text(),
            fingerprint=reader.text(),
            description=reader.text(),
            nodes=u32(),
            ranks_per_node=u32(),
            workers_per_rank=u32(),
            rank=u32(),
            batch_size=u32(),
            replication=u32(),
            epoch=i64(),
            sample_in_epoch=i64(),
            num_canonical_nodes=i64(),
            shuffle_seed=i64(),
            initial_physical_nodes=i64(),
            epoch_size=i64(),
            length=i64(),
            size=i64(),
            mean_sample_bytes=u32(),
            streams=tuple(StreamInfo(reader.text(), i64(), i64(), u32(), i64()) for _ in range(u32())),
            warnings=tuple(reader.texts()),
        )
        reader.finish()
        return reply


def decode_schemas(payload: memoryview) -> list[Schema]:
    """The schemas of a session, from the payload of a schema reply."""
    reader = Reader(payload)
    schemas = []
    for _ in range(reader.u32()):
        kind = reader.u8()
        if kind > max(ShardFormat):
            raise ProtocolError(f"{kind} is not a shard format")
        separator, newline = reader.text(), reader.text()
        columns = []
        for _ in range(reader.u32()):
            name, encoding, size = reader.text(), reader.text(), reader.i64()
            columns.append(Column(name, encoding, size if size >= 0 else None))
        schemas.append(Schema(ShardFormat(kind), tuple(columns), separator, newline))
    reader.finish()
    return schemas


@dataclass(frozen=True, slots=True)
class EpochReply:
    """An epoch as planned for one rank.

    Attributes:
        epoch: its number.
        sample_in_epoch: where it starts; not 0 only in a checkpoint's epoch.
        batches: device batches of this rank that hold samples.
        batches_per_worker: batches of each worker, empty ones at the end included.
        samples: that this rank is given.
        together: batches that one request may be for.
        warnings: for the trainer's log.
    """

    epoch: int
    sample_in_epoch: int
    batches: int
    batches_per_worker: int
    samples: int
    together: int
    warnings: tuple[str, ...]

    @staticmethod
    def decode(payload: memoryview) -> EpochReply:
        """From the payload of an epoch reply."""
        reader = Reader(payload)
        reply = EpochReply(
            reader.i64(), reader.i64(), reader.u32(), reader.u32(), reader.i64(), reader.u32(), tuple(reader.texts())
        )
        reader.finish()
        return reply


@dataclass(frozen=True, slots=True)
class StateReply:
    """A checkpoint: the reference's five numbers, and what the order was made of."""

    epoch: int
    sample_in_epoch: int
    num_canonical_nodes: int
    shuffle_seed: int
    initial_physical_nodes: int
    fingerprint: str
    description: str

    @staticmethod
    def decode(payload: memoryview) -> StateReply:
        """From the payload of a state reply."""
        reader = Reader(payload)
        i64 = reader.i64
        reply = StateReply(i64(), i64(), i64(), i64(), i64(), reader.text(), reader.text())
        reader.finish()
        return reply


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error frame."""

    code: int
    retry: int
    after: int
    message: str

    @staticmethod
    def decode(payload: memoryview) -> ErrorReply:
        """From the payload of an error frame."""
        reader = Reader(payload)
        reply = ErrorReply(reader.u16(), reader.u8(), reader.u32(), reader.text())
        reader.finish()
        return reply


HEALTH_STATES = ("starting", "ready", "degraded", "draining")


def decode_health(payload: memoryview) -> tuple[str, str]:
    """State and detail, from the payload of a health reply."""
    reader = Reader(payload)
    state, detail = reader.u8(), reader.text()
    reader.finish()
    if state >= len(HEALTH_STATES):
        raise ProtocolError(f"{state} is not a state of health")
    return HEALTH_STATES[state], detail
