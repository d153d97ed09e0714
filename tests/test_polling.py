"""
Asking again until an upstream is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from seedcore import (
    Context,
    Pending,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Registry,
    Runner,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore.contract.circuit import State
from seedcore.polling import Interval
from seedcore.testing.clocks import VirtualClock, virtual_time
from seedcore.testing.events import CapturedEvents
from support.stored import until

Look = Callable[[], Awaitable[Any]]


@attrs.define(eq=False)
class Site:
    """
    A provider whose upstream gives the *answers* to looks in turn, the last one for ever.

    ``submitted`` and ``looked`` are the seconds at which it was asked for either.
    """

    answers: list[Any]
    asked: dict[str, Any] = attrs.Factory(dict)
    submitted: list[float] = attrs.Factory(list)
    looked: list[float] = attrs.Factory(list)
    after: Exception | None = None

    async def __call__(self, request: SeedRequest, context: Context) -> Seed:
        self.submitted.append(now())
        number = await context.poll(self.look, **self.asked)
        if self.after is not None and len(self.submitted) == 1:
            raise self.after
        return Seed(id=number)

    async def look(self) -> Any:
        self.looked.append(now())
        answer = self.answers[min(len(self.looked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        return answer


def now() -> float:
    """
    Return the seconds since the loop began.
    """
    return asyncio.get_running_loop().time() - 1_000.0


def runner_of(target: Any, events: CapturedEvents, **settings: Any) -> Runner:
    """
    Return a runner in virtual time with one provider.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return Runner(
        registry=registry,
        database=None,
        settings={"retry_base_delay": 0, **settings},
        clock=VirtualClock(),
        sinks=[events],
    )


@virtual_time
async def test_the_first_look_is_at_once_and_the_others_an_interval_later(
    events: CapturedEvents,
) -> None:
    """
    What the look returns, once it is no Pending, is what poll returns.
    """
    site = Site([Pending("queued"), Pending("generating"), 7], {"interval": 5.0})

    async with runner_of(site, events) as runner:
        seed = await runner.generate("demo", surface="tests")

    assert "7" == seed.id
    assert 1 == seed.meta.attempts
    assert [0.0, 5.0, 10.0] == site.looked
    assert [0.0] == site.submitted


@virtual_time
async def test_the_interval_grows_up_to_the_longest(events: CapturedEvents) -> None:
    """
    By its factor, from the first.
    """
    asked = {"interval": 1.0, "growth": 2.0, "longest": 5.0}
    site = Site([*[Pending("generating")] * 5, 7], asked)

    async with runner_of(site, events) as runner:
        await runner.generate("demo", surface="tests")

    gaps = [b - a for a, b in zip(site.looked, site.looked[1:], strict=False)]
    assert pytest.approx([1.0, 2.0, 4.0, 5.0, 5.0]) == gaps


@pytest.mark.parametrize("wrong", [{"interval": 0.0}, {"growth": 0.5}, {"longest": -1.0}])
def test_an_interval_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    """
    No time at all, and one that shrinks, would ask without end.
    """
    with pytest.raises(ValueError, match="must be"):
        Interval(**{"interval": 1.0, "growth": 1.0, "longest": 1.0, **wrong})


def test_an_interval_of_many_looks_is_the_longest() -> None:
    """
    However often it has grown, without any overflow.
    """
    assert 30.0 == Interval(interval=1.0, growth=10.0, longest=30.0).after(100_000)


@virtual_time
async def test_progress_is_told_when_it_changes(events: CapturedEvents) -> None:
    """
    One event for each status, with what part is done.
    """
    answers = [Pending("queued"), Pending("queued"), Pending("generating", 0.5), 7]

    async with runner_of(Site(answers), events) as runner:
        await runner.generate("demo", surface="tests")

    told = [event.extra for event in events if event.event == "poll"]
    assert [
        {"status": "queued", "looks": 1},
        {"status": "generating", "looks": 3, "progress": 0.5},
    ] == told
    assert ["success"] == [event.outcome for event in events if event.event == "call"]


@virtual_time
async def test_a_look_that_fails_is_repeated_and_the_submission_is_not(
    events: CapturedEvents,
) -> None:
    """
    It is a read of its own.
    """
    lost = ProviderUnavailableError("gone")
    site = Site([Pending("generating"), lost, lost, 7], {"interval": 5.0})

    async with runner_of(site, events) as runner:
        seed = await runner.generate("demo", surface="tests")

    assert "7" == seed.id
    assert 1 == len(site.submitted)
    assert [0.0, 5.0, 5.0, 5.0] == site.looked
    assert False is seed.meta.possible_duplicate
    retries = [event.operation for event in events if event.outcome == "retry"]
    assert ["generate.poll", "generate.poll"] == retries


@pytest.mark.parametrize(
    ("error", "looks"),
    [
        (ProviderUnavailableError("gone"), 3),
        (ProviderInvalidRequestError("no such seed"), 1),
        (ProviderResponseFormatError("no JSON"), 1),
        (RuntimeError("a bug"), 1),
    ],
)
def test_a_look_that_fails_for_good_ends_the_call(
    error: Exception, looks: int, events: CapturedEvents
) -> None:
    """
    With its own error, after as many attempts as a read has, and without another submission.
    """
    site = Site([error])
    expected = ProviderResponseFormatError if isinstance(error, RuntimeError) else type(error)

    @virtual_time
    async def ask() -> None:
        async with runner_of(site, events) as runner:
            with pytest.raises(expected) as caught:
                await runner.generate("demo", surface="tests")
        failed = caught.value
        assert expected is type(failed)
        assert ("demo", "generate", 1) == (failed.provider, failed.operation, failed.attempts)

    ask()

    assert 1 == len(site.submitted)
    assert looks == len(site.looked)
    assert 1 == len([event for event in events if event.level == "ERROR"])


@virtual_time
async def test_a_poll_that_never_ends_is_a_timeout_that_says_what_it_saw(
    events: CapturedEvents,
) -> None:
    """
    At the deadline of the poll, and nothing is submitted again.
    """
    site = Site([Pending("generating, attempt 3")], {"interval": 5.0, "deadline": 60.0})

    async with runner_of(site, events) as runner:
        with pytest.raises(ProviderTimeoutError) as caught:
            await runner.generate("demo", surface="tests")

    assert "it last said 'generating, attempt 3'" in caught.value.provider_message
    assert "after 58 s" in caught.value.provider_message
    assert "deadline" == caught.value.stopped_by
    assert 1 == len(site.submitted)
    assert 58.0 == site.looked[-1]


@virtual_time
async def test_without_a_deadline_of_its_own_it_ends_with_the_call(
    events: CapturedEvents,
) -> None:
    """
    Far beyond the limit of one attempt, which is for each look alone.
    """
    site = Site([Pending("generating")], {"interval": 5.0})

    async with runner_of(site, events) as runner:
        with pytest.raises(ProviderTimeoutError, match="it last said 'generating'"):
            await runner.generate("demo", surface="tests", deadline=100)

    assert 98.0 == now()
    assert 1 == len(site.submitted)


@virtual_time
async def test_a_look_that_hangs_has_the_limit_of_an_attempt(events: CapturedEvents) -> None:
    """
    And is repeated like any read that timed out.
    """
    site = Site([Pending("generating"), 1e6, 7], {"interval": 5.0})

    async with runner_of(site, events, attempt_timeout=10) as runner:
        seed = await runner.generate("demo", surface="tests")

    assert "7" == seed.id
    assert [0.0, 5.0, 15.0] == site.looked
    assert 1 == len(site.submitted)


@virtual_time
async def test_what_comes_after_a_poll_has_a_limit_of_its_own(events: CapturedEvents) -> None:
    """
    A provider that hangs then is left after an attempt's time.
    """

    async def demo(request: SeedRequest, context: Context) -> Seed:
        await context.poll(Site([Pending("generating"), 7]).look, interval=50.0)
        await asyncio.sleep(1e6)
        return Seed()

    async with runner_of(demo, events, retry_enabled=False, attempt_timeout=10) as runner:
        with pytest.raises(ProviderTimeoutError, match="no answer within 10 s"):
            await runner.generate("demo", surface="tests")

    assert 60.0 == now()


@virtual_time
async def test_what_the_provider_raises_after_a_poll_is_repeated_by_its_effect(
    events: CapturedEvents,
) -> None:
    """
    A site that says that making it has failed is asked to make another one.
    """
    failed = ProviderUnavailableError("all ten tries failed")
    site = Site([7], after=failed)

    async with runner_of(site, events) as runner:
        seed = await runner.generate("demo", surface="tests")

    assert 2 == len(site.submitted) == seed.meta.attempts
    assert True is seed.meta.possible_duplicate


@virtual_time
async def test_no_slot_is_held_between_looks(events: CapturedEvents) -> None:
    """
    With one slot, others are served while a call polls.
    """

    class Two:
        polled = Site([*[Pending("generating")] * 10, 7], {"interval": 5.0})

        @hookimpl
        async def generate(self, request: SeedRequest, context: Context) -> Seed:
            return await self.polled(request, context)

        @operation(effect="read")
        async def quick(self) -> float:
            return now()

    async with runner_of(Two(), events, max_concurrent=1) as runner:
        rolling = asyncio.create_task(runner.generate("demo", surface="tests"))
        await asyncio.sleep(7)
        assert 7.0 == await runner.call("demo", "quick", surface="tests")
        assert "7" == (await rolling).id


@virtual_time
async def test_polls_have_a_circuit_of_their_own(events: CapturedEvents) -> None:
    """
    What was submitted counts as an answer, and a look that failed does not count there.
    """
    site = Site([ProviderUnavailableError("gone")])

    async with runner_of(site, events, circuit_breaker_failure_threshold=1) as runner:
        with pytest.raises(ProviderUnavailableError):
            await runner.generate("demo", surface="tests")
        lane = runner._lanes["demo"]
        assert State.CLOSED is lane.circuit("generate").breaker.state
        assert State.OPEN is lane.circuit("generate.poll").breaker.state


@virtual_time
async def test_a_look_waits_as_long_as_it_takes_for_a_pause_to_end(
    events: CapturedEvents,
) -> None:
    """
    A call that is asked to wait longer than its patience gives up, but not once it polls.
    """
    limited = ProviderRateLimitError("slow down", retry_after=60)
    site = Site([limited, 7])

    async with runner_of(site, events) as runner:
        seed = await runner.generate("demo", surface="tests", patience=1)

    assert "7" == seed.id
    assert 60.0 <= site.looked[1] <= 61.0


@pytest.mark.parametrize(("effect", "in_doubt"), [("unsafe", True), ("keyed", False)])
def test_a_submission_that_must_not_be_repeated_is_in_doubt(
    effect: str, in_doubt: bool, events: CapturedEvents
) -> None:
    """
    Nobody knows what became of it.
    """
    site = Site([Pending("generating")], {"deadline": 20.0})

    async def demo(request: SeedRequest, context: Context) -> Seed:
        return await site(request, context)

    @virtual_time
    async def ask() -> None:
        async with runner_of(provider(effect=effect)(demo), events) as runner:
            with pytest.raises(ProviderTimeoutError) as caught:
                await runner.generate("demo", surface="tests")
        assert in_doubt is caught.value.in_doubt

    ask()


@virtual_time
async def test_a_caller_who_gives_up_leaves_nothing_behind(events: CapturedEvents) -> None:
    """
    Neither a slot nor a limit, wherever the poll stands.
    """
    site = Site([Pending("generating")], {"interval": 5.0})

    async with runner_of(site, events) as runner:
        rolling = asyncio.create_task(runner.generate("demo", surface="tests"))
        await asyncio.sleep(7)
        rolling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rolling
        lane = runner._lanes["demo"]
        assert 0 == lane.slots.in_use
        assert not lane.in_use
        assert not lane.runtime.limits._singles


@virtual_time
async def test_a_shutdown_lets_a_poll_go_on_until_its_time_is_up(events: CapturedEvents) -> None:
    """
    What was submitted may still be done within the time that attempts get.
    """
    site = Site([*[Pending("generating")] * 3, 7], {"interval": 5.0})

    async with runner_of(site, events) as runner:
        rolling = asyncio.create_task(runner.generate("demo", surface="tests"))
        await asyncio.sleep(7)

    assert "7" == (await rolling).id


@virtual_time
async def test_a_shutdown_ends_a_poll_when_its_time_is_up(events: CapturedEvents) -> None:
    """
    Also one that sleeps between two looks.
    """
    site = Site([Pending("generating")], {"interval": 30.0})

    async with runner_of(site, events, drain_timeout=20) as runner:
        rolling = asyncio.create_task(runner.generate("demo", surface="tests"))
        await asyncio.sleep(1)
    with pytest.raises(ProviderUnavailableError) as caught:
        await rolling

    assert "draining" == caught.value.stopped_by
    assert now() <= 22.0
    assert 1 == len(site.submitted)


@virtual_time
async def test_a_pause_that_is_asked_for_after_a_poll_is_kept(events: CapturedEvents) -> None:
    """
    The provider's own rate limit closes the gate there as anywhere else.
    """
    site = Site([7], after=ProviderRateLimitError("slow down", retry_after=30))

    async with runner_of(site, events, patience=60) as runner:
        await runner.generate("demo", surface="tests")

    assert 2 == len(site.submitted)
    assert 30.0 <= site.submitted[1] <= 31.0


@virtual_time
async def test_a_poll_of_a_provider_within_another_is_not_repeated(
    events: CapturedEvents,
) -> None:
    """
    The limit and the slot of the outer attempt wait as well.
    """
    site = Site([*[Pending("generating")] * 12, 7], {"interval": 10.0})

    async def outer(request: SeedRequest, context: Context) -> Seed:
        return await context.generate("demo")

    async with runner_of(site, events) as runner:
        runner.registry.add("outer", outer)
        rolling = asyncio.create_task(runner.generate("outer", surface="tests"))
        await asyncio.sleep(50)
        assert [0, 0] == [lane.slots.in_use for lane in runner._lanes.values()]
        seed = await rolling

    assert "7" == seed.id
    assert 1 == len(site.submitted)
    assert 120.0 == now()


@virtual_time
async def test_two_polls_at_once_share_the_time(events: CapturedEvents) -> None:
    """
    The one that ends first puts no limit on the other.
    """
    quick, slow = Site([1]), Site([*[Pending("generating")] * 12, 7], {"interval": 10.0})

    async def demo(request: SeedRequest, context: Context) -> Seed:
        found = await asyncio.gather(
            context.poll(quick.look), context.poll(slow.look, interval=10.0)
        )
        return Seed(id=str(found))

    async with runner_of(demo, events) as runner:
        seed = await runner.generate("demo", surface="tests")

    assert ("[1, 7]", 1) == (seed.id, seed.meta.attempts)


@virtual_time
async def test_a_poll_that_outlives_its_attempt_harms_nobody(events: CapturedEvents) -> None:
    """
    No limit is set on its caller's task for it, and no slot is given back twice.
    """
    left_over: list[asyncio.Task[Any]] = []
    forever = Site([Pending("generating")], {"interval": 5.0})

    async def demo(request: SeedRequest, context: Context) -> Seed:
        left_over.append(asyncio.create_task(context.poll(forever.look, interval=5.0)))
        await asyncio.sleep(7)
        return Seed()

    async def late(request: SeedRequest, context: Context) -> Seed:
        async def later() -> None:
            await asyncio.sleep(1)
            await context.poll(forever.look)

        left_over.append(asyncio.create_task(later()))
        return Seed()

    async with runner_of(demo, events) as runner:
        runner.registry.add("late", late)
        await runner.generate("demo", surface="tests", deadline=50)
        await runner.generate("late", surface="tests")
        await asyncio.sleep(200)
        assert [0, 0] == [lane.slots.in_use for lane in runner._lanes.values()]
        assert not next(iter(runner._lanes.values())).runtime.limits._singles

    ends = [type(task.exception()) for task in left_over]
    assert [ProviderTimeoutError, RuntimeError] == ends


@virtual_time
async def test_a_provider_that_swallowed_its_limit_gets_no_more_time(
    events: CapturedEvents,
) -> None:
    """
    Its caller is told of a timeout, and isn't left cancelled.
    """

    async def demo(request: SeedRequest, context: Context) -> Seed:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await context.poll(Site([7]).look)
        return Seed()

    async with runner_of(demo, events, retry_enabled=False) as runner:
        with pytest.raises(ProviderTimeoutError, match="no answer within 60 s"):
            await runner.generate("demo", surface="tests")

    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()


@virtual_time
async def test_looks_earn_the_budget_they_spend(events: CapturedEvents) -> None:
    """
    A site where one look in seven fails loses nobody's seed.
    """
    looks = itertools.count(1)

    async def demo(request: SeedRequest, context: Context) -> Seed:
        steps = iter([*[Pending("generating")] * 28, 7])

        async def look() -> Any:
            if next(looks) % 7 == 0:
                raise ProviderUnavailableError("gone")
            return next(steps)

        return Seed(id=await context.poll(look, interval=1.0))

    async with runner_of(demo, events) as runner:
        calls = [runner.generate("demo", surface="tests") for _ in range(40)]
        seeds = await asyncio.gather(*calls)

    assert {"7"} == {seed.id for seed in seeds}


@virtual_time
async def test_a_look_that_ran_out_of_time_before_is_tried_again(events: CapturedEvents) -> None:
    """
    Even if others succeeded since: what it is about was made, and would be lost.
    """

    class Demo:
        @hookimpl
        async def generate(self, request: SeedRequest, context: Context) -> Seed:
            return Seed(id=await context.poll(self.sites[request.options["n"]].look))

        sites: list[Site] = []  # noqa: RUF012 - filled below

    demo = Demo()
    slow = Site([1e6, 1e6, 1e6, 1e6, 7])
    demo.sites = [slow, Site([8])]
    async with runner_of(demo, events, attempt_timeout=10) as runner:
        for n in (0, 1):
            with contextlib.suppress(ProviderTimeoutError):
                await runner.generate("demo", surface="tests", options={"n": n})
        seed = await runner.generate("demo", surface="tests", options={"n": 0})

    assert "7" == seed.id


@virtual_time
async def test_what_fails_after_polls_opens_the_circuit(events: CapturedEvents) -> None:
    """
    What was submitted is no success before the provider says so.
    """

    async def demo(request: SeedRequest, context: Context) -> Seed:
        await context.poll(Site([7]).look)
        raise ProviderUnavailableError("all ten tries failed")

    async with runner_of(demo, events) as runner:
        for _ in range(5):
            with pytest.raises(ProviderUnavailableError):
                await runner.generate("demo", surface="tests")
        assert State.OPEN is runner._lanes["demo"].circuit("generate").breaker.state


@virtual_time
async def test_a_short_deadline_is_used_nearly_whole(events: CapturedEvents) -> None:
    """
    The last look has a tenth of it.
    """
    site = Site([Pending("generating")], {"interval": 1.0, "deadline": 3.0})

    async with runner_of(site, events) as runner:
        with pytest.raises(ProviderTimeoutError):
            await runner.generate("demo", surface="tests")

    assert pytest.approx(2.7) == site.looked[-1]


@virtual_time
async def test_the_last_look_may_hang_and_the_status_is_still_known(
    events: CapturedEvents,
) -> None:
    """
    It is the poll that ran out of time.
    """
    site = Site([Pending("generating"), 1e6], {"interval": 9.0, "deadline": 12.0})

    async with runner_of(site, events) as runner:
        with pytest.raises(ProviderTimeoutError, match="after 12 s; it last said 'generating'"):
            await runner.generate("demo", surface="tests")


@virtual_time
async def test_two_polls_of_one_call_follow_each_other(events: CapturedEvents) -> None:
    """
    The reads after the first one are polls too, with attempts of their own.
    """
    first, second = Site([Pending("generating"), 7]), Site([ProviderUnavailableError("gone"), 8])

    async def demo(request: SeedRequest, context: Context) -> Seed:
        number = await context.poll(first.look)
        details = await context.poll(second.look)
        return Seed(id=f"{number}/{details}")

    async with runner_of(demo, events) as runner:
        seed = await runner.generate("demo", surface="tests")

    assert ("7/8", 1) == (seed.id, seed.meta.attempts)


@virtual_time
async def test_a_hidden_value_is_in_no_event_and_no_error(events: CapturedEvents) -> None:
    """
    Wherever an upstream repeats it.
    """

    async def demo(request: SeedRequest, context: Context) -> Seed:
        context.hide("open-sesame")
        await context.poll(Site([Pending("key open-sesame")]).look, deadline=10)
        return Seed()

    async with runner_of(demo, events) as runner:
        with pytest.raises(ProviderTimeoutError) as caught:
            await runner.generate("demo", surface="tests")

    assert "key ***" in str(caught.value)
    assert "open-sesame" not in f"{caught.value!r} {list(events)}"


@virtual_time
async def test_waiting_for_others_takes_no_time_of_a_poll(events: CapturedEvents) -> None:
    """
    Its own deadline is about the site; a pause or a rate is waited for as long as the call may.
    """
    limited = ProviderRateLimitError("slow down", retry_after=60)
    site = Site([limited, Pending("generating"), 7], {"interval": 5.0, "deadline": 20.0})

    async with runner_of(site, events) as runner:
        seed = await runner.generate("demo", surface="tests")

    assert "7" == seed.id
    assert 65.0 <= now() <= 67.0


@pytest.mark.dialects
async def test_processes_share_the_circuit_of_polls(
    database_url: str, events: CapturedEvents
) -> None:
    """
    One that begins while it is open asks nobody, and a reset is heard of.
    """
    looks: list[str] = []

    async def demo(request: SeedRequest, context: Context) -> Seed:
        async def look() -> Seed:
            looks.append(request.surface)
            raise ProviderUnavailableError("down")

        return await context.poll(look)

    def runner() -> Runner:
        registry = Registry(discover=False)
        registry.add("demo", demo)
        settings = {
            "retry_enabled": False,
            "circuit_breaker_failure_threshold": 1,
            "circuit_breaker_timeout": 120,
        }
        return Runner(registry=registry, database=database_url, settings=settings, sinks=[events])

    async with runner() as one, runner() as other:
        with pytest.raises(ProviderUnavailableError):
            await one.generate("demo", surface="one", deadline=5)
        circuit = one._lanes["demo"].circuit("generate.poll")
        await until(lambda: not circuit.unsaid)
        with pytest.raises(ProviderTimeoutError):
            await other.generate("demo", surface="other", deadline=5)
        assert State.OPEN is other._lanes["demo"].circuit("generate.poll").breaker.state

    assert ["one"] == looks
