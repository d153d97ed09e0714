"""
One call while it runs: its limits, and what happened so far.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ref

from seedcore.contract.retry import Delays
from seedcore.errors import ProviderError, SeedcoreError
from seedcore.model import (
    NOTHING_GIVEN,
    AttemptReport,
    CallReport,
    Operation,
    Outcome,
    Request,
)
from seedcore.policy import Policy, Profile

if TYPE_CHECKING:
    import aiohttp

    from seedcore.contract.breaker import Permit
    from seedcore.contract.classify import Verdict
    from seedcore.contract.deadline import Limit
    from seedcore.contract.threads import Worker
    from seedcore.events import Level
    from seedcore.lane import Circuit, Lane
    from seedcore.once import Running
    from seedcore.presets import Preset
    from seedcore.routes.following import Way

LATER = 1.0
"""Seconds after its deadline at which a call is ended that waits for something with a limit."""


class ClosingResponses:
    """
    A context manager that closes every response opened within, on whatever path it ends.

    ``responses`` are those of the attempt that runs here, ``call`` is the call that makes it.
    """

    __slots__ = ("_outer", "call", "responses")

    def __init__(self, call: Call | None = None) -> None:
        self.call = call

    def __enter__(self) -> None:
        self._outer = running.get()
        # Weak, so that a body that nobody holds any more takes no memory.
        self.responses: list[ref[aiohttp.ClientResponse]] = []
        running.set(self)

    def __exit__(self, *_: object) -> None:
        running.set(self._outer)
        for one in self.responses:
            response = one()
            if response is not None:
                response.close()


running: ContextVar[ClosingResponses | None] = ContextVar("running", default=None)
"""What closes the HTTP responses of the attempt that runs here."""


class Call:
    """
    The runner's own record of one call; times are seconds of the monotonic clock.

    ``counted`` are the attempts that use up the limit (a 429 does not), ``waited`` the
    seconds of its patience that are spent, ``verdict`` what the last attempt failed with and
    ``cause`` what it raised, ``cancelling`` the cancellations its task had when it began,
    ``profile`` what calls made by this one run under, ``dry`` whether nobody is to be asked,
    ``preset`` the one that was named, or why there is none,
    ``permit`` and ``limit`` are those of the attempt under way, ``seconds`` is how long the
    limit is and ``cut_short`` whether by the deadline, ``trying`` whether the attempt hasn't ended,
    ``pauses`` counts who has taken its limit off, ``submitted`` says that it has given its slot
    back, ``turn`` when the provider's rate lets it go, ``hidden`` what the provider asked to take
    out of every output, ``logs`` are those of a spoiler race, due at ``reveal_at``,
    ``maybe_done`` says that an attempt that failed may have been processed all the same,
    ``parent`` is the call that made this one in its attempt ``of_attempt``, ``is_look`` whether it
    is one of a poll, ``row_id`` the id in the row if that is another one, ``way`` how a route led
    here, ``given`` whether the caller chose the call_id, ``once`` what makes sure that such a call
    is made once, ``nested`` whether another call made it.
    """

    __slots__ = (
        "attempts",
        "call_id",
        "cancelling",
        "cause",
        "circuit",
        "counted",
        "cut_short",
        "deadline",
        "delays",
        "dry",
        "duplicate",
        "given",
        "hidden",
        "in_doubt",
        "is_look",
        "lane",
        "limit",
        "logs",
        "maybe_done",
        "nested",
        "of_attempt",
        "once",
        "operation",
        "parent",
        "pauses",
        "permit",
        "policy",
        "preset",
        "profile",
        "refused",
        "report",
        "request",
        "reveal_at",
        "row_id",
        "seconds",
        "started",
        "submitted",
        "surface",
        "task",
        "trying",
        "turn",
        "verdict",
        "waited",
        "way",
        "worker",
    )

    request: Request
    limit: Limit
    logs: Mapping[str, Any]
    seconds: float
    cut_short: bool
    hidden: tuple[str, ...]
    cause: Exception | None
    verdict: Verdict | None
    delays: Delays | None
    worker: Worker | None
    once: Running | None
    report: CallReport | None
    parent: Call | None
    row_id: str | None
    reveal_at: float | None
    preset: Preset | ProviderError | None
    permit: Permit | None
    turn: float | None
    way: Way | None

    def __init__(  # noqa: PLR0917 - made once per call, where keywords would cost
        self,
        lane: Lane,
        operation: Operation,
        surface: str,
        call_id: str,
        policy: Policy,
        started: float,
        deadline: float,
    ) -> None:
        self.lane = lane
        self.operation = operation
        self.circuit: Circuit = lane.circuit(operation.name)
        self.surface = surface
        self.call_id = call_id
        self.policy = policy
        self.started = started
        self.deadline = deadline
        runtime = lane.runtime
        task = asyncio.current_task(runtime.loop)
        if task is None or threading.get_ident() != runtime.thread:
            msg = "This runner was opened in another event loop; open one in each loop."
            raise SeedcoreError(msg)
        self.task = task
        self.profile: Profile = "interactive"
        self.cancelling = task.cancelling()
        # In chains, since every call does this.
        self.given = self.nested = self.in_doubt = self.duplicate = self.refused = False
        self.submitted = self.trying = self.is_look = self.dry = self.maybe_done = False
        self.attempts = self.counted = self.pauses = self.of_attempt = 0
        self.waited = 0.0
        self.hidden = ()
        self.logs = NOTHING_GIVEN
        self.cause = self.verdict = self.delays = self.worker = self.once = self.report = None
        self.parent = self.row_id = self.preset = self.permit = self.turn = self.way = None
        self.reveal_at = None

    def spent(self, what: str, seconds: float) -> None:
        """
        Note in the report that the call waited for *what*.
        """
        report = self._report()
        report.waited[what] = report.waited.get(what, 0.0) + seconds

    def attempted(self, attempt: AttemptReport) -> None:
        """
        Note an attempt in the report.
        """
        self._report().attempts.append(attempt)

    @property
    def turn_deadline(self) -> float:
        """
        Until when the call may wait for others that are before it.

        A poll's own deadline is about the site being slow, so that for a look it is the outer one.
        """
        return self.parent.deadline if self.is_look and self.parent else self.deadline

    def take_limit_off(self) -> None:
        """
        Let the attempt wait for something that has a limit of its own, or a turn.

        Only a shutdown and, a little later than what it waits for, the deadline end it meanwhile.
        """
        self.pauses += 1
        if self.pauses > 1 or self.limit.fired:
            return
        self.limit.end()
        rest = self.deadline - self.lane.runtime.clock.monotonic()
        self.seconds, self.cut_short = max(0.0, rest), True
        self.limit = self._limited_to(self.seconds + LATER)

    def put_limit_back(self, number: int) -> None:
        """
        Give what is left of attempt *number* the time of a whole one.
        """
        if self.attempts != number or not self.trying:
            return  # it has ended meanwhile
        self.pauses -= 1
        if self.pauses or self.limit.fired:
            return
        self.limit.end()
        rest = self.deadline - self.lane.runtime.clock.monotonic()
        self.cut_short = rest < self.policy.attempt_timeout
        self.seconds = max(0.0, min(self.policy.attempt_timeout, rest))
        self.limit = self._limited_to(self.seconds)

    def _limited_to(self, seconds: float) -> Limit:
        return self.lane.runtime.limits.start(seconds, self.task, shared=False)

    def _report(self) -> CallReport:
        if self.report is None:
            self.report = CallReport()
        return self.report

    def emit_attempt(self, level: Level, outcome: Outcome, **fields: Any) -> None:
        """
        Send the event of the last attempt, and note its outcome in the report.
        """
        attempt = self._report().attempts[-1]
        attempt.outcome = outcome
        if not self.lane.runtime.events.wants(level):
            return
        self.lane.emit(
            level,
            "attempt",
            call=self,
            outcome=outcome,
            attempt=self.attempts,
            max_attempts=self.policy.attempts_allowed,
            duration_ms=round(attempt.duration * 1e3, 3),
            error_type=attempt.error_type,
            status_code=attempt.status_code,
            **fields,
        )

    def emit_outcome(
        self, level: Level, outcome: Outcome, latency_ms: float, error: ProviderError | None = None
    ) -> None:
        """
        Send the event of the whole call.
        """
        if not self.lane.runtime.events.wants(level):
            return
        self.lane.emit(
            level,
            "call",
            call=self,
            outcome=outcome,
            attempt=self.attempts,
            max_attempts=self.policy.attempts_allowed,
            duration_ms=round(latency_ms, 3),
            error_type=type(error).__name__ if error else None,
            status_code=error.status_code if error else None,
            **({"extra": {"dry": True}} if self.dry else {}),
        )


@contextmanager
def unlimited(call: Call | None) -> Iterator[None]:
    """
    Take the limits off the attempts of *call* and of those it is made for, while they wait.
    """
    waiting: list[tuple[Call, int]] = []
    while call is not None:
        if call.trying:
            waiting.append((call, call.attempts))
            call.take_limit_off()
        call = call.parent
    try:
        yield
    finally:
        for each, number in waiting:
            each.put_limit_back(number)
