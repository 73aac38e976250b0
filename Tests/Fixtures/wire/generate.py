"""Writes the golden frames of this directory: `python3 generate.py`.

An implementation of PROTOCOL.md of its own: the tables below are its tables, and neither the Swift nor the Python
client's code is used. `index.json` holds the values (bytes as hexadecimal, an absent optional as null); each
`NAME.frame` holds the frame, header included. `refused` frames must be refused with the error code that is given.
"""

import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
INTEGERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q", "bool": "B"}

RESUME = [("epoch", "i64"), ("sample_in_epoch", "i64"), ("num_canonical_nodes", "i64?"), ("shuffle_seed", "i64?"),
          ("initial_physical_nodes", "i64?")]
EXPECTED = [("fingerprint", "text"), ("description", "text"), ("accept_different", "bool")]
STREAM = [("name", "text"), ("first_sample", "i64"), ("samples", "i64"), ("shards", "u32"), ("drawn", "i64")]
COLUMN = [("name", "text"), ("encoding", "text"), ("size", "i64")]
SCHEMA = [("format", "u8"), ("separator", "text"), ("newline", "text"), ("columns", [COLUMN])]
WORLD = [("nodes", "u32"), ("ranks_per_node", "u32"), ("workers_per_rank", "u32")]
POSITION = [(name, "i64") for name in
            ("epoch", "sample_in_epoch", "num_canonical_nodes", "shuffle_seed", "initial_physical_nodes")]

REQUESTS = {
    "hello": (1, [("magic", "u32"), ("min_version", "u16"), ("max_version", "u16"), ("capabilities", "u32"),
                  ("process", "u32"), ("client", "text")]),
    "open": (2, [("inline", "bool"), ("dataset", "text"), ("overrides", "text"), *WORLD, ("by_device", "bool"),
                 ("node", "u32"), ("rank", "u32"), ("resume", (RESUME,)), ("expected", (EXPECTED,))]),
    "schema": (3, [("session", "u32")]),
    "epoch": (4, [("session", "u32"), ("epoch", "i64")]),
    "batch": (5, [("session", "u32"), ("epoch", "i64"), ("worker", "u32"), ("first", "u32"), ("count", "u32"),
                  ("bytes", "u8")]),
    "sample": (6, [("session", "u32"), ("bytes", "u8"), ("ids", "i64*")]),
    "state": (7, [("session", "u32"), ("epoch", "i64"), ("samples", "i64")]),
    "status": (8, []),
    "close": (9, [("session", "u32")]),
    "health": (10, []),
    "admin": (11, [("verb", "text"), ("argument", "text")]),
    "dropped": (12, [("handles", "u32*")]),
}
REPLIES = {
    "hello": (0x8001, [("version", "u16"), ("capabilities", "u32"), ("max_reply_bytes", "u32"),
                       ("max_pipelined", "u32"), ("daemon", "text"), ("instance", "text")]),
    "open": (0x8002, [("session", "u32"), ("dataset", "text"), ("fingerprint", "text"), ("description", "text"),
                      *WORLD, ("rank", "u32"), ("batch_size", "u32"), ("replication", "u32"), *POSITION,
                      ("epoch_size", "i64"), ("length", "i64"), ("size", "i64"), ("mean_sample_bytes", "u32"),
                      ("streams", [STREAM]), ("warnings", "text*")]),
    "schema": (0x8003, [("schemas", [SCHEMA])]),
    "epoch": (0x8004, [("epoch", "i64"), ("sample_in_epoch", "i64"), ("batches", "u32"),
                       ("batches_per_worker", "u32"), ("samples", "i64"), ("warnings", "text*")]),
    "state": (0x8007, [*POSITION, ("fingerprint", "text"), ("description", "text")]),
    "status": (0x8008, [("document", "text")]),
    "close": (0x8009, []),
    "health": (0x800A, [("state", "u8"), ("detail", "text")]),
    "admin": (0x800B, [("document", "text")]),
    "descriptors": (0x8010, [("handles", "u32*")]),
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
    data = struct.pack("<qIIIB3x", value["epoch"], value["first"], len(value["counts"]), len(value["ids"]),
                       value["mode"])
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
        kind, number, fields(table, value))


def reply(name, number, descriptors=0, **value):
    kind, table = (0x8005, None) if name == "batch" else REPLIES[name]
    payload = batch_reply(value) if table is None else fields(table, value)
    entry = {"direction": "reply", "kind": kind, "request": number, "descriptors": descriptors, "fields": value}
    return entry, frame(kind, number, payload, descriptors)


def refused(direction, code, why, data):
    return {"direction": direction, "error": code, "why": why}, data


NO_RESUME = {"resume": None, "expected": None}
ONE_RANK = {"nodes": 1, "ranks_per_node": 1, "workers_per_rank": 1}
HELLO = {"magic": 0x43554C53, "min_version": 1, "max_version": 1, "capabilities": 1, "process": 4242,
         "client": "sluice-python 1.0"}
BATCH = {"epoch": 3, "first": 7, "counts": [2, 1], "ids": [5, -1 + 2**40, 0], "streams": [0, 1, 0],
         "shards": [0, 4294967295, 2], "indices": [5, 9, 0], "schemas": [0, 1, 0]}
NO_BATCH = {"epoch": 0, "first": 0, "counts": [], "ids": [], "streams": [], "shards": [], "indices": [], "schemas": []}

FRAMES = {
    "request-hello": request("hello", 1, **HELLO),
    "request-hello-longest-name": request("hello", 2**64 - 1, **{**HELLO, "client": "ü" * 64, "max_version": 65535,
                                                                  "capabilities": 0}),
    "request-open-named": request("open", 2, inline=0, dataset="pile", overrides="", **ONE_RANK, by_device=0, node=0,
                                  rank=0, **NO_RESUME),
    "request-open-inline-resumed": request(
        "open", 3, inline=1, dataset='{"streams": [{"remote": "https://data.example/c4"}]}',
        overrides='{"batch_size": 16}', nodes=4, ranks_per_node=8, workers_per_rank=2, by_device=1, node=3, rank=7,
        resume={"epoch": 2, "sample_in_epoch": 123456789012, "num_canonical_nodes": 8, "shuffle_seed": -1,
                "initial_physical_nodes": None},
        expected={"fingerprint": "00ff" * 8, "description": '{"seed": 9176}', "accept_different": 1}),
    "request-open-first-run": request(
        "open", 4, inline=0, dataset="größe/数据", overrides="{}", nodes=2, ranks_per_node=1, workers_per_rank=8,
        by_device=0, node=0, rank=1,
        resume={"epoch": 0, "sample_in_epoch": 0, "num_canonical_nodes": None, "shuffle_seed": None,
                "initial_physical_nodes": 2},
        expected={"fingerprint": "ab", "description": "", "accept_different": 0}),
    "request-schema": request("schema", 5, session=1),
    "request-epoch": request("epoch", 6, session=1, epoch=2**62),
    "request-batch-of-rank": request("batch", 7, session=1, epoch=0, worker=0xFFFFFFFF, first=0, count=1, bytes=0),
    "request-batch-of-worker": request("batch", 8, session=4294967295, epoch=5, worker=3, first=100, count=16,
                                       bytes=2),
    "request-batch-indices": request("batch", 9, session=2, epoch=1, worker=0, first=1, count=0, bytes=3),
    "request-sample": request("sample", 10, session=1, bytes=1, ids=[0, 7, 2**40, -1]),
    "request-sample-none": request("sample", 11, session=1, bytes=0, ids=[]),
    "request-state": request("state", 12, session=1, epoch=3, samples=4096),
    "request-status": request("status", 13),
    "request-close": request("close", 14, session=1),
    "request-health": request("health", 15),
    "request-admin": request("admin", 16, verb="evict", argument='{"stream": "c4"}'),
    "request-dropped": request("dropped", 0, handles=[1, 2, 3, 4294967295]),

    "reply-hello": reply("hello", 1, version=1, capabilities=7, max_reply_bytes=268435456, max_pipelined=16,
                         daemon="sluiced 1.0", instance="5f1c0e"),
    "reply-open": reply(
        "open", 2, session=1, dataset="pile", fingerprint="0123456789abcdef", description='{"seed": 9176}', nodes=2,
        ranks_per_node=4, workers_per_rank=2, rank=5, batch_size=32, replication=2, epoch=1, sample_in_epoch=4096,
        num_canonical_nodes=4, shuffle_seed=9176, initial_physical_nodes=2, epoch_size=10**12, length=12500, size=10**9,
        mean_sample_bytes=2048,
        streams=[{"name": "c4", "first_sample": 0, "samples": 600, "shards": 3, "drawn": 900},
                 {"name": "数据", "first_sample": 600, "samples": 400, "shards": 2, "drawn": 100}],
        warnings=["stream c4: 3 shards have no digest"]),
    "reply-schema": reply(
        "schema", 3,
        schemas=[{"format": 0, "separator": "", "newline": "",
                  "columns": [{"name": "tokens", "encoding": "ndarray:uint16:2048", "size": 4096},
                              {"name": "text", "encoding": "str", "size": -1}]},
                 {"format": 1, "separator": "", "newline": "\n",
                  "columns": [{"name": "n", "encoding": "int", "size": -1}]},
                 {"format": 2, "separator": ",", "newline": "\r\n", "columns": []}]),
    "reply-epoch": reply("epoch", 4, epoch=1, sample_in_epoch=4096, batches=390, batches_per_worker=196, samples=12480,
                         warnings=[]),
    "reply-batch-inline": reply("batch", 7, **BATCH, mode=1, offsets=[0, 3, 3, 8], bytes="0102030405060708"),
    "reply-batch-files": reply("batch", 8, **BATCH, mode=2, handles=[1, 2, 1], offsets=[0, 2**40, 17],
                               lengths=[100, 0, 4294967295], drops=[9]),
    "reply-batch-indices": reply("batch", 9, **BATCH, mode=3),
    "reply-batch-empty-inline": reply("batch", 10, **{**NO_BATCH, "epoch": -1, "counts": [0]}, mode=1, offsets=[0],
                                      bytes=""),
    "reply-batch-empty-files": reply("batch", 11, **NO_BATCH, mode=2, handles=[], offsets=[], lengths=[], drops=[]),
    "reply-state": reply("state", 12, epoch=1, sample_in_epoch=8192, num_canonical_nodes=4, shuffle_seed=9176,
                         initial_physical_nodes=2, fingerprint="0123456789abcdef", description='{"seed": 9176}'),
    "reply-status": reply("status", 13, document='{"ready": true}'),
    "reply-close": reply("close", 14),
    "reply-health": reply("health", 15, state=2, detail="stream c4: remote unreachable for 40 s"),
    "reply-admin": reply("admin", 16, document='{"evicted_bytes": 1048576}'),
    "reply-descriptors": reply("descriptors", 8, descriptors=3, handles=[1, 2, 9]),
    "reply-descriptors-most": reply("descriptors", 8, descriptors=253, handles=list(range(1, 254))),
    "reply-progress": reply("progress", 16, document='{"shards": 3, "of": 10}'),
    "reply-error": reply("error", 7, code=31, retry=2, after=1500,
                         message="stream c4, shard 17: the remote answered 503 five times"),
    "reply-error-of-connection": reply("error", 0, code=45, retry=1, after=0, message="the daemon is stopping"),
    "reply-error-unknown-code": reply("error", 9, code=999, retry=0, after=0, message="from a newer daemon"),
}

H = fields(REQUESTS["hello"][1], HELLO)
REFUSED = {
    "refused-hello-magic": refused("request", 1, "the magic is another protocol's", frame(1, 1, b"GET " + H[4:])),
    "refused-hello-long-name": refused(
        "request", 1, "the client's name has 129 bytes",
        frame(1, 1, fields(REQUESTS["hello"][1], {**HELLO, "client": "x" * 129}))),
    "refused-hello-trailing": refused("request", 1, "one byte is left over", frame(1, 1, H + b"\0")),
    "refused-hello-short": refused("request", 1, "the last byte is missing", frame(1, 1, H[:-1])),
    "refused-hello-utf8": refused("request", 1, "the client's name is not UTF-8", frame(1, 1, H[:-1] + b"\xff")),
    "refused-hello-number": refused("request", 1, "request number 0 is no request's", frame(1, 0, H)),
    "refused-hello-descriptors": refused("request", 1, "a client sends descriptors", frame(1, 1, H, descriptors=1)),
    "refused-first-frame": refused("request", 5, "health before hello", frame(10, 1, b"")),
    "refused-too-long": refused("request", 3, "one byte over 1 MiB is announced", frame(1, 1, b"", length=2**20 + 1)),
    "refused-after-hello-kind": refused("request", 4, "no request of kind 13", frame(1, 1, H) + frame(13, 2, b"")),
    "refused-after-hello-reply": refused("request", 4, "a daemon's frame", frame(1, 1, H) + frame(0x800A, 2, b"")),
    "refused-after-hello-hello": refused("request", 1, "hello twice", frame(1, 1, H) + frame(1, 2, H)),
    "refused-after-hello-boolean": refused(
        "request", 1, "`inline` is 2", frame(1, 1, H) + frame(2, 2, b"\2" + fields(REQUESTS["open"][1], {
            "inline": 0, "dataset": "a", "overrides": "", **ONE_RANK, "by_device": 0, "node": 0, "rank": 0,
            **NO_RESUME})[1:])),
    "refused-after-hello-ids": refused(
        "request", 1, "4,294,967,295 ids in 8 bytes",
        frame(1, 1, H) + frame(6, 2, struct.pack("<IBIq", 1, 0, 0xFFFFFFFF, 0))),
    "refused-after-hello-bytes": refused(
        "request", 1, "`bytes` is 4", frame(1, 1, H) + frame(5, 2, struct.pack("<IqIIIB", 1, 0, 0, 0, 1, 4))),
    "refused-reply-batch-sum": refused(
        "reply", 1, "the counts add up to another number",
        frame(0x8005, 1, batch_reply({**BATCH, "counts": [1, 1], "mode": 3}))),
    "refused-reply-batch-mode": refused(
        "reply", 1, "mode 4", frame(0x8005, 1, batch_reply({**BATCH, "mode": 4}))),
    "refused-reply-batch-offsets": refused(
        "reply", 1, "offsets go back",
        frame(0x8005, 1, batch_reply({**BATCH, "mode": 1, "offsets": [0, 5, 3, 8], "bytes": "00" * 8}))),
    "refused-reply-batch-first-offset": refused(
        "reply", 1, "offsets begin at 1",
        frame(0x8005, 1, batch_reply({**BATCH, "mode": 1, "offsets": [1, 2, 3, 8], "bytes": "00" * 8}))),
    "refused-reply-batch-short": refused(
        "reply", 1, "a sample byte is missing",
        frame(0x8005, 1, batch_reply({**BATCH, "mode": 1, "offsets": [0, 2, 3, 8], "bytes": "00" * 7}))),
    "refused-reply-batch-huge": refused(
        "reply", 1, "4,294,967,295 samples in no bytes",
        frame(0x8005, 1, struct.pack("<qIIIB3x", 0, 0, 0, 0xFFFFFFFF, 3))),
    "refused-reply-handles": refused(
        "reply", 1, "two descriptors, three handles",
        frame(0x8010, 1, encode("u32*", [1, 2, 3]), descriptors=2)),
    "refused-reply-health-descriptors": refused(
        "reply", 1, "descriptors on another frame than `descriptors`",
        frame(0x800A, 1, b"\1" + encode("text", ""), descriptors=1)),
    "refused-reply-too-long": refused(
        "reply", 3, "one byte over 256 MiB is announced", frame(0x8008, 1, b"", length=2**28 + 1)),
    "refused-reply-kind": refused("reply", 4, "a request from the daemon", frame(10, 1, b"")),
}


def main():
    for old in HERE.glob("*.frame"):
        old.unlink()
    index = {"frames": {}, "refused": {}}
    for group, frames in (("frames", FRAMES), ("refused", REFUSED)):
        for name, (entry, data) in frames.items():
            (HERE / f"{name}.frame").write_bytes(data)
            index[group][name] = entry
    (HERE / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
