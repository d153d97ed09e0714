"""
Plays one scenario with one seed: calls arrive as they like, whatever became of earlier ones.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any

import attrs

from seedcore import ProviderError, Registry, Runner
from seedcore.events import Event
from seedcore.testing.clocks import VirtualClock, VirtualTimeLoop
from simulation.sites import Provider, Site


@attrs.frozen
class Called:
    """
    One call: what it was about, when it arrived and ended, and the class of its error.
    """

    operation: str
    what: str
    arrived: float
    ended: float
    error: str | None

    @property
    def served(self) -> bool:
        """
        Whether it succeeded.
        """
        return self.error is None


@attrs.frozen(kw_only=True)
class Played:
    """
    What came of one seed; ``circuit`` holds when the circuits of operations became what.
    """

    site: Any
    calls: list[Called]
    circuit: list[tuple[float, str, str]]


class Caller:
    """
    Makes the calls of one scenario and notes what becomes of them.
    """

    def __init__(self, runner: Runner, rng: Random, limits: Mapping[str, Any]) -> None:
        self.rng = rng
        self.calls: list[Called] = []
        self.now = asyncio.get_running_loop().time
        self._runner = runner
        self._limits = limits
        self._running: set[asyncio.Task[None]] = set()

    async def stream(
        self,
        rate: float,
        what: Callable[[int], str],
        *,
        operation: str = "generate",
        count: int | None = None,
        until: float | None = None,
    ) -> None:
        """
        Make calls at random moments, *rate* per second: *count* of them, or *until* a time.
        """
        for number in itertools.count() if count is None else range(count):
            await asyncio.sleep(self.rng.expovariate(rate))
            if until is not None and self.now() >= until:
                return
            self.start(operation, what(number))

    def start(self, operation: str, what: str) -> asyncio.Task[None]:
        """
        Make one call and don't wait for it.
        """
        task = asyncio.get_running_loop().create_task(self._call(operation, what))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def end(self) -> None:
        """
        Wait for the calls that still run.
        """
        while self._running:
            await asyncio.wait(self._running)

    async def _call(self, operation: str, what: str) -> None:
        arrived, error = self.now(), None
        try:
            if operation == "generate":
                await self._runner.generate(
                    "site", surface="simulation", preset=what, **self._limits
                )
            else:
                await self._runner.call(
                    "site", operation, surface="simulation", what=what, **self._limits
                )
        except ProviderError as raised:
            error = type(raised).__name__
        self.calls.append(Called(operation, what, arrived, self.now(), error))


Traffic = Callable[[Caller, Any], Coroutine[Any, Any, None]]
"""Makes the calls of a scenario, whatever the site."""


@attrs.frozen(kw_only=True)
class Scenario:
    """
    A *site* and the *traffic* it gets; *limits* are arguments of every call.
    """

    site: Callable[[Random], Site]
    traffic: Traffic
    limits: Mapping[str, Any] = attrs.Factory(dict)


def play(scenario: Scenario, seed: int, settings: Mapping[str, Any] | None = None) -> Played:
    """
    Play *scenario* in virtual time; *settings* are the runner's, the defaults unless given.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as loop:
        return loop.run(_played(scenario, seed, settings))


async def _played(scenario: Scenario, seed: int, settings: Mapping[str, Any] | None) -> Played:
    # Chances that don't depend on each other: one more call must not change all faults.
    site = scenario.site(Random(f"site {seed}"))
    registry = Registry(discover=False)
    registry.add("site", Provider(site))
    circuit: list[tuple[float, str, str]] = []

    def note(event: Event) -> None:
        if event.event == "breaker":
            circuit.append((site.now(), str(event.operation), str(event.breaker)))

    async with Runner(
        registry=registry,
        database=None,
        settings=settings,
        sinks=[note],
        clock=VirtualClock(),
        rng=Random(f"runner {seed}"),
    ) as runner:
        caller = Caller(runner, Random(f"caller {seed}"), scenario.limits)
        await scenario.traffic(caller, site)
        await caller.end()
    return Played(site=site, calls=caller.calls, circuit=circuit)
