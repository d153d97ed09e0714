"""
The same against a server of S3 by other people.
"""

from __future__ import annotations

import asyncio
import gzip
import urllib.request

import pytest

from seedcore import ProviderInvalidRequestError

KEY = "logs/a b~ü+%25.json"
CONTENT = gzip.compress(b'{"a": 1}', mtime=0)
FILE = {"key": KEY, "content": CONTENT, "content_type": "application/json", "encoding": "gzip"}


@pytest.fixture
async def runner(moto, say, runner_for):
    """
    A runner whose s3 asks moto, where there is a bucket.
    """
    made = urllib.request.Request(f"{moto}/{say.BUCKET}", method="PUT")
    await asyncio.to_thread(_open, made)
    async with runner_for(moto, prefix="seeds", public_acl=True, region="us-east-1") as opened:
        yield opened


def _open(request):
    with urllib.request.urlopen(request, timeout=10) as reply:
        return dict(reply.headers), reply.read()


async def call(runner, operation, **asked):
    """
    Call an operation.
    """
    return await runner.call("s3", operation, surface="tests", **asked)


async def test_a_file_goes_there_and_back(runner):
    """
    And is gone when it is deleted, also the second time.
    """
    assert await call(runner, "put", **FILE) is None
    assert await call(runner, "get", key=KEY) == CONTENT

    await call(runner, "delete", key=KEY)
    await call(runner, "delete", key=KEY)

    with pytest.raises(ProviderInvalidRequestError, match="no such object"):
        await call(runner, "get", key=KEY)


async def test_people_fetch_what_was_put(runner):
    """
    By a link and by the public address, with the headers that a browser needs.
    """
    address = await call(runner, "put", **FILE, filename="spoiler.json", public=True)
    link = await call(runner, "link", key=KEY, seconds=60)

    for one in (address, link):
        headers, content = await asyncio.to_thread(_open, one)
        headers = {name.lower(): text for name, text in headers.items()}
        assert CONTENT == content
        assert ("gzip", "application/json", 'attachment; filename="spoiler.json"') == (
            headers["content-encoding"],
            headers["content-type"],
            headers["content-disposition"],
        )


async def test_a_bucket_that_is_not_there_is_told(moto, runner_for):
    """
    With the setting.
    """
    async with runner_for(moto, bucket="nobodys-bucket", region="us-east-1") as runner:
        with pytest.raises(ProviderInvalidRequestError, match="the settings bucket"):
            await call(runner, "put", **FILE)
