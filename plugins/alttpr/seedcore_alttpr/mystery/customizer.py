"""
The section ``customizer`` of a weightset, once it was read, and one roll of it.

It counts only where entrances are not shuffled, and the site's customizer makes the game only
if something in it was rolled.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import attrs

from seedcore_alttpr.mystery.amounts import NOTHING, Amount
from seedcore_alttpr.mystery.pool import items_of
from seedcore_alttpr.mystery.weights import Weights


@attrs.frozen(kw_only=True, eq=False)
class Hunt:
    """
    How many pieces there are to be found, and how many of them win.
    """

    goal: Amount | None = None
    pool: Amount | None = None
    min_difference: Amount = NOTHING


@attrs.frozen(kw_only=True, eq=False)
class Countdown:
    """
    The clock of a game in which time runs out: its start, and (value, number) of each clock.
    """

    start: Amount = NOTHING
    clocks: Mapping[str, tuple[Amount, Amount]] = attrs.Factory(dict)


@attrs.frozen(kw_only=True, eq=False)
class Drawn:
    """
    One roll of equipment, switches and counts.
    """

    eq: list[str]
    custom: dict[str, Any]
    pool: dict[str, int]


@attrs.frozen(kw_only=True, eq=False)
class Customizer:
    """
    A section that was read.
    """

    eq: Mapping[str, Weights]
    custom: Mapping[str, Weights]
    pool: Mapping[str, Weights]
    hunt: Hunt | None
    countdown: Countdown | None

    def roll(self, rng: Random, rolled: dict[str, Any]) -> Drawn | None:
        """
        Return what came out of it, ``None`` if nothing did; *rolled* gets each value by its place.
        """
        eq: list[str] = []
        custom: dict[str, Any] = {}
        pool: dict[str, int] = {}
        for name, weights in self.eq.items():
            rolled[weights.place] = number = weights.roll(rng)
            eq += items_of(name, number)
        for kept, group in ((custom, self.custom), (pool, self.pool)):
            for name, weights in group.items():
                rolled[weights.place] = value = weights.roll(rng)
                if value is not None:
                    kept[name] = value
        return Drawn(eq=eq, custom=custom, pool=pool) if eq or custom or pool else None
