"""
The rows: a scenario each, and what is promised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from simulation import judge
from simulation.judge import Judge
from simulation.limiters import Bucket, Rolling, Windows
from simulation.play import Scenario, play
from simulation.scenarios import (
    dead_operation,
    flapping,
    limited,
    outage,
    poisoned,
    random_faults,
    rare,
    slow,
)
from simulation.sites import DeadOperation, Poisoned
from simulation.table import Line
from simulation.traffic import around_outages, identical

SEEDS = range(1, 21)


@attrs.frozen
class Row:
    """
    A scenario and how it is judged.
    """

    name: str
    what: str
    scenario: Scenario
    judge: Judge

    def lines(
        self, seeds: Sequence[int] = SEEDS, settings: Mapping[str, Any] | None = None
    ) -> list[Line]:
        """
        Play it with each of *seeds*; *settings* are the runner's, if not the defaults.
        """
        return self.judge([play(self.scenario, seed, settings) for seed in seeds])


AT_20, ALIKE, AT_2 = around_outages(20), around_outages(20, identical), around_outages(2)
REFUSES = judge.outage(mean=1.5, most=4.0, attempts=45)
HANGS = judge.outage(mean=3.0, most=6.0)
FLAPPING = judge.flapping(mean=1.5, most=4.0, at_least=0.999)
LIMITED = judge.limited(at_least=1.0, wasted=1.0)
RARE = judge.rare(first=2, closed=3)


def good(at_least: float | None) -> Judge:
    """
    Judge the calls that aren't poisonous.
    """
    return judge.good_calls("good calls served", lambda c: c.what != Poisoned.POISON, at_least)


def alive(at_least: float | None) -> Judge:
    """
    Judge the calls of the operations that aren't dead.
    """
    others = "calls of the others served"
    return judge.good_calls(others, lambda c: c.operation != DeadOperation.DEAD, at_least)


PROMISED = [
    Row("random-15", "15 % random faults, 20/s", random_faults(0.15), judge.faults(0.996)),
    Row(
        "random-15-of-4",
        "15 % random faults, 20/s, 4 attempts",
        random_faults(0.15, policy={"retry_max_attempts": 4}),
        judge.faults(0.999),
    ),
    Row(
        "random-30",
        "30 % random faults, 20/s",
        random_faults(0.30),
        judge.faults(0.97, may_open=True),
    ),
    Row("refuses-30", "30 s down, refusing, 20/s", outage(AT_20, 30), REFUSES),
    Row("refuses-30-alike", "30 s down, identical requests", outage(ALIKE, 30), REFUSES),
    Row("refuses-600", "600 s down, refusing, 20/s", outage(AT_20, 600), REFUSES),
    Row("refuses-600-alike", "600 s down, identical requests", outage(ALIKE, 600), REFUSES),
    Row("hangs-20", "600 s hanging, 20/s", outage(AT_20, 600, hangs=True), HANGS),
    Row("hangs-2", "600 s hanging, 2/s", outage(AT_2, 600, hangs=True), HANGS),
    Row("poison", "poison at 0.5/s, good calls at 2/s", poisoned(), good(0.999)),
    Row("dead-operation", "one of three operations dead, 5/s each", dead_operation(), alive(1.0)),
    Row(
        "limit-window",
        "50 in 25 s, 10 per 10 s served",
        limited(Windows, 10, 10.0, spread=25.0),
        LIMITED,
    ),
    Row("limit-at-once", "50 at once, 10 per 10 s served", limited(Windows, 10, 10.0), LIMITED),
    Row("limit-long", "50 at once, 25 per 25 s served", limited(Windows, 25, 25.0), LIMITED),
    Row(
        "limit-rolling",
        "50 in 25 s, 10 in any 10 s served",
        limited(Rolling, 10, 10.0, spread=25.0),
        LIMITED,
    ),
    Row(
        "limit-bucket",
        "50 in 25 s, 10 and then 1/s served",
        limited(Bucket, 10, 1.0, spread=25.0),
        LIMITED,
    ),
    Row("poison-hangs", "poison hangs, 0.5/s among 2/s", poisoned(hangs=True), good(0.999)),
    Row(
        "dead-hangs",
        "one of three operations hangs, 5/s each",
        dead_operation(hangs=True),
        alive(1.0),
    ),
    Row("slow", "answers after 5 to 40 s, 2/s", slow(), judge.faults(1.0)),
    Row("flapping", "5 s up, 5 s down, 20/s", flapping(), FLAPPING),
    Row("rare", "1 h down, refusing, 1 call a minute", rare(), RARE),
    Row("rare-hangs", "1 h hanging, 1 call a minute", rare(hangs=True), RARE),
]
"""Rows that must be held."""

UNPROMISED = [
    Row(
        "flapping-hangs",
        "5 s up, 5 s hanging, 20/s",
        flapping(hangs=True),
        judge.flapping(mean=None, most=None, at_least=None),
    ),
    Row(
        "limit-strict",
        "50 at once, 1 each second served",
        limited(Windows, 1, 1.0),
        judge.limited(at_least=None, wasted=None),
    ),
    Row(
        "limit-slow",
        "50 at once, 25 per minute served",
        limited(Windows, 25, 60.0),
        judge.limited(at_least=None, wasted=None),
    ),
]
"""Rows that are only measured: what the contract doesn't cover yet."""

ROWS = {row.name: row for row in (*PROMISED, *UNPROMISED)}
