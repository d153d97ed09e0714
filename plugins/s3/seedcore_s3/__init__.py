"""
Files in a bucket of S3, or of any other store that speaks it.

aiobotocore signs the requests and finds the credentials, and the core's own session sends them:
so there is one pool, one way to fail and one place that tries again. It is imported in ``start``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from seedcore import ProviderError, Request, hookimpl, operation, provider
from seedcore_s3.asked import LARGEST, check
from seedcore_s3.refusals import meaning_of
from seedcore_s3.settings import Settings

if TYPE_CHECKING:
    from seedcore import Context
    from seedcore.context import StartContext
    from seedcore_s3.bucket import Bucket


@provider(
    title="S3",
    homepage="https://docs.aws.amazon.com/s3/",
    settings=Settings,
    policy={"response_limit": LARGEST},  # what was put can be got again
)
class S3:
    """
    Puts files into a bucket, gets them, and says where people can fetch them.
    """

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what can't be a key, a file or a time, before anything is sent.
        """
        check(request.arguments)

    @hookimpl
    async def start(self, context: StartContext) -> Bucket:
        """
        Find the credentials, and make the one client.
        """
        open_bucket = await asyncio.to_thread(_opener)  # all of boto takes its time to import
        return await open_bucket(context.settings, context.http)

    @hookimpl
    async def stop(self, state: Bucket) -> None:
        """
        Close the client.
        """
        await state.close()

    @operation(effect="idempotent", placeholder="https://dry-run.invalid/s3")
    async def put(
        self,
        context: Context,
        *,
        key: str,
        content: bytes,
        content_type: str,
        encoding: str | None = None,
        filename: str | None = None,
        public: bool = False,
    ) -> str | None:
        """
        Store content under key; return its address if it is public.

        With encoding gzip the content is gzip already; filename is what a browser saves it as.
        """
        bucket: Bucket = context.state
        if not public:
            context.hide(key)
        headers = {"ContentType": content_type, "ContentEncoding": encoding}
        await bucket.put(key, content, headers, filename=filename, public=public)
        return await bucket.address_of(key) if public else None

    @operation(effect="read", placeholder="https://dry-run.invalid/s3")
    async def link(self, context: Context, key: str, seconds: int) -> str:
        """
        Return an address of a private object that is good for so many seconds.
        """
        bucket: Bucket = context.state
        context.hide(key)
        address = await bucket.link(key, seconds)
        context.hide(address)  # who reads a row or an event must not fetch the object
        return address

    @operation(effect="read", placeholder=b"")
    async def get(self, context: Context, key: str) -> bytes:
        """
        Return the object as it was put: what was gzip is gzip.
        """
        bucket: Bucket = context.state
        context.hide(key)
        return await bucket.get(key)

    @operation(effect="idempotent")
    async def delete(self, context: Context, key: str) -> None:
        """
        Delete the object; one that isn't there is deleted already.
        """
        bucket: Bucket = context.state
        context.hide(key)
        await bucket.delete(key)

    @hookimpl
    def map_error(self, error: Exception, request: Request) -> ProviderError | None:
        """
        Say what a code of S3 means, and which setting or permission mends it.
        """
        return meaning_of(error, request)


def _opener() -> Callable[..., Awaitable[Bucket]]:
    from seedcore_s3.bucket import open_bucket

    return open_bucket


s3 = S3()
