"""What the object stores of the tests share: files by key, listings by folder, and credentials that can be taken back.

Each server prints one line of JSON that says where it is and which credentials it takes, and serves until its standard
input ends. `GET /+log` answers what was asked since the last time, one JSON object a line; `GET /+set?name=value` changes
a setting while it serves. `--tls CERTIFICATE KEY` after the directory has it all go over TLS.
"""

import json
import ssl
import sys
import threading
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from connections import LOCK, Server
from fault_server import LOG, Handler

# Keys with everything that a URL has to encode; each is an index of its own or lies below one.
ODD = "odd name+&é=1.mds"
PAGE = 2


def files(directory):
    """A stream with odd names, folders with indexes to find, and the dataset that is to be served, by key."""
    found = {}
    for folder in ["parts/a b", "parts/c/d", "parts/e"]:
        found[f"{folder}/index.json"] = json.dumps({"version": 2, "shards": []}).encode()
    found["parts/readme.txt"] = b"no index here"
    found[f"pile/{ODD}"] = bytes(range(256)) * 1024
    for path in (path for path in Path(directory).rglob("*") if path.is_file()):
        found[f"dataset/{path.relative_to(directory)}"] = path.read_bytes()
    return found


def page(keys, prefix, delimiter, after):
    """One page of a listing: names, folders, and where the next page begins (None at the end)."""
    entries = sorted(
        {
            key[: key.index(delimiter, len(prefix)) + 1] if delimiter and delimiter in key[len(prefix) :] else key
            for key in keys
            if key.startswith(prefix)
        }
    )
    rest = [entry for entry in entries if entry > after]
    shown = rest[:PAGE]
    names = [entry for entry in shown if not entry.endswith("/")]
    folders = [entry for entry in shown if entry.endswith("/")]
    return names, folders, shown[-1] if len(rest) > PAGE else None


class Store(Handler):
    """A store's common part: who may read is decided by `refusal`, what a path means by `serve`."""

    settings: ClassVar[dict[str, str]] = {}
    objects: ClassVar[dict[str, bytes]] = {}

    def answer(self):
        self.url = urlsplit(self.path)
        self.query = dict(parse_qsl(self.url.query, keep_blank_values=True))
        if self.url.path == "/+log":
            return self.answer_log()
        if self.url.path == "/+set":
            with LOCK:
                self.settings.update(self.query)
            return self.send(b"", 200)
        refusal = self.refusal()
        with LOCK:
            headers = {name.lower(): value for name, value in self.headers.items()}
            LOG.append({"path": self.path, "headers": headers, "refusal": refusal})
        if refusal:
            return self.refuse(refusal)
        self.serve(unquote(self.url.path))

    def refuse(self, reason):
        self.error(403, "AccessDenied", reason)

    def error(self, status, code, message):
        text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        self.send(text.encode(), status, Content_Type="application/xml")

    def serve_object(self, key):
        data = self.objects.get(key)
        if data is None:
            return self.error(404, "NoSuchKey", "there is no such object")
        self.ranged(data, tag=f'"{len(data)}-{hash(data) & 0xFFFFFFFF:08x}"')


def run(handlers, greeting):
    """Serves each handler on a port of its own; `greeting` makes the line of JSON from their addresses."""
    context = None
    if sys.argv[2:3] == ["--tls"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[3:5])
    addresses = []
    for handler in handlers:
        server = Server(("127.0.0.1", 0), handler)
        server.context = context
        threading.Thread(target=server.serve_forever, daemon=True).start()
        addresses.append(f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}")
    print(json.dumps(greeting(*addresses)), flush=True)
    sys.stdin.buffer.read()
