"""
The HTTP sessions lent to providers: the only place that builds an aiohttp client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import ref

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from seedcore.call import running, unlimited
from seedcore.contract.clients import (
    BROKEN_OFF,
    NO_CONNECTION,
    NO_NAME,
    NO_ROUTE,
    NO_TRUST,
    SLOW_CONNECTION,
    TIMEOUT,
    UNREADABLE,
    Answer,
    Fault,
    add_reader,
    has_no_route,
)
from seedcore.errors import ProviderInvalidRequestError, ProviderResponseFormatError

if TYPE_CHECKING:
    from seedcore.contract.pace import Pace
    from seedcore.lane import Runtime

KEPT_BODY_SECONDS = 2.0
"""Seconds that the body of an error may take."""
KEPT_BODY = 8 * 1024
"""Bytes of an error's body that are kept for its message; the rest is not read."""


class LentResponse(aiohttp.ClientResponse):
    """
    A response that is limited in size and remembers what an error said.
    """

    reader: ClassVar[type[StreamReader]] = StreamReader
    _kept = False

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """
        Read the head, and of a status >= 400 the first 8 KiB of the body.
        """
        attempt = running.get()
        if attempt is not None:
            attempt.responses.append(ref(self))
        await super().start(connection)
        body = self.content
        if type(body) is StreamReader:
            # Every way to read a body ends in feed_data, also behind a decompressor that
            # holds this very object: so the object changes its class.
            body.__class__ = self.reader
            cast("LimitedReader", body).check()
        if self.status >= 400:
            await self._keep_body()
        return self

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """
        Return what aiohttp's errors carry, and print: without query, user and headers.
        """
        told = self._request_info
        nothing: CIMultiDict[str] = CIMultiDict()
        return aiohttp.RequestInfo(
            _bare(told.url), told.method, CIMultiDictProxy(nothing), _bare(told.real_url)
        )

    async def read(self) -> bytes:
        """
        Return the body; of an error what was kept, also after the connection is closed.
        """
        if self._kept:
            return self._body or b""
        return await super().read()

    async def _keep_body(self) -> None:
        self._kept = True
        kept = b""
        try:
            async with asyncio.timeout(KEPT_BODY_SECONDS):
                while len(kept) < KEPT_BODY:
                    chunk = await self.content.read(KEPT_BODY - len(kept))
                    if not chunk:
                        break
                    kept += chunk
        except (aiohttp.ClientError, ProviderResponseFormatError, TimeoutError):
            self.close()  # the status counts more than a body that broke off or never comes
        self._body = kept
        if not self.content.at_eof():
            self.close()

    def raise_for_status(self) -> None:
        """
        Raise aiohttp's own error, with the kept body on it.
        """
        try:
            super().raise_for_status()
        except aiohttp.ClientResponseError as error:
            error.kept_body = self._body or b""  # type: ignore[attr-defined]
            raise


def _bare(url: URL) -> URL:
    return url.with_user(None).with_query(None).with_fragment(None)


class LimitedReader(StreamReader):
    """
    A body reader that fails once more than ``limit`` decompressed bytes have come.
    """

    __slots__ = ()
    limit: ClassVar[int]

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        """
        Take *data*, or fail all readers; what still comes after that is dropped.
        """
        if self.exception() is not None:
            return False
        paused: bool = super().feed_data(data, size)
        self.check()
        return paused

    def set_read_chunk_size(self, n: int) -> None:
        """
        Keep reading everything at once from unpacking everything at once.
        """
        super().set_read_chunk_size(min(n, self.limit))

    def check(self) -> None:
        """
        Fail all readers if too much has come already.
        """
        if self.total_bytes > self.limit and self.exception() is None:
            text = f"its reply is larger than the limit of {self.limit:,} bytes (response_limit)"
            self.set_exception(ProviderResponseFormatError(text))


class LentRequest(aiohttp.ClientRequest):
    """
    A request that isn't made if a redirect to a host nobody allowed led to it.

    aiohttp builds one for every hop. Its tracing would tell more, at 20 us per request.
    """

    hosts: ClassVar[frozenset[str | None]] = frozenset()

    def __init__(self, method: str, url: URL, **arguments: Any) -> None:
        attempt = running.get()
        for one in attempt.responses if attempt is not None else ():
            reply = one()
            target = _target(reply) if reply and reply.status in REDIRECTS else None
            # Only hosts are compared: aiohttp takes userinfo out of the address before this.
            if reply and target and target.host == url.host:
                self._check(reply, url)
        super().__init__(method, url, **arguments)

    def _check(self, reply: aiohttp.ClientResponse, url: URL) -> None:
        known = url.host == reply.url.host or url.host in self.hosts
        downgraded = reply.url.scheme == "https" and url.scheme == "http"
        if not known or downgraded:
            text = f"it redirects to {url.origin()}, which its hosts setting doesn't allow"
            raise ProviderInvalidRequestError(text, status_code=reply.status)


REDIRECTS = frozenset({301, 302, 303, 307, 308})


def _target(reply: aiohttp.ClientResponse) -> URL | None:
    location = reply.headers.get("Location") or reply.headers.get("URI")
    try:
        return reply.url.join(URL(location)) if location else None
    except ValueError:
        return None


def keeping(pace: Pace, runtime: Runtime) -> aiohttp.ClientMiddlewareType:
    """
    Return what lets each request wait for its turn at the rate that its provider allows.
    """
    now = runtime.clock.monotonic

    async def keep(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        attempt = running.get()
        if attempt is not None and attempt.responses:  # the first one has its turn before
            pace.take(now())
        if pace.pause(now()) > 0:
            with unlimited(attempt.call if attempt is not None else None):
                while (pause := pace.pause(now())) > 0:
                    await runtime.waits.sleep(pause)
        pace.sent(now())
        return await handler(request)

    return keep


def build_session(
    *,
    base_url: str | None,
    hosts: Iterable[str],
    pool_size: int,
    response_limit: int,
    middlewares: Iterable[aiohttp.ClientMiddlewareType] = (),
) -> aiohttp.ClientSession:
    """
    Return the session of one provider.

    It has no timeout of its own, since the runner has; no cookie jar, since its calls belong
    to different people; it never sends a request twice, since the runner decides that; and
    redirects lead only to the base URL's host and *hosts*: they would carry the request to
    whoever a reply names.
    """
    base = URL(base_url) if base_url else None
    if base is not None and not base.path.endswith("/"):
        base = base.with_path(base.path + "/")
    reader = type("LimitedReader", (LimitedReader,), {"__slots__": (), "limit": response_limit})
    known = frozenset({*map(str.lower, hosts), base.host if base else None})
    session = aiohttp.ClientSession(
        base_url=base,
        connector=aiohttp.TCPConnector(limit=pool_size),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=None, sock_connect=None, sock_read=None, ceil_threshold=5
        ),
        request_class=type("LentRequest", (LentRequest,), {"hosts": known}),
        response_class=type("LentResponse", (LentResponse,), {"reader": reader}),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "seedcore"},
        middlewares=tuple(middlewares),
    )
    # aiohttp sends GET, PUT and DELETE once more when a kept connection turns out to be dead.
    session._retry_connection = False  # noqa: SLF001 - there is no public switch; a test guards it
    return session


def read_error(exception: BaseException) -> Answer | Fault | None:
    """
    Read aiohttp's exceptions for ``classify``.
    """
    if isinstance(exception, aiohttp.ClientResponseError):
        if isinstance(exception.__cause__, HttpProcessingError) or exception.status < 100:
            return UNREADABLE  # the status is aiohttp's own word for bytes that aren't HTTP
        body: bytes = getattr(exception, "kept_body", b"")
        text = body.decode("utf-8", "replace")
        return Answer(status=exception.status, headers=exception.headers or {}, body=text)
    if isinstance(exception, aiohttp.ClientConnectorError) and has_no_route(exception):
        return NO_ROUTE
    return next((fault for kind, fault in _FAULTS if isinstance(exception, kind)), None)


_FAULTS: tuple[tuple[type[BaseException], Fault], ...] = (
    (aiohttp.ClientConnectorDNSError, NO_NAME),
    (aiohttp.ClientSSLError, NO_TRUST),
    (aiohttp.ClientConnectorError, NO_CONNECTION),
    (aiohttp.ConnectionTimeoutError, SLOW_CONNECTION),
    (aiohttp.ServerTimeoutError, TIMEOUT),
    (aiohttp.RedirectClientError, UNREADABLE),
    (aiohttp.ClientConnectionError, BROKEN_OFF),
    (aiohttp.ClientPayloadError, BROKEN_OFF),
)


add_reader(read_error)

__all__ = ["build_session", "keeping", "read_error"]
