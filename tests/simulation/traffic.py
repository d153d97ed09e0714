"""
Who calls when: traffic that doesn't wait for what became of earlier calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from simulation.play import Caller, Traffic
from simulation.sites import Outages, Poisoned, Site

OPERATIONS = ("generate", "presets", "branches")
BURST = 50
BURSTS = 6
LOOKED_AT = 10.0
"""Seconds on average from the end of a burst to the beginning of the next."""


def identical(number: int) -> str:
    """
    Return what everybody asks for.
    """
    return "the same"


def counted(rate: float, count: int) -> Traffic:
    """
    Return traffic of *count* calls, each about something else.
    """

    async def traffic(caller: Caller, site: Site) -> None:
        await caller.stream(rate, str, count=count)

    return traffic


def around_outages(
    rate: float, what: Callable[[int], str] = str, *, afterwards: float = 60.0
) -> Traffic:
    """
    Return traffic that goes on for some seconds *afterwards*.
    """

    async def traffic(caller: Caller, site: Outages) -> None:
        await caller.stream(rate, what, until=site.edges[-1] + afterwards)

    return traffic


def with_poison(seconds: float) -> Traffic:
    """
    Return traffic with 2 good calls a second and the poisonous one each 2 s.
    """

    async def traffic(caller: Caller, site: Site) -> None:
        until = site.began + seconds
        poison = caller.stream(0.5, lambda _: Poisoned.POISON, until=until)
        await asyncio.gather(poison, caller.stream(2, str, until=until))

    return traffic


def all_operations(rate: float, seconds: float) -> Traffic:
    """
    Return traffic that calls each of three operations at a *rate*.
    """

    async def traffic(caller: Caller, site: Site) -> None:
        until = site.began + seconds
        await asyncio.gather(
            *(caller.stream(rate, str, operation=name, until=until) for name in OPERATIONS)
        )

    return traffic


def bursts(spread: float) -> Traffic:
    """
    Return bursts whose calls arrive within *spread* seconds.

    The next one comes when a person has seen the end of the last.
    """

    async def traffic(caller: Caller, site: Site) -> None:
        for _ in range(BURSTS):
            begin, calls = caller.now(), []
            moments = sorted(caller.rng.uniform(0, spread) for _ in range(BURST))
            for number, moment in enumerate(moments):
                await asyncio.sleep(begin + moment - caller.now())
                calls.append(caller.start("generate", str(number)))
            await asyncio.wait(calls)
            await asyncio.sleep(caller.rng.expovariate(1 / LOOKED_AT))

    return traffic
