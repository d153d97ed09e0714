"""
The circuit breaker of one operation: a pure state machine, told the time by its caller.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from seedcore.contract import circuit
from seedcore.contract.circuit import Condition, State, Step
from seedcore.model import Request
from seedcore.policy import Policy


@attrs.frozen(eq=False)
class Permit:
    """
    The right to make one attempt; ``probe`` is its name if it is one.

    ``epoch`` is the breaker's own count of changes: results from before the last are ignored.
    """

    epoch: int
    probe: str | None = None


OnStep = Callable[[State, Step | None], None]
"""Called after each step with the state before it, and with the step if peers should take it."""


class Breaker:
    """
    Opens when too many of the last attempts, or too many calls in a row, have failed.

    What it counts is its own; its ``condition`` may be shared with other processes, which then
    take the same steps and have it ``adopt`` what came of them. Failures of this machine (no
    name server, no route) open it for this process alone: ``apart`` is true meanwhile.
    """

    __slots__ = (
        "_agreed",
        "_calls_failed",
        "_calls_failed_here",
        "_failures",
        "_failures_here",
        "_mask",
        "_names",
        "_on_step",
        "_permit",
        "apart",
        "condition",
        "policy",
        "state",
    )

    def __init__(self, policy: Policy, on_step: OnStep, names: Iterator[str] | None = None) -> None:
        self.policy = policy
        self._on_step = on_step
        self._names = names or map(str, itertools.count(1))
        self._mask = (1 << policy.circuit_breaker_window) - 1
        self.condition = Condition()
        self.state = self.condition.state
        self.apart = False
        self._agreed = self.condition.generation
        self._permit = Permit(0)
        self._forget()

    def _forget(self) -> None:
        # One bit for each of the last attempts, 1 for a failure; and for one of this machine.
        self._failures = self._failures_here = 0
        self._calls_failed = self._calls_failed_here = 0

    # ------------------------------------------------------------------ asking

    def wait(self, now: float) -> float:
        """
        Return the seconds until an attempt may be let through; 0 for now.
        """
        return circuit.wait(self.condition, self.policy, now)

    def admit(self, now: float) -> Permit | None:
        """
        Let one attempt through, as a probe when the circuit is half-open.
        """
        if self.state is State.CLOSED:
            return self._permit
        if self.wait(now) > 0:
            return None
        name = next(self._names)
        self._take(circuit.probing(name), now)
        return self.permit(name)

    def permit(self, name: str) -> Permit | None:
        """
        Return the permit of the probe *name*, if it is among those let through.
        """
        return Permit(self._permit.epoch, name) if self.condition.has(name) else None

    def next_probe(self) -> tuple[str, Step]:
        """
        Return a name that no other probe has, and the step that lets it through.
        """
        name = next(self._names)
        return name, circuit.probing(name)

    # ----------------------------------------------------------------- telling

    def succeeded(self, permit: Permit, now: float) -> None:
        """
        An attempt succeeded.
        """
        if permit.probe is not None:
            self._settle(circuit.probe_succeeded(permit.probe), permit, now)
        elif permit is self._permit and self._failures | self._calls_failed:
            self._failures = (self._failures << 1) & self._mask
            self._failures_here = (self._failures_here << 1) & self._mask
            self._calls_failed = self._calls_failed_here = 0

    def failed(self, permit: Permit, now: float, *, here: bool = False) -> None:
        """
        An attempt failed in a way that counts; *here* if it was this machine's fault.
        """
        if permit.probe is not None:
            self._settle(circuit.probe_failed(permit.probe), permit, now)
        elif permit is self._permit:
            self._failures = ((self._failures << 1) | 1) & self._mask
            self._failures_here = ((self._failures_here << 1) | here) & self._mask
            most = self.policy.circuit_breaker_window_failures
            if self._failures.bit_count() >= most:
                theirs = self._failures & ~self._failures_here
                self._open(now, apart=theirs.bit_count() < most)

    def answered(self, permit: Permit, now: float) -> None:
        """
        An attempt was refused by a living upstream: neutral, but good enough for a probe.
        """
        if permit.probe is not None:
            self._settle(circuit.probe_succeeded(permit.probe), permit, now)

    def released(self, permit: Permit, now: float) -> None:
        """
        An attempt ended without a lesson (cancelled, cut short): a probe frees its place.
        """
        if permit.probe is not None:
            self._settle(circuit.probe_released(permit.probe), permit, now)

    def call_failed(self, permit: Permit, now: float, *, here: bool = False) -> None:
        """
        A whole call failed, not counting those stopped by budget, queue or deadline.
        """
        if permit is self._permit and self.state is State.CLOSED:
            self._calls_failed += 1
            self._calls_failed_here += here
            most = self.policy.circuit_breaker_failure_threshold
            if self._calls_failed >= most:
                self._open(now, apart=self._calls_failed - self._calls_failed_here < most)

    # ------------------------------------------------------------- transitions

    def adopt(self, condition: Condition, now: float) -> bool:
        """
        Take over what all processes agree on; return whether that changed anything.

        Whoever has lost its own network stays open when the others are closed.
        """
        self._agreed = condition.generation
        if self.apart and condition.state is State.CLOSED:
            return False
        self.apart = False
        before = self.condition
        self._set(circuit.sane(condition, self.policy, now))
        return before != self.condition

    def _open(self, now: float, *, apart: bool) -> None:
        self.apart = apart
        self._take(circuit.opening(self.condition.generation), now)

    def _settle(self, step: Step, permit: Permit, now: float) -> None:
        if permit.epoch == self._permit.epoch:
            self._take(step, now)

    def _take(self, step: Step, now: float) -> None:
        before = self.condition
        shared = None if self.apart else step
        after = step(before, self.policy, now)
        if after is before:
            return
        if self.apart and after.state is State.CLOSED:
            self.apart = False
            after = attrs.evolve(after, generation=self._agreed)
        self._set(after)
        self._on_step(before.state, shared)

    def _set(self, condition: Condition) -> None:
        changed = condition.generation != self.condition.generation
        self.condition, self.state = condition, condition.state
        if changed:
            self._permit = Permit(self._permit.epoch + 1)
            self._forget()


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

    def hopeless(self, request: Request) -> bool:
        """
        Return whether others have succeeded since *request* failed for the first time.
        """
        known = self._failing.get(request.fingerprint())
        return known is not None and self._successes > known.successes

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
