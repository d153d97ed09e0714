"""
One call while it runs: its limits, what happened so far, and what its provider may use.
"""

from __future__ import annotations

import asyncio
import math
import threading
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import ref

import attrs

from seedcore.contract.retry import Delays
from seedcore.errors import ProviderError, SeedcoreError
from seedcore.model import (
    AttemptReport,
    CallReport,
    Operation,
    Outcome,
    Pending,
    Request,
    Seed,
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

Found = TypeVar("Found")
NAMESPACE = uuid.UUID("7ee3f0a5-7f1c-4f4b-9b0e-3f6f1d5b9c11")
"""Turns a call_id into an idempotency key that is the same in every process."""


opened: ContextVar[list[ref[aiohttp.ClientResponse]] | None] = ContextVar("opened", default=None)
"""The HTTP responses of the attempt that runs here, closed when it ends."""


@attrs.frozen(kw_only=True)
class Interval:
    """
    The seconds between two looks: the first, the factor by which they grow, the longest.
    """

    first: float = attrs.field(validator=attrs.validators.gt(0))
    growth: float = attrs.field(validator=attrs.validators.ge(1))
    longest: float = attrs.field(validator=attrs.validators.gt(0))

    def after(self, looks: int) -> float:
        """
        Return the seconds to wait after the look with that number, from 1.
        """
        longest = max(self.first, self.longest)
        grown = (looks - 1) * math.log(self.growth)  # as a power it could overflow
        most = math.log(longest / self.first)
        return longest if grown > most else self.first * math.exp(grown)


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
    ``profile`` what calls made by this one run under, ``dry`` whether nobody is to be asked,
    ``preset`` the one that was named, or why there is none,
    ``permit`` and ``limit`` are those of the attempt under way, ``turn`` when the provider's rate
    lets it go, ``submitted`` whether the attempt has begun to poll, ``hidden`` what the provider
    asked to take out of every output,
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
        "dry",
        "duplicate",
        "given",
        "hidden",
        "in_doubt",
        "lane",
        "limit",
        "nested",
        "once",
        "operation",
        "permit",
        "policy",
        "preset",
        "profile",
        "refused",
        "report",
        "request",
        "started",
        "submitted",
        "surface",
        "task",
        "turn",
        "verdict",
        "waited",
        "worker",
    )

    request: Request
    limit: Limit

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
        self.submitted = self.dry = False
        self.preset: Preset | ProviderError | None = None
        self.permit: Permit | None = None
        self.turn: float | None = None
        self.hidden: tuple[str, ...] = ()
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
            **({"extra": {"dry": True}} if self.dry else {}),
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


class Calls(Protocol):
    """
    What a call needs of the runner that makes it.
    """

    async def nested(
        self, parent: Call, provider: str, operation: str, call_id: str, arguments: dict[str, Any]
    ) -> Any:
        """
        Make a call within *parent*.
        """

    async def poll(
        self,
        call: Call,
        look: Callable[[], Awaitable[Any]],
        interval: Interval,
        deadline: float | None,
    ) -> Any:
        """
        Ask again until *look* finds something.
        """


class Context(StartContext):
    """
    What a provider may use during a call.
    """

    __slots__ = ("_call", "_calls", "_children")

    def __init__(self, call: Call, calls: Calls) -> None:
        self._lane = call.lane
        self._call = call
        self._calls = calls
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
        return self._calls.nested(self._call, provider, operation, call_id, arguments)

    async def poll(
        self,
        look: Callable[[], Awaitable[Found | Pending]],
        *,
        interval: float = 2.0,
        growth: float = 1.0,
        longest: float = 30.0,
        deadline: float | None = None,
    ) -> Found:
        """
        Ask again until *look* returns something else than Pending, and return that.

        The first look is at once, the next ones *interval* seconds later, which grow by the factor
        *growth* up to *longest*. *deadline* are the seconds that all of it may take, at most
        those of the call. From here on nothing that fails repeats what was sent before: each
        look is a ``read`` with attempts of its own, and one that fails for good ends the call,
        as a ProviderTimeoutError does when the time is up. The attempt gives its slot back.
        """
        pace = Interval(first=interval, growth=growth, longest=longest)
        found: Found = await self._calls.poll(self._call, look, pace, deadline)
        return found

    def hide(self, value: str) -> None:
        """
        Take *value*, a key that this call was given or has made, out of every row, event and error.
        """
        self._call.hidden = (*self._call.hidden, value)
