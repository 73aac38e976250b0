"""A web server that misbehaves on request: every fault a download must survive or refuse.

    python3 fault_server.py [--tls CERTIFICATE KEY]

It listens on a port of its own on 127.0.0.1, prints the port on one line and serves until its standard input ends, so it
never outlives the test that started it. The first part of a path names the fault, the rest the file:

    GET /truncate/4096/name

A file's bytes follow from its name and length alone (`body`), so that tests can check what arrived. `GET /+log` answers
what was asked since the last time, one JSON object a line; `GET /+peak` the most connections there were at once.
"""

import argparse
import gzip
import hashlib
import json
import socket
import ssl
import struct
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from connections import LOCK, CountedHandler, Server

LOG = []
COUNTS = {}
RELEASE = threading.Event()


def body(length, salt=""):
    """The bytes of a file: a digest of its length and salt, over and over."""
    block = hashlib.sha256(f"{length}{salt}".encode()).digest()
    return (block * (length // len(block) + 1))[:length]


class Handler(CountedHandler):
    def answer(self):
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if parts[0] == "+log":
            return self.answer_log()
        if parts[0] == "+peak":
            return self.send(str(self.server.peak).encode(), 200)
        if parts[0] == "+release":
            RELEASE.set()
            return self.send(b"", 200)
        self.count_connection()
        with LOCK:
            LOG.append({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}})
            COUNTS[self.path] = COUNTS.get(self.path, 0) + 1
            self.attempt = COUNTS[self.path]
        self.length = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        self.bytes = body(self.length)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        fault = getattr(self, "fault_" + parts[0].replace("-", "_"), None)
        if fault is None:
            return self.send(b"no such fault", 404)
        try:
            fault(parts[2:])
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def answer_log(self):
        with LOCK:
            text = "".join(json.dumps(entry) + "\n" for entry in LOG)
            LOG.clear()
        self.send(text.encode(), 200)

    # Parts of answers.

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, data, status=200, **headers):
        self.head(status, Content_Length=len(data), **headers)
        self.wfile.write(data)

    def drop(self):
        """Ends the connection as an orderly close would."""
        self.wfile.flush()
        self.close_connection = True

    def reset(self):
        """Ends the connection as a crash would."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def ranged(self, data, tag='"v1"'):
        """Answers with ranges and If-Range as RFC 9110 has it; `bytes=a-b` and `bytes=a-` only."""
        wanted = self.headers.get("Range")
        validator = self.headers.get("If-Range")
        if not wanted or (validator and validator != tag):
            return self.send(data, 200, ETag=tag, Accept_Ranges="bytes")
        first, last = wanted.removeprefix("bytes=").split("-")
        first = int(first)
        last = min(int(last) if last else len(data) - 1, len(data) - 1)
        if first >= len(data):
            return self.send(b"", 416, Content_Range=f"bytes */{len(data)}")
        self.send(data[first : last + 1], 206, ETag=tag, Content_Range=f"bytes {first}-{last}/{len(data)}")

    def truncated(self, first, tag='"v1"'):
        """Promises everything and delivers `first` bytes."""
        self.head(200, Content_Length=self.length, ETag=tag)
        self.wfile.write(self.bytes[:first])

    # The faults.

    def fault_good(self, rest):
        self.ranged(self.bytes)

    def fault_noranges(self, rest):
        self.send(self.bytes, 200)

    def fault_truncate(self, rest):
        """Always half a body, promised whole."""
        self.truncated(self.length // 2)
        self.drop()

    def fault_reset(self, rest):
        self.truncated(self.length // 2)
        self.reset()

    def fault_nolength(self, rest):
        """A close is the end of the body; with `short`, too early."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.bytes[: self.length // 2 if "short" in self.query else self.length])
        self.drop()

    def fault_chunked(self, rest):
        self.head(200, Transfer_Encoding="chunked")
        data = self.bytes + b"x" * int(self.query.get("extra", "0"))
        for start in range(0, len(data), 4096):
            part = data[start : start + 4096]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def fault_wronglength(self, rest):
        self.send(body(self.length + int(self.query.get("by", "1"))))

    def fault_gzip(self, rest):
        self.send(gzip.compress(self.bytes), 200, Content_Encoding="gzip")

    def fault_redirect(self, rest):
        """To `to`; a relative one stays on this host."""
        self.send(b"elsewhere", int(self.query.get("status", "302")), Location=self.query["to"])

    def fault_loop(self, rest):
        self.send(b"", 302, Location=self.path)

    def fault_stall(self, rest):
        self.truncated(self.length // 2)
        self.wfile.flush()
        RELEASE.wait(30)
        self.drop()

    def fault_silent(self, rest):
        RELEASE.wait(30)
        self.drop()

    def fault_drip(self, rest):
        """A byte now and then: never idle, never done."""
        self.head(200, Content_Length=self.length, ETag='"v1"')
        for place in range(self.length):
            self.wfile.write(self.bytes[place : place + 1])
            self.wfile.flush()
            if RELEASE.wait(0.05):
                break
        self.drop()

    def fault_paced(self, rest):
        """At `rate` bytes a second for this connection, with ranges."""
        rate = float(self.query.get("rate", "1e6"))
        data, status, headers = self.bytes, 200, {}
        wanted = self.headers.get("Range")
        if wanted:
            first, last = (int(part) for part in wanted.removeprefix("bytes=").split("-"))
            data, status = data[first : last + 1], 206
            headers["Content_Range"] = f"bytes {first}-{last}/{self.length}"
        self.head(status, Content_Length=len(data), ETag='"v1"', **headers)
        step = max(1, int(rate / 20))
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            self.wfile.flush()
            if RELEASE.wait(0.05):
                break

    def fault_basic(self, rest):
        self.send(b"who are you", 401, WWW_Authenticate='Basic realm="here"')

    def fault_bearer(self, rest):
        """A challenge without a realm, as Azure sends it."""
        self.send(b"who are you", 401, WWW_Authenticate="Bearer authorization_uri=https://login.invalid/")

    def fault_status(self, rest):
        headers = {"Retry-After": self.query["after"]} if "after" in self.query else {}
        self.send(self.query.get("text", "no").encode(), int(self.length), **headers)

    def fault_garbage(self, rest):
        self.wfile.write(b"\x00\xff\x13nonsense\r\n\r\nmore nonsense")
        self.drop()

    def fault_badheader(self, rest):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")
        self.wfile.write(self.bytes)
        self.drop()

    def fault_hints(self, rest):
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self.ranged(self.bytes)

    def fault_wrongrange(self, rest):
        """Breaks off the first time, then answers a range with another one."""
        wanted = self.headers.get("Range")
        if not wanted:
            if self.attempt == 1 or "always" in self.query:
                self.truncated(self.length // 2)
                return self.drop()
            return self.ranged(self.bytes)
        part = self.bytes[10:]
        self.send(part, 206, Content_Range=f"bytes 10-{self.length - 1}/{self.length}", ETag='"v1"')

    def fault_unasked(self, rest):
        self.send(self.bytes[10:], 206, Content_Range=f"bytes 10-{self.length - 1}/{self.length}")

    def fault_resume(self, rest):
        """Breaks off the first time and resumes properly afterwards."""
        if self.attempt == 1:
            self.truncated(self.length // 2)
            return self.drop()
        self.ranged(self.bytes)

    def fault_changed(self, rest):
        """Breaks off the first time; then the file is another one."""
        if self.attempt == 1:
            self.head(200, Content_Length=self.length, ETag='"old"')
            self.wfile.write(body(self.length, "old")[: self.length // 2])
            return self.drop()
        self.ranged(self.bytes, tag='"new"')

    def fault_gone(self, rest):
        """Breaks off the first time; then there is nothing left to resume from."""
        if self.attempt == 1:
            self.truncated(self.length // 2)
            return self.drop()
        if self.headers.get("Range"):
            return self.send(b"", 416, Content_Range="bytes */1")
        self.ranged(self.bytes)

    def fault_flipped(self, rest):
        """One bit wrong the first `times` times."""
        data = bytearray(self.bytes)
        if self.attempt <= int(self.query.get("times", "1")):
            data[len(data) // 3] ^= 4
        self.send(bytes(data), 200, ETag='"v1"')

    def fault_flaky(self, rest):
        """Fails with `status` the first `times` times."""
        if self.attempt <= int(self.query.get("times", "1")):
            headers = {"Retry-After": self.query["after"]} if "after" in self.query else {}
            return self.send(b"busy", int(self.query.get("status", "503")), **headers)
        self.ranged(self.bytes)

    def fault_files(self, rest):
        """What is in the directory `--files`, as a proper server has it."""
        path = Path(self.server.files, *(unquote(part) for part in rest))
        if ".." in rest or not path.is_file():
            return self.send(b"no such file", 404)
        data = path.read_bytes()
        self.ranged(data, tag=f'"{hashlib.sha256(data).hexdigest()}"')


def main():
    parser = argparse.ArgumentParser(description="A web server that misbehaves on request.")
    parser.add_argument("--files", default=".", help="the directory under /files/0/")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    options = parser.parse_args()
    Server.files = options.files
    server = Server(("127.0.0.1", 0), Handler)
    if options.tls:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(*options.tls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
