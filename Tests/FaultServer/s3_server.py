"""moto's S3 server with signatures checked, for tests.

    python3 s3_server.py [DIRECTORY]

Makes a bucket with a stream in it (and what is in DIRECTORY, under dataset/), a user who may read it and a role with a
session token, turns the check of signatures on, and prints one line of JSON: the port and both sets of keys. Serves until
its standard input ends.
"""

import json
import logging
import os
import sys
import urllib.request
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "test"
os.environ.pop("AWS_PROFILE", None)

import boto3
from moto.server import ThreadedMotoServer

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"

    def client(service):
        return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1")

    s3, iam, sts = client("s3"), client("iam"), client("sts")
    s3.create_bucket(Bucket="streams")
    for name in ["pile/index.json", "parts/a b/index.json", "parts/c/d/index.json"]:
        s3.put_object(Bucket="streams", Key=name, Body=json.dumps({"version": 2, "shards": []}).encode())
    for name in ["pile/shard.00000.mds", "pile/odd name+&é=1.mds"]:
        s3.put_object(Bucket="streams", Key=name, Body=bytes(range(256)) * 1024)
    s3.put_object(Bucket="streams", Key="parts/readme.txt", Body=b"no index here")
    for root in map(Path, sys.argv[1:]):
        for path in (found for found in root.rglob("*") if found.is_file()):
            s3.put_object(Bucket="streams", Key=f"dataset/{path.relative_to(root)}", Body=path.read_bytes())

    iam.create_user(UserName="trainer")
    iam.put_user_policy(UserName="trainer", PolicyName="read", PolicyDocument=json.dumps(POLICY))
    user = iam.create_access_key(UserName="trainer")["AccessKey"]
    role = iam.create_role(RoleName="training", AssumeRolePolicyDocument=json.dumps(POLICY))["Role"]
    iam.put_role_policy(RoleName="training", PolicyName="read", PolicyDocument=json.dumps(POLICY))
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="tests")["Credentials"]

    request = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request).read()
    keys = {
        "port": port,
        "user": {"AccessKeyId": user["AccessKeyId"], "SecretAccessKey": user["SecretAccessKey"]},
        "session": {
            "AccessKeyId": session["AccessKeyId"],
            "SecretAccessKey": session["SecretAccessKey"],
            "SessionToken": session["SessionToken"],
            "Expiration": session["Expiration"].isoformat(),
        },
    }
    print(json.dumps(keys), flush=True)
    sys.stdin.buffer.read()
    server.stop()


if __name__ == "__main__":
    main()
