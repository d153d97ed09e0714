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
from seedcore_alttpr.mystery.pool import COUNTS, SPARE, items_of
from seedcore_alttpr.mystery.weights import Weights

COUNTED = "item.count."


@attrs.frozen(kw_only=True, eq=False)
class Hunt:
    """
    How many pieces there are to be found, and how many of them win.
    """

    goal: Amount | None = None
    pool: Amount | None = None
    min_difference: Amount = NOTHING

    @property
    def most(self) -> int:
        """
        How many pieces there may be, were each of its numbers the largest.
        """
        goal = self.goal.most if self.goal is not None else 0
        return max(goal + self.min_difference.most, self.pool.most if self.pool is not None else 0)


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

    @property
    def most(self) -> int:
        """
        How many items that the site can't leave out there may be, were the most rolled of each.
        """
        custom = {
            name.removeprefix(COUNTED): weights
            for name, weights in self.custom.items()
            if name.startswith(COUNTED)
        }
        own = {name: max(weights.values) for name, weights in {**custom, **self.pool}.items()}
        if self.hunt is not None:
            own["TriforcePiece"] = self.hunt.most
        return sum(count for name, count in {**COUNTS, **own}.items() if name not in SPARE)

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
