"""
One call while it runs: its limits, what happened so far, and what its provider may use.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ref

from seedcore.contract.retry import Delays
from seedcore.errors import ProviderError, SeedcoreError
from seedcore.model import AttemptReport, CallReport, Operation, Outcome, Request, Seed
from seedcore.policy import Policy, Profile

if TYPE_CHECKING:
    import aiohttp

    from seedcore.contract.classify import Verdict
    from seedcore.contract.threads import Worker
    from seedcore.events import Level
    from seedcore.lane import Circuit, Lane
    from seedcore.once import Running

NAMESPACE = uuid.UUID("7ee3f0a5-7f1c-4f4b-9b0e-3f6f1d5b9c11")
"""Turns a call_id into an idempotency key that is the same in every process."""


opened: ContextVar[list[ref[aiohttp.ClientResponse]] | None] = ContextVar("opened", default=None)
"""The HTTP responses of the attempt that runs here, closed when it ends."""


class ClosingResponses:
    """
    A context manager that closes every response opened within, on whatever path it ends.
    """

    __slots__ = ("_outer", "_responses")

    def __enter__(self) -> None:
        self._outer = opened.get()
        # Weak, so that a body that nobody holds any more takes no memory.
        self._responses: list[ref[aiohttp.ClientResponse]] = []
        opened.set(self._responses)

    def __exit__(self, *_: object) -> None:
        opened.set(self._outer)
        for one in self._responses:
            response = one()
            if response is not None:
                response.close()


class Call:
    """
    The runner's own record of one call; times are seconds of the monotonic clock.

    ``counted`` are the attempts that use up the limit (a 429 does not), ``waited`` the
    seconds of its patience that are spent, ``verdict`` what the last attempt failed with and
    ``cause`` what it raised, ``cancelling`` the cancellations its task had when it began,
    ``profile`` what calls made by this one run under,
    ``given`` whether the caller chose the call_id, ``once`` what makes sure that such a call is
    made once, ``nested`` whether another call made it.
    """

    __slots__ = (
        "attempts",
        "call_id",
        "cancelling",
        "cause",
        "circuit",
        "counted",
        "deadline",
        "delays",
        "duplicate",
        "given",
        "in_doubt",
        "lane",
        "nested",
        "once",
        "operation",
        "policy",
        "profile",
        "refused",
        "report",
        "request",
        "started",
        "surface",
        "task",
        "verdict",
        "waited",
        "worker",
    )

    request: Request

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
        self.given = self.nested = self.in_doubt = self.duplicate = self.refused = False
        self.attempts = self.counted = 0
        self.waited = 0.0
        self.cause: Exception | None = None
        self.verdict: Verdict | None = None
        self.delays: Delays | None = None
        self.worker: Worker | None = None
        self.once: Running | None = None
        self.report: CallReport | None = None

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
        )


class StartContext:
    """
    What a provider may use at any time: its session and its settings.
    """

    __slots__ = ("_lane",)

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    @property
    def http(self) -> aiohttp.ClientSession:
        """
        The provider's HTTP session: base URL, pool and limits are the core's; ``async`` only.
        """
        if threading.get_ident() != self._lane.runtime.thread:
            msg = "context.http is for 'async def' providers; make this function async"
            raise RuntimeError(msg)
        return self._lane.session

    @property
    def settings(self) -> Any:
        """
        An instance of the provider's declared settings class.
        """
        return self._lane.settings.own


class Context(StartContext):
    """
    What a provider may use during a call.
    """

    __slots__ = ("_call", "_children", "_run")

    def __init__(self, call: Call, run: Callable[..., Awaitable[Any]]) -> None:
        self._lane = call.lane
        self._call = call
        self._run = run
        self._children = 0

    @property
    def state(self) -> Any:
        """
        What the provider's ``start`` returned.
        """
        return self._call.lane.state

    @property
    def call_id(self) -> str:
        """
        The id of this call, the same on every attempt.
        """
        return self._call.call_id

    @property
    def idempotency_key(self) -> str:
        """
        A UUID that is the same on all attempts of this call, for upstreams that take one.
        """
        return str(uuid.uuid5(NAMESPACE, self.call_id))

    @property
    def surface(self) -> str:
        """
        Where the call came from.
        """
        return self._call.surface

    def remaining(self) -> float:
        """
        Return the seconds until the call's deadline.
        """
        return max(0.0, self._call.deadline - self._call.lane.runtime.clock.monotonic())

    async def generate(self, provider: str, **arguments: Any) -> Seed:
        """
        Roll a seed of another provider, within this call's deadline and audit row.
        """
        seed: Seed = await self._nested(provider, "generate", arguments)
        return seed

    async def call(self, provider: str, operation: str, /, **arguments: Any) -> Any:
        """
        Call an operation of another provider, within this call's deadline and audit row.
        """
        return await self._nested(provider, operation, arguments)

    def _nested(self, provider: str, operation: str, arguments: dict[str, Any]) -> Awaitable[Any]:
        # Counted within the attempt, so that a repetition has the same ids and keys.
        self._children += 1
        call_id = f"{self.call_id}/{self._children}"
        return self._run(self._call, provider, operation, call_id, arguments)
