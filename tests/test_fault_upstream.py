"""
The scripted upstream answers byte for byte as told, and knows what it was asked and did.
"""

from __future__ import annotations

import asyncio
import io
import math
from email.utils import parsedate_to_datetime

import aiohttp
import attrs
import pytest

from seedcore import Registry, Runner, Seed, provider
from seedcore.testing import CapturedEvents, FaultUpstream, Reply, capture_events, replies


@pytest.fixture
async def client():
    """
    A bare aiohttp session, which sends nothing twice.
    """
    async with aiohttp.ClientSession() as session:
        session._retry_connection = False
        yield session


async def fetched(client, url, **sent):
    """
    Return status and body of a request, or the name of what it raised.
    """
    try:
        async with client.get(url, **sent) as reply:
            return reply.status, await reply.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__


async def test_an_unscripted_upstream_answers_with_an_empty_object(upstream, client):
    """
    200, JSON, and nothing in it.
    """
    assert (200, b"{}") == await fetched(client, upstream.url)


async def test_replies_come_in_turn_and_the_last_goes_on(upstream, client):
    """
    A script for a path goes before the one for all.
    """
    upstream.script(replies.status(503), replies.json_reply([1]))
    upstream.script(replies.typed("text/plain", "here"), path="/there")

    answers = [await fetched(client, upstream.url) for _ in range(3)]
    assert [(503, b""), (200, b"[1]"), (200, b"[1]")] == answers
    assert (200, b"here") == await fetched(client, f"{upstream.url}/there?page=2")
    assert {"page": "2"} == upstream.requests[-1].query


async def test_a_function_may_make_the_reply(upstream, client):
    """
    It is given the request as it was received.
    """
    upstream.script(lambda received: replies.json_reply(received.headers["x-number"]))

    assert (200, b'"7"') == await fetched(client, upstream.url, headers={"X-Number": "7"})


@pytest.mark.parametrize(
    ("reply", "outcome", "done"),
    [
        (replies.json_reply({}), (200, b"{}"), True),
        (replies.status(503), (503, b""), False),
        (replies.status(302), (302, b""), True),
        (Reply(cut="at_once"), "ClientOSError", False),
        (Reply(cut="at_once", orderly=True), "ServerDisconnectedError", False),
        (replies.lost(), "ClientOSError", True),
        (replies.json_reply({"a": 1}, cut="in_head"), "ClientOSError", True),
        (replies.json_reply({"a": 1}, cut="in_body", orderly=True), "ClientPayloadError", True),
        (Reply(body=b"x", promised=5, cut="after", orderly=True), "ClientPayloadError", True),
        (Reply(body=b"x", cut="after", orderly=True), (200, b"x"), True),
        (replies.garbage(), "ClientResponseError", False),
        (attrs.evolve(replies.status(500), done=True), (500, b""), True),
    ],
    ids=lambda value: "",
)
async def test_what_becomes_of_the_answer_and_of_the_work(upstream, client, reply, outcome, done):
    """
    An upstream may have done the work whatever the client sees of it.
    """
    upstream.script(reply)

    assert outcome == await fetched(client, upstream.url, allow_redirects=False)
    assert done == (upstream.done == upstream.requests != [])


async def test_a_client_that_leaves_ends_what_hangs(upstream, client):
    """
    The request stands among the unanswered ones until then.
    """
    upstream.script(replies.hanging())
    asking = asyncio.create_task(fetched(client, f"{upstream.url}/slow"))
    await upstream.until(requests=1)

    assert ["/slow"] == [request.path for request in upstream.unanswered]
    asking.cancel()
    await upstream.until(open_now=0)
    assert [] == upstream.unanswered


async def test_a_stopped_upstream_refuses_and_comes_back_at_the_same_port(client):
    """
    What hangs when it stops is broken off.
    """
    async with FaultUpstream() as upstream:
        upstream.script(Reply(delay=math.inf), Reply(body=b"back"))
        url = upstream.url
        asking = asyncio.create_task(fetched(client, url))
        await upstream.until(requests=1)

        await upstream.stop()
        assert await asking in ("ClientOSError", "ServerDisconnectedError")
        assert "ClientConnectorError" == await fetched(client, url)

        await upstream.start()
        assert (url, (200, b"back")) == (upstream.url, await fetched(client, url))


@pytest.mark.parametrize("turns", range(1, 8))
async def test_nobody_is_forgotten_or_served_by_one_that_stops(turns):
    """
    Whoever connects at that moment is refused or broken off, however far the connection got.
    """

    async def ask(port):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            answer = await reader.read(15)
            writer.close()
        except OSError:
            return b""
        return answer

    async with FaultUpstream() as upstream, asyncio.timeout(5):
        asking = [asyncio.create_task(ask(upstream.port)) for _ in range(6)]
        for _ in range(turns):
            await asyncio.sleep(0)
        await upstream.stop()
        served = len(upstream.done)

        answers = await asyncio.gather(*asking)
        assert served == len(upstream.done)
        assert served >= sum(answer != b"" for answer in answers)
        assert 0 == upstream.open_now


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (replies.rate_limited(7), "7"),
        (replies.rate_limited(0.25), "0.25"),
        (replies.rate_limited(30, code=503), "30"),
        (replies.rate_limited(30, "none"), None),
    ],
    ids=["seconds", "decimals", "503", "none"],
)
def test_a_pause_in_seconds(reply, seconds):
    """
    Retry-After as most sites send it, or not at all.
    """
    assert seconds == reply.headers.get("Retry-After")
    assert reply.status in (429, 503)


def test_a_pause_as_a_date_counts_from_the_answers_own():
    """
    The clock of the site is another one.
    """
    headers = replies.rate_limited(90, "date").headers
    date, until = map(parsedate_to_datetime, (headers["Date"], headers["Retry-After"]))

    assert 90 == (until - date).total_seconds()


async def test_every_host_of_a_runner_can_be_led_here(upstream):
    """
    The provider asks its own site and sees that site's address.
    """

    @provider(base_url="https://seeds.example/api", hosts=("files.example",))
    async def example(request, context):
        async with context.http.get("seed", params={"q": "1"}) as reply:
            asked = reply.url
        async with context.http.get("https://files.example/spoiler") as reply:
            return Seed(url=asked, extra={"file": str(reply.url)})

    registry = Registry(discover=False)
    registry.add("example", example)
    runner = Runner(registry=registry, database=None, http_middlewares=[upstream.middleware])
    async with runner:
        seed = await runner.generate("example", surface="test")

    assert "https://seeds.example/api/seed?q=1" == seed.url
    assert "https://files.example/spoiler" == seed.extra["file"]
    hosts = [(one.headers["host"], one.target) for one in upstream.requests]
    assert [("seeds.example", "/api/seed?q=1"), ("files.example", "/spoiler")] == hosts


async def test_a_body_of_the_request_is_kept_whole(upstream, client):
    """
    Also one that is larger than servers take by themselves.
    """
    async with client.post(upstream.url, data=io.BytesIO(b"x" * 3_000_000)) as reply:
        assert 200 == reply.status

    assert 3_000_000 == len(upstream.requests[0].body)


# ------------------------------------------------------------------- events


async def test_events_of_every_runner_within_are_captured(upstream):
    """
    Also those of a runner that a program under test makes itself, with sinks of its own.
    """
    own = CapturedEvents()
    registry = Registry(discover=False)
    registry.add("demo", lambda request: Seed(id="1"))

    async def program():
        async with Runner(registry=registry, database=None, sinks=[own]) as runner:
            await runner.generate("demo", surface="test")

    with capture_events() as outer:
        await program()
        with capture_events() as inner:
            await program()
    await program()

    counts = [len(events.named("call", outcome="success")) for events in (own, outer, inner)]
    assert [3, 2, 1] == counts
