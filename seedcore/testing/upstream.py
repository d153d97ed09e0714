"""
A real HTTP server on loopback that answers as scripted, and misbehaves where asked to.

aiohttp reads the requests; the answers go over the wire byte for byte as scripted, since a
server library refuses to send most of what can go wrong.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import attrs
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, web
from yarl import URL

from seedcore.testing.delivery import Connection, Server, Written, answer, connect_the_last
from seedcore.testing.replies import Reply

PATIENT = 5.0
"""Seconds that ``until`` waits."""


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


Script = Reply | Callable[[Received], Reply]
"""A reply, or a function that makes one of a request."""


class FaultUpstream:
    """
    A scripted server on loopback; an async context manager.

    ``script`` says what it answers, ``requests`` what it was asked, ``done`` which of that it
    did, whatever became of the answer, ``connections`` how many there were. Until anything is
    scripted it answers 200 with an empty JSON object. *tls* makes it speak HTTPS, and for
    *port* 0 the system picks one.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[Received] = []
        self.done: list[Received] = []
        self.most_at_once = 0
        self._host = host
        self._port = port
        self._tls = tls
        self._scripts: dict[str | None, deque[Script]] = {}
        self._listener: asyncio.Server | None = None
        self._open: dict[Connection, tuple[int, asyncio.Transport]] = {}
        self._serving: dict[asyncio.Task[Any], Received | None] = {}
        self.connections = 0
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """
        Listen, after a ``stop`` on the same port again.
        """
        loop = asyncio.get_running_loop()
        server = Server(self._handle, self._opened, self._closed)
        self._listener = await loop.create_server(server, self._host, self._port, ssl=self._tls)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """
        Stop listening and end every connection: from now on the port refuses.
        """
        listener, self._listener = self._listener, None
        try:
            if listener is not None:
                await connect_the_last(listener)
        finally:  # whoever is cancelled here must not leave it listening
            if listener is not None:
                listener.close()
            for _, transport in self._open.values():
                transport.abort()
        await asyncio.sleep(0)  # the transports say goodbye, which cancels what they answer
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def url(self) -> str:
        """
        Where it listens, without a slash at the end; still so after ``stop``.
        """
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def port(self) -> int:
        """
        The port it listens on, known once it has started.
        """
        return self._port

    @property
    def open_now(self) -> int:
        """
        Connections that are open right now.
        """
        return len(self._open)

    @property
    def tasks(self) -> set[asyncio.Task[Any]]:
        """
        The tasks in which it works right now.
        """
        return {*self._serving}

    @property
    def unanswered(self) -> list[Received]:
        """
        The requests whose answer is not complete yet.
        """
        still_open = {number for number, _ in self._open.values()}
        serving = (received for received in self._serving.values() if received is not None)
        return [received for received in serving if received.connection in still_open]

    def script(self, *replies: Script, path: str | None = None) -> None:
        """
        Answer the next requests, or those for *path*, with *replies*; the last goes on for ever.
        """
        self._scripts[path] = deque(replies)

    async def until(self, *, requests: int = 0, open_now: int | None = None) -> None:
        """
        Wait until that many requests have come, and exactly so many connections are open.

        Raises TimeoutError when that doesn't happen within 5 seconds.
        """
        async with asyncio.timeout(PATIENT):
            while len(self.requests) < requests or open_now not in (None, self.open_now):
                self._changed.clear()
                await self._changed.wait()

    async def middleware(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """
        Send *request* here, whatever host it is for: ``Runner(http_middlewares=[it])``.

        The request and its answer keep the address that the provider asked.
        """
        here = URL(self.url)
        request.url = (
            request.url.with_scheme(here.scheme).with_host(self._host).with_port(here.port)
        )
        return await handler(request)

    # -------------------------------------------------------------- one connection

    def _opened(self, connection: Connection, transport: asyncio.Transport) -> None:
        self.connections += 1
        self._open[connection] = self.connections, transport
        self.most_at_once = max(self.most_at_once, self.open_now)
        self._changed.set()

    def _closed(self, connection: Connection) -> None:
        self._open.pop(connection, None)
        self._changed.set()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = None
        task.add_done_callback(self._serving.pop)
        number, _ = self._open[request.protocol]
        received = Received(
            method=request.method,
            target=request.raw_path,
            headers={name.lower(): text for name, text in request.headers.items()},
            body=await request.content.read(),
            connection=number,
        )
        self.requests.append(received)
        self._serving[task] = received
        self._changed.set()
        reply = self._next(received)
        if reply.was_done:
            self.done.append(received)
        await answer(reply, request)
        return Written(keep_alive=reply.cut == "never" and reply.keep_alive)

    def _next(self, received: Received) -> Reply:
        scripts = self._scripts.get(received.path) or self._scripts.get(None)
        if not scripts:
            return Reply(headers={"Content-Type": "application/json"}, body=b"{}")
        script = scripts.popleft() if len(scripts) > 1 else scripts[0]
        return script(received) if callable(script) else script


def refused_port() -> int:
    """
    Return a port of 127.0.0.1 on which nobody listens.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
