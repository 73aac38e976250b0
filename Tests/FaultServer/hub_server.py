"""The Hugging Face Hub as far as streams use it, for tests: revisions in the path, a token, files behind a redirect.

    python3 hub_server.py DIRECTORY [--tls CERTIFICATE KEY]

Small files are answered by the Hub itself, the others by a redirect to the content network: another origin, whose URLs
carry their own signature and where the Hub's token must never arrive.
"""

import hashlib
import hmac
import json
import sys
import time
from typing import ClassVar
from urllib.parse import quote, unquote

from object_store import Store, files, run

REPOSITORY = "team/words"
SECRET = b"the content network's"
REVISIONS = ["main", "v1", "refs/pr/1"]
DIRECT_BYTES = 4096


def signature(path, expires):
    return hmac.new(SECRET, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


class Hub(Store):
    settings: ClassVar[dict[str, str]] = {"token": "hf_first", "content": ""}

    def refusal(self):
        authorization = self.headers.get("Authorization")
        return None if authorization == f"Bearer {self.settings['token']}" else "this repository is private"

    def refuse(self, reason):
        text = json.dumps({"error": reason}).encode()
        challenge = 'Bearer realm="Authentication required", charset="UTF-8"'
        self.send(text, 401, WWW_Authenticate=challenge, X_Error_Code="RepoNotFound")

    def serve(self, path):
        # The revision's slashes are encoded, so the path is taken apart before it is decoded.
        parts = self.url.path.split("/")
        if parts[1] != "datasets" or "/".join(parts[2:4]) != REPOSITORY or parts[4] != "resolve":
            return self.send(b'{"error": "Repository not found"}', 404, X_Error_Code="RepoNotFound")
        revision, key = unquote(parts[5]), unquote("/".join(parts[6:]))
        if revision not in REVISIONS:
            return self.send(b'{"error": "Invalid rev id"}', 404, X_Error_Code="RevisionNotFound")
        data = self.objects.get(f"{revision}:{key}")
        if data is None:
            return self.send(b'{"error": "Entry not found"}', 404, X_Error_Code="EntryNotFound")
        if len(data) <= DIRECT_BYTES:
            return self.ranged(data, tag=f'"{hashlib.sha256(data).hexdigest()}"')
        target = f"/files/{quote(revision, safe='')}/{quote(key)}"
        expires = int(time.time()) + 60
        where = f"{self.settings['content']}{target}?Expires={expires}&Signature={signature(target, expires)}"
        self.send(b"", 302, Location=where)


class ContentNetwork(Store):
    def refusal(self):
        if any(name in self.headers for name in ["Authorization", "Cookie"]):
            return "credentials of another host"
        expires = self.query.get("Expires", "0")
        expected = signature(self.url.path, expires)
        if not hmac.compare_digest(self.query.get("Signature", ""), expected) or int(expires) < time.time():
            return "the URL's signature is wrong or has expired"
        return None

    def serve(self, path):
        revision, _, key = self.url.path.removeprefix("/files/").partition("/")
        data = self.objects[f"{unquote(revision)}:{unquote(key)}"]
        self.ranged(data, tag=f'"{hashlib.sha256(data).hexdigest()}"')


def main():
    stored = files(sys.argv[1])
    objects = {f"v1:{key}": data for key, data in stored.items()}
    for revision in REVISIONS:
        objects[f"{revision}:which.txt"] = revision.ljust(16).encode()
    objects["refs/pr/1:pile/large.mds"] = bytes(range(256)) * 64
    Hub.objects = ContentNetwork.objects = objects

    def greeting(hub, content):
        Hub.settings["content"] = content
        return {
            "endpoint": hub,
            "content": content,
            "token": Hub.settings["token"],
        }

    run([Hub, ContentNetwork], greeting)


if __name__ == "__main__":
    main()
