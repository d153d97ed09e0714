"""
What happens to a site while it is called, with the numbers of each row.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from simulation.limiters import Limited
from simulation.play import Scenario, Traffic
from simulation.sites import DeadOperation, Outages, Poisoned, RandomFaults, Site
from simulation.traffic import all_operations, around_outages, bursts, counted, with_poison

CALLS = 5_000
"""Calls of one seed where calls are counted: 100,000 of all seeds."""
WARM_UP = 60.0
HOUR = 3_600.0


def random_faults(share: float, **limits: Any) -> Scenario:
    """
    Return 20 calls a second of which a *share* of the attempts fails.
    """
    site = partial(RandomFaults, share=share)
    return Scenario(site=site, traffic=counted(20, CALLS), limits=limits)


def outage(
    traffic: Traffic, seconds: float, *, warm_up: float = WARM_UP, hangs: bool = False
) -> Scenario:
    """
    Return an outage of some *seconds*.
    """

    def site(rng: Random) -> Outages:
        # By chance 5 s longer, the time between two probes: each seed ends elsewhere between.
        return Outages(rng, (warm_up, warm_up + seconds + rng.uniform(0, 5)), hangs=hangs)

    return Scenario(site=site, traffic=traffic)


def flapping(*, hangs: bool = False) -> Scenario:
    """
    Return 30 times 5 s down and 5 s up, with 20 calls a second.
    """
    edges = [WARM_UP + 5 * number for number in range(60)]
    site = partial(Outages, edges=edges, hangs=hangs)
    return Scenario(site=site, traffic=around_outages(20, afterwards=5.0))


def poisoned(*, hangs: bool = False) -> Scenario:
    """
    Return one request that always fails, among good ones.
    """
    return Scenario(site=partial(Poisoned, hangs=hangs), traffic=with_poison(2_000))


def dead_operation(*, hangs: bool = False) -> Scenario:
    """
    Return three operations of which one fails, each called 5 times a second.
    """
    return Scenario(site=partial(DeadOperation, hangs=hangs), traffic=all_operations(5, 300))


def limited(kind: type[Limited], most: int, seconds: float, *, spread: float = 0.0) -> Scenario:
    """
    Return bursts of 50 batch calls to a site that serves only so many.
    """
    site = partial(kind, most=most, seconds=seconds)
    return Scenario(site=site, traffic=bursts(spread), limits={"profile": "batch"})


def slow() -> Scenario:
    """
    Return answers that take 5 to 40 s: 45 at a time, of 64 slots.
    """
    return Scenario(site=partial(Site, latency=(5.0, 40.0)), traffic=counted(2, 1_000))


def rare(*, hangs: bool = False) -> Scenario:
    """
    Return one call a minute, and an outage of an hour.
    """
    traffic = around_outages(1 / 60, afterwards=HOUR / 2)
    return outage(traffic, HOUR, warm_up=HOUR / 2, hangs=hangs)
