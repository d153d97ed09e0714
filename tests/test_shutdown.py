"""
Shutdown: running, draining, stopped.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from seedcore import (
    DrainingError,
    ProviderError,
    ProviderUnavailableError,
    Registry,
    Runner,
    Seed,
    hookimpl,
    provider,
)
from seedcore.testing.clocks import VirtualClock, virtual_time
from seedcore.testing.events import CapturedEvents


async def opened(target: Any, **settings: Any) -> Runner:
    """
    An open runner in virtual time with one provider, ``demo``.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    runner = Runner(
        registry=registry,
        database=None,
        sinks=[CapturedEvents()],
        clock=VirtualClock(),
        rng=Random(1),
        settings={"retry_jitter": False, **settings},
    )
    await runner.open()
    return runner


def taking(seconds: float) -> Any:
    """
    A provider that takes some time.
    """

    async def demo() -> Seed:
        await asyncio.sleep(seconds)
        return Seed(id="1")

    return demo


async def started(runner: Runner, calls: int = 1) -> list[asyncio.Task[Seed]]:
    """
    Calls that have begun.
    """
    tasks = [asyncio.create_task(runner.generate("demo", surface="test")) for _ in range(calls)]
    await asyncio.sleep(0.01)
    return tasks


@virtual_time
async def test_attempts_in_flight_are_allowed_to_end() -> None:
    """
    Their callers get the seed.
    """
    runner = await opened(taking(50))
    (task,) = await started(runner)
    await runner.close()
    assert "1" == (await task).id


@virtual_time
async def test_an_attempt_that_outlives_the_drain_timeout_ends_as_draining() -> None:
    """
    65 s by default; an unsafe one is in doubt.
    """
    runner = await opened(provider(effect="unsafe")(taking(500)), attempt_timeout=200.0)
    (task,) = await started(runner)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await runner.close()
    assert 65.0 == loop.time() - began
    with pytest.raises(DrainingError) as caught:
        await task
    assert caught.value.in_doubt


@virtual_time
async def test_new_calls_are_refused() -> None:
    """
    Draining and stopped alike, without asking the provider.
    """
    runner = await opened(taking(10))
    await started(runner)
    closing = asyncio.create_task(runner.close())
    await asyncio.sleep(1)
    with pytest.raises(DrainingError) as caught:
        await runner.generate("demo", surface="test")
    assert (0, "draining") == (caught.value.attempts, caught.value.stopped_by)
    await closing
    with pytest.raises(DrainingError):
        await runner.generate("demo", surface="test")


@virtual_time
async def test_queued_calls_are_refused_at_once() -> None:
    """
    They have asked nothing yet.
    """
    runner = await opened(taking(4), max_concurrent=1)
    first, second = await started(runner, calls=2)
    closing = asyncio.create_task(runner.close())
    await asyncio.sleep(0.01)
    assert second.done()
    assert isinstance(second.exception(), DrainingError)
    await closing
    assert "1" == (await first).id


@virtual_time
async def test_who_sleeps_before_a_retry_gets_the_last_error_at_once() -> None:
    """
    The real failure, not that of the shutdown.
    """

    async def demo() -> Seed:
        raise ConnectionRefusedError

    runner = await opened(demo, retry_base_delay=30.0)
    (task,) = await started(runner)
    await runner.close()
    with pytest.raises(ProviderUnavailableError) as caught:
        await task
    assert (1, "draining") == (caught.value.attempts, caught.value.stopped_by)
    assert not isinstance(caught.value, DrainingError)


@virtual_time
async def test_who_waits_for_a_circuit_is_refused_at_once() -> None:
    """
    Waiters of an open circuit wake up.
    """

    async def demo() -> Seed:
        raise ConnectionRefusedError

    runner = await opened(demo, retry_enabled=False, circuit_breaker_timeout=4.0)
    for _ in range(5):
        with pytest.raises(ProviderError):
            await runner.generate("demo", surface="test")
    (task,) = await started(runner)
    await runner.close()
    with pytest.raises(DrainingError):
        await task


@virtual_time
async def test_a_provider_that_does_not_end_cannot_hold_the_shutdown() -> None:
    """
    One that swallows its cancellation gets five seconds more, then it is left behind.
    """

    async def demo() -> Seed:
        while True:
            try:
                await asyncio.sleep(1e6)
            except asyncio.CancelledError:
                if asyncio.get_running_loop().time() > 5000:
                    raise

    runner = await opened(demo, attempt_timeout=200.0)
    (task,) = await started(runner)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await runner.close()
    assert 70.0 == loop.time() - began
    await asyncio.sleep(5000)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@virtual_time
async def test_closing_twice_and_closing_unopened_are_harmless() -> None:
    """
    Close is idempotent.
    """
    runner = await opened(taking(0))
    await runner.generate("demo", surface="test")
    await runner.close()
    await runner.close()
    await Runner(registry=Registry(discover=False), database=None).close()


@virtual_time
async def test_a_stop_hook_that_fails_or_hangs_keeps_nobody() -> None:
    """
    The other providers are stopped all the same.
    """
    stopped: list[str] = []

    def made(name: str, seconds: float, error: Exception | None) -> Any:
        class Demo:
            @hookimpl
            async def start(self) -> str:
                return name

            @hookimpl
            async def generate(self) -> Seed:
                return Seed(id="1")

            @hookimpl
            async def stop(self, state: str) -> None:
                await asyncio.sleep(seconds)
                if error is not None:
                    raise error
                stopped.append(state)

        return Demo()

    runner = await opened(made("demo", 0, RuntimeError()))
    runner.registry.add("hangs", made("hangs", 1e6, None))
    runner.registry.add("fine", made("fine", 0, None))
    for name in ("demo", "hangs", "fine"):
        await runner.generate(name, surface="test")
    await runner.close()
    assert ["fine"] == stopped
