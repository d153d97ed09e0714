"""
What has happened so far in a demo.
"""

from __future__ import annotations

import math

import attrs

from seedcore.contract.deadline import Clock
from seedcore.demo.course import Course
from seedcore.errors import ProviderError
from seedcore.events import Event
from seedcore.model import Seed


@attrs.frozen(kw_only=True)
class Ended:
    """
    One call that is over; times are seconds since the first began.
    """

    call_id: str
    began: float
    ended: float
    attempts: int
    failed: str | None = None
    """What stopped a call that failed, in the contract's words: ``attempts``, ``patience`` ..."""


@attrs.frozen(kw_only=True)
class Change:
    """
    A circuit that changed.
    """

    at: float
    old: str
    new: str


@attrs.frozen(kw_only=True)
class Happening:
    """
    One line about something that happened; a *minor* one is of interest for a moment only.
    """

    at: float
    text: str
    minor: bool
    times: int = 1

    def __str__(self) -> str:
        again = f" (x {self.times})" if self.times > 1 else ""
        return f"{self.at:6.1f} s  {self.text}{again}"


class Progress:
    """
    What has happened so far; a sink that receives the runner's events, too.
    """

    def __init__(self, course: Course, clock: Clock) -> None:
        self.course = course
        self.began = 0
        self.served = 0
        self.failed = 0
        self.attempts = 0
        self.ended: list[Ended] = []
        self.circuit: list[Change] = []
        self.happenings: list[Happening] = []
        self.left_at: float | None = None
        self.back_at: float | None = None
        self.interrupted = False
        self._clock = clock
        self._start = clock.monotonic()

    @property
    def now(self) -> float:
        """
        Seconds since the first call began.
        """
        return self._clock.monotonic() - self._start

    @property
    def waiting(self) -> int:
        """
        Calls that have begun and are not over.
        """
        return self.began - len(self.ended)

    @property
    def circuit_state(self) -> str:
        """
        What the circuit is now: ``closed``, ``open`` or ``half_open``.
        """
        return self.circuit[-1].new if self.circuit else "closed"

    @property
    def site_is_down(self) -> bool:
        """
        Whether the site is gone right now.
        """
        return self.left_at is not None and self.back_at is None

    @property
    def returns_at(self) -> float:
        """
        When the outage is to be over: it has its length, however late it began.
        """
        began = self.course.leaves_at if self.left_at is None else self.left_at
        return began + self.course.outage

    def begin(self) -> None:
        """
        Let time count from now.
        """
        self._start = self._clock.monotonic()

    def in_outage(self, call: Ended) -> bool:
        """
        Whether the site was gone for some of the time of *call*.
        """
        if self.left_at is None:
            return False
        back_at = math.inf if self.back_at is None else self.back_at
        return call.began < back_at and call.ended > self.left_at

    def site_left(self) -> None:
        """
        Note that the outage begins.
        """
        self.left_at = self.now
        self.happened(f"the site is gone for {self.course.outage:g} s")

    def site_returned(self) -> None:
        """
        Note that the outage is over.
        """
        self.back_at = self.now
        self.happened("the site is back")

    def call_ended(self, began: float, outcome: Seed | ProviderError) -> None:
        """
        Note how a call ended.
        """
        failed = None
        if isinstance(outcome, Seed):
            self.served += 1
            call_id, attempts = outcome.meta.call_id, outcome.meta.attempts
        else:
            self.failed += 1
            failed = outcome.stopped_by or "permanent"
            call_id, attempts = str(outcome.call_id), outcome.attempts
        self.ended.append(
            Ended(call_id=call_id, began=began, ended=self.now, attempts=attempts, failed=failed)
        )

    def happened(self, text: str, *, minor: bool = False) -> None:
        """
        Keep a line for people; a minor one that is said again is counted.
        """
        times = 1
        if minor and self.happenings and self.happenings[-1].text == text:
            times += self.happenings.pop().times
        self.happenings.append(Happening(at=self.now, text=text, minor=minor, times=times))

    def __call__(self, event: Event) -> None:
        """
        Learn from an event of the runner.
        """
        if event.event == "attempt":
            self.attempts += 1
        if event.event == "breaker":
            old, new = str(event.extra["old"]), str(event.extra["new"])
            self.circuit.append(Change(at=self.now, old=old, new=new))
        sentence = _sentence(event)
        if sentence:
            self.happened(sentence, minor=event.event in ("attempt", "call"))


def _sentence(event: Event) -> str | None:
    if event.event == "breaker":
        return f"circuit {event.extra['old']} -> {event.extra['new']}"
    if event.event == "gate" and event.extra["state"] == "closed":
        return f"the site asks for a pause of {event.extra['pause_s']:.1f} s, and gets it"
    if event.event == "attempt" and event.outcome == "retry":
        why = f"status {event.status_code}" if event.status_code else "connection lost"
        return f"attempt {event.attempt} failed ({why}), next in {event.retry_in_s:.1f} s"
    if event.event == "call" and event.outcome == "failure":
        attempts = f"failed after {event.attempt} attempt{'' if event.attempt == 1 else 's'}"
        return f"a call {attempts if event.attempt else 'was refused'} ({event.error_type})"
    return None
