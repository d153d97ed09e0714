"""
One call of one provider, and everything that came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import attrs

import seedcore.http  # noqa: F401 - loaded on first use it would cost that attempt 0.3 s
from seedcore import (
    Clock,
    Context,
    Effect,
    ProviderError,
    Registry,
    Runner,
    Seed,
    SeedRequest,
    provider,
)
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.events import CapturedEvents

EAGER: Mapping[str, Any] = {
    "circuit_breaker_window": 1,
    "circuit_breaker_window_failures": 1,
    "circuit_breaker_failure_threshold": 1000,
    "retry_enabled": False,
}
"""Settings under which the first attempt that counts opens the circuit."""


@attrs.frozen(kw_only=True)
class Came:
    """
    What came of a call: its value or its error, the events, and the seconds it waited.
    """

    value: Any = None
    error: ProviderError | None = None
    events: CapturedEvents
    slept: list[float]

    @property
    def failure(self) -> ProviderError:
        """
        The error; a call that succeeded has none.
        """
        assert self.error is not None, f"the call succeeded with {self.value!r}"
        return self.error


def runner_of(
    target: Any,
    events: CapturedEvents,
    *,
    clock: Clock | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Runner:
    """
    Return a runner with one provider, ``demo``, without database and jitter.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return Runner(
        registry=registry,
        database=None,
        sinks=[events],
        clock=clock,
        rng=Random(7),
        settings={"retry_jitter": False, "attempt_timeout": 5.0, **(settings or {})},
    )


async def call(target: Any, *, settings: Mapping[str, Any] | None = None, **arguments: Any) -> Came:
    """
    Let *target* generate once, leaping over the pauses between its attempts.
    """
    events, clock = CapturedEvents(), LeapingClock()
    async with runner_of(target, events, clock=clock, settings=settings) as runner:
        try:
            value = await runner.generate("demo", surface="test", **arguments)
        except ProviderError as error:
            return Came(error=error, events=events, slept=clock.slept)
    return Came(value=value, events=events, slept=clock.slept)


def plain_provider(base_url: str, effect: Effect = Effect.READ) -> Any:
    """
    Return a provider as most are written: one request, its status checked, its JSON read.
    """

    @provider(base_url=base_url, effect=effect)
    async def demo(request: SeedRequest, context: Context) -> Seed:
        async with context.http.get("seed") as reply:
            reply.raise_for_status()
            body = await reply.json()
        return Seed(id=body["id"])

    return demo


def rolls() -> Seed:
    """
    A provider that always succeeds.
    """
    return Seed()
