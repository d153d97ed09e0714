"""
Files are put, got and deleted, over a wire on which every signature is checked.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import subprocess
import sys

import pytest

from seedcore import ProviderResponseFormatError
from seedcore.testing import replies

KEY = "logs/5e0c86de3ab14cf2.json"
ODD = [
    "a b.txt",
    "ü/~é-日本.json",
    "plus+percent%25&equals=question?hash#.txt",
    "quote'\"(1)[2]{3}!*;:@,$",
    "back\\slash|pipe^caret`tick<>",
    "x" * 900,
]
LOADED = """
import sys
from seedcore import Registry
assert "s3" in [line.provider for line in Registry().listing()]
import seedcore_s3
print(sorted({"aiobotocore", "aiohttp", "botocore"}.intersection(sys.modules)))
"""


async def put(runner, key=KEY, content=b"{}", **more):
    """
    Put a file.
    """
    asked = {"key": key, "content": content, "content_type": "application/json", **more}
    return await runner.call("s3", "put", surface="tests", **asked)


async def get(runner, key=KEY):
    """
    Get it.
    """
    return await runner.call("s3", "get", key=key, surface="tests")


async def test_what_was_put_is_got(runner, store):
    """
    One request each, for what is stored and no packing of it; without a public address.
    """
    assert await put(runner, content=b'{"a": 1}') is None
    assert await get(runner) == b'{"a": 1}'
    assert [("PUT", "identity"), ("GET", "identity")] == [
        (received.method, received.headers["accept-encoding"]) for received in store.requests
    ]


async def test_a_file_has_its_headers_and_nothing_else(runner, store):
    """
    No ACL, no checksum that other stores don't know, no question before the body.
    """
    content = gzip.compress(b"{}", mtime=0)

    await put(runner, content=content, encoding="gzip", filename="spoiler.json")

    headers = store.requests[0].headers
    assert {
        "content-type": "application/json",
        "content-encoding": "gzip",
        "content-disposition": 'attachment; filename="spoiler.json"',
        "content-length": str(len(content)),
        "content-md5": base64.b64encode(hashlib.md5(content).digest()).decode(),
    }.items() <= headers.items()
    assert headers["user-agent"].startswith("seedcore ")
    unwanted = ("x-amz-acl", "expect", "transfer-encoding", "x-amz-trailer", "x-amz-checksum-crc32")
    assert [] == [name for name in unwanted if name in headers]


@pytest.mark.parametrize("key", ODD, ids=range(len(ODD)))
async def test_every_key_is_signed_as_it_is_sent(runner, store, say, key):
    """
    A key of one spelling has one signature; the way there must not change it.
    """
    await put(runner, key)

    assert [(say.BUCKET, key)] == list(store.objects)
    assert await get(runner, key) == b"{}"


@pytest.mark.parametrize("size", [0, 1, 3 * 2**20])
async def test_files_of_any_size_arrive(runner, store, size):
    """
    An empty one too; nothing is sent in pieces that the store would have to know.
    """
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    await put(runner, content=content)

    assert content == store.requests[0].body
    assert content == await get(runner)


async def test_gzip_is_not_unpacked(runner):
    """
    What is got is what was put, byte for byte.
    """
    content = gzip.compress(b'{"a": 1}', mtime=0)

    await put(runner, content=content, encoding="gzip")

    assert content == await get(runner)


async def test_a_file_that_is_larger_than_allowed_is_not_got(store, runner_for):
    """
    The core's own limit holds.
    """
    async with runner_for(store.url, response_limit=1_000) as runner:
        await put(runner, content=bytes(1_001))
        with pytest.raises(ProviderResponseFormatError, match="limit of 1,000 bytes"):
            await get(runner)


async def test_keys_stand_below_the_prefix(store, say, runner_for):
    """
    However it is written.
    """
    async with runner_for(store.url, prefix="/seeds/ü/") as runner:
        await put(runner)

        assert [(say.BUCKET, f"seeds/ü/{KEY}")] == list(store.objects)
        assert await get(runner) == b"{}"


async def test_deleting_twice_is_deleting(runner, store):
    """
    Of S3, and of stores that say that there is no such object.
    """
    await put(runner)

    for store.deletes_twice in (True, True, False):
        assert await runner.call("s3", "delete", key=KEY, surface="tests") is None

    assert {} == store.objects


async def test_a_lost_answer_is_no_second_file(runner, store):
    """
    The same is put again, under the same key.
    """
    store.first.append(replies.lost())

    await put(runner)

    first, second = store.requests
    assert (first.target, first.body) == (second.target, second.body)
    assert 1 == len(store.objects)


async def test_content_that_arrives_damaged_is_put_again(runner, store, say):
    """
    The store finds out by the MD5.
    """
    store.first.append(say.refused(400, "BadDigest"))

    await put(runner)

    assert 2 == len(store.requests)


async def test_many_at_once_have_one_client(runner, store):
    """
    The first of them start it, once.
    """
    keys = [f"logs/{number}.json" for number in range(30)]

    await asyncio.gather(*(put(runner, key) for key in keys))

    assert sorted(keys) == sorted(key for _, key in store.objects)


async def test_a_connection_that_died_meanwhile_does_no_harm(runner, store):
    """
    The request goes out once more, by the runner.
    """
    await put(runner)
    await store.upstream.stop()
    await store.upstream.start()

    assert await get(runner) == b"{}"


async def test_a_dry_run_asks_nobody(runner_for):
    """
    It needs no credentials, and what it returns has the right type.
    """
    async with runner_for("http://127.0.0.1:9", access_key=None, secret_key=None) as runner:
        asked = {"surface": "tests", "key": KEY, "dry_run": True}
        got = await runner.call("s3", "get", **asked)
        link = await runner.call("s3", "link", seconds=60, **asked)

    assert (b"", "https://dry-run.invalid/s3") == (got, link)


def test_listing_and_showing_import_no_client():
    """
    It is imported by the first call.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=False
    )

    assert ("[]\n", "") == (done.stdout, done.stderr)
