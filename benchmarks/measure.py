"""
How figures are taken: interleaved rounds, and medians of what each round says.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

Call = Callable[[], Awaitable[Any]]
Slice = Callable[[], Awaitable[float]]
"""One side's part of a round; returns its figure."""

BLOCK = 500
"""Calls of one slice where a call takes microseconds."""


@attrs.frozen(kw_only=True)
class Effort:
    """
    How long to measure: *rounds* with slices of *seconds*, or *blocks* of calls that are short,
    or *load* seconds with calls at a rate.
    """

    rounds: int
    seconds: float
    blocks: int
    load: int


THOROUGH = Effort(rounds=17, seconds=0.12, blocks=60, load=10)
QUICK = Effort(rounds=3, seconds=0.05, blocks=12, load=3)


@attrs.frozen
class Rounds:
    """
    The figure of each side in each round.
    """

    figures: list[dict[str, float]]

    def median(self, side: str) -> float:
        """
        Return the middle figure of *side*.
        """
        return self.middle(lambda figure: figure[side])

    def middle(self, compare: Callable[[dict[str, float]], float]) -> float:
        """
        Return the middle of what *compare* says of each round.

        The sides of a round had the same machine: a neighbour who takes half of it for a
        minute changes the figures, and hardly their ratio.
        """
        return statistics.median(map(compare, self.figures))

    def best(self, compare: Callable[[dict[str, float]], float]) -> float:
        """
        Return what the best tenth of the rounds reach, of figures where less is better.

        For microseconds, which no ratio protects: the same machine takes up to twice as long
        for minutes when its neighbours are busy.
        """
        return sorted(map(compare, self.figures))[len(self.figures) // 10]


async def interleaved(sides: Mapping[str, Slice], rounds: int) -> Rounds:
    """
    Run A B C, A B C ... after a round to warm up that doesn't count.
    """
    figures = [
        {side: await measure() for side, measure in sides.items()} for _ in range(rounds + 1)
    ]
    return Rounds(figures[1:])


def cpu_of(call: Call) -> Slice:
    """
    Measure the microseconds of processor time that one *call* takes, one after another.
    """

    async def measure() -> float:
        started = time.process_time_ns()
        for _ in range(BLOCK):
            await call()
        spent = time.process_time_ns() - started
        # Without a turn of the loop, cancelled timers would pile up as they never do.
        await asyncio.sleep(0)
        return spent / 1e3 / BLOCK

    return measure


def rate_of(call: Call, callers: int, seconds: float) -> Slice:
    """
    Measure the calls per second of so many *callers*, each making one after another.
    """

    async def measure() -> float:
        gc.collect()  # nobody pays for what the one before left
        started = time.perf_counter()

        async def caller() -> int:
            made = 0
            while time.perf_counter() - started < seconds:
                await call()
                made += 1
            return made

        made = await asyncio.gather(*(caller() for _ in range(callers)))
        return sum(made) / (time.perf_counter() - started)

    return measure


def burst_of(call: Call, callers: int) -> Slice:
    """
    Measure the calls per second of so many *callers*, who all come at once, each with one call.
    """

    async def measure() -> float:
        gc.collect()
        started = time.perf_counter()
        await asyncio.gather(*(call() for _ in range(callers)))
        return callers / (time.perf_counter() - started)

    return measure
