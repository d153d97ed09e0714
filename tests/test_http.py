"""
The HTTP session lent to providers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from seedcore import (
    Effect,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    Seed,
    provider,
)
from seedcore.http import build_session
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import Reply, hanging, json_reply, stalled, typed
from seedcore.testing.upstream import FaultUpstream
from support.calling import call, plain_provider, runner_of

SEED = json_reply({"id": "4711"})


@pytest.fixture
async def session(upstream: FaultUpstream) -> AsyncIterator[aiohttp.ClientSession]:
    """
    A session as a provider gets it.
    """
    made = build_session(base_url=upstream.url, hosts=(), pool_size=4, response_limit=1_000)
    async with made:
        yield made


# ------------------------------------------------------------------------ base URL


@pytest.mark.parametrize(
    ("path", "asked", "sent"),
    [
        ("", "seed", "/seed"),
        ("", "/seed", "/seed"),
        ("/", "seed", "/seed"),
        ("/api", "seed", "/api/seed"),
        ("/api/", "seed", "/api/seed"),
        ("/api/v2", "seeds/4711", "/api/v2/seeds/4711"),
        ("/api", "", "/api/"),
        ("/api", "/seed", "/seed"),
        ("/with%20blank", "seed", "/with%20blank/seed"),
    ],
)
async def test_a_relative_path_continues_the_base_url(
    upstream: FaultUpstream, path: str, asked: str, sent: str
) -> None:
    """
    With or without a slash at the base's end; only a leading slash leaves the base's path.
    """
    base = f"{upstream.url}{path}"
    session = build_session(base_url=base, hosts=(), pool_size=1, response_limit=100)
    async with session, session.get(asked, params={"q": "1"}):
        pass

    assert [f"{sent}?q=1"] == [request.target for request in upstream.requests]


async def test_without_a_base_url_absolute_addresses_work(upstream: FaultUpstream) -> None:
    """
    A provider that declares none writes its addresses in full.
    """
    upstream.script(SEED)

    @provider
    async def demo(request, context):
        async with context.http.get(f"{upstream.url}/seed") as reply:
            return Seed(id=(await reply.json())["id"])

    came = await call(demo)

    assert "4711" == came.value.id


async def test_the_base_url_of_the_settings_wins(upstream: FaultUpstream) -> None:
    """
    Whoever runs the bot can send a provider elsewhere.
    """
    upstream.script(SEED)
    settings = {"providers": {"demo": {"base_url": upstream.url}}}

    came = await call(plain_provider("https://seeds.example"), settings=settings)

    assert "4711" == came.value.id


# --------------------------------------------------------------------- what is sent


async def test_it_says_who_it_is(session: aiohttp.ClientSession, upstream: FaultUpstream) -> None:
    """
    The User-Agent names this library.
    """
    async with session.get("seed"):
        pass

    assert upstream.requests[0].headers["user-agent"].startswith("seedcore")


async def test_cookies_are_not_kept(upstream: FaultUpstream) -> None:
    """
    Calls belong to different people: what one was given isn't sent with the next.
    """
    upstream.script(
        Reply(headers={"Set-Cookie": "session=canary; Path=/"}),
        Reply(status=302, headers={"Set-Cookie": "session=canary; Path=/", "Location": "/two"}),
        SEED,
    )
    # By name: aiohttp's own jar takes no cookies from an address, so the test couldn't fail.
    by_name = upstream.url.replace("127.0.0.1", "localhost")

    session = build_session(base_url=by_name, hosts=(), pool_size=4, response_limit=1_000)
    async with session:
        for _ in range(2):
            async with session.get("seed"):
                pass

    assert 3 == len(upstream.requests)
    assert [False] * 3 == ["cookie" in request.headers for request in upstream.requests]


METHODS = ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "POST"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("orderly", [True, False], ids=["closed", "reset"])
async def test_nothing_is_sent_twice_when_a_kept_connection_dies(
    session: aiohttp.ClientSession, upstream: FaultUpstream, method: str, *, orderly: bool
) -> None:
    """
    The server answers once, and hangs up on the second request of the connection.
    """
    upstream.script(SEED, Reply(cut="at_once", orderly=orderly), SEED)
    async with session.get("seed") as reply:
        await reply.read()

    with pytest.raises(aiohttp.ClientConnectionError):
        await session.request(method, "seed")

    assert [1, 1] == [request.connection for request in upstream.requests]


async def test_aiohttp_itself_would_send_it_twice(
    session: aiohttp.ClientSession, upstream: FaultUpstream
) -> None:
    """
    The switch that the test above guards still exists, and still does what it did.
    """
    upstream.script(SEED, Reply(cut="at_once", orderly=True), SEED)
    assert False is session._retry_connection
    session._retry_connection = True

    for _ in range(2):
        async with session.get("seed") as reply:
            await reply.read()

    assert [1, 1, 2] == [request.connection for request in upstream.requests]


async def test_a_kept_connection_the_server_closed_meanwhile_costs_nothing(
    session: aiohttp.ClientSession, upstream: FaultUpstream
) -> None:
    """
    Closed while idle, it is left out of the pool, and the next request goes over a new one.
    """
    upstream.script(Reply(cut="after", orderly=True), SEED)

    async with session.get("seed") as reply:
        await reply.read()
    await upstream.until(open_now=0)
    await asyncio.sleep(0.005)
    async with session.get("seed") as reply:
        assert {"id": "4711"} == await reply.json()

    assert [1, 2] == [request.connection for request in upstream.requests]


# --------------------------------------------------------------------- time and size


async def test_it_has_no_timeout_of_its_own(session: aiohttp.ClientSession) -> None:
    """
    The runner has: two limits on one thing would answer with different errors.
    """
    timeout = session.timeout

    assert (None, None, None, None) == (
        timeout.total,
        timeout.connect,
        timeout.sock_connect,
        timeout.sock_read,
    )


@pytest.mark.parametrize("pool_size", [1, 3])
async def test_the_pool_has_the_size_of_the_settings(
    upstream: FaultUpstream, pool_size: int
) -> None:
    """
    No more connections are open at the same time, however many calls there are.
    """
    upstream.script(typed("application/json", '{"id": "4711"}', pieces=2, pause=0.005))
    settings = {"providers": {"demo": {"pool_size": pool_size}}}

    async with runner_of(
        plain_provider(upstream.url), CapturedEvents(), settings=settings
    ) as runner:
        calls = (runner.generate("demo", surface="test") for _ in range(6))
        await asyncio.gather(*calls)

    assert 6 == len(upstream.requests)
    assert pool_size == upstream.most_at_once


async def test_connections_are_used_again(upstream: FaultUpstream) -> None:
    """
    The session lives as long as the runner, whatever its calls do.
    """
    upstream.script(SEED)

    async with runner_of(plain_provider(upstream.url), CapturedEvents()) as runner:
        for _ in range(5):
            await runner.generate("demo", surface="test")

    assert 1 == upstream.connections
    await upstream.until(open_now=0)


async def test_the_response_limit_of_the_settings_holds(upstream: FaultUpstream) -> None:
    """
    A provider with small answers can be held to it.
    """
    upstream.script(json_reply({"id": "x" * 2_000}))

    for limit, fits in ((1_999, False), (4_000, True)):
        settings = {"providers": {"demo": {"response_limit": limit}}}
        came = await call(plain_provider(upstream.url), settings=settings)
        assert fits is (came.error is None)


# ---------------------------------------------------------------- nothing stays open


class Forgetful:
    """
    A provider that asks and never closes what it got.
    """

    def __init__(self, upstream: FaultUpstream, then: Any = None, *, read: bool = False) -> None:
        self.replies: list[aiohttp.ClientResponse] = []
        self._url = upstream.url
        self._then = then
        self._read = read

    def provider(self) -> Any:
        """
        Return what a registry takes.
        """

        @provider(base_url=self._url, effect=Effect.READ)
        async def demo(request, context):
            reply = await context.http.get("seed")
            self.replies.append(reply)
            if self._read:
                await reply.read()
            if self._then is not None:
                raise self._then
            return Seed(id="4711")

        return demo

    @property
    def all_closed(self) -> bool:
        """
        Whether it got any response and all are closed.
        """
        return bool(self.replies) and all(reply.closed for reply in self.replies)


async def test_an_unread_response_is_closed_after_a_success(upstream: FaultUpstream) -> None:
    """
    A provider that only looks at headers leaves no connection in use.
    """
    upstream.script(stalled())
    forgetful = Forgetful(upstream)

    async with runner_of(forgetful.provider(), CapturedEvents()) as runner:
        await runner.generate("demo", surface="test")
        await upstream.until(open_now=0)

    assert forgetful.all_closed


async def test_an_unread_response_is_closed_after_an_exception(upstream: FaultUpstream) -> None:
    """
    Nor does one that fails over what it got.
    """
    upstream.script(stalled())
    forgetful = Forgetful(upstream, KeyError())

    async with runner_of(forgetful.provider(), CapturedEvents()) as runner:
        with pytest.raises(ProviderResponseFormatError):
            await runner.generate("demo", surface="test")
        assert forgetful.all_closed
        await upstream.until(open_now=0)


async def test_a_half_read_response_is_closed_after_a_timeout(upstream: FaultUpstream) -> None:
    """
    The attempt that ran out of time doesn't hold its connection.
    """
    upstream.script(stalled())
    forgetful = Forgetful(upstream, read=True)

    limits = {"attempt_timeout": 0.1, "retry_max_attempts": 1}
    async with runner_of(forgetful.provider(), CapturedEvents()) as runner:
        with pytest.raises(ProviderTimeoutError):
            await runner.generate("demo", surface="test", policy=limits)
        assert forgetful.all_closed
        await upstream.until(open_now=0)


async def test_a_half_read_response_is_closed_after_a_cancellation(upstream: FaultUpstream) -> None:
    """
    Neither does the one whose caller gave up.
    """
    upstream.script(stalled())
    forgetful = Forgetful(upstream, read=True)

    async with runner_of(forgetful.provider(), CapturedEvents()) as runner:
        calling = asyncio.create_task(runner.generate("demo", surface="test"))
        while not forgetful.replies:
            await asyncio.sleep(0.001)
        calling.cancel()
        await asyncio.wait([calling])
        await upstream.until(open_now=0)

    assert calling.cancelled()
    assert forgetful.all_closed


async def test_a_request_that_was_never_answered_is_closed_after_a_cancellation(
    upstream: FaultUpstream,
) -> None:
    """
    There is no response yet, but a connection.
    """
    upstream.script(hanging())

    async with runner_of(plain_provider(upstream.url), CapturedEvents()) as runner:
        calling = asyncio.create_task(runner.generate("demo", surface="test"))
        await upstream.until(requests=1)
        calling.cancel()
        await asyncio.wait([calling])
        await upstream.until(open_now=0)

    assert calling.cancelled()


async def test_responses_opened_by_tasks_of_a_provider_are_closed_too(
    upstream: FaultUpstream,
) -> None:
    """
    A provider may ask several things at the same time.
    """
    upstream.script(stalled())
    replies: list[aiohttp.ClientResponse] = []

    @provider(base_url=upstream.url)
    async def demo(request, context):
        async def ask(path):
            replies.append(await context.http.get(path))

        async with asyncio.TaskGroup() as group:
            for path in ("a", "b", "c"):
                group.create_task(ask(path))
        return Seed()

    async with runner_of(demo, CapturedEvents()) as runner:
        await runner.generate("demo", surface="test")
        await upstream.until(open_now=0)

    assert [True] * 3 == [reply.closed for reply in replies]


async def test_calls_do_not_close_each_others_responses(upstream: FaultUpstream) -> None:
    """
    Of two calls at the same time the shorter one ends first, and only its own is closed.
    """
    upstream.script(json_reply({"id": "slow"}, pieces=2, pause=0.01), path="/slow")
    upstream.script(json_reply({"id": "quick"}), path="/quick")

    @provider(base_url=upstream.url)
    async def demo(request, context):
        reply = await context.http.get(request.preset)
        return Seed(id=(await reply.json())["id"])

    async with runner_of(demo, CapturedEvents()) as runner:
        seeds = await asyncio.gather(
            runner.generate("demo", surface="test", preset="slow"),
            runner.generate("demo", surface="test", preset="quick"),
        )

    assert ["slow", "quick"] == [seed.id for seed in seeds]


# ------------------------------------------------------------------------ plain ones


async def test_a_plain_function_is_told_that_it_must_be_async() -> None:
    """
    The session belongs to the event loop: used from a thread it would break in odd ways.
    """

    @provider(base_url="https://seeds.example")
    def demo(request, context):
        return context.http

    came = await call(demo)

    assert "plugin_error" == came.failure.reason
    assert "context.http is for 'async def' providers; make this function async" == str(
        came.failure.__cause__
    )


async def test_every_provider_has_a_session_of_its_own(upstream: FaultUpstream) -> None:
    """
    One per provider, used by all its calls, and closed with the runner.
    """
    lent = []

    def asking(path: str) -> Any:
        @provider(base_url=f"{upstream.url}/{path}")
        async def demo(request, context):
            lent.append(context.http)
            async with context.http.get("seed"):
                return Seed()

        return demo

    async with runner_of(asking("one"), CapturedEvents()) as runner:
        runner.registry.add("other", asking("two"))
        for name in ("demo", "other", "demo"):
            await runner.generate(name, surface="test")

    assert lent[0] is lent[2] is not lent[1]
    assert [True, True] == [session.closed for session in lent[:2]]
    assert ["/one/seed", "/two/seed", "/one/seed"] == [
        request.path for request in upstream.requests
    ]
