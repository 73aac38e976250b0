"""The golden frames: what the client sends is theirs byte for byte, what it reads is theirs field by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sluice.errors import ProtocolError
from sluice.wire.batches import (
    BatchReply,
    Bytes,
    bytes_position,
    decode_handles,
    encode_batch_request,
    encode_sample_request,
)
from sluice.wire.codec import Reader, Writer
from sluice.wire.frames import HEADER, REPLY_OF, Kind, encode_frame
from sluice.wire.messages import (
    HEALTH_STATES,
    EpochReply,
    ErrorReply,
    Expected,
    HelloReply,
    OpenReply,
    OpenRequest,
    ResumePoint,
    StateReply,
    decode_health,
    decode_schemas,
    encode_hello,
)

ROOT = Path(__file__).resolve().parents[2] / "Fixtures" / "wire"
INDEX: dict[str, dict[str, Any]] = json.loads((ROOT / "index.json").read_text())
FRAMES, REFUSED = INDEX["frames"], INDEX["refused"]


def payload_of(name: str) -> memoryview:
    data = (ROOT / f"{name}.frame").read_bytes()
    length, kind, descriptors, request = HEADER.unpack_from(data)
    entry = FRAMES[name]
    assert (length, kind, descriptors, request) == (
        len(data) - HEADER.size, entry["kind"], entry["descriptors"], entry["request"],
    )  # fmt: skip
    return memoryview(data)[HEADER.size :]


def encode_request(kind: int, fields: dict[str, Any]) -> bytes | bytearray:
    if kind == Kind.HELLO:
        return encode_hello(fields["process"], fields["client"], fields["capabilities"])
    if kind == Kind.OPEN:
        values = {key: value for key, value in fields.items() if key not in ("by_device", "node")}
        resume, expected = fields["resume"], fields["expected"]
        values["resume"] = ResumePoint(**resume) if resume else None
        values["expected"] = Expected(**expected) if expected else None
        return OpenRequest(**values).encode()
    if kind == Kind.BATCH:
        return encode_batch_request(
            fields["session"],
            fields["epoch"],
            fields["worker"],
            fields["first"],
            fields["count"],
            Bytes(fields["bytes"]),
        )
    if kind == Kind.SAMPLE:
        return encode_sample_request(fields["session"], fields["ids"], Bytes(fields["bytes"]))
    if kind == Kind.ADMIN:
        return Writer().text(fields["verb"]).text(fields["argument"]).payload
    if kind == Kind.DROPPED:
        return Writer().u32_list(fields["handles"]).payload
    writer = Writer()
    for name in ("session", "epoch", "samples"):
        if name in fields:
            writer.u32(fields[name]) if name == "session" else writer.i64(fields[name])
    return writer.payload


def is_ours(name: str) -> bool:
    """Version 1 only, and the global rank: what this client sends."""
    fields = FRAMES[name]["fields"]
    return bool(fields.get("max_version", 1) == 1 and fields.get("by_device", 0) == 0)


@pytest.mark.parametrize("name", [name for name in FRAMES if name.startswith("request-") and is_ours(name)])
def test_requests(name: str) -> None:
    entry = FRAMES[name]
    frame = encode_frame(entry["kind"], entry["request"], encode_request(entry["kind"], entry["fields"]))
    assert frame == (ROOT / f"{name}.frame").read_bytes()


def plain(value: Any) -> Any:
    """As the index writes it: numbers, texts, lists and objects."""
    return json.loads(json.dumps(value))


def batch_fields(payload: memoryview) -> dict[str, Any]:
    reply = BatchReply.decode(np.frombuffer(payload, np.uint8))
    fields: dict[str, Any] = {"epoch": reply.epoch, "first": reply.first, "mode": int(reply.mode)}
    for name in ("counts", "ids", "streams", "shards", "indices", "schemas", "offsets", "handles", "lengths"):
        array = getattr(reply, name)
        if array is not None:
            fields[name] = array.tolist()
    if reply.data is not None:
        fields["bytes"] = reply.data.tobytes().hex()
        assert bytes_position(payload) == len(payload) - len(reply.data)
    if reply.mode is Bytes.DESCRIPTORS:
        fields["drops"] = list(reply.drops)
    return fields


def decode_reply(kind: int, payload: memoryview) -> dict[str, Any]:
    whole: dict[int, Callable[[memoryview], Any]] = {
        Kind.HELLO_REPLY: HelloReply.decode,
        Kind.OPEN_REPLY: OpenReply.decode,
        Kind.EPOCH_REPLY: EpochReply.decode,
        Kind.STATE_REPLY: StateReply.decode,
        Kind.ERROR: ErrorReply.decode,
    }
    if kind in whole:
        fields: dict[str, Any] = plain(asdict(whole[kind](payload)))
        return fields
    if kind == Kind.BATCH_REPLY:
        return batch_fields(payload)
    if kind == Kind.HEALTH_REPLY:
        state, detail = decode_health(payload)
        return {"state": HEALTH_STATES.index(state), "detail": detail}
    if kind == Kind.SCHEMA_REPLY:
        schemas = plain([asdict(schema) for schema in decode_schemas(payload)])
        for schema in schemas:
            for column in schema["columns"]:
                column["size"] = -1 if column["size"] is None else column["size"]
        return {"schemas": schemas}
    if kind in (Kind.DESCRIPTORS, Kind.DROP):
        return {"handles": list(decode_handles(payload))}
    reader = Reader(payload)
    fields = {} if kind == Kind.CLOSE_REPLY else {"document": reader.text()}
    reader.finish()
    return fields


@pytest.mark.parametrize("name", [name for name in FRAMES if name.startswith("reply-")])
def test_replies(name: str) -> None:
    entry = FRAMES[name]
    assert decode_reply(entry["kind"], payload_of(name)) == entry["fields"]


@pytest.mark.parametrize("name", [name for name in FRAMES if name.startswith("reply-")])
def test_cut_and_lengthened_replies(name: str) -> None:
    """No form of a reply is also the form of a longer or a shorter one."""
    payload, kind = payload_of(name), FRAMES[name]["kind"]
    if name == "reply-batch-inline":
        return  # its last field is as long as its offsets say, which test_refused_replies covers
    with pytest.raises(ProtocolError):
        decode_reply(kind, memoryview(bytes(payload) + b"\0"))
    for length in range(len(payload)):
        with pytest.raises(ProtocolError):
            decode_reply(kind, payload[:length])


@pytest.mark.parametrize("name", [name for name in REFUSED if name.startswith("refused-reply-")])
def test_refused_replies(name: str) -> None:
    data = (ROOT / f"{name}.frame").read_bytes()
    length, kind, descriptors, _ = HEADER.unpack_from(data)
    if length > 1 << 28 or kind not in REPLY_OF.values() or descriptors:
        return  # a connection refuses these by their header; its own tests show that
    with pytest.raises(ProtocolError):
        decode_reply(kind, memoryview(data)[HEADER.size :])
