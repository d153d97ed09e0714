"""
Cancellation: it always comes through, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from seedcore import ProviderError, ProviderTimeoutError, Registry, Runner, Seed, provider
from seedcore.contract.breaker import State
from seedcore.lane import Lane
from seedcore.testing.clocks import VirtualClock, virtual_time
from seedcore.testing.events import CapturedEvents

GOOD = Seed(id="1")


def runner_of(target: Any, events: CapturedEvents | None = None, **settings: Any) -> Runner:
    """
    A runner in virtual time with one provider, ``demo``.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return Runner(
        registry=registry,
        database=None,
        sinks=[CapturedEvents() if events is None else events],
        clock=VirtualClock(),
        rng=Random(1),
        settings={"retry_jitter": False, **settings},
    )


def lane_of(runner: Runner) -> Lane:
    """
    The lane of ``demo``.
    """
    return runner._lanes["demo"]


def left_behind(runner: Runner) -> list[str]:
    """
    Return what a call should have given back but has not.
    """
    lane = lane_of(runner)
    breaker = lane.circuit("generate").breaker
    runtime = lane.runtime
    found = {
        "slots": lane.slots.in_use,
        "queued": lane.slots.queued,
        "probes": len(breaker.condition.probes),
        "waits": len(runtime.waits._everyone),
        "waiting": len(lane.circuit("generate").waiting),
        "limits": sum(limit.running for queue in runtime.limits._queues.values() for limit in queue)
        + len(runtime.limits._singles),
        "running": runner._running,
        "tasks": len(asyncio.all_tasks()) - 1,
    }
    return [name for name, count in found.items() if count]


async def cancel_after(seconds: float, call: Any) -> None:
    """
    Cancel *call* after a while, and see CancelledError come through.
    """
    task = asyncio.create_task(call)
    await asyncio.sleep(seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@virtual_time
async def test_a_caller_who_gives_up_does_not_count_against_the_provider() -> None:
    """
    Cancelling a call leaves breaker, slots and limits as they were.
    """

    async def demo() -> Seed:
        await asyncio.sleep(30)
        return GOOD

    events = CapturedEvents()
    async with runner_of(demo, events) as runner:
        for _ in range(30):
            await cancel_after(1, runner.generate("demo", surface="test"))
        assert [] == left_behind(runner)
        assert [] == events.named("breaker")
        assert State.CLOSED is lane_of(runner).circuit("generate").breaker.state


def _hanging() -> Callable[[], Any]:
    async def demo() -> Seed:
        await asyncio.sleep(10)
        return GOOD

    return demo


def _failing() -> Callable[[], Any]:
    async def demo() -> Seed:
        raise ConnectionRefusedError

    return demo


@pytest.mark.parametrize(
    ("make", "settings", "calls", "seconds"),
    [
        pytest.param(_hanging, {}, 0, 5.0, id="in the attempt"),
        pytest.param(_failing, {}, 0, 0.5, id="in the pause before a retry"),
        pytest.param(_hanging, {"max_concurrent": 1}, 1, 2.0, id="in the queue"),
        pytest.param(
            _failing,
            {"retry_enabled": False, "circuit_breaker_timeout": 3.0},
            5,
            1.0,
            id="waiting for an open circuit",
        ),
    ],
)
def test_wherever_a_call_is_cancelled_nothing_stays_behind(
    make: Callable[[], Callable[[], Any]],
    settings: dict[str, Any],
    calls: int,
    seconds: float,
) -> None:
    """
    No slot, place in the queue, probe, timer, wait or task.
    """

    @virtual_time
    async def check() -> None:
        async with runner_of(make(), **settings) as runner:
            before = [
                asyncio.create_task(runner.generate("demo", surface="test")) for _ in range(calls)
            ]
            await asyncio.sleep(0.001)
            await cancel_after(seconds, runner.generate("demo", surface="test"))
            await asyncio.gather(*before, return_exceptions=True)
            assert [] == left_behind(runner)

    check()


@virtual_time
async def test_a_cancelled_probe_lets_the_next_caller_probe() -> None:
    """
    A half-open circuit is not wedged by a caller who gives up.
    """
    script: list[Any] = [ConnectionRefusedError] * 5 + [30.0]

    async def demo() -> Seed:
        step = script.pop(0) if script else 0
        if step is ConnectionRefusedError:
            raise ConnectionRefusedError
        await asyncio.sleep(step)
        return GOOD

    async with runner_of(demo, retry_enabled=False) as runner:
        for _ in range(5):
            with pytest.raises(ProviderError):
                await runner.generate("demo", surface="test")
        await cancel_after(2, runner.generate("demo", surface="test"))
        breaker = lane_of(runner).circuit("generate").breaker
        assert State.HALF_OPEN is breaker.state
        for _ in range(2):
            await runner.generate("demo", surface="test", patience=0)
        assert State.CLOSED is breaker.state


@virtual_time
async def test_a_cancellation_in_the_tick_of_the_answer_is_not_lost() -> None:
    """
    asyncio.wait_for on Python 3.11 loses it; the runner has no such window.
    """
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def demo() -> Seed:
        await asyncio.shield(answer)
        return GOOD

    async with runner_of(demo) as runner:
        task = asyncio.create_task(runner.generate("demo", surface="test"))
        await asyncio.sleep(1)
        answer.set_result(None)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [] == left_behind(runner)


@virtual_time
async def test_a_provider_that_swallows_the_limit_is_reported_as_a_timeout() -> None:
    """
    It holds its caller until it returns; its seed is discarded, and an event names it.
    """

    async def demo() -> Seed:
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
        return GOOD

    events = CapturedEvents()
    async with runner_of(demo, events, retry_enabled=False) as runner:
        started = asyncio.get_running_loop().time()
        with pytest.raises(ProviderTimeoutError):
            await runner.generate("demo", surface="test")
        assert 63.0 == asyncio.get_running_loop().time() - started
        task = asyncio.current_task()
        assert task is not None
        assert 0 == task.cancelling()
        assert [] == left_behind(runner)
    assert ["demo"] == [event.provider for event in events.named("cancellation_swallowed")]


@pytest.mark.parametrize("ending", [None, RuntimeError("cleanup failed")])
def test_a_provider_that_swallows_its_callers_cancellation_is_overruled(
    ending: Exception | None,
) -> None:
    """
    Whatever it returns or raises afterwards, CancelledError comes through.
    """

    async def demo() -> Seed:
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            if ending is not None:
                raise ending from None
        return GOOD

    @virtual_time
    async def check() -> None:
        events = CapturedEvents()
        async with runner_of(demo, events) as runner:
            await cancel_after(1, runner.generate("demo", surface="test"))
            assert [] == left_behind(runner)
        assert 1 == len(events.named("cancellation_swallowed"))

    check()


@virtual_time
async def test_the_callers_own_timeout_around_a_call_works() -> None:
    """
    asyncio.timeout of the host, shorter than ours, raises TimeoutError there.
    """
    async with runner_of(_hanging()) as runner:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await runner.generate("demo", surface="test")
        assert [] == left_behind(runner)
        await runner.generate("demo", surface="test")


@virtual_time
async def test_a_call_in_the_cleanup_of_a_cancelled_task_works() -> None:
    """
    A task that was cancelled before may still make calls of its own.
    """

    async def task() -> str | None:
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            return (await runner.generate("demo", surface="test")).id
        return None

    async with runner_of(_hanging()) as runner:
        running = asyncio.create_task(task())
        await asyncio.sleep(1)
        running.cancel()
        assert "1" == await running


@virtual_time
async def test_a_cancellation_nobody_asked_for_is_a_bug_of_the_plugin() -> None:
    """
    A provider that awaits something cancelled does not cancel its caller.
    """

    async def demo() -> Seed:
        cancelled = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        await cancelled
        return GOOD

    async with runner_of(demo) as runner:
        with pytest.raises(ProviderError) as caught:
            await runner.generate("demo", surface="test")
        assert "plugin_error" == caught.value.reason
        assert [] == left_behind(runner)


@virtual_time
async def test_cancelling_an_unsafe_call_in_flight_leaves_an_event() -> None:
    """
    CancelledError can't say that the upstream may have done it.
    """
    events = CapturedEvents()
    async with runner_of(provider(effect="unsafe")(_hanging()), events) as runner:
        await cancel_after(1, runner.generate("demo", surface="test"))
    assert 1 == len(events.named("cancelled_in_doubt"))


@virtual_time
async def test_a_slot_given_at_the_moment_of_cancellation_is_given_on() -> None:
    """
    The next in the queue gets it.
    """
    async with runner_of(_hanging(), max_concurrent=1) as runner:
        first = asyncio.create_task(runner.generate("demo", surface="test"))
        await asyncio.sleep(9)
        second = asyncio.create_task(runner.generate("demo", surface="test"))
        third = asyncio.create_task(runner.generate("demo", surface="test"))
        await first
        second.cancel()
        assert "1" == (await third).id
        with pytest.raises(asyncio.CancelledError):
            await second
        assert [] == left_behind(runner)


async def test_the_caller_of_a_hanging_thread_leaves_on_time() -> None:
    """
    Its slot stays taken until the thread has ended.
    """
    release = threading.Event()

    def demo() -> Seed:
        release.wait(10)
        return GOOD

    registry = Registry(discover=False)
    registry.add("demo", demo)
    settings = {"retry_enabled": False, "max_concurrent": 1, "attempt_timeout": 0.01}
    async with Runner(registry=registry, database=None, sinks=[], settings=settings) as runner:
        with pytest.raises(ProviderTimeoutError):
            await runner.generate("demo", surface="test")
        slots = lane_of(runner).slots
        assert 1 == slots.in_use
        release.set()
        while slots.in_use:
            await asyncio.sleep(0.001)


@virtual_time
async def test_when_start_hangs_its_waiters_leave_on_time() -> None:
    """
    And cancelling one of them does not cancel it for the others.
    """
    from seedcore import hookimpl

    class Demo:
        @hookimpl
        async def start(self) -> str:
            await asyncio.sleep(5)
            return "ready"

        @hookimpl
        async def generate(self, context: Any) -> Seed:
            return Seed(id=context.state)

    async with runner_of(Demo()) as runner:
        other = asyncio.create_task(runner.generate("demo", surface="test"))
        await cancel_after(1, runner.generate("demo", surface="test"))
        assert "ready" == (await other).id
        assert [] == left_behind(runner)
