"""
The circuit breaker of one operation: a pure state machine, told the time by its caller.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import attrs

from seedcore.contract.deadline import left
from seedcore.model import Request
from seedcore.policy import Policy


class State(StrEnum):
    """
    Closed lets calls through, open refuses them, half-open lets probes through.
    """

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@attrs.frozen(eq=False)
class Permit:
    """
    The right to make one attempt; results under an older generation are ignored.
    """

    generation: int
    started: float
    probe: bool = False


class Breaker:
    """
    Opens when too many of the last attempts, or too many calls in a row, have failed.

    *on_change* is called with the old and the new state at every transition, and with the
    same state twice when a probe succeeded or freed its place.
    """

    FIRST_OPEN = 0.25
    """Seconds of the first opening; each failed probe makes it 1.5 times longer."""
    OPEN_GROWTH = 1.5
    LONGEST_OPEN = 2.0
    LONGEST_OPEN_AFTER_SLOW_PROBE = 5.0
    """A provider that hangs is asked no more often than it takes a probe to fail."""
    NEXT_PROBE = 5.0
    """Seconds after which an unanswered probe lets another one through."""

    __slots__ = (
        "_attempts",
        "_calls_failed",
        "_last_success",
        "_mask",
        "_on_change",
        "_open_until",
        "_permit",
        "_policy",
        "_probes",
        "generation",
        "reopened",
        "state",
        "successes",
    )

    def __init__(self, policy: Policy, on_change: Callable[[State, State], None]) -> None:
        self._policy = policy
        self._on_change = on_change
        self._mask = (1 << policy.circuit_breaker_window) - 1
        self._attempts = 0  # the last attempts, one bit each, 1 for a failure
        self._calls_failed = 0
        self._open_until = 0.0
        self._last_success = -math.inf
        self._probes: list[Permit] = []
        self.state = State.CLOSED
        self.generation = 0
        self.reopened = 0
        self.successes = 0
        self._permit = Permit(0, 0.0)

    # ------------------------------------------------------------------ asking

    def wait(self, now: float) -> float:
        """
        Return the seconds until an attempt may be let through; 0 for now.
        """
        if self.state is State.CLOSED:
            return 0.0
        if self.state is State.OPEN:
            return left(self._open_until, now)
        return self._probe_wait(now)

    def admit(self, now: float) -> Permit | None:
        """
        Let one attempt through, as a probe when the circuit is half-open.
        """
        if self.state is State.CLOSED:
            return self._permit
        if self.wait(now) > 0:
            return None
        if self.state is State.OPEN:
            self._become(State.HALF_OPEN)
        permit = Permit(self.generation, now, probe=True)
        self._probes.append(permit)
        return permit

    def _probe_wait(self, now: float) -> float:
        at_a_time = self._policy.circuit_breaker_half_open_max_calls
        turns = [left(probe.started + self.NEXT_PROBE, now) for probe in self._probes]
        fresh = [turn for turn in turns if turn]
        if len(fresh) >= at_a_time:
            return min(fresh)
        enough = at_a_time * math.ceil(self._policy.attempt_timeout / self.NEXT_PROBE)
        return self.NEXT_PROBE if len(self._probes) >= enough else 0.0

    # ----------------------------------------------------------------- telling

    def succeeded(self, permit: Permit, now: float) -> None:
        """
        An attempt succeeded.
        """
        if permit.generation != self.generation:
            return
        if self.state is State.CLOSED:
            if self._attempts:
                self._attempts = (self._attempts << 1) & self._mask
            self._calls_failed = 0
        else:
            self._probe_succeeded(permit, now)

    def failed(self, permit: Permit, now: float) -> None:
        """
        An attempt failed in a way that counts.
        """
        if permit.generation != self.generation:
            return
        if self.state is State.CLOSED:
            self._attempts = ((self._attempts << 1) | 1) & self._mask
            if self._attempts.bit_count() >= self._policy.circuit_breaker_window_failures:
                self._open(now, took=0.0)
        elif permit in self._probes:
            self._probes.remove(permit)
            # A probe that began before the last success says nothing about now.
            if permit.started >= self._last_success:
                self.reopened += 1
                self._open(now, took=now - permit.started)

    def answered(self, permit: Permit, now: float) -> None:
        """
        An attempt was refused by a living upstream: neutral, but good enough for a probe.
        """
        if permit.generation == self.generation and self.state is State.HALF_OPEN:
            self._probe_succeeded(permit, now)

    def released(self, permit: Permit) -> None:
        """
        An attempt ended without a lesson (cancelled, cut short): a probe frees its place.
        """
        if permit.probe and permit in self._probes:
            self._probes.remove(permit)
            self._on_change(self.state, self.state)

    def call_failed(self, permit: Permit, now: float) -> None:
        """
        A whole call failed, not counting those stopped by budget, queue or deadline.
        """
        if permit.generation == self.generation and self.state is State.CLOSED:
            self._calls_failed += 1
            if self._calls_failed >= self._policy.circuit_breaker_failure_threshold:
                self._open(now, took=0.0)

    # ------------------------------------------------------------- transitions

    def restore(self, state: State, *, generation: int, wait: float, now: float) -> None:
        """
        Take over a stored state; *wait* is what was left of its open time in seconds.

        An open time longer than any this policy makes (a clock that jumped) is cut.
        """
        longest = self._policy.circuit_breaker_timeout or self.LONGEST_OPEN_AFTER_SLOW_PROBE
        self.state = state
        self.generation = generation
        self._permit = Permit(generation, now)
        self._open_until = now + min(max(0.0, wait), longest)

    def _probe_succeeded(self, permit: Permit, now: float) -> None:
        if permit not in self._probes:
            return
        self._probes.remove(permit)
        self._last_success = now
        self.successes += 1
        if self.successes >= self._policy.circuit_breaker_success_threshold:
            self._become(State.CLOSED)
        else:
            self._on_change(self.state, self.state)

    def _open(self, now: float, *, took: float) -> None:
        fixed = self._policy.circuit_breaker_timeout
        if fixed is None:
            grown = self.FIRST_OPEN * self.OPEN_GROWTH ** min(self.reopened, 30)
            slow = min(took, self.LONGEST_OPEN_AFTER_SLOW_PROBE)
            self._open_until = now + max(min(grown, self.LONGEST_OPEN), slow)
        else:
            self._open_until = now + fixed
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        old, self.state = self.state, state
        self.generation += 1
        self.successes = 0
        self._permit = Permit(self.generation, 0.0)
        self._probes.clear()
        if state is State.CLOSED:
            self._attempts = self._calls_failed = self.reopened = 0
        self._on_change(old, state)


@attrs.define(eq=False)
class Suspect:
    """
    A request that failed: when first, after how many successes of all requests.
    """

    outline: Any
    successes: int
    first: float
    suspect: bool = False


class Suspects:
    """
    Requests that keep failing while other requests succeed.

    Their failures teach the breaker nothing until they succeed: one poisonous input never
    closes a provider. In a real outage nothing else succeeds, so nobody is a suspect.
    """

    MOST = 256
    LONGEST = 3600.0
    """Seconds after which a failure is forgotten."""

    __slots__ = ("_failing", "_successes")

    def __init__(self) -> None:
        self._failing: OrderedDict[str, Suspect] = OrderedDict()
        self._successes = 0

    def failed(self, request: Request, now: float) -> bool:
        """
        An attempt failed; return whether its request is a suspect already.
        """
        fingerprint = request.fingerprint()
        known = self._failing.get(fingerprint)
        if known is None or now - known.first > self.LONGEST:
            known = Suspect(request.outline, self._successes, now)
            self._failing[fingerprint] = known
        self._failing.move_to_end(fingerprint)
        if len(self._failing) > self.MOST:
            self._failing.popitem(last=False)
        return known.suspect

    def call_failed(self, request: Request) -> bool:
        """
        A whole call failed; return whether its request is a suspect from now on.
        """
        known = self._failing.get(request.fingerprint())
        if known is None:
            return False
        known.suspect = known.suspect or self._successes > known.successes
        return known.suspect

    def succeeded(self, request: Request) -> None:
        """
        An attempt succeeded; it is looked at closely only if it might be one that failed.
        """
        self._successes += 1
        if self._failing:
            outline = request.outline
            if any(outline == failing.outline for failing in self._failing.values()):
                self._failing.pop(request.fingerprint(), None)
