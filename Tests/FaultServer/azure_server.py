"""Azure Blob Storage as far as streams use it, for tests: shared key, shared access signatures and bearer tokens.

    python3 azure_server.py DIRECTORY [--tls CERTIFICATE KEY]

The account is part of the path, as in Azure's emulator. Both signatures are worked out here from the request as it
arrived, after Microsoft's "Authorize with Shared Key" and "Create a service SAS"; nothing is shared with what is tested.
"""

import base64
import hashlib
import hmac
import sys
import time
from email.utils import parsedate_to_datetime
from typing import ClassVar
from urllib.parse import quote, unquote, urlencode
from xml.sax.saxutils import escape

from object_store import Store, files, page, run

ACCOUNT = "teststore"
CONTAINER = "streams"
KEY = base64.b64encode(hashlib.sha512(b"the key of the tests").digest()).decode()
SAS_VERSION = "2021-08-06"
PLAIN_HEADERS = [
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-MD5",
    "Content-Type",
    "Date",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Unmodified-Since",
    "Range",
]


def sign(text):
    return base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()


def access_signature(fields):
    """The signature of a service SAS for the container, from its query's fields."""
    resource = f"/blob/{ACCOUNT}/{CONTAINER}"
    order = ["sp", "st", "se", resource, "si", "sip", "spr", "sv", "sr", "", "ses", "rscc", "rscd", "rsce", "rscl"]
    lines = [name if name.startswith("/") else fields.get(name, "") for name in order] + [fields.get("rsct", "")]
    return sign("\n".join(lines))


def shared_access(seconds, permissions="rl"):
    """The query of a shared access signature that lasts so many seconds from now."""
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    fields = {"sv": SAS_VERSION, "sr": "c", "sp": permissions, "se": end, "spr": "https,http"}
    return urlencode({**fields, "sig": access_signature(fields)}, quote_via=quote)


class BlobStorage(Store):
    settings: ClassVar[dict[str, str]] = {"token": "eyJ.first"}

    def refusal(self):
        authorization = self.headers.get("Authorization", "")
        if "sig" in self.query:
            return self.wrong_access() if not authorization else "two kinds of credentials at once"
        if not self.headers.get("x-ms-version"):
            return "the service version is missing"
        if authorization.startswith("Bearer "):
            return None if authorization == f"Bearer {self.settings['token']}" else "this token is not accepted"
        if not authorization.startswith(f"SharedKey {ACCOUNT}:"):
            return "no credentials for this account"
        sent = parsedate_to_datetime(self.headers.get("x-ms-date", "Thu, 01 Jan 1970 00:00:00 GMT")).timestamp()
        if abs(sent - time.time()) > 900:
            return "the request is too old or too new"
        expected = f"SharedKey {ACCOUNT}:{sign(self.string_to_sign())}"
        return None if hmac.compare_digest(expected, authorization) else "the signature is another one"

    def string_to_sign(self):
        special = sorted((n.lower(), v.strip()) for n, v in self.headers.items() if n.lower().startswith("x-ms-"))
        plain = [self.headers.get(name, "") for name in PLAIN_HEADERS]
        resource = f"/{ACCOUNT}{self.url.path}"
        resource += "".join(f"\n{name.lower()}:{self.query[name]}" for name in sorted(self.query, key=str.lower))
        return "\n".join([self.command, *plain, *(f"{name}:{value}" for name, value in special), resource])

    def wrong_access(self):
        fields = dict(self.query)
        if not hmac.compare_digest(fields.pop("sig"), access_signature(fields)):
            return "the shared access signature is another one"
        if time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) >= fields.get("se", ""):
            return "the shared access signature has expired"
        needed = "l" if fields.get("comp") == "list" else "r"
        return None if needed in fields.get("sp", "") else f"the shared access signature lacks the permission {needed}"

    def serve(self, path):
        account, container, *rest = path.lstrip("/").split("/", 2)
        if account != ACCOUNT or container != CONTAINER:
            return self.error(404, "ContainerNotFound", "there is no such container")
        if rest and rest[0]:
            return self.serve_object(rest[0])
        if self.query.get("restype") != "container" or self.query.get("comp") != "list":
            return self.error(400, "InvalidUri", "not a listing")
        after = unquote(self.query.get("marker", ""))
        prefix = self.query.get("prefix", "")
        names, folders, more = page(self.objects, prefix, self.query.get("delimiter", ""), after)
        text = "".join(f"<Blob><Name>{escape(name)}</Name><Properties/></Blob>" for name in names)
        text += "".join(f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>" for name in folders)
        marker = f"<NextMarker>{quote(more)}</NextMarker>" if more else "<NextMarker />"
        document = f"<EnumerationResults><Blobs>{text}</Blobs>{marker}</EnumerationResults>"
        self.send(f"<?xml version='1.0'?>{document}".encode())


def main():
    BlobStorage.objects = files(sys.argv[1])
    run(
        [BlobStorage],
        lambda address: {
            "endpoint": f"{address}/{ACCOUNT}",
            "account": ACCOUNT,
            "key": KEY,
            "signature": shared_access(3600),
            "expired": shared_access(-60),
            "unlisted": shared_access(3600, "r"),
            "token": BlobStorage.settings["token"],
        },
    )


if __name__ == "__main__":
    main()
