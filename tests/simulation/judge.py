"""
What the calls of all seeds of a row come to, held against what is promised.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from simulation.play import Called, Played
from simulation.recovery import Recovery, recoveries
from simulation.table import Line

Judge = Callable[[Sequence[Played]], list[Line]]


def served(what: str, calls: Iterable[Called], at_least: float | None) -> Line:
    """
    Return the share of *calls* that were served.
    """
    outcomes = [call.served for call in calls]
    # No such calls prove nothing: that is a promise missed, not one held by 0 of 0.
    share = sum(outcomes) / len(outcomes) if outcomes else 0.0
    return Line(
        what=f"{what} ({len(outcomes):,})",
        reached=share,
        unit="%",
        limit=at_least,
        over=len(outcomes) or None,
    )


def everyone(played: Iterable[Played]) -> Iterator[Called]:
    """
    Return the calls of all seeds.
    """
    return itertools.chain.from_iterable(one.calls for one in played)


def openings(played: Iterable[Played]) -> Line:
    """
    Return how often circuits opened, where none should.
    """
    count = sum(state == "open" for one in played for _, _, state in one.circuit)
    return Line(what="false openings", reached=count, unit="", limit=0, most=True)


def faults(at_least: float, *, may_open: bool = False) -> Judge:
    """
    Judge a row in which all calls are alike.
    """

    def judge(played: Sequence[Played]) -> list[Line]:
        lines = [served("calls served", everyone(played), at_least)]
        return lines if may_open else [*lines, openings(played)]

    return judge


def good_calls(what: str, good: Callable[[Called], bool], at_least: float | None = None) -> Judge:
    """
    Judge a row in which only some of the calls can be served.
    """

    def judge(played: Sequence[Played]) -> list[Line]:
        return [served(what, filter(good, everyone(played)), at_least)]

    return judge


# ---------------------------------------------------------------------- outages


def recovery_lines(ended: Sequence[Recovery], mean: float | None, most: float | None) -> list[Line]:
    """
    Return how long recoveries took.
    """
    firsts, closed = [one.first for one in ended], [one.closed for one in ended]
    average = statistics.fmean(firsts)
    return [
        Line(
            what="first success after, mean",
            reached=average,
            unit="s",
            limit=mean,
            most=True,
            over=len(ended),
        ),
        Line(
            what="first success after, at most",
            reached=max(firsts),
            unit="s",
            limit=most,
            most=True,
        ),
        Line(what="circuit closed after, at most", reached=max(closed), unit="s", most=True),
    ]


def outage(mean: float, most: float, attempts: int | None = None) -> Judge:
    """
    Judge a row with one outage per seed.
    """

    def judge(played: Sequence[Played]) -> list[Line]:
        ended = [end for one in played for end in recoveries(one)]
        lines = recovery_lines(ended, mean, most)
        later = itertools.chain.from_iterable(end.later() for end in ended)
        lines.append(served("calls served, circuit closed again", later, 1.0))
        if attempts is not None:
            reached = max(end.attempts() for end in ended)
            lines.append(
                Line(
                    what="attempts in 30 s of outage, at most",
                    reached=reached,
                    unit="",
                    limit=attempts,
                    most=True,
                )
            )
        return lines

    return judge


def flapping(mean: float | None, most: float | None, at_least: float | None) -> Judge:
    """
    Judge a row with many short outages: whoever arrives in time to be answered must be.
    """

    def judge(played: Sequence[Played]) -> list[Line]:
        ended = [end for one in played for end in recoveries(one)]
        lines = [
            attrs.evolve(line, limit=most) if line.limit is None else line
            for line in recovery_lines(ended, mean, most)
        ]
        in_time = [call for end in ended for call in _in_time(end)]
        return [served("calls served that could be", in_time, at_least), *lines]

    return judge


def _in_time(end: Recovery) -> Iterator[Called]:
    until = end.until - end.played.site.latency[1]
    return (call for call in end.played.calls if end.up < call.arrived < until)


def rare(first: int, closed: int) -> Judge:
    """
    Judge a row with so few calls that they are counted, not timed.
    """

    def judge(played: Sequence[Played]) -> list[Line]:
        ended = [end for one in played for end in recoveries(one)]
        served, until_closed = [], []
        for end in ended:
            calls = sorted(end.played.calls, key=lambda call: call.arrived)
            after = [call for call in calls if call.arrived > end.up]
            served.append(next((n for n, call in enumerate(after, 1) if call.served), math.inf))
            until_closed.append(sum(call.arrived < end.up + end.closed for call in after))
        return [
            Line(
                what="first call that is served, at most the",
                reached=max(served),
                unit="",
                limit=first,
                most=True,
            ),
            Line(
                what="calls until the circuit is closed, at most",
                reached=max(until_closed),
                unit="",
                limit=closed,
                most=True,
            ),
        ]

    return judge


# ------------------------------------------------------------------ rate limits


def limited(at_least: float | None, wasted: float | None) -> Judge:
    """
    Judge a row whose site asks for pauses.
    """

    def judge(played: Sequence[Played]) -> list[Line]:
        line = served("calls served", everyone(played), at_least)
        refused = sum(one.site.wasted for one in played)
        answered = sum(call.served for call in everyone(played))
        return [
            line,
            Line(
                what="requests wasted per served call",
                reached=refused / answered,
                unit="x",
                limit=wasted,
                most=True,
            ),
        ]

    return judge
