"""
Weights: what may be rolled, and how often.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Any, Protocol

import attrs

from seedcore_alttpr.mystery.problems import Problems, Unfit, inside, shown


class Kind(Protocol):
    """
    What a value may be.
    """

    def read(self, value: object) -> Any:
        """
        Return *value* as it is meant, or raise ``Unfit``.
        """


@attrs.frozen(eq=False)
class Weights:
    """
    Values that can be rolled, none of them with a weight of 0.

    ``sums`` are their weights added up from the first on; ``place`` is where they stand.
    """

    values: tuple[Any, ...]
    sums: tuple[float, ...]
    place: str = ""

    def roll(self, rng: Random) -> Any:
        """
        Return one of the values.
        """
        last = len(self.sums) - 1
        if last == 0:
            return self.values[0]
        # Rounding may reach the whole sum, which belongs to the last value as well.
        return self.values[bisect(self.sums, rng.random() * self.sums[last], 0, last)]

    @property
    def share(self) -> Mapping[Any, float]:
        """
        How likely each value is, from 0 to 1; of values that are equal, all together.
        """
        shares: dict[Any, float] = {}
        for value, below, above in zip(self.values, (0.0, *self.sums), self.sums, strict=False):
            shares[value] = shares.get(value, 0.0) + (above - below) / self.sums[-1]
        return shares


def always(value: Any, place: str = "") -> Weights:
    """
    Return weights that leave no choice.
    """
    return Weights((value,), (1.0,), place)


def read_weights(value: object, kind: Kind, place: str, problems: Problems) -> Weights | None:
    """
    Return the weights written as *value*: a map of values to weights, or the one value.

    What is wrong goes to *problems*; then there are no weights.
    """
    if isinstance(value, Mapping):
        return _read_map(value, kind, place, problems)
    if isinstance(value, (list, tuple, set)):
        problems.add(place, "must be a value or a map of values to weights, not a list")
        return None
    try:
        return always(kind.read(value), place)
    except Unfit as unfit:
        problems.add(place, f"{shown(value)} {unfit}")
    return None


def _read_map(
    value: Mapping[Any, Any], kind: Kind, place: str, problems: Problems
) -> Weights | None:
    if not value:
        problems.add(place, "is empty: give values and their weights")
        return None
    weighed = {key: read_weight(item, inside(place, key), problems) for key, item in value.items()}
    if None in weighed.values():
        return None
    kept: list[Any] = []
    for key, weight in weighed.items():
        if weight:  # what is never rolled needs no check
            try:
                kept.append(kind.read(key))
            except Unfit as unfit:
                problems.add(place, f"{shown(key)} {unfit}")
    positive = [weight for weight in weighed.values() if weight]
    if not positive:
        problems.add(place, "all weights are 0")
    elif len(kept) == len(positive):
        return added_up(kept, positive, place)
    return None


def added_up(values: Sequence[Any], weights: Sequence[float], place: str) -> Weights:
    """
    Return *values* with their *weights*, which are above 0 each.
    """
    # Of the largest: so the sum can't be infinite, nor too small to be divided.
    most = max(weights)
    sums = tuple(accumulate(weight / most for weight in weights))
    return Weights(tuple(values), sums, place)


def read_weight(
    value: object, place: str, problems: Problems, name: str = "weight"
) -> float | None:
    """
    Return the weight written as *value*: a number from 0 on.
    """
    number = math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    if math.isfinite(number) and number >= 0:
        return number
    said = "nothing" if value is None else shown(value)
    problems.add(place, f"a {name} must be a number from 0 on, not {said}")
    return None
