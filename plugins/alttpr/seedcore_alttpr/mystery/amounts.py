"""
Numbers that are rolled from a range.
"""

from __future__ import annotations

from random import Random

import attrs

from seedcore_alttpr.mystery.kinds import Whole, whole
from seedcore_alttpr.mystery.problems import Problems, Unfit
from seedcore_alttpr.mystery.weights import Weights, always, read_weights


@attrs.frozen
class Amount:
    """
    A whole number, or one between two; *weights* are of such pairs.
    """

    weights: Weights

    def roll(self, rng: Random) -> int:
        """
        Return one number.
        """
        low, high = self.bounds(rng)
        return rng.randint(low, high)

    def bounds(self, rng: Random) -> tuple[int, int]:
        """
        Return between which numbers it is.
        """
        pair: tuple[int, int] = self.weights.roll(rng)
        return pair

    @property
    def most(self) -> int:
        """
        The largest number that it can be.
        """
        most: int = max(high for _, high in self.weights.values)
        return most


NOTHING = Amount(always((0, 0)))


@attrs.frozen
class Between:
    """
    Amounts as people write them: ``5``, or ``[5, 10]`` for any number from 5 to 10.
    """

    kind: Whole

    def read(self, value: object) -> tuple[int, int]:
        """
        Return the lowest and the highest number.
        """
        if not isinstance(value, (list, tuple)):
            number = self.kind.read(value)
            return number, number
        numbers = [whole(each) for each in value]
        low, high = self.kind.low, self.kind.high
        if len(numbers) == 2 and None not in numbers:
            first, last = (self.kind.read(each) for each in value)
            if first <= last:
                return first, last
        rule = f"must be a number, or two such as [{low}, {high}], the lower one first"
        raise Unfit(rule)


def read_amount(value: object, kind: Whole, place: str, problems: Problems) -> Amount | None:
    """
    Return the amount written as *value*: a number, a list of two, or weights of such numbers.
    """
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        try:
            return Amount(always(Between(kind).read(value), place))
        except Unfit as unfit:
            problems.add(place, str(unfit))
        return None
    weights = read_weights(value, Between(kind), place, problems)
    return Amount(weights) if weights is not None else None
