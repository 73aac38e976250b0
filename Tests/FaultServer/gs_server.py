"""Cloud Storage's XML API as far as streams use it: HMAC keys (AWS signature version 4) or a bearer token, for tests.

    python3 gs_server.py DIRECTORY [--tls CERTIFICATE KEY]

The signature is worked out here from the request as it arrived, after Google's "Signatures for HMAC" and Amazon's
description of version 4; nothing of it is shared with what is tested.
"""

import hashlib
import hmac
import re
import sys
import time
from calendar import timegm
from typing import ClassVar
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from object_store import Store, files, page, run

BUCKET = "streams"
KEYS = {"GOOGTESTKEY": "s3cret/of+the=tests"}
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/(s3)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


def sign(secret, day, region, service, text):
    key = ("AWS4" + secret).encode()
    for part in [day, region, service, "aws4_request", text]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class CloudStorage(Store):
    settings: ClassVar[dict[str, str]] = {"token": "ya29.first"}

    def refusal(self):
        authorization = self.headers.get("Authorization", "")
        if authorization.startswith("Bearer "):
            return None if authorization == f"Bearer {self.settings['token']}" else "this token is not accepted"
        if not authorization:
            return "anonymous callers have no access"
        return self.wrong_signature(authorization)

    def wrong_signature(self, authorization):
        match = AUTHORIZATION.fullmatch(authorization)
        if not match:
            return "the Authorization header has no form that is known"
        access, day, region, service, names, signature = match.groups()
        date = self.headers.get("x-amz-date", "")
        if access not in KEYS or not date.startswith(day):
            return "unknown key, or a date outside its scope"
        if abs(timegm(time.strptime(date, "%Y%m%dT%H%M%SZ")) - time.time()) > 900:
            return "the request is too old or too new"
        signed = names.split(";")
        must = {"host"} | {name.lower() for name in self.headers if name.lower().startswith("x-amz-")}
        if signed != sorted(signed) or not must <= set(signed):
            return "headers that have to be signed are not"
        query = parse_qsl(self.url.query, keep_blank_values=True)
        canonical = [
            self.command,
            self.url.path,
            "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query)),
            *(f"{name}:{' '.join(self.headers.get(name, '').split())}" for name in signed),
            "",
            names,
            self.headers.get("x-amz-content-sha256", ""),
        ]
        digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{region}/{service}/aws4_request", digest])
        expected = sign(KEYS[access], day, region, service, text)
        return None if hmac.compare_digest(expected, signature) else "the signature is another one"

    def serve(self, path):
        bucket, _, key = path.lstrip("/").partition("/")
        if bucket != BUCKET:
            return self.error(404, "NoSuchBucket", "there is no such bucket")
        if key:
            return self.serve_object(key)
        prefix, after = self.query.get("prefix", ""), self.query.get("continuation-token", "")
        names, folders, more = page(self.objects, prefix, self.query.get("delimiter", ""), after)
        text = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in names)
        text += "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        text += f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"
        text += f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
        self.send(f"<?xml version='1.0'?><ListBucketResult>{text}</ListBucketResult>".encode())


def main():
    CloudStorage.objects = files(sys.argv[1])
    access, secret = next(iter(KEYS.items()))
    run(
        [CloudStorage],
        lambda address: {
            "endpoint": address,
            "accessKey": access,
            "secretKey": secret,
            "token": CloudStorage.settings["token"],
        },
    )


if __name__ == "__main__":
    main()
