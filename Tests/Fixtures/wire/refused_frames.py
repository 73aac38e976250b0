"""Frames that must be refused, with the error code and the reason."""

import struct

from encoding import BATCH, HELLO, NO_RESUME, ONE_RANK, REQUESTS, batch_reply, encode, fields, frame, refused

H = fields(REQUESTS["hello"][1], HELLO)
REFUSED = {
    "refused-hello-magic": refused("request", 1, "the magic is another protocol's", frame(1, 1, b"GET " + H[4:])),
    "refused-hello-long-name": refused(
        "request",
        1,
        "the client's name has 129 bytes",
        frame(1, 1, fields(REQUESTS["hello"][1], {**HELLO, "client": "x" * 129})),
    ),
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
        "request",
        1,
        "`inline` is 2",
        frame(1, 1, H)
        + frame(
            2,
            2,
            b"\2"
            + fields(
                REQUESTS["open"][1],
                {
                    "inline": 0,
                    "dataset": "a",
                    "overrides": "",
                    **ONE_RANK,
                    "by_device": 0,
                    "node": 0,
                    "rank": 0,
                    **NO_RESUME,
                },
            )[1:],
        ),
    ),
    "refused-after-hello-ids": refused(
        "request",
        1,
        "4,294,967,295 ids in 8 bytes",
        frame(1, 1, H) + frame(6, 2, struct.pack("<IBIq", 1, 0, 0xFFFFFFFF, 0)),
    ),
    "refused-after-hello-bytes": refused(
        "request", 1, "`bytes` is 4", frame(1, 1, H) + frame(5, 2, struct.pack("<IqIIIB", 1, 0, 0, 0, 1, 4))
    ),
    "refused-reply-batch-sum": refused(
        "reply",
        1,
        "the counts add up to another number",
        frame(0x8005, 1, batch_reply({**BATCH, "counts": [1, 1], "mode": 3})),
    ),
    "refused-reply-batch-mode": refused("reply", 1, "mode 4", frame(0x8005, 1, batch_reply({**BATCH, "mode": 4}))),
    "refused-reply-batch-offsets": refused(
        "reply",
        1,
        "offsets go back",
        frame(0x8005, 1, batch_reply({**BATCH, "mode": 1, "offsets": [0, 5, 3, 8], "bytes": "00" * 8})),
    ),
    "refused-reply-batch-first-offset": refused(
        "reply",
        1,
        "offsets begin at 1",
        frame(0x8005, 1, batch_reply({**BATCH, "mode": 1, "offsets": [1, 2, 3, 8], "bytes": "00" * 8})),
    ),
    "refused-reply-batch-short": refused(
        "reply",
        1,
        "a sample byte is missing",
        frame(0x8005, 1, batch_reply({**BATCH, "mode": 1, "offsets": [0, 2, 3, 8], "bytes": "00" * 7})),
    ),
    "refused-reply-batch-huge": refused(
        "reply",
        1,
        "4,294,967,295 samples in no bytes",
        frame(0x8005, 1, struct.pack("<qIIIB3x", 0, 0, 0, 0xFFFFFFFF, 3)),
    ),
    "refused-reply-handles": refused(
        "reply", 1, "two descriptors, three handles", frame(0x8010, 1, encode("u32*", [1, 2, 3]), descriptors=2)
    ),
    "refused-reply-health-descriptors": refused(
        "reply",
        1,
        "descriptors on another frame than `descriptors`",
        frame(0x800A, 1, b"\1" + encode("text", ""), descriptors=1),
    ),
    "refused-reply-too-long": refused(
        "reply", 3, "one byte over 256 MiB is announced", frame(0x8008, 1, b"", length=2**28 + 1)
    ),
    "refused-reply-kind": refused("reply", 4, "a request from the daemon", frame(10, 1, b"")),
}
