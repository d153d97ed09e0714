"""
How a reply goes over the wire: byte for byte, and cut off where that was asked for.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from seedcore.testing.replies import Reply

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST in place of FIN."""
TURNS_TO_CONNECT = 2
"""Turns of the loop from accepting a socket to ``connection_made``."""

Connection: TypeAlias = web.RequestHandler


class Server(web.Server):
    """
    aiohttp's server, which tells about its connections; a client that leaves ends its request.
    """

    def __init__(
        self,
        handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        opened: Callable[[Connection, asyncio.Transport], None],
        closed: Callable[[Connection], None],
    ) -> None:
        super().__init__(handle, handler_cancellation=True, access_log=None)
        self._opened = opened
        self._closed = closed

    def connection_made(self, handler: Connection, transport: asyncio.Transport) -> None:
        """
        Tell that a client has come.
        """
        super().connection_made(handler, transport)
        self._opened(handler, transport)

    def connection_lost(self, handler: Connection, exc: BaseException | None = None) -> None:
        """
        Tell that it has gone.
        """
        super().connection_lost(handler, exc)
        self._closed(handler)


class Written(web.StreamResponse):
    """
    Tells aiohttp that the answer is on the wire already.
    """

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._stays = keep_alive

    @property
    def keep_alive(self) -> bool | None:
        """
        Whether the connection stays for another request.
        """
        return self._stays

    async def prepare(self, _request: web.BaseRequest) -> AbstractStreamWriter | None:
        """
        Send no head.
        """
        return None

    async def write_eof(self, _data: bytes = b"") -> None:
        """
        Send no body.
        """


async def connect_the_last(listener: asyncio.Server) -> None:
    """
    Accept nobody more, and let those who were accepted become connections.

    Closing it at once would forget them: Python 3.11 neither closes such a socket nor serves it.
    """
    for listening in listener.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in range(TURNS_TO_CONNECT):
        await asyncio.sleep(0)


async def answer(reply: Reply, request: web.BaseRequest) -> None:
    """
    Send *reply* as it is scripted.
    """
    transport = request.transport
    if transport is None:
        return
    await _wait(reply.delay)
    if reply.cut == "at_once":
        _cut(reply, transport)
        return
    if reply.raw is not None:
        transport.write(reply.raw)
    elif reply.cut == "in_head":
        transport.write(reply.head[: len(reply.head) // 2])
    else:
        transport.write(reply.head)
        if request.method != "HEAD":
            await _send_body(reply, request.writer, transport)
    await request.writer.drain()
    if reply.cut != "never":
        _cut(reply, transport)


async def _send_body(
    reply: Reply, writer: AbstractStreamWriter, transport: asyncio.Transport
) -> None:
    chunks = reply.chunks()
    if reply.cut == "in_body" and not reply.chunked:
        chunks = chunks[:-1] or [reply.body[: len(reply.body) // 2]]
    for place, chunk in enumerate(chunks):
        if place:
            await writer.drain()
            await _wait(reply.pause)
        transport.write(chunk)


async def _wait(seconds: float) -> None:
    """
    Wait, but no longer than the client does: its leaving cancels this.
    """
    if math.isinf(seconds):
        await asyncio.Event().wait()
    elif seconds:
        await asyncio.sleep(seconds)


def _cut(reply: Reply, transport: asyncio.Transport) -> None:
    if reply.orderly:
        transport.close()
        return
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()
