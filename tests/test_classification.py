"""
The classification table, row by row, against a real server.

Each row is asked three things: is a read repeated, is an unsafe operation, and what does the
circuit breaker learn.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Literal

import aiohttp
import attrs
import pytest

from seedcore import (
    Effect,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Seed,
    provider,
)
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import Reply, garbage, hanging, json_reply, stalled, status, typed
from seedcore.testing.upstream import FaultUpstream, refused_port
from support.calling import EAGER, call, plain_provider, runner_of
from support.certificate import Certificate

Retried = Literal["always", "by_effect", "never"]
SEED = json_reply({"id": "4711", "filler": "x" * 600})
SHORT = {"attempt_timeout": 0.1, "retry_max_attempts": 2}
"""A limit that a request on loopback never reaches, and few enough attempts to wait for."""


@attrs.frozen(kw_only=True)
class Row:
    """
    A reply and what has to come of it; ``doubtful`` where the work may have been done.
    """

    name: str
    reply: Reply
    error: type[ProviderError]
    retried: Retried = "never"
    counts: bool = False
    status_code: int | None = None
    doubtful: bool = False
    limits: dict[str, Any] = attrs.Factory(dict)

    def attempts(self, effect: Effect) -> int:
        """
        Return how often an operation of *effect* has to be attempted.
        """
        safe = self.retried == "always" or effect is not Effect.UNSAFE
        most: int = self.limits.get("retry_max_attempts", 3)
        return most if self.retried != "never" and safe else 1


def _of_status(
    code: int, error: type[ProviderError], retried: Retried = "never", *, counts: bool = False
) -> Row:
    doubtful = retried == "by_effect"
    return Row(
        name=str(code),
        reply=status(code),
        error=error,
        retried=retried,
        counts=counts,
        status_code=code,
        doubtful=doubtful,
    )


def _broken(name: str, reply: Reply) -> Row:
    return Row(
        name=name,
        reply=reply,
        error=ProviderUnavailableError,
        retried="by_effect",
        counts=True,
        doubtful=True,
    )


def _late(name: str, reply: Reply) -> Row:
    return Row(
        name=name,
        reply=reply,
        error=ProviderTimeoutError,
        retried="by_effect",
        counts=True,
        doubtful=True,
        limits=SHORT,
    )


def _not_promised(name: str, reply: Reply, code: int | None = None) -> Row:
    return Row(
        name=name,
        reply=reply,
        error=ProviderResponseFormatError,
        counts=True,
        status_code=code,
        doubtful=True,
    )


def _paused(name: str, reply: Reply) -> Row:
    return Row(
        name=name,
        reply=reply,
        error=ProviderRateLimitError,
        retried="by_effect",
        status_code=503,
        doubtful=True,
    )


ROWS = [
    _late("no answer", hanging()),
    _late("a body that stops coming", stalled()),
    _broken("reset before the answer", Reply(cut="at_once")),
    _broken("closed before the answer", Reply(cut="at_once", orderly=True)),
    _broken("reset in the headers", attrs.evolve(SEED, cut="in_head")),
    _broken("closed in the headers", attrs.evolve(SEED, cut="in_head", orderly=True)),
    _broken("reset in the body", attrs.evolve(SEED, cut="in_body")),
    _broken("shorter than Content-Length", attrs.evolve(SEED, promised=999, keep_alive=False)),
    _broken("chunks without an end", attrs.evolve(SEED, chunked=True, pieces=3, cut="in_body")),
    _broken(
        "chunks without an end, closed",
        attrs.evolve(SEED, chunked=True, pieces=3, cut="in_body", orderly=True),
    ),
    _of_status(408, ProviderTimeoutError, "by_effect"),
    _of_status(425, ProviderUnavailableError, "always"),
    _paused("503 with seconds", status(503, Retry_After="1")),
    _paused(
        "503 with a date",
        status(
            503, Retry_After="Thu, 01 Jan 2026 00:00:01 GMT", Date="Thu, 01 Jan 2026 00:00:00 GMT"
        ),
    ),
    Row(
        name="503 with a Retry-After that means nothing",
        reply=status(503, Retry_After="soon"),
        error=ProviderUnavailableError,
        retried="by_effect",
        counts=True,
        status_code=503,
        doubtful=True,
    ),
    *(
        _of_status(code, ProviderUnavailableError, "by_effect", counts=True)
        for code in (500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529)
    ),
    *(_of_status(code, ProviderCapabilityError) for code in (501, 505, 405, 415)),
    *(_of_status(code, ProviderAuthenticationError) for code in (401, 403, 407)),
    *(
        _of_status(code, ProviderInvalidRequestError)
        for code in (400, 402, 404, 406, 409, 410, 411, 412, 413, 414, 418, 422, 423, 451)
    ),
    _of_status(304, ProviderInvalidRequestError),
    _not_promised("a page where JSON was promised", typed("text/html", "<h1>Welcome</h1>"), 200),
    _not_promised("no Content-Type", Reply(body=b'{"id": "1"}'), 200),
    _not_promised("JSON that stops half way", typed("application/json", '{"id": "47')),
    _not_promised("JSON that isn't", typed("application/json", "{'id': 47}")),
    _not_promised("JSON in no known encoding", typed("application/json", b'{"id": "\xff\xfe"}')),
    _not_promised("bytes that aren't HTTP", garbage()),
]


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def row(request: pytest.FixtureRequest, upstream: FaultUpstream) -> Row:
    """
    Each row in turn, with the upstream answering as it says.
    """
    found: Row = request.param
    upstream.script(found.reply)
    return found


async def test_a_read_is_repeated_as_the_row_says(row: Row, upstream: FaultUpstream) -> None:
    """
    The error, its status, the attempts and the requests on the wire are those of the row.

    Each repetition is one WARNING, the failed call one ERROR, both with the error's class.
    """
    came = await call(plain_provider(upstream.url), policy=row.limits)

    attempts = row.attempts(Effect.READ)
    assert row.error is type(came.failure)
    assert row.status_code == came.failure.status_code
    assert (attempts, attempts) == (came.failure.attempts, len(upstream.requests))
    assert ("permanent" if row.retried == "never" else "attempts") == came.failure.stopped_by
    assert not came.failure.in_doubt
    retries = came.events.named("attempt", outcome="retry", level="WARNING")
    errors = [event for event in came.events if event.level == "ERROR"]
    assert (attempts - 1, ["call"]) == (len(retries), [event.event for event in errors])
    assert {row.error.__name__} == {event.error_type for event in (*retries, *errors)}


async def test_an_unsafe_operation_is_repeated_only_if_it_was_not_done(
    row: Row, upstream: FaultUpstream
) -> None:
    """
    Where the upstream may have done the work there is one request, and the error says so.
    """
    came = await call(plain_provider(upstream.url, Effect.UNSAFE), policy=row.limits)

    assert row.error is type(came.failure)
    assert row.attempts(Effect.UNSAFE) == len(upstream.requests)
    assert row.doubtful is came.failure.in_doubt


async def test_the_breaker_learns_what_the_row_says(row: Row, upstream: FaultUpstream) -> None:
    """
    An attempt that counts opens a circuit with a window of one; a neutral one leaves it alone.
    """
    settings = EAGER | {key: row.limits[key] for key in ("attempt_timeout",) if key in row.limits}
    came = await call(plain_provider(upstream.url), settings=settings)

    assert row.error is type(came.failure)
    assert (["open"] if row.counts else []) == came.events.circuit()


# ------------------------------------------------------------------ never reached


@pytest.fixture(params=["refused", "no such host", "self-signed", "no TLS", "handshake cut"])
async def unreachable(
    request: pytest.FixtureRequest,
    upstream: FaultUpstream,
    certificate: Certificate,
    unknown_host: str,
) -> AsyncIterator[str]:
    """
    Base URLs that lead nowhere, each in its own way.
    """
    if request.param == "refused":
        yield f"http://127.0.0.1:{refused_port()}"
    elif request.param == "no such host":
        yield f"http://{unknown_host}"
    elif request.param == "self-signed":
        async with FaultUpstream(tls=certificate.server_side()) as secure:
            yield secure.url
            assert [] == secure.requests
    else:
        greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n" if request.param == "no TLS" else b""
        async with _answering_with(greeting) as port:
            yield f"https://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def _answering_with(greeting: bytes) -> AsyncIterator[int]:
    """
    A server that answers the first bytes with *greeting*, whatever they were, and hangs up.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("effect", [Effect.READ, Effect.UNSAFE])
async def test_what_was_never_sent_is_repeated_whatever_its_effect(
    unreachable: str, effect: Effect
) -> None:
    """
    Connection refused, unknown host and failed TLS handshakes: nothing can have been done.
    """
    came = await call(plain_provider(unreachable, effect))

    assert ProviderUnavailableError is type(came.failure)
    assert (3, None, "attempts") == (
        came.failure.attempts,
        came.failure.status_code,
        came.failure.stopped_by,
    )
    assert not came.failure.in_doubt


async def test_not_being_reachable_counts(unreachable: str) -> None:
    """
    The breaker counts what can't be reached.
    """
    came = await call(plain_provider(unreachable), settings=EAGER)

    assert ["open"] == came.events.circuit()


async def test_a_connection_that_is_never_accepted_was_never_sent() -> None:
    """
    A timeout while connecting is a connection failure: an unsafe operation is repeated.
    """
    limit = aiohttp.ClientTimeout(total=None, sock_connect=0.02)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address), socket.socket() as queued:
            queued.setblocking(False)
            queued.connect_ex(address)

            @provider(base_url=f"http://127.0.0.1:{address[1]}", effect=Effect.UNSAFE)
            async def demo(request, context):
                async with context.http.post("seed", timeout=limit) as reply:
                    return Seed(id=await reply.text())

            came = await call(demo)

    assert (3, False) == (came.failure.attempts, came.failure.in_doubt)


# ---------------------------------------------------------------- asked to wait


async def test_a_429_waits_as_long_as_it_asks_and_uses_up_no_attempt(
    upstream: FaultUpstream,
) -> None:
    """
    Two pauses of a second fit into a patience of five; a single allowed attempt is enough.
    """
    asks = status(429, Retry_After="1")
    upstream.script(asks, asks, SEED)

    came = await call(plain_provider(upstream.url), policy={"retry_max_attempts": 1})

    assert ("4711", 3) == (came.value.id, came.value.meta.attempts)
    assert 3 == len(upstream.requests)
    assert 2 == len(came.slept)
    assert all(1.0 <= seconds <= 1.1 for seconds in came.slept)


@pytest.mark.parametrize("effect", [Effect.READ, Effect.UNSAFE])
async def test_a_429_is_repeated_whatever_the_effect(
    upstream: FaultUpstream, effect: Effect
) -> None:
    """
    An upstream that asks for a pause has not done the work.
    """
    upstream.script(status(429, Retry_After="0.5"), SEED)

    came = await call(plain_provider(upstream.url, effect))

    assert ("4711", False) == (came.value.id, came.value.meta.possible_duplicate)


async def test_a_429_beyond_the_patience_fails_at_once(upstream: FaultUpstream) -> None:
    """
    Its own error comes back, with the moment from which asking makes sense.
    """
    upstream.script(status(429, Retry_After="30"))
    clock = LeapingClock()

    events = CapturedEvents()
    async with runner_of(plain_provider(upstream.url), events, clock=clock) as runner:
        with pytest.raises(ProviderRateLimitError) as caught:
            await runner.generate("demo", surface="test")
        now = clock.time()

    error = caught.value
    assert ("patience", 1, 429) == (error.stopped_by, error.attempts, error.status_code)
    assert 29 < error.retry_at - now <= 31.1
    assert [] == clock.slept
    assert 1 == len(upstream.requests)


async def test_a_429_without_a_time_pauses_two_seconds_then_four(upstream: FaultUpstream) -> None:
    """
    The guess doubles from one 429 of a call to the next.
    """
    upstream.script(status(429), status(429), SEED)

    came = await call(plain_provider(upstream.url), patience=20)

    assert "4711" == came.value.id
    assert 2.0 <= came.slept[0] <= 2.2
    assert 4.0 <= came.slept[1] <= 4.4


async def test_a_429_closes_the_gate_for_everyone(upstream: FaultUpstream) -> None:
    """
    The next call doesn't reach the wire, and gets the answer that closed the gate.
    """
    upstream.script(status(429, Retry_After="30"))

    async with runner_of(plain_provider(upstream.url), CapturedEvents()) as runner:
        for _ in range(2):
            with pytest.raises(ProviderRateLimitError) as caught:
                await runner.generate("demo", surface="test")

    assert (0, 429) == (caught.value.attempts, caught.value.status_code)
    assert 1 == len(upstream.requests)


async def test_a_429_teaches_the_breaker_nothing(upstream: FaultUpstream) -> None:
    """
    Being asked to wait is no outage.
    """
    upstream.script(status(429))

    came = await call(plain_provider(upstream.url), settings=EAGER)

    assert ProviderRateLimitError is type(came.failure)
    assert [] == came.events.circuit()


# -------------------------------------------------------------- a probe's lesson


@pytest.mark.parametrize(
    ("code", "after"),
    [
        (404, "closed"),
        (422, "closed"),
        (400, "closed"),
        (405, "closed"),
        (415, "closed"),
        (408, "closed"),
        (425, "closed"),
        (401, "half_open"),
        (403, "half_open"),
        (407, "half_open"),
        (429, "half_open"),
        (500, "open"),
        (501, "half_open"),
    ],
)
async def test_what_a_probe_learns_from_a_refusal(
    upstream: FaultUpstream, code: int, after: str
) -> None:
    """
    Any 4xx but 401, 403, 407 and 429 shows that the upstream is alive.
    """
    settings = EAGER | {"circuit_breaker_success_threshold": 1, "circuit_breaker_timeout": 1.0}
    events, clock = CapturedEvents(), LeapingClock()
    async with runner_of(
        plain_provider(upstream.url), events, clock=clock, settings=settings
    ) as runner:
        for reply in (status(500), status(code)):
            upstream.script(reply)
            with pytest.raises(ProviderError):
                await runner.generate("demo", surface="test")
            clock.leap(1.0)

    assert ["open", "half_open"] == events.circuit()[:2]
    assert after == events.circuit()[-1]


async def test_an_attempt_cut_short_by_the_deadline_is_neutral(upstream: FaultUpstream) -> None:
    """
    Only a timeout that ran its full limit says something about the provider.
    """
    upstream.script(hanging())

    came = await call(plain_provider(upstream.url), settings=EAGER, deadline=0.1)

    assert ProviderTimeoutError is type(came.failure)
    assert [] == came.events.circuit()


# ----------------------------------------------------------------- in doubt


async def test_the_effect_of_the_settings_wins(upstream: FaultUpstream) -> None:
    """
    Whoever runs the bot can say that a second seed does harm, whatever the plugin declares.
    """
    upstream.script(status(500))
    settings = {"providers": {"demo": {"effect": "unsafe"}}}

    came = await call(plain_provider(upstream.url, Effect.READ), settings=settings)

    assert (1, True) == (len(upstream.requests), came.failure.in_doubt)


async def test_an_unsafe_operation_that_failed_after_the_answer_is_in_doubt(
    upstream: FaultUpstream,
) -> None:
    """
    The upstream has done the work; that the plugin then stumbles over the answer changes nothing.
    """
    upstream.script(json_reply({"number": 12}, status=201))

    @provider(base_url=upstream.url, effect=Effect.UNSAFE)
    async def demo(request, context):
        async with context.http.post("items") as reply:
            return Seed(id=(await reply.json())["id"])

    came = await call(demo)

    assert (ProviderResponseFormatError, "plugin_error") == (
        type(came.failure),
        came.failure.reason,
    )
    assert came.failure.in_doubt


@pytest.mark.parametrize("retryable", [None, False])
async def test_a_plugin_that_forbids_retries_does_not_lift_the_doubt(
    upstream: FaultUpstream, retryable: bool | None
) -> None:
    """
    ``retryable=False`` says that asking again is useless, not that nothing was done.
    """
    upstream.script(Reply(cut="at_once"))

    @provider(base_url=upstream.url, effect=Effect.UNSAFE)
    async def demo(request, context):
        try:
            await context.http.post("items")
        except Exception as error:
            raise ProviderUnavailableError("gone", retryable=retryable) from error

    came = await call(demo)

    assert (1, True) == (came.failure.attempts, came.failure.in_doubt)


async def test_a_doubt_stays_when_a_later_attempt_is_refused_for_sure(
    upstream: FaultUpstream,
) -> None:
    """
    A repeatable operation whose first attempt broke off may have made two seeds.
    """
    upstream.script(Reply(cut="at_once"), SEED)

    came = await call(plain_provider(upstream.url, Effect.REPEATABLE))

    assert (2, True) == (came.value.meta.attempts, came.value.meta.possible_duplicate)


async def test_a_read_leaves_no_duplicate(upstream: FaultUpstream) -> None:
    """
    Reading twice makes nothing twice.
    """
    upstream.script(Reply(cut="at_once"), SEED)

    came = await call(plain_provider(upstream.url, Effect.READ))

    assert (2, False) == (came.value.meta.attempts, came.value.meta.possible_duplicate)


async def test_what_was_never_sent_leaves_no_duplicate(upstream: FaultUpstream) -> None:
    """
    A repeatable operation that was refused with 425 first has made one seed.
    """
    upstream.script(status(425), SEED)

    came = await call(plain_provider(upstream.url, Effect.REPEATABLE))

    assert (2, False) == (came.value.meta.attempts, came.value.meta.possible_duplicate)


async def test_the_statuses_are_complete() -> None:
    """
    Every status of the standard from 300 on is an error of the taxonomy, and no plugin's bug.
    """
    from seedcore.contract.classify import Answer, status_verdict

    for code in (*(known.value for known in HTTPStatus if known >= 300), *range(300, 600)):
        verdict = status_verdict(Answer(status=code), 0.0)
        assert code == verdict.error.status_code
        assert verdict.error.reason is None
