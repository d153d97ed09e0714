"""
The rate that a provider allows.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from hypothesis import given, strategies as st

from seedcore import (
    Context,
    ProviderRateLimitError,
    Registry,
    Runner,
    Seed,
    SeedRequest,
    SettingsError,
    provider,
)
from seedcore.contract.pace import MARGIN, Pace
from seedcore.policy import rate_of
from seedcore.testing.clocks import START, LeapingClock, VirtualClock, virtual_time
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import json_reply
from seedcore.testing.upstream import FaultUpstream


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/10s", (20, 10.0)),
        ("5/s", (5, 1.0)),
        ("30/min", (30, 60.0)),
        ("300/h", (300, 3600.0)),
        ("1/0.5s", (1, 0.5)),
    ],
)
def test_a_rate_is_requests_per_time(text: str, rate: tuple[int, float]) -> None:
    """
    Seconds, minutes or hours, with or without a number.
    """
    assert rate == rate_of(text)


@pytest.mark.parametrize(
    "text", ["", "20", "0/s", "20/0s", "20/25h", "20/10", "-1/s", "a/s", "1e3/s"]
)
def test_a_rate_that_is_none_is_refused_with_examples(text: str) -> None:
    """
    A sentence says what it looks like.
    """
    with pytest.raises(SettingsError, match="rate must be requests per time .* such as 20/10s"):
        rate_of(text)


@given(
    st.integers(1, 8),
    st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=60),
)
def test_no_window_ever_holds_more_than_the_rate(count: int, gaps: list[float]) -> None:
    """
    However calls come, and each goes as soon as that allows.
    """
    pace = Pace(f"{count}/10s")
    now, turns = 0.0, []
    for gap in gaps:
        now += gap
        wait = pace.wait(now)
        turn = pace.take(now)
        assert pytest.approx(now + wait) == turn
        turns.append(turn)

    assert turns == sorted(turns)
    for place, turn in enumerate(turns[count:], start=count):
        assert turn - turns[place - count] >= 10.0 + MARGIN - 1e-6


def test_a_turn_that_is_given_back_is_free_again() -> None:
    """
    Who gives up costs nobody else a wait.
    """
    pace = Pace("1/10s")
    pace.take(0.0)
    turn = pace.take(0.0)
    pace.give_back(turn)

    assert pytest.approx(10.0 + MARGIN - 3.0) == pace.wait(3.0)


def now() -> float:
    """
    Return the seconds since the loop began.
    """
    return asyncio.get_running_loop().time() - START


def runner_of(target: Any, events: CapturedEvents, **settings: Any) -> Runner:
    """
    Return a runner in virtual time with one provider.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return Runner(
        registry=registry,
        database=None,
        settings={"providers": {"demo": settings}},
        clock=VirtualClock(),
        sinks=[events],
    )


@virtual_time
async def test_calls_wait_for_their_turns_without_a_slot(events: CapturedEvents) -> None:
    """
    In the order in which they came, as far as their patience goes.
    """
    went: list[tuple[int, float]] = []

    @provider(rate="2/10s")
    async def demo(request: SeedRequest, context: Context) -> Seed:
        went.append((request.options["n"], round(now(), 2)))
        return Seed()

    async with runner_of(demo, events, max_concurrent=1) as runner:
        calls = [
            runner.generate("demo", surface="tests", options={"n": n}, profile="batch")
            for n in range(5)
        ]
        await asyncio.gather(*calls)

    assert [(0, 0.0), (1, 0.0), (2, 10.25), (3, 10.25), (4, 20.5)] == went


@virtual_time
async def test_a_turn_beyond_the_patience_is_refused_with_its_time(
    events: CapturedEvents,
) -> None:
    """
    At once, as a rate limit, and the turn stays free for others.
    """

    @provider(rate="1/10s")
    async def demo(request: SeedRequest, context: Context) -> Seed:
        return Seed()

    async with runner_of(demo, events) as runner:
        await runner.generate("demo", surface="tests")
        for _ in range(3):
            with pytest.raises(ProviderRateLimitError) as caught:
                await runner.generate("demo", surface="tests")
        await asyncio.sleep(6)
        await runner.generate("demo", surface="tests")

    error = caught.value
    assert "1 requests in 10 s at most (rate)" in error.user_message
    assert ("patience", 0) == (error.stopped_by, error.attempts)
    assert error.retry_at is not None
    assert 10.25 == round(now(), 2)


async def test_every_request_counts_not_only_the_first_of_an_attempt(
    upstream: FaultUpstream, events: CapturedEvents
) -> None:
    """
    The third request of a call waits for its turn, wherever the clock says that is.
    """
    upstream.script(json_reply({}))
    clock = LeapingClock()

    async def demo(request: SeedRequest, context: Context) -> Seed:
        for _ in range(3):
            async with context.http.get("seed") as reply:
                await reply.read()
        return Seed()

    registry = Registry(discover=False)
    registry.add("demo", provider(base_url=upstream.url, rate="2/10s")(demo))
    async with Runner(registry=registry, database=None, clock=clock, sinks=[events]) as runner:
        await runner.generate("demo", surface="tests")

    assert 3 == len(upstream.requests)
    assert 1 == len(clock.slept)
    assert 9.0 < clock.slept[0] <= 10.0 + MARGIN


@virtual_time
async def test_a_turn_that_is_not_used_is_free_again(events: CapturedEvents) -> None:
    """
    Whoever finds no place in the queue, or gives up there, leaves its turn to the next.
    """

    @provider(rate="2/60s", max_concurrent=1)
    async def demo(request: SeedRequest, context: Context) -> Seed:
        await asyncio.sleep(request.options["seconds"])
        return Seed()

    async with runner_of(demo, events, max_queued=1) as runner:
        slow = asyncio.create_task(
            runner.generate("demo", surface="tests", options={"seconds": 30})
        )
        await asyncio.sleep(1)
        for _ in range(3):
            waiting = asyncio.create_task(
                runner.generate("demo", surface="tests", options={"seconds": 0}, patience=60)
            )
            await asyncio.sleep(1)
            waiting.cancel()
        await slow
        await runner.generate("demo", surface="tests", options={"seconds": 0})

    assert 30.0 == round(now(), 2)


async def test_waiting_for_a_turn_takes_no_time_of_an_attempt(
    upstream: FaultUpstream, events: CapturedEvents
) -> None:
    """
    A provider that keeps its own rate is no provider that is slow.
    """
    upstream.script(json_reply({}))

    @provider(base_url=upstream.url, rate="3/s")
    async def demo(request: SeedRequest, context: Context) -> Seed:
        for _ in range(9):
            async with context.http.get("seed") as reply:
                await reply.read()
        return Seed()

    registry = Registry(discover=False)
    registry.add("demo", demo)
    settings = {"attempt_timeout": 0.5, "retry_enabled": False}
    async with Runner(
        registry=registry, database=None, settings=settings, clock=LeapingClock(), sinks=[events]
    ) as runner:
        await runner.generate("demo", surface="tests")

    assert 9 == len(upstream.requests)


async def test_a_middleware_that_sends_twice_takes_two_turns(
    upstream: FaultUpstream, events: CapturedEvents
) -> None:
    """
    What counts is what goes over the wire.
    """
    upstream.script(json_reply({}))
    clock = LeapingClock()

    async def twice(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        (await handler(request)).close()
        return await handler(request)

    @provider(base_url=upstream.url, rate="3/10s")
    async def demo(request: SeedRequest, context: Context) -> Seed:
        async with context.http.get("seed") as reply:
            await reply.read()
        return Seed()

    registry = Registry(discover=False)
    registry.add("demo", demo)
    async with Runner(
        registry=registry, database=None, clock=clock, sinks=[events], http_middlewares=[twice]
    ) as runner:
        for _ in range(2):
            await runner.generate("demo", surface="tests", patience=60)

    assert 4 == len(upstream.requests)
    assert 9.0 < sum(clock.slept) <= 10.0 + MARGIN


def test_a_rate_can_be_set_and_a_wrong_one_names_the_place(tmp_path: Path) -> None:
    """
    The settings file knows better than the plugin.
    """
    (tmp_path / "seedcore.toml").write_text('[providers.demo]\nrate = "many"\n')

    @provider(rate="2/10s")
    async def demo(request: SeedRequest, context: Context) -> Seed:
        return Seed()

    registry = Registry(discover=False)
    registry.add("demo", demo)

    @virtual_time
    async def ask() -> None:
        async with Runner(registry=registry, database=None, clock=VirtualClock()) as runner:
            with pytest.raises(SettingsError, match=r"demo: rate must be .*seedcore\.toml"):
                await runner.generate("demo", surface="tests")

    ask()
