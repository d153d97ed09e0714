"""
The condition of a circuit, which all processes on one database share, and the steps it takes.

A step is a pure function: it is taken by the process it happens in at once, and again by the
database's row, so that both come to the same condition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import attrs

from seedcore.contract.deadline import left
from seedcore.policy import Policy


class State(StrEnum):
    """
    Closed lets calls through, open refuses them, half-open lets probes through.
    """

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@attrs.frozen
class Probe:
    """
    An attempt that a half-open circuit has let through, of any process.
    """

    name: str
    started: float


@attrs.frozen(kw_only=True)
class Condition:
    """
    What is known about one circuit; all times are seconds of one clock, whichever that is.

    ``generation`` grows with every change of the state, ``reopened`` counts the failed probes
    since it opened, ``successes`` the probes that succeeded since it became half-open, and
    ``succeeded_at`` is when the last one did.
    """

    state: State = State.CLOSED
    generation: int = 0
    open_until: float = 0.0
    reopened: int = 0
    successes: int = 0
    succeeded_at: float = 0.0
    probes: tuple[Probe, ...] = ()

    def shifted(self, by: float) -> Condition:
        """
        Return the same condition in the time of a clock that shows *by* seconds more.
        """
        return attrs.evolve(
            self,
            open_until=self.open_until + by,
            succeeded_at=self.succeeded_at + by,
            probes=tuple(Probe(probe.name, probe.started + by) for probe in self.probes),
        )

    def has(self, name: str) -> bool:
        """
        Whether the probe called *name* may be under way.
        """
        return any(probe.name == name for probe in self.probes)

    def without(self, name: str) -> Condition:
        """
        Return the condition without the probe called *name*.
        """
        return attrs.evolve(self, probes=tuple(p for p in self.probes if p.name != name))


Step = Callable[[Condition, Policy, float], Condition]
"""Returns the condition after it, given the rules and the time; the same one if it's too late."""

FIRST_OPEN = 0.25
"""Seconds of the first opening; each failed probe makes it 1.5 times longer."""
OPEN_GROWTH = 1.5
LONGEST_OPEN = 2.0
LONGEST_OPEN_AFTER_SLOW_PROBE = 5.0
"""A provider that hangs is asked no more often than it takes a probe to fail."""
NEXT_PROBE = 5.0
"""Seconds after which an unanswered probe lets another one through."""
LOST_PROBE = 5.0
"""Seconds past the attempt timeout after which nobody will say what became of a probe."""


def wait(condition: Condition, policy: Policy, now: float) -> float:
    """
    Return the seconds until an attempt may be let through; 0 for now.
    """
    if condition.state is State.CLOSED:
        return 0.0
    if condition.state is State.OPEN:
        return left(condition.open_until, now)
    at_a_time = policy.circuit_breaker_half_open_max_calls
    oldest = _oldest(policy, now)
    # Those that are lost don't count: else whoever may only look would never take a step.
    probes = [probe for probe in condition.probes if probe.started >= oldest]
    turns = [left(probe.started + NEXT_PROBE, now) for probe in probes]
    fresh = [turn for turn in turns if turn]
    if len(fresh) >= at_a_time:
        return min(fresh)
    enough = at_a_time * math.ceil(policy.attempt_timeout / NEXT_PROBE)
    return NEXT_PROBE if len(probes) >= enough else 0.0


def opening(generation: int) -> Step:
    """
    Too much has failed while it was closed in *generation*.
    """

    def step(condition: Condition, policy: Policy, now: float) -> Condition:
        if condition.generation != generation or condition.state is not State.CLOSED:
            return condition  # another process was quicker
        return _opened(condition, policy, now, took=0.0)

    return step


def probing(name: str) -> Step:
    """
    Let the probe *name* through, if it is its turn.
    """

    def step(condition: Condition, policy: Policy, now: float) -> Condition:
        condition = sane(condition, policy, now)
        if condition.state is State.CLOSED or condition.has(name):
            return condition
        if wait(condition, policy, now) > 0:
            return condition
        if condition.state is State.OPEN:
            condition = _become(condition, State.HALF_OPEN)
        return attrs.evolve(condition, probes=(*condition.probes, Probe(name, now)))

    return step


def probe_succeeded(name: str) -> Step:
    """
    The probe *name* found the provider alive.
    """

    def step(condition: Condition, policy: Policy, now: float) -> Condition:
        if not condition.has(name):
            return condition
        successes = condition.successes + 1
        if successes >= policy.circuit_breaker_success_threshold:
            return attrs.evolve(_become(condition, State.CLOSED), reopened=0)
        return attrs.evolve(condition.without(name), successes=successes, succeeded_at=now)

    return step


def probe_failed(name: str) -> Step:
    """
    The probe *name* failed in a way that counts.
    """

    def step(condition: Condition, policy: Policy, now: float) -> Condition:
        started = next((p.started for p in condition.probes if p.name == name), None)
        if started is None:
            return condition
        if started < condition.succeeded_at:
            return condition.without(name)  # it says nothing about now
        again = attrs.evolve(condition, reopened=condition.reopened + 1)
        return _opened(again, policy, now, took=now - started)

    return step


def probe_released(name: str) -> Step:
    """
    The probe *name* ended without a lesson (cancelled, cut short) and frees its place.
    """

    def step(condition: Condition, policy: Policy, now: float) -> Condition:  # noqa: ARG001
        return condition.without(name) if condition.has(name) else condition

    return step


def restating(condition: Condition, at: float) -> Step:
    """
    What became of it in one process while the others could not be told; *condition* is of *at*.
    """

    def step(known: Condition, policy: Policy, now: float) -> Condition:  # noqa: ARG001
        if known.state is condition.state is State.CLOSED:
            return known
        ours = attrs.evolve(condition, generation=known.generation + 1, probes=())
        return ours.shifted(now - at)

    return step


def unchanged(condition: Condition, policy: Policy, now: float) -> Condition:  # noqa: ARG001
    """
    Take no step: what can't be read is replaced all the same.
    """
    return condition


def sane(condition: Condition, policy: Policy, now: float) -> Condition:
    """
    Return *condition* without what can't be: a clock that jumped, a process that died.

    No opening is longer than the rules make it, no probe began in the future, and one that
    was let through so long ago that its process must be gone is forgotten.
    """
    if condition.state is State.CLOSED and not condition.probes:
        return condition
    longest = policy.circuit_breaker_timeout or LONGEST_OPEN_AFTER_SLOW_PROBE
    oldest = _oldest(policy, now)
    mended = attrs.evolve(
        condition,
        open_until=min(condition.open_until, now + longest),
        succeeded_at=min(condition.succeeded_at, now),
        probes=tuple(
            probe if probe.started <= now else Probe(probe.name, now)
            for probe in condition.probes
            if probe.started >= oldest
        ),
    )
    return condition if mended == condition else mended


def _oldest(policy: Policy, now: float) -> float:
    return now - policy.attempt_timeout - LOST_PROBE


def _opened(condition: Condition, policy: Policy, now: float, *, took: float) -> Condition:
    seconds = policy.circuit_breaker_timeout
    if seconds is None:
        grown = FIRST_OPEN * OPEN_GROWTH ** min(condition.reopened, 30)
        slow = min(took, LONGEST_OPEN_AFTER_SLOW_PROBE)
        seconds = max(min(grown, LONGEST_OPEN), slow)
    return attrs.evolve(_become(condition, State.OPEN), open_until=now + seconds)


def _become(condition: Condition, state: State) -> Condition:
    return attrs.evolve(
        condition, state=state, generation=condition.generation + 1, successes=0, probes=()
    )
