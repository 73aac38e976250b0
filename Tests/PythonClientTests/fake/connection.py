"""A fake daemon's side of one connection."""

from __future__ import annotations

import array
import json
import os
import socket
from typing import TYPE_CHECKING, Any

from PythonClientTests.fake.script import HEADER, MAGIC, In, Out, RefusalError, Session

if TYPE_CHECKING:
    from PythonClientTests.fake.daemon import FakeDaemon


class ServedConnection:
    """One client's."""

    def __init__(self, daemon: FakeDaemon, connection: socket.socket) -> None:
        self.daemon = daemon
        self.connection = connection
        self.sessions: list[Session] = []
        self.handles: dict[int, int] = {}
        self.uses: dict[int, int] = {}
        self.next_handle = 7

    def run(self) -> None:
        if self.daemon.script.turn_away is not None:
            self.refuse(0, self.daemon.script.turn_away)
            return
        while True:
            header = self.read(HEADER.size)
            if header is None:
                return
            length, kind, _, request = HEADER.unpack(header)
            payload = self.read(length) or b""
            self.daemon.requests.append((kind, request))
            try:
                if not self.answer(kind, request, In(payload)):
                    return
            except RefusalError as refusal:
                self.refuse(request, refusal)

    def read(self, length: int) -> bytes | None:
        data = b""
        while len(data) < length:
            piece = self.connection.recv(length - len(data))
            if not piece:
                return None
            data += piece
        return data

    def send(self, kind: int, request: int, payload: bytes | bytearray, descriptors: list[int] | None = None) -> None:
        frame = HEADER.pack(len(payload), kind, len(descriptors or []), request) + payload
        ancillary = []
        if descriptors:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        step = self.daemon.script.split_writes or len(frame)
        sent = self.connection.sendmsg([frame[:step]], ancillary)
        while sent < len(frame):
            sent += self.connection.send(frame[sent : sent + step])

    def refuse(self, request: int, refusal: RefusalError) -> None:
        payload = Out().pack("HBI", refusal.code, refusal.retry, refusal.after).text(refusal.message).data
        self.send(0x80FF, request, payload)

    def answer(self, kind: int, request: int, payload: In) -> bool:
        if kind == 1:
            assert payload.take("I") == MAGIC
            out = Out().pack("HIII", 1, 3, 1 << 28, self.daemon.script.max_pipelined).text("fake/1").text("instance")
            self.send(0x8001, request, out.data)
        elif kind == 2:
            self.open(request, payload)
        elif kind == 3:
            self.schema(request)
        elif kind == 4:
            self.epoch(request, payload)
        elif kind == 5:
            return self.batch(request, payload)
        elif kind == 6:
            session, mode, count = payload.take("IBI")
            ids = [payload.take("q") for _ in range(count)]
            if any(not 0 <= item < len(self.daemon.samples) for item in ids):
                raise RefusalError(19, f"no sample among {ids}")
            self.reply_with(request, -1, 0, [ids], mode)
        elif kind == 7:
            number, epoch, samples = payload.take("Iqq")
            session = self.sessions[number]
            offset = session.start if epoch == session.epoch else 0
            out = Out().pack("qqqqq", epoch, offset + samples * session.ranks, 1, session.seed, 1)
            self.send(0x8007, request, out.text(self.daemon.fingerprint).text("made of fixtures").data)
        elif kind == 8:
            self.send(0x8008, request, Out().text(json.dumps({"version": 1})).data)
        elif kind == 10:
            self.send(0x800A, request, Out().pack("B", 1).text("well").data)
        elif kind == 12:
            assert request == 0
            self.daemon.dropped += [payload.take("I") for _ in range(payload.take("I"))]
        else:
            raise RefusalError(4, f"no request of kind {kind}")
        return True

    def open(self, request: int, payload: In) -> None:
        opened: dict[str, Any] = {"inline": bool(payload.take("B")), "dataset": payload.text()}
        opened["overrides"] = payload.text()
        nodes, ranks, workers = payload.take("III")
        by_device, node, rank = payload.take("BII")
        opened["world"] = (nodes, ranks, workers, by_device, node, rank)
        resume = payload.optional(
            lambda: (
                payload.take("q"),
                payload.take("q"),
                *[payload.optional(lambda: payload.take("q")) for _ in range(3)],
            )
        )
        expected = payload.optional(lambda: (payload.text(), payload.text(), payload.take("B")))
        opened |= {"resume": resume, "expected": expected}
        assert payload.at == len(payload.data)
        self.daemon.opens.append(opened)
        if self.daemon.script.refuse_open:
            raise self.daemon.script.refuse_open.pop(0)
        if opened["dataset"] == "unknown":
            raise RefusalError(10, "no dataset is called unknown; there is: fixtures")
        if expected is not None and expected[0] != self.daemon.fingerprint and not expected[2]:
            raise RefusalError(17, "stream a gained 3 shards")
        options = json.loads(opened["overrides"] or "{}")
        if opened["inline"]:
            options = json.loads(opened["dataset"])
        batch_size = options.get("batch_size", self.daemon.batch_size)
        epoch, start = (resume[0], resume[1]) if resume else (0, 0)
        seed = resume[3] if resume and resume[3] is not None else options.get("shuffle_seed", 9176)
        session = Session(nodes * ranks, rank, workers, batch_size, start, epoch, seed, opened)
        self.sessions.append(session)
        count = len(self.daemon.samples)
        out = Out().pack("I", len(self.sessions) - 1).text("fixtures")
        out.text(self.daemon.fingerprint).text("made of fixtures")
        out.pack("IIII", nodes, ranks, workers, rank).pack("II", batch_size, 1).pack("qq", epoch, start)
        out.pack("qqq", 1, seed, 1).pack("qqq", count, -(-count // session.ranks), count)
        out.pack("I", 100).pack("I", 1).text("only").pack("qqIq", 0, count, len(self.daemon.shards), count)
        self.send(0x8002, request, out.texts([]).data)

    def schema(self, request: int) -> None:
        out = Out().pack("I", len(self.daemon.schemas))
        for schema in self.daemon.schemas:
            out.pack("B", schema.format).text(schema.separator).text(schema.newline).pack("I", len(schema.columns))
            for column in schema.columns:
                out.text(column.name).text(column.encoding)
                out.pack("q", -1 if column.size is None else column.size)
        self.send(0x8003, request, out.data)

    def plan(self, session: Session, epoch: int) -> list[list[int]]:
        """The rank's batches, in loader order."""
        ids = list(range(len(self.daemon.samples)))[session.start if epoch == session.epoch else 0 :]
        while ids and len(ids) % session.ranks:
            ids.append(ids[-1])
        mine = ids[session.rank :: session.ranks]
        return [mine[at : at + session.batch_size] for at in range(0, len(mine), session.batch_size)]

    def epoch(self, request: int, payload: In) -> None:
        number, epoch = payload.take("Iq")
        session = self.sessions[number]
        batches = self.plan(session, epoch)
        out = Out().pack("qq", epoch, session.start if epoch == session.epoch else 0)
        out.pack("II", len(batches), -(-len(batches) // session.workers))
        self.send(0x8004, request, out.pack("qI", sum(map(len, batches)), 64).texts([]).data)

    def batch(self, request: int, payload: In) -> bool:
        script = self.daemon.script
        number, epoch, worker, first, count, mode = payload.take("IqIIIB")
        session = self.sessions[number]
        batches = self.plan(session, epoch)
        if worker != 0xFFFFFFFF:
            per_worker = -(-len(batches) // session.workers)
            mine = batches[worker :: session.workers]
            batches = mine + [[]] * (per_worker - len(mine))
        if first >= len(batches):
            raise RefusalError(14, f"batch {first} is past the end, {len(batches)}")
        if script.hold_batches is not None:
            script.hold_batches.wait()
        self.daemon.groups.append(count)
        for asked in range(first, first + count):
            if asked in script.hang_up_before_batch:
                script.hang_up_before_batch.remove(asked)
                return False
            if asked in script.refuse_batch:
                raise script.refuse_batch.pop(asked)
            if asked in script.refuse_always:
                raise script.refuse_always[asked]
        if count > script.most_batches:
            raise RefusalError(42, f"count is {count}; one request may have {script.most_batches} batches at most")
        self.reply_with(request, epoch, first, batches[first : first + count], mode)
        return True

    def reply_with(self, request: int, epoch: int, first: int, batches: list[list[int]], mode: int) -> None:
        daemon = self.daemon
        mode = mode or daemon.script.bytes_mode
        ids = [item for batch in batches for item in batch]
        rows = [daemon.samples[item] for item in ids]
        n = len(ids)
        out = Out().pack("qIIIB3x", epoch, first, len(batches), n, mode)
        out.pack(f"{len(batches)}I", *map(len, batches)).pack(f"{n}q", *ids).pack(f"{n}I", *[0] * n)
        out.pack(f"{n}I", *[row[0] for row in rows]).pack(f"{n}I", *[row[1] for row in rows])
        out.pack(f"{n}I", *[row[2] for row in rows])
        if mode == 1:
            at = 0
            out.pack("Q", 0)
            for row in rows:
                at += len(row[3])
                out.pack("Q", at)
            out.raw(b"".join(row[3] for row in rows))
        elif mode == 2:
            self.describe(request, out, rows)
        if mode != 2 and daemon.script.drop_by_frame and self.handles:
            handles = list(self.handles.values())
            self.handles.clear()
            self.send(0x8012, request, Out().pack(f"I{len(handles)}I", len(handles), *handles).data)
        self.send(0x8005, request, out.data)

    def describe(self, request: int, out: Out, rows: list[tuple[int, int, int, bytes]]) -> None:
        daemon = self.daemon
        new = [shard for shard in dict.fromkeys(row[0] for row in rows) if shard not in self.handles]
        for shard in new:
            self.handles[shard] = self.next_handle
            self.next_handle += 1
        if new:
            handles = [self.handles[shard] for shard in new]
            copies = [os.dup(daemon.files[shard].fileno()) for shard in new]
            payload = Out().pack(f"I{len(new)}I", len(new), *handles).data
            self.send(0x8010, request, payload, copies)
            for copy in copies:
                os.close(copy)
        out.pack(f"{len(rows)}I", *[self.handles[row[0]] for row in rows])
        out.pack(f"{len(rows)}Q", *[daemon.offsets[row[0]][row[1]] for row in rows])
        out.pack(f"{len(rows)}I", *[len(row[3]) for row in rows])
        drops = []
        for shard in {row[0] for row in rows}:
            self.uses[shard] = self.uses.get(shard, 0) + 1
            if daemon.script.drop_after and self.uses[shard] >= daemon.script.drop_after:
                drops.append(self.handles.pop(shard))
                self.uses.pop(shard)
        out.pack(f"I{len(drops)}I", len(drops), *drops)
