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
    CircuitOpenError,
    Effect,
    InvalidPresetError,
    PartialFailureError,
    PresetNotFoundError,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    QueueFullError,
    Seed,
    hookimpl,
    provider,
)
from seedcore.contract.classify import (
    PLUGIN_ERROR,
    Lesson,
    Retry,
    Verdict,
    classify,
    provider_message,
    status_verdict,
)
from seedcore.contract.clients import Answer
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


# ------------------------------------------------------------- verdicts by themselves

WALL = 1_767_225_600.0
"""The first second of 2026."""
FIVE_PAST = {"Retry-After": "Thu, 01 Jan 2026 00:00:05 GMT"}
SINGLE = {408, 425, 429, 401, 403, 407, 405, 415, 501, 505}
"""Statuses that are judged one by one; the others by their hundreds."""


@pytest.mark.parametrize(
    ("codes", "error", "retry", "lesson"),
    [
        ({429}, ProviderRateLimitError, Retry.ALWAYS, Lesson.NEUTRAL),
        ({408}, ProviderTimeoutError, Retry.BY_EFFECT, Lesson.ANSWERED),
        ({425}, ProviderUnavailableError, Retry.ALWAYS, Lesson.ANSWERED),
        ({401, 403, 407}, ProviderAuthenticationError, Retry.NEVER, Lesson.NEUTRAL),
        ({405, 415}, ProviderCapabilityError, Retry.NEVER, Lesson.ANSWERED),
        ({501, 505}, ProviderCapabilityError, Retry.NEVER, Lesson.NEUTRAL),
        ({*range(500, 600)} - SINGLE, ProviderUnavailableError, Retry.BY_EFFECT, Lesson.FAILURE),
        ({*range(400, 500)} - SINGLE, ProviderInvalidRequestError, Retry.NEVER, Lesson.ANSWERED),
        ({*range(300, 400)}, ProviderInvalidRequestError, Retry.NEVER, Lesson.NEUTRAL),
        ({*range(100, 300)}, ProviderResponseFormatError, Retry.NEVER, Lesson.FAILURE),
    ],
)
def test_every_status_has_its_verdict(
    codes: set[int], error: type[ProviderError], retry: Retry, lesson: Lesson
) -> None:
    """
    Its class, what comes of it, and the upstream's words; only 429 closes the gate by itself.
    """
    for code in codes:
        verdict = status_verdict(Answer(status=code, body="no such preset"), WALL)

        assert (error, retry, lesson) == (type(verdict.error), verdict.retry, verdict.lesson)
        assert (code, "no such preset", None) == (
            verdict.error.status_code,
            verdict.error.provider_message,
            verdict.error.retry_after,
        )
        assert (code == 429, False, False) == (
            verdict.closes_gate,
            verdict.here,
            verdict.forbidden,
        )


@pytest.mark.parametrize(
    ("code", "retry", "free"), [(429, Retry.ALWAYS, True), (503, Retry.BY_EFFECT, False)]
)
def test_who_says_how_long_to_wait_closes_the_gate(code: int, retry: Retry, free: bool) -> None:
    """
    A date is one of the caller's wall clock; a 503 uses up an attempt all the same.
    """
    verdict = status_verdict(Answer(status=code, headers=FIVE_PAST, body="soon"), WALL)

    assert ProviderRateLimitError is type(verdict.error)
    assert (retry, Lesson.NEUTRAL, True) == (verdict.retry, verdict.lesson, verdict.closes_gate)
    assert (5.0, "soon") == (verdict.error.retry_after, verdict.error.provider_message)
    assert free is verdict.free


def test_what_closes_no_gate_is_never_free() -> None:
    """
    Else an outage could be asked for ever.
    """
    assert not status_verdict(Answer(status=500), WALL).free
    assert not classify(ProviderUnavailableError(), WALL).free


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProviderTimeoutError(), True),
        (ProviderResponseFormatError(), True),
        (ProviderRateLimitError(), False),
        (ProviderInvalidRequestError(), False),
        (ConnectionRefusedError(), False),
        (ConnectionResetError(), True),
        (KeyError("a bug"), True),
    ],
    ids=repr,
)
def test_what_may_have_been_done(error: Exception, expected: bool) -> None:
    """
    Whatever was not refused in so many words, and was sent.
    """
    assert expected is classify(error, WALL).maybe_processed


@pytest.mark.parametrize(
    ("kind", "retry", "lesson"),
    [
        (CircuitOpenError, Retry.NEVER, Lesson.NEUTRAL),
        (QueueFullError, Retry.NEVER, Lesson.NEUTRAL),
        (ProviderTimeoutError, Retry.BY_EFFECT, Lesson.FAILURE),
        (ProviderUnavailableError, Retry.BY_EFFECT, Lesson.FAILURE),
        (ProviderRateLimitError, Retry.ALWAYS, Lesson.NEUTRAL),
        (ProviderInvalidRequestError, Retry.NEVER, Lesson.NEUTRAL),
        (ProviderAuthenticationError, Retry.NEVER, Lesson.NEUTRAL),
        (PresetNotFoundError, Retry.NEVER, Lesson.NEUTRAL),
        (InvalidPresetError, Retry.NEVER, Lesson.NEUTRAL),
        (ProviderCapabilityError, Retry.NEVER, Lesson.NEUTRAL),
        (ProviderResponseFormatError, Retry.NEVER, Lesson.FAILURE),
        (PartialFailureError, Retry.NEVER, Lesson.NEUTRAL),
        (ProviderError, Retry.NEVER, Lesson.NEUTRAL),
    ],
)
class TestOwnErrors:
    """
    What a plugin raises itself, class by class.
    """

    def test_its_class_decides(
        self, kind: type[ProviderError], retry: Retry, lesson: Lesson
    ) -> None:
        """
        Nothing below it says more, and the very instance stays.
        """
        raised = kind("its words")
        verdict = classify(raised, WALL)

        assert raised is verdict.error
        assert (retry, lesson) == (verdict.retry, verdict.lesson)
        assert (kind is ProviderRateLimitError, False) == (verdict.closes_gate, verdict.here)

    def test_another_providers_is_left_alone(
        self, kind: type[ProviderError], retry: Retry, lesson: Lesson
    ) -> None:
        """
        It had its own attempts, its own circuit and its own gate.
        """
        theirs = kind("its words", call_id="a-1", status_code=404)
        verdict = classify(theirs, WALL)

        assert Verdict(theirs, Retry.NEVER, Lesson.NEUTRAL) == verdict

    def test_a_bug_below_it_says_nothing(
        self, kind: type[ProviderError], retry: Retry, lesson: Lesson
    ) -> None:
        """
        A KeyError that a plugin translated is what the plugin says it is.
        """
        verdict = classify(raised_from(kind("its words"), KeyError("seed")), WALL)

        assert (kind, None, retry, lesson) == (
            type(verdict.error),
            verdict.error.reason,
            verdict.retry,
            verdict.lesson,
        )


def raised_from(error: ProviderError, cause: BaseException) -> ProviderError:
    """
    Return *error* as if it had been raised from *cause*.
    """
    error.__cause__ = cause
    return error


@attrs.frozen(kw_only=True)
class Wire(Exception):  # noqa: N818 - it stands for any client's exception
    """
    What another client raises for an answer.
    """

    status: int
    headers: dict[str, str] = attrs.Factory(dict)


@pytest.mark.parametrize("kind", [ProviderError, PresetNotFoundError, ProviderCapabilityError])
@pytest.mark.parametrize(
    ("code", "lesson"),
    [
        (399, Lesson.NEUTRAL),
        (400, Lesson.ANSWERED),
        (401, Lesson.NEUTRAL),
        (402, Lesson.ANSWERED),
        (403, Lesson.NEUTRAL),
        (404, Lesson.ANSWERED),
        (407, Lesson.NEUTRAL),
        (408, Lesson.ANSWERED),
        (429, Lesson.NEUTRAL),
        (430, Lesson.ANSWERED),
        (499, Lesson.ANSWERED),
        (500, Lesson.NEUTRAL),
    ],
)
def test_a_refusal_of_a_plugin_is_an_answer_if_its_status_is_one(
    kind: type[ProviderError], code: int, lesson: Lesson
) -> None:
    """
    Given by itself or by the exception below it; it is never retried.
    """
    for raised in (kind(status_code=code), raised_from(kind(), Wire(status=code))):
        verdict = classify(raised, WALL)

        assert (kind, code) == (type(verdict.error), verdict.error.status_code)
        assert (Retry.NEVER, lesson) == (verdict.retry, verdict.lesson)


def test_a_failure_of_a_plugin_counts_whatever_its_status() -> None:
    """
    Its class is final: a 404 does not make an outage a refusal.
    """
    verdict = classify(ProviderUnavailableError(status_code=404), WALL)

    assert (Retry.BY_EFFECT, Lesson.FAILURE) == (verdict.retry, verdict.lesson)


def test_what_a_plugin_calls_a_bug_teaches_nothing() -> None:
    """
    Only the same class without the reason is an answer that breaks a promise.
    """
    assert Lesson.NEUTRAL is classify(ProviderResponseFormatError(reason=PLUGIN_ERROR), WALL).lesson
    assert Lesson.FAILURE is classify(ProviderResponseFormatError(reason="odd"), WALL).lesson


def test_the_facts_below_an_error_are_filled_into_a_copy() -> None:
    """
    What the plugin said itself stays, and so does its instance.
    """
    below = Wire(status=429, headers={"Retry-After": "7"})
    bare = raised_from(ProviderRateLimitError("slow down"), below)
    told = raised_from(ProviderRateLimitError(status_code=420, retry_after=3.0), below)

    filled = classify(bare, WALL).error
    assert (429, 7.0, "slow down") == (
        filled.status_code,
        filled.retry_after,
        filled.provider_message,
    )
    assert (None, None) == (bare.status_code, bare.retry_after)
    assert told is classify(told, WALL).error


def test_a_date_below_an_error_is_one_of_the_callers_clock() -> None:
    """
    The time is handed down to what lies below.
    """
    raised = raised_from(ProviderRateLimitError(), Wire(status=503, headers=FIVE_PAST))
    verdict = classify(raised, WALL)

    assert 5.0 == verdict.error.retry_after
    assert (Retry.BY_EFFECT, True, False) == (verdict.retry, verdict.closes_gate, verdict.free)


@pytest.mark.parametrize(
    ("cause", "retry", "lesson"),
    [
        (ConnectionRefusedError(), Retry.ALWAYS, Lesson.FAILURE),
        (ConnectionResetError(), Retry.BY_EFFECT, Lesson.FAILURE),
        (Wire(status=425), Retry.ALWAYS, Lesson.ANSWERED),
        (Wire(status=500), Retry.BY_EFFECT, Lesson.FAILURE),
        (KeyboardInterrupt(), Retry.BY_EFFECT, Lesson.FAILURE),
        (TimeoutError(), Retry.BY_EFFECT, Lesson.FAILURE),
    ],
    ids=repr,
)
def test_the_cause_of_the_same_class_says_more(
    cause: BaseException, retry: Retry, lesson: Lesson
) -> None:
    """
    Whether it was sent, whether anybody answered; what is no Exception says nothing.
    """
    verdict = classify(raised_from(ProviderUnavailableError(), cause), WALL)

    assert (retry, lesson) == (verdict.retry, verdict.lesson)


def test_the_cause_of_another_class_changes_neither_retry_nor_lesson() -> None:
    """
    A plugin that calls a refused connection a wrong preset has its reasons.
    """
    verdict = classify(raised_from(PresetNotFoundError(), ConnectionRefusedError()), WALL)

    assert (Retry.NEVER, Lesson.NEUTRAL) == (verdict.retry, verdict.lesson)


@pytest.mark.parametrize(
    ("cause", "retry", "lesson"),
    [
        (ConnectionRefusedError(), Retry.ALWAYS, Lesson.FAILURE),
        (Wire(status=502), Retry.BY_EFFECT, Lesson.FAILURE),
        (Wire(status=422), Retry.NEVER, Lesson.ANSWERED),
        (KeyError("step"), Retry.NEVER, Lesson.NEUTRAL),
    ],
    ids=repr,
)
def test_half_a_success_is_judged_by_its_cause(
    cause: Exception, retry: Retry, lesson: Lesson
) -> None:
    """
    Of a failure after some steps only its cause says what happened.
    """
    raised = raised_from(PartialFailureError(created="item 12"), cause)

    assert Verdict(raised, retry, lesson) == classify(raised, WALL)


@pytest.mark.parametrize(
    ("error", "retry", "allowed"),
    [
        (PresetNotFoundError(retryable=True), Retry.BY_EFFECT, True),
        (ProviderResponseFormatError(retryable=True), Retry.BY_EFFECT, True),
        (ProviderRateLimitError(retryable=True), Retry.ALWAYS, True),
        (CircuitOpenError(retryable=True), Retry.NEVER, False),
        (QueueFullError(retryable=True), Retry.NEVER, False),
        (PresetNotFoundError(), Retry.NEVER, False),
        (ProviderTimeoutError(retryable=False), Retry.BY_EFFECT, False),
        (ProviderRateLimitError(retryable=False), Retry.ALWAYS, False),
    ],
    ids=repr,
)
def test_a_plugin_says_whether_asking_again_is_any_use(
    error: ProviderError, retry: Retry, allowed: bool
) -> None:
    """
    Useful is not the same as harmless, and local refusals are no business of a plugin.
    """
    verdict = classify(error, WALL)

    assert (retry, not error.retryable) == (verdict.retry, verdict.forbidden)
    assert allowed is verdict.may_retry(Effect.READ)
    assert (allowed and retry is Retry.ALWAYS) is verdict.may_retry(Effect.UNSAFE)


def test_a_bug_names_what_was_raised() -> None:
    """
    Whoever reads the event learns where to look, and that the provider is not to blame.
    """
    verdict = classify(KeyError("seed"), WALL)

    assert "its plugin failed with KeyError; this is a bug of the plugin" == (
        verdict.error.provider_message
    )
    assert PLUGIN_ERROR == verdict.error.reason
    assert (Retry.NEVER, Lesson.NEUTRAL) == (verdict.retry, verdict.lesson)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", ""),
        ("  no such preset\n", "no such preset"),
        ("Xanadu is closed", "Xanadu is closed"),
        ("a < b", "a < b"),
        ("<p>no such preset</p>", ""),
        ("\ufeff<!DOCTYPE html>", ""),
        ('\ufeff{"message": "no such preset"}', "no such preset"),
        ('{"msg": "no such preset"}', "no such preset"),
        ('{"msg": "4", "detail": "3", "error": "2", "message": "1"}', "1"),
        ('{"msg": "4", "detail": "3", "error": "2"}', "2"),
        ('{"msg": "4", "detail": "3"}', "3"),
        ('{"title": "Unprocessable"}', ""),
        ('{"message": "no such', ""),
        ("[sic] no such preset", "[sic] no such preset"),
        ('["one", {"detail": "two"}, 7, {}, "three"]', "one; two; three"),
        ("[7, {}]", ""),
        (str([f"{n}" for n in range(1, 13)]).replace("'", '"'), "1; 2; 3; 4; 5; 6; 7; 8; 9; 10"),
        pytest.param("[" * 100_000, "", id="deep list"),
        pytest.param('{"error":' * 100_000, "", id="deep document"),
    ],
)
def test_the_words_of_an_upstream_are_found(body: str, words: str) -> None:
    """
    A sentence, the message of a document or of a list's first ten, and never raw JSON or HTML.
    """
    assert words == provider_message(body)


async def test_a_mapped_error_without_words_keeps_the_upstreams(upstream: FaultUpstream) -> None:
    """
    As it keeps the status; words of the plugin's own go before them.
    """

    class Mapped:
        def __init__(self, words: str) -> None:
            self.words = words

        @hookimpl
        async def generate(self, request: Any, context: Any) -> Seed:
            async with context.http.get(upstream.url) as reply:
                reply.raise_for_status()
                return Seed(id="1")

        @hookimpl
        def map_error(self, error: Exception) -> ProviderError:
            return PresetNotFoundError(self.words)

    upstream.script(json_reply({"error": "no preset 'opn'"}, 422))
    plain, own = [await call(Mapped(words)) for words in ("", "look at the list")]

    assert ("no preset 'opn'", 422) == (plain.failure.provider_message, plain.failure.status_code)
    assert "look at the list" == own.failure.provider_message
