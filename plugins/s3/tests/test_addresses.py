"""
Addresses of public files, links to private ones, and who gets to see them.
"""

from __future__ import annotations

import asyncio
import logging
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from seedcore import ProviderInvalidRequestError, ProviderResponseFormatError, Seed
from seedcore.testing import Reply

KEY = "logs/5e0c86de3ab14cf2.json"
ADDRESSES = [
    ({}, "{url}/seed-logs/logs/a%20b~%C3%BC%2B.json"),
    ({"prefix": "x/y/"}, "{url}/seed-logs/x/y/logs/a%20b~%C3%BC%2B.json"),
    ({"public_url": "https://cdn.example/"}, "https://cdn.example/logs/a%20b~%C3%BC%2B.json"),
    (
        {"public_url": "https://cdn.example/files", "prefix": "x"},
        "https://cdn.example/files/x/logs/a%20b~%C3%BC%2B.json",
    ),
]


async def put(runner, key=KEY, **more):
    """
    Put a file.
    """
    asked = {"key": key, "content": b"{}", "content_type": "application/json", **more}
    return await runner.call("s3", "put", surface="tests", **asked)


async def link(runner, key=KEY, seconds=3600):
    """
    Return a link to it.
    """
    return await runner.call("s3", "link", key=key, seconds=seconds, surface="tests")


async def fetch(address):
    """
    Return what a browser gets; in a thread, since the store answers from this loop.
    """

    def content():
        with urllib.request.urlopen(address, timeout=5) as reply:
            return reply.read()

    return await asyncio.to_thread(content)


@pytest.mark.parametrize(("settings", "address"), ADDRESSES)
async def test_a_public_file_has_an_address(store, runner_for, settings, address):
    """
    The store's own, or that of what stands before it.
    """
    async with runner_for(store.url, **settings) as runner:
        found = await put(runner, "logs/a b~ü+.json", public=True)

    assert address.format(url=store.url) == found


async def test_at_aws_the_bucket_is_in_the_host(store, say, runner_for):
    """
    It is signed for that host, and that is the address.
    """
    middlewares = [store.upstream.middleware]
    async with runner_for(None, middlewares=middlewares) as runner:
        found = await put(runner, public=True)
        signed = await link(runner)

    host = f"{say.BUCKET}.s3.{say.REGION}.amazonaws.com"
    assert (f"https://{host}/{KEY}", host) == (found, store.requests[0].headers["host"])
    assert signed.startswith(f"https://{host}/{KEY}?")
    assert [(say.BUCKET, KEY)] == list(store.objects)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
async def test_no_variable_sends_files_elsewhere(store, runner_for, monkeypatch, say, variable):
    """
    Where they go is what the settings of seedcore say.
    """
    monkeypatch.setenv(variable, "https://elsewhere.example")
    async with runner_for(None, middlewares=[store.upstream.middleware]) as runner:
        await put(runner)

    (received,) = store.requests
    assert f"{say.BUCKET}.s3.{say.REGION}.amazonaws.com" == received.headers["host"]


@pytest.mark.parametrize(
    ("style", "start"),
    [
        (None, "https://minio.example:9000/seed-logs/"),
        (True, "https://minio.example:9000/seed-logs/"),
        (False, "https://seed-logs.minio.example:9000/"),
    ],
)
async def test_elsewhere_the_bucket_is_in_the_path(runner_for, style, start):
    """
    Unless a setting says that it is in the host there too.
    """
    async with runner_for("https://minio.example:9000", path_style=style) as runner:
        assert (await link(runner)).startswith(start)


@pytest.mark.parametrize(
    ("public", "public_acl", "sent"),
    [
        (True, True, "public-read"),
        (True, False, None),
        (False, True, None),
        (False, False, None),
    ],
)
async def test_an_acl_is_sent_where_both_say_so(store, runner_for, public, public_acl, sent):
    """
    Never for a private file.
    """
    async with runner_for(store.url, public_acl=public_acl) as runner:
        await put(runner, public=public)

    assert sent == store.requests[0].headers.get("x-amz-acl")


async def test_a_link_fetches_a_private_file(runner, store):
    """
    It asks nobody, it can be used by whoever has it, and it is signed for this file alone.
    """
    await put(runner)

    found = await link(runner)

    assert 1 == len(store.requests)
    assert b"{}" == await fetch(found)
    for part, other in (("5e0c86de3ab14cf2", "5e0c86de3ab14cf3"), ("ires=3600", "ires=3601")):
        assert part in found
        with pytest.raises(urllib.error.HTTPError, match="403"):
            await fetch(found.replace(part, other))


@pytest.mark.parametrize("seconds", [1, 60, 7 * 24 * 3600])
async def test_a_link_ends_when_it_was_asked_to(runner, seconds):
    """
    By what is signed in it: when that was, and for how long.
    """
    before = datetime.now(UTC).replace(microsecond=0)
    signed = dict(parse_qsl(urlsplit(await link(runner, seconds=seconds)).query))
    after = datetime.now(UTC)

    at = datetime.strptime(signed["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    ends = at + timedelta(seconds=int(signed["X-Amz-Expires"]))
    assert before + timedelta(seconds=seconds) <= ends <= after + timedelta(seconds=seconds)


async def test_a_link_of_temporary_credentials_has_their_token(store, runner_for):
    """
    Without it the store would not know them.
    """
    async with runner_for(store.url, session_token="token-for-tests") as runner:
        found = await link(runner)

    assert "token-for-tests" == dict(parse_qsl(urlsplit(found).query))["X-Amz-Security-Token"]


async def test_who_reads_the_rows_can_not_fetch_the_file(store, runner_for, events, tmp_path):
    """
    The seed that is handed out has the link, and neither its row nor an event has it.
    """

    async def example(request, context):
        address = await context.call("s3", "link", key=KEY, seconds=60)
        return Seed(id="1", url=address, spoiler_url=address)

    database = f"sqlite://{tmp_path}/audit.sqlite3"
    async with runner_for(store.url, database=database, others={"example": example}) as runner:
        seed = await runner.generate("example", surface="tests", spoilers="on")

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    signature = dict(parse_qsl(urlsplit(seed.spoiler_url).query))["X-Amz-Signature"]
    seen = stored.decode("utf-8", "replace") + str([event.fields() for event in events])
    assert b"example" in stored
    assert [] == [text for text in (signature, KEY) if text in seen]


async def test_nothing_is_logged_that_signs(runner, store, say, caplog):
    """
    Not even where the host logs everything there is.
    """
    caplog.set_level(logging.DEBUG)

    await put(runner)
    await link(runner)

    signature = store.requests[0].headers["authorization"].rpartition("=")[2]
    assert [] == [text for text in (signature, KEY, say.KEY_ID, say.SECRET) if text in caplog.text]


async def test_a_level_set_on_purpose_stays(store, runner_for):
    """
    Who wants to read what botocore does can.
    """
    logger = logging.getLogger("botocore")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        async with runner_for(store.url) as runner:
            await link(runner)
        assert logging.DEBUG == logger.level
    finally:
        logger.setLevel(before)


@pytest.mark.parametrize("public", [True, False])
async def test_no_key_of_a_private_file_is_in_an_error(runner, store, events, say, public):
    """
    Where the store repeats it, it is taken out.
    """
    store.first += [say.refused(409, "Odd", f"No {KEY} here")] * 2

    for asking in (put(runner, public=public), runner.call("s3", "get", key=KEY, surface="tests")):
        with pytest.raises(ProviderInvalidRequestError, match="here") as caught:
            await asking

    seen = f"{caught.value!r} {[event.fields() for event in events if event.operation == 'get']}"
    assert KEY not in seen
    assert "No *** here (Odd)" == caught.value.provider_message


async def test_a_page_that_is_no_s3_is_no_file(runner, store):
    """
    A portal that wants a login answers everything with 200.
    """
    store.first.append(Reply(body=b"<html>Log in</html>", headers={"Content-Type": "text/html"}))

    with pytest.raises(ProviderResponseFormatError, match="is it S3 that answers"):
        await runner.call("s3", "get", key=KEY, surface="tests")
