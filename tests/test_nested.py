"""
Calls that a provider makes of others, or of itself: limits, slots and deadlines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from seedcore import (
    ProviderCapabilityError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    Registry,
    Rolled,
    Runner,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore.testing import VirtualClock, virtual_time


class Twice:
    """
    Rolls a seed by itself, or through itself; *seconds* is how long one takes.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.rolled = 0

    @hookimpl
    async def generate(self) -> Seed:
        """
        Roll one.
        """
        self.rolled += 1
        await asyncio.sleep(self.seconds)
        return Seed(id=str(self.rolled))

    @operation(effect="repeatable", rolls=True)
    async def mystery(self, context: Any) -> Seed:
        """
        Roll one through itself.
        """
        seed: Seed = await context.generate("twice")
        await asyncio.sleep(self.seconds)
        return seed


def runner_of(target: Twice, **limits: Any) -> Runner:
    """
    Return a runner with one provider, in virtual time.
    """
    registry = Registry(discover=False)
    registry.add("twice", target)
    settings = {"providers": {"twice": limits, "slow": limits}}
    return Runner(
        registry=registry, settings=settings, database=None, clock=VirtualClock(), sinks=[]
    )


async def mystery(runner: Runner, **how: Any) -> Seed:
    """
    Roll one through itself.
    """
    return await runner.generate("twice", operation="mystery", surface="tests", **how)


@virtual_time
async def test_calls_through_themselves_do_not_hold_all_slots() -> None:
    """
    Ten calls with two slots: each needs two, one after the other.
    """
    target = Twice(1.0)
    async with runner_of(target, max_concurrent=2) as runner:
        seeds = await asyncio.gather(*(mystery(runner) for _ in range(10)))

        assert 10 == len(seeds)
        assert 0 == runner._lanes["twice"].slots.in_use
    assert 10 == target.rolled


@virtual_time
async def test_the_time_of_an_inner_call_is_not_the_outer_ones() -> None:
    """
    An attempt of 10 s may wait 6 s for an inner call and work 6 s itself, the deadline allowing.
    """
    async with runner_of(Twice(6.0), attempt_timeout=10, total_timeout=60) as runner:
        assert "1" == (await mystery(runner)).id


@virtual_time
async def test_an_attempt_that_hangs_after_an_inner_call_has_its_limit() -> None:
    """
    The limit is whole again, and no longer.
    """

    async def slow(context: Any) -> Seed:
        await context.generate("twice")
        await asyncio.sleep(3_600)
        return Seed(id="never")

    async with runner_of(Twice(6.0), attempt_timeout=10, retry_enabled=False) as runner:
        runner.registry.add("slow", slow)
        before = runner._clock.monotonic()
        with pytest.raises(ProviderTimeoutError, match="no answer within 10 s"):
            await runner.generate("slow", surface="tests")
        assert 16 <= runner._clock.monotonic() - before <= 17


@virtual_time
async def test_the_deadline_holds_for_both() -> None:
    """
    It is the outer call's, whatever limits the inner one has.
    """
    async with runner_of(Twice(3_600.0), attempt_timeout=60) as runner:
        before = runner._clock.monotonic()
        with pytest.raises(ProviderTimeoutError):
            await mystery(runner, deadline=20)
        assert 20 <= runner._clock.monotonic() - before <= 22


@virtual_time
async def test_who_gives_up_leaves_nothing_behind() -> None:
    """
    Cancelled while an inner call runs: no slot is held, and the next call is served.
    """
    async with runner_of(Twice(5.0), max_concurrent=1) as runner:
        task = asyncio.ensure_future(mystery(runner))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert 0 == runner._lanes["twice"].slots.in_use
        assert "2" == (await mystery(runner)).id


@virtual_time
async def test_a_provider_that_can_not_be_called_is_named() -> None:
    """
    Whoever runs the program can install it: it is no bug of the one that needs it.
    """

    async def needy(context: Any) -> Seed:
        seed: Seed = await context.generate("twise")
        return seed

    async with runner_of(Twice()) as runner:
        runner.registry.add("slow", needy)
        with pytest.raises(ProviderCapabilityError, match="it needs another provider") as caught:
            await runner.generate("slow", surface="tests")
        assert "pip install seedcore-twise" in caught.value.provider_message


@virtual_time
async def test_calls_through_another_provider_and_back_do_not_hold_all_slots() -> None:
    """
    Every call of that provider in the chain gives its slot back, not only the nearest.
    """

    async def through(context: Any) -> Seed:
        return await context.generate("twice")

    class Chain(Twice):
        @operation(effect="repeatable", rolls=True)
        async def chain(self, context: Any) -> Seed:
            """
            Roll one through another provider that comes back to this one.
            """
            return await context.generate("slow")

    target = Chain(1.0)
    async with runner_of(target, max_concurrent=2) as runner:
        runner.registry.add("slow", through)
        asked = [runner.generate("twice", operation="chain", surface="tests") for _ in range(2)]
        assert 2 == len(await asyncio.gather(*asked))
        assert 0 == runner._lanes["twice"].slots.in_use == runner._lanes["slow"].slots.in_use


@virtual_time
async def test_a_call_that_outlives_its_attempt_gives_no_slot_back_twice() -> None:
    """
    What a provider left running in the background has no slot to give.
    """
    left: list[asyncio.Task[Seed]] = []

    class Leaving(Twice):
        @operation(effect="repeatable", rolls=True)
        async def leave(self, context: Any) -> Seed:
            """
            Return while something is still running.
            """

            async def later() -> Seed:
                await asyncio.sleep(5)
                return await context.generate("twice")

            left.append(asyncio.ensure_future(later()))
            return Seed(id="early")

    async with runner_of(Leaving(1.0), max_concurrent=2) as runner:
        await runner.generate("twice", operation="leave", surface="tests")
        assert "1" == (await left[0]).id
        assert 0 == runner._lanes["twice"].slots.in_use


# ----------------------------------------------------------------------- fairness


def fair(returned: Callable[[], Any] | None = None) -> tuple[Runner, list[SeedRequest]]:
    """
    Return a runner with two providers, one of which rolls through the other as it is told to, and
    the requests that the other one gets.
    """
    seen: list[SeedRequest] = []
    registry = Registry(discover=False)

    @provider(delayed=True)
    async def inner(request: Any) -> Any:
        seen.append(request)
        return returned() if returned else Rolled(Seed(id="1"), logs={"spoiler": "x"})

    @provider(delayed=True)
    async def outer(request: Any, context: Any) -> Seed:
        for asked in request.options["asked"]:
            seed = await context.generate("inner", **asked)
        return seed

    registry.add("inner", inner)
    registry.add("outer", outer)
    return Runner(registry=registry, sinks=[]), seen


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ({}, ("off", False)),
        ({"race": True}, ("off", True)),
        ({"spoilers": "on"}, ("on", False)),
        ({"spoilers": "delayed"}, ("delayed", False)),
        ({"spoilers": "delayed", "race": True}, ("delayed", True)),
    ],
)
async def test_a_seed_for_another_is_as_fair(
    outer: dict[str, Any], inner: tuple[str, bool]
) -> None:
    """
    Without a word of the plugin.
    """
    runner, seen = fair()
    async with runner:
        await runner.generate("outer", surface="tests", options={"asked": [{}]}, **outer)

    assert inner == (seen[0].spoilers, seen[0].race)


@pytest.mark.parametrize(
    ("outer", "asked"),
    [
        ({}, {"spoilers": "on"}),
        ({}, {"spoilers": "delayed"}),
        ({"race": True}, {"race": False}),
        ({"spoilers": "delayed"}, {"spoilers": "on"}),
    ],
)
async def test_a_seed_that_shows_more_than_the_one_it_is_for(
    outer: dict[str, Any], asked: dict[str, Any]
) -> None:
    """
    It is a bug of the plugin that asks for it, and nothing is rolled.
    """
    runner, seen = fair()
    async with runner:
        with pytest.raises(ProviderResponseFormatError, match="shows more than the one") as caught:
            await runner.generate("outer", surface="tests", options={"asked": [asked]}, **outer)

    assert ("plugin_error", []) == (caught.value.reason, seen)


async def test_a_seed_that_shows_less_than_the_one_it_is_for() -> None:
    """
    That is for the plugin to decide.
    """
    runner, seen = fair()
    async with runner:
        options = {"asked": [{"race": True}, {"spoilers": "off"}]}
        await runner.generate("outer", surface="tests", options=options, spoilers="on")

    assert [("off", True), ("off", False)] == [(each.spoilers, each.race) for each in seen]


async def test_two_logs_of_one_kind() -> None:
    """
    Nobody can tell which is that of the seed.
    """
    runner, _ = fair()
    async with runner:
        with pytest.raises(ProviderResponseFormatError, match="two logs called spoiler"):
            await runner.generate(
                "outer", surface="tests", options={"asked": [{}, {}]}, spoilers="delayed"
            )
