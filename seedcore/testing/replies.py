"""
What an upstream can answer, from a decent page to the ways an answer goes wrong.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Literal

import attrs

Cut = Literal["never", "at_once", "in_head", "in_body", "after"]
"""Where a reply ends early: without a byte, within its headers, half way, or right after."""


@attrs.frozen(kw_only=True)
class Reply:
    """
    One answer, byte for byte as it goes over the wire.

    *delay* are the seconds before the first byte, *pause* those between two of the *pieces*
    the body is sent in; ``math.inf`` waits until the client goes away. With *cut* the
    connection ends there, by a TCP reset, or orderly if *orderly*. *promised* is a
    Content-Length other than the body's. *raw* is sent in place of everything. *done* says
    whether the upstream did what it was asked, whatever became of its answer; by default it
    did where the status is below 400 and an answer began.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.Factory(dict)
    body: bytes = b""
    delay: float = 0.0
    pieces: int = 1
    pause: float = 0.0
    chunked: bool = False
    promised: int | None = None
    cut: Cut = "never"
    orderly: bool = False
    keep_alive: bool = True
    raw: bytes | None = None
    done: bool | None = None

    @property
    def was_done(self) -> bool:
        """
        Whether the upstream did what it was asked.
        """
        by_default = self.raw is None and self.status < 400 and self.cut != "at_once"
        return by_default if self.done is None else self.done

    @property
    def head(self) -> bytes:
        """
        The status line and the headers, as they are sent.
        """
        phrases = {status.value: status.phrase for status in HTTPStatus}
        headers = dict(self.headers)
        if self.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif self.status >= 200 and self.status not in (204, 304):
            length = len(self.body) if self.promised is None else self.promised
            headers["Content-Length"] = str(length)
        if not self.keep_alive:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {self.status} {phrases.get(self.status, 'Odd')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")

    def chunks(self) -> list[bytes]:
        """
        Return the body in its pieces, framed as they are sent.
        """
        size = max(1, math.ceil(len(self.body) / self.pieces))
        pieces = [self.body[start : start + size] for start in range(0, len(self.body), size)]
        if not self.chunked:
            return pieces
        framed = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
        return framed if self.cut == "in_body" else [*framed, b"0\r\n\r\n"]


def json_reply(document: Any, status: int = 200, **changes: Any) -> Reply:
    """
    Return a JSON answer.
    """
    return typed("application/json", json.dumps(document), status, **changes)


def typed(content_type: str, body: str | bytes, status: int = 200, **changes: Any) -> Reply:
    """
    Return an answer with a Content-Type.
    """
    raw = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": content_type, **changes.pop("headers", {})}
    return Reply(status=status, body=raw, headers=headers, **changes)


def status(code: int, **headers: str) -> Reply:
    """
    Return an empty answer; ``Retry_After="2"`` becomes the header Retry-After.
    """
    return Reply(
        status=code, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def redirect(location: str, code: int = 302) -> Reply:
    """
    Return a redirect.
    """
    return Reply(status=code, headers={"Location": location})


def rate_limited(
    seconds: float, form: Literal["seconds", "date", "none"] = "seconds", code: int = 429
) -> Reply:
    """
    Return a request to pause, with Retry-After in seconds, as a date, or without any.

    A date counts from the answer's own Date, which is that of another clock, and has whole
    seconds only.
    """
    if form == "none":
        return status(code)
    if form == "seconds":
        return status(code, Retry_After=f"{seconds:g}")
    now = 1_700_000_000
    return status(
        code, Date=formatdate(now, usegmt=True), Retry_After=formatdate(now + seconds, usegmt=True)
    )


def lost(reply: Reply | None = None) -> Reply:
    """
    Return an answer that is lost after the work was done: the connection is reset.
    """
    return attrs.evolve(reply or Reply(), cut="at_once", done=True)


def hanging(**changes: Any) -> Reply:
    """
    Return an answer that never comes.
    """
    return Reply(delay=math.inf, **changes)


def stalled(body: bytes = b'{"id": "half of a seed"}') -> Reply:
    """
    Return an answer whose second half never comes.
    """
    return typed("application/json", body, pieces=2, pause=math.inf)


def garbage() -> Reply:
    """
    Return what is no HTTP at all.
    """
    return Reply(raw=b"\x16\x03\x01 220 mail.example ESMTP\x00\r\n\r\n", cut="after", orderly=True)


def bomb(size: int, status: int = 200) -> Reply:
    """
    Return zeros that are *size* bytes after decompression, and a thousandth of it before.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = bytes(2**20)
    packed = b"".join(packer.compress(block) for _ in range(size // len(block)))
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return Reply(status=status, headers=headers, body=packed + packer.flush())


def gzipped(reply: Reply) -> Reply:
    """
    Return *reply* with its body compressed.
    """
    headers = {**reply.headers, "Content-Encoding": "gzip"}
    return attrs.evolve(reply, headers=headers, body=gzip.compress(reply.body, mtime=0))
