"""
A real HTTP server on loopback that answers as scripted, and misbehaves where asked to.

It speaks HTTP/1.1 by hand: a server library would refuse to send what these tests need.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import ssl
import struct
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import attrs

from support.replies import Reply

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST in place of FIN."""


@attrs.frozen(kw_only=True)
class Received:
    """
    One request as it came over the wire; *connection* counts from 1, headers are lower case.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        """
        The path without the query.
        """
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """
        The query as a mapping.
        """
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Upstream:
    """
    A scripted server; an async context manager.

    ``script`` says what it answers, ``requests`` what it was asked. Until anything is
    scripted it answers 200 with an empty JSON object.
    """

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.most_at_once = 0
        self._host = host
        self._tls = tls
        self._port = 0
        self._scripts: dict[str | None, deque[Reply]] = {}
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[Any]] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls)
        self._server = server
        self._port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """
        Where it listens, without a slash at the end; still so after ``stop``.
        """
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def open_now(self) -> int:
        """
        Connections that are open right now.
        """
        return len(self._serving)

    def script(self, *replies: Reply, path: str | None = None) -> None:
        """
        Answer the next requests, or those for *path*, with *replies*; the last goes on for ever.
        """
        self._scripts[path] = deque(replies)

    async def stop(self) -> None:
        """
        Stop listening and end every connection: from now on the port refuses.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # the transports say goodbye

    async def until(self, *, requests: int = 0, open_now: int | None = None) -> None:
        """
        Wait until that many requests have come, and exactly so many connections are open.

        Raises TimeoutError when that doesn't happen within 5 seconds.
        """
        async with asyncio.timeout(5):
            while len(self.requests) < requests or open_now not in (None, self.open_now):
                self._changed.clear()
                await self._changed.wait()

    # -------------------------------------------------------------- one connection

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        self.most_at_once = max(self.most_at_once, self.open_now)
        number = self.connections
        try:
            while (received := await self._read(reader, number)) is not None:
                self.requests.append(received)
                self._changed.set()
                reply = self._next(received.path)
                await self._answer(reply, reader, writer, received.method)
                if reply.cut != "never" or not reply.keep_alive:
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        except asyncio.CancelledError:
            writer.transport.abort()  # the test is over
        finally:
            writer.close()
            self._serving.discard(task)
            self._changed.set()

    async def _read(self, reader: asyncio.StreamReader, number: int) -> Received | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        request, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await _body(reader, headers)
        return Received(method=method, target=target, headers=headers, body=body, connection=number)

    def _next(self, path: str) -> Reply:
        replies = self._scripts.get(path) or self._scripts.get(None)
        if not replies:
            return Reply(headers={"Content-Type": "application/json"}, body=b"{}")
        return replies.popleft() if len(replies) > 1 else replies[0]

    async def _answer(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str
    ) -> None:
        await _wait(reply.delay, reader)
        if reply.cut == "at_once":
            return _cut(reply, writer)
        if reply.raw is not None:
            writer.write(reply.raw)
        elif reply.cut == "in_head":
            writer.write(reply.head[: len(reply.head) // 2])
        else:
            writer.write(reply.head)
            if method != "HEAD":
                await _send_body(reply, reader, writer)
        await writer.drain()
        if reply.cut != "never":
            _cut(reply, writer)
        return None


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


async def _send_body(
    reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    chunks = reply.chunks()
    if reply.cut == "in_body" and not reply.chunked:
        chunks = chunks[:-1] or [reply.body[: len(reply.body) // 2]]
    for place, chunk in enumerate(chunks):
        if place:
            await writer.drain()
            await _wait(reply.pause, reader)
        writer.write(chunk)


async def _wait(seconds: float, reader: asyncio.StreamReader) -> None:
    """
    Wait, but no longer than the client does.
    """
    if not seconds:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None if math.isinf(seconds) else seconds):
            await reader.read(1)
        raise ConnectionAbortedError


def _cut(reply: Reply, writer: asyncio.StreamWriter) -> None:
    if reply.orderly:
        writer.close()
        return
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


def refused_port() -> int:
    """
    Return a port of 127.0.0.1 on which nobody listens.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
