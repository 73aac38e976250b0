"""PROTOCOL.md's tables, and an encoder that goes by them."""

import struct

INTEGERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q", "bool": "B"}

RESUME = [
    ("epoch", "i64"),
    ("sample_in_epoch", "i64"),
    ("num_canonical_nodes", "i64?"),
    ("shuffle_seed", "i64?"),
    ("initial_physical_nodes", "i64?"),
]
EXPECTED = [("fingerprint", "text"), ("description", "text"), ("accept_different", "bool")]
STREAM = [("name", "text"), ("first_sample", "i64"), ("samples", "i64"), ("shards", "u32"), ("drawn", "i64")]
COLUMN = [("name", "text"), ("encoding", "text"), ("size", "i64")]
SCHEMA = [("format", "u8"), ("separator", "text"), ("newline", "text"), ("columns", [COLUMN])]
WORLD = [("nodes", "u32"), ("ranks_per_node", "u32"), ("workers_per_rank", "u32")]
POSITION = [
    (name, "i64")
    for name in ("epoch", "sample_in_epoch", "num_canonical_nodes", "shuffle_seed", "initial_physical_nodes")
]

REQUESTS = {
    "hello": (
        1,
        [
            ("magic", "u32"),
            ("min_version", "u16"),
            ("max_version", "u16"),
            ("capabilities", "u32"),
            ("process", "u32"),
            ("client", "text"),
        ],
    ),
    "open": (
        2,
        [
            ("inline", "bool"),
            ("dataset", "text"),
            ("overrides", "text"),
            *WORLD,
            ("by_device", "bool"),
            ("node", "u32"),
            ("rank", "u32"),
            ("resume", (RESUME,)),
            ("expected", (EXPECTED,)),
        ],
    ),
    "schema": (3, [("session", "u32")]),
    "epoch": (4, [("session", "u32"), ("epoch", "i64")]),
    "batch": (
        5,
        [("session", "u32"), ("epoch", "i64"), ("worker", "u32"), ("first", "u32"), ("count", "u32"), ("bytes", "u8")],
    ),
    "sample": (6, [("session", "u32"), ("bytes", "u8"), ("ids", "i64*")]),
    "state": (7, [("session", "u32"), ("epoch", "i64"), ("samples", "i64")]),
    "status": (8, []),
    "close": (9, [("session", "u32")]),
    "health": (10, []),
    "admin": (11, [("verb", "text"), ("argument", "text")]),
    "dropped": (12, [("handles", "u32*")]),
}
REPLIES = {
    "hello": (
        0x8001,
        [
            ("version", "u16"),
            ("capabilities", "u32"),
            ("max_reply_bytes", "u32"),
            ("max_pipelined", "u32"),
            ("daemon", "text"),
            ("instance", "text"),
        ],
    ),
    "open": (
        0x8002,
        [
            ("session", "u32"),
            ("dataset", "text"),
            ("fingerprint", "text"),
            ("description", "text"),
            *WORLD,
            ("rank", "u32"),
            ("batch_size", "u32"),
            ("replication", "u32"),
            *POSITION,
            ("epoch_size", "i64"),
            ("length", "i64"),
            ("size", "i64"),
            ("mean_sample_bytes", "u32"),
            ("streams", [STREAM]),
            ("warnings", "text*"),
        ],
    ),
    "schema": (0x8003, [("schemas", [SCHEMA])]),
    "epoch": (
        0x8004,
        [
            ("epoch", "i64"),
            ("sample_in_epoch", "i64"),
            ("batches", "u32"),
            ("batches_per_worker", "u32"),
            ("samples", "i64"),
            ("together", "u32"),
            ("warnings", "text*"),
        ],
    ),
    "state": (0x8007, [*POSITION, ("fingerprint", "text"), ("description", "text")]),
    "status": (0x8008, [("document", "text")]),
    "close": (0x8009, []),
    "health": (0x800A, [("state", "u8"), ("detail", "text")]),
    "admin": (0x800B, [("document", "text")]),
    "descriptors": (0x8010, [("handles", "u32*")]),
    "drop": (0x8012, [("handles", "u32*")]),
    "progress": (0x8011, [("document", "text")]),
    "error": (0x80FF, [("code", "u16"), ("retry", "u8"), ("after", "u32"), ("message", "text")]),
}


def encode(kind, value):
    """One value; `kind` is a name, NAME? (optional), NAME* (list), [struct], (optional struct,)."""
    if isinstance(kind, list) and kind and isinstance(kind[0], tuple):
        return b"".join(encode(item, value[name]) for name, item in kind)
    if isinstance(kind, list):
        return struct.pack("<I", len(value)) + b"".join(encode(kind[0], item) for item in value)
    if isinstance(kind, tuple):
        return b"\0" if value is None else b"\1" + encode(kind[0], value)
    if kind.endswith("?"):
        return b"\0" if value is None else b"\1" + encode(kind[:-1], value)
    if kind.endswith("*"):
        return struct.pack("<I", len(value)) + b"".join(encode(kind[:-1], item) for item in value)
    if kind == "text":
        data = value.encode()
        return struct.pack("<I", len(data)) + data
    return struct.pack("<" + INTEGERS[kind], value)


def fields(table, value):
    return b"".join(encode(kind, value[name]) for name, kind in table)


def array(code, values):
    return struct.pack(f"<{len(values)}{code}", *values)


def batch_reply(value):
    """The one reply whose arrays are counted by earlier fields."""
    data = struct.pack(
        "<qIIIB3x", value["epoch"], value["first"], len(value["counts"]), len(value["ids"]), value["mode"]
    )
    data += array("I", value["counts"]) + array("q", value["ids"])
    for name in ("streams", "shards", "indices", "schemas"):
        data += array("I", value[name])
    if value["mode"] == 1:
        data += array("Q", value["offsets"]) + bytes.fromhex(value["bytes"])
    if value["mode"] == 2:
        data += array("I", value["handles"]) + array("Q", value["offsets"]) + array("I", value["lengths"])
        data += encode("u32*", value["drops"])
    return data


def frame(kind, request, payload, descriptors=0, length=None):
    return struct.pack("<IHHQ", len(payload) if length is None else length, kind, descriptors, request) + payload


def request(name, number, **value):
    kind, table = REQUESTS[name]
    return {"direction": "request", "kind": kind, "request": number, "descriptors": 0, "fields": value}, frame(
        kind, number, fields(table, value)
    )


def reply(name, number, descriptors=0, **value):
    kind, table = (0x8005, None) if name == "batch" else REPLIES[name]
    payload = batch_reply(value) if table is None else fields(table, value)
    entry = {"direction": "reply", "kind": kind, "request": number, "descriptors": descriptors, "fields": value}
    return entry, frame(kind, number, payload, descriptors)


def refused(direction, code, why, data):
    return {"direction": direction, "error": code, "why": why}, data


NO_RESUME = {"resume": None, "expected": None}
ONE_RANK = {"nodes": 1, "ranks_per_node": 1, "workers_per_rank": 1}
HELLO = {
    "magic": 0x43554C53,
    "min_version": 1,
    "max_version": 1,
    "capabilities": 1,
    "process": 4242,
    "client": "sluice-python 1.0",
}
BATCH = {
    "epoch": 3,
    "first": 7,
    "counts": [2, 1],
    "ids": [5, -1 + 2**40, 0],
    "streams": [0, 1, 0],
    "shards": [0, 4294967295, 2],
    "indices": [5, 9, 0],
    "schemas": [0, 1, 0],
}
NO_BATCH = {"epoch": 0, "first": 0, "counts": [], "ids": [], "streams": [], "shards": [], "indices": [], "schemas": []}
