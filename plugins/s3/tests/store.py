"""
A stand-in for S3: it checks each signature anew, keeps what is put, and refuses as S3 does.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import attrs

from seedcore.testing import FaultUpstream, Received, Reply, replies

KEY_ID = "AKIDFORTESTS"
SECRET = "secret/for+tests"
BUCKET = "seed-logs"
REGION = "eu-central-1"
EMPTY = "UNSIGNED-PAYLOAD"


def refused(status: int, code: str, message: str = "Words of the store.", **more: str) -> Reply:
    """
    Return an error as S3 writes it; it repeats what nobody should see.
    """
    extra = "".join(f"<{name}>{text}</{name}>" for name, text in more.items())
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>{extra}"
        f"<AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><StringToSign>AWS4-HMAC</StringToSign>"
        "<RequestId>REQUEST-ID</RequestId><HostId>HOST-ID</HostId></Error>"
    )
    return replies.typed("application/xml", body, status)


class Store:
    """
    The store, while the context is open.

    ``objects`` has the requests by which they were put, by bucket and key. ``first`` answers in
    place of the store, each once. ``acls`` says whether it takes them, ``secrets`` has the
    secret of each access key.
    """

    def __init__(self) -> None:
        self.upstream = FaultUpstream()
        self.objects: dict[tuple[str, str], Received] = {}
        self.first: deque[Reply] = deque()
        self.secrets = {KEY_ID: SECRET}
        self.acls = True
        self.deletes_twice = True

    async def __aenter__(self) -> Self:
        await self.upstream.start()
        self.upstream.script(self.answer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.upstream.stop()

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return self.upstream.url

    @property
    def requests(self) -> list[Received]:
        """
        What it was asked.
        """
        return self.upstream.requests

    def answer(self, received: Received) -> Reply:
        """
        Do what a request says, and answer.
        """
        if self.first:
            return self.first.popleft()
        wrong = self._fault_of(received)
        if wrong is not None:
            return wrong
        act: dict[str, Callable[[Received, tuple[str, str]], Reply]] = {
            "PUT": self._put,
            "GET": self._get,
            "DELETE": self._delete,
        }
        return act[received.method](received, place_of(received))

    def _put(self, received: Received, place: tuple[str, str]) -> Reply:
        body = body_of(received)
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        if received.headers["content-md5"] != base64.b64encode(digest).decode():
            return refused(400, "BadDigest")
        if "x-amz-acl" in received.headers and not self.acls:
            return refused(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
        self.objects[place] = attrs.evolve(received, body=body)
        return Reply(headers={"ETag": f'"{digest.hex()}"'})

    def _get(self, _: Received, place: tuple[str, str]) -> Reply:
        if place not in self.objects:
            return refused(404, "NoSuchKey", "The specified key does not exist.", Key=place[1])
        put = self.objects[place]
        kept = ("content-type", "content-encoding", "content-disposition")
        headers = {name: put.headers[name] for name in kept if name in put.headers}
        return Reply(headers={"ETag": '"tag"', **headers}, body=put.body)

    def _delete(self, _: Received, place: tuple[str, str]) -> Reply:
        if self.objects.pop(place, None) is None and not self.deletes_twice:
            return refused(404, "NoSuchKey", "The specified key does not exist.", Key=place[1])
        return Reply(status=204)

    def _fault_of(self, received: Received) -> Reply | None:
        signed = signature_in(received)
        if signed is None:
            return refused(403, "AccessDenied")
        key_id, _, region, *_ = signed["Credential"].split("/")
        if key_id not in self.secrets:
            return refused(403, "InvalidAccessKeyId")
        if region != REGION:
            text = f"The authorization header is malformed; the region '{region}' is wrong"
            return refused(400, "AuthorizationHeaderMalformed", text, Region=REGION)
        if signature_of(received, signed, self.secrets[key_id]) != signed["Signature"]:
            return refused(403, "SignatureDoesNotMatch")
        if place_of(received)[0] != BUCKET:
            return refused(404, "NoSuchBucket", BucketName=place_of(received)[0])
        return None


def body_of(received: Received) -> bytes:
    """
    Return what was sent: aiohttp's server may have unpacked it, and packed again it is the same.
    """
    packed = received.headers.get("content-encoding") == "gzip"
    unpacked = packed and not received.body.startswith(b"\x1f\x8b")
    return gzip.compress(received.body, mtime=0) if unpacked else received.body


def place_of(received: Received) -> tuple[str, str]:
    """
    Return bucket and key: the bucket is in the host, or it is the first part of the path.
    """
    path = unquote(received.path).removeprefix("/")
    host = received.headers["host"]
    if host.endswith(".amazonaws.com"):
        return host.partition(".s3.")[0], path
    bucket, _, key = path.partition("/")
    return bucket, key


def signature_in(received: Received) -> dict[str, str] | None:
    """
    Return what a request says about its signature, in its header or in its query.
    """
    header = received.headers.get("authorization", "")
    if header.startswith("AWS4-HMAC-SHA256 "):
        parts = header.removeprefix("AWS4-HMAC-SHA256 ").split(", ")
        return dict(part.split("=", 1) for part in parts)
    names = ("Credential", "SignedHeaders", "Signature")
    found = {name: received.query.get(f"X-Amz-{name}", "") for name in names}
    return found if all(found.values()) else None


def signature_of(received: Received, signed: dict[str, str], secret: str) -> str:
    """
    Return the signature that a request must have, by the published steps of version 4.
    """
    names = signed["SignedHeaders"].split(";")
    query = sorted(parse_qsl(urlsplit(received.target).query, keep_blank_values=True))
    canonical = [
        received.method,
        received.path,
        "&".join(f"{quoted(k)}={quoted(v)}" for k, v in query if k != "X-Amz-Signature"),
        *(f"{name}:{' '.join(received.headers[name].split())}" for name in names),
        "",
        signed["SignedHeaders"],
        received.headers.get("x-amz-content-sha256", EMPTY),
    ]
    moment = received.headers.get("x-amz-date") or received.query["X-Amz-Date"]
    scope = signed["Credential"].split("/")[1:]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", moment, "/".join(scope), digest])
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def quoted(text: Any) -> str:
    """
    Return *text* as a signature has it.
    """
    return quote(text, safe="-_.~")
