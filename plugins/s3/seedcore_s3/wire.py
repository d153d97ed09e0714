"""
Sends what aiobotocore has signed through the session that the core lends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import aiobotocore.awsrequest  # type: ignore[import-untyped]
from yarl import URL

from seedcore_s3.refusals import RefusedError

if TYPE_CHECKING:
    import aiohttp

EXPECT = "expect"
"""The header by which a server is asked first whether it wants a body: some never answer it."""


class LentSession:
    """
    What aiobotocore takes for its own HTTP session.

    An answer of 300 and more, and everything that goes wrong on the way, leaves as an exception.
    aiobotocore has nothing to try again or to redirect then, and the core sees the exceptions
    that it knows.
    """

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """
        Leave the session open: it is the core's.
        """

    async def close(self) -> None:
        """
        Leave the session open.
        """

    async def send(self, request: Any) -> Any:
        """
        Send *request* once. Raises RefusedError, or what aiohttp raises.
        """
        headers = {name: _text(value) for name, value in request.headers.items()}
        headers = {name: text for name, text in headers.items() if name.lower() != EXPECT}
        reply = await self._http.request(
            request.method,
            URL(request.url, encoded=True),  # any other spelling has another signature
            headers={**headers, "Accept-Encoding": "identity"},
            data=request.body or None,
            skip_auto_headers=("Content-Type",),
            allow_redirects=False,
            auto_decompress=False,  # what was put is got
        )
        if reply.status >= 300:
            body = await reply.read() if reply.status >= 400 else b""
            raise RefusedError(reply.status, reply.headers, body)
        named = {name.lower(): text for name, text in reply.headers.items()}
        return aiobotocore.awsrequest.AioAWSResponse(request.url, reply.status, named, reply)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
