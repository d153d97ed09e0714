"""
Following a route: which providers a call may go to, and when it goes on to the next one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from seedcore.errors import (
    DrainingError,
    PartialFailureError,
    PluginError,
    ProviderError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    SettingsError,
    UnknownOperationError,
)
from seedcore.policy import Effect

if TYPE_CHECKING:
    from seedcore.call import Call
    from seedcore.once import Running
    from seedcore.settings.routes import Route

Answer = TypeVar("Answer", covariant=True)  # noqa: PLC0105 - of a protocol

OUTAGES = (
    ProviderUnavailableError,
    ProviderTimeoutError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
)
"""What another provider may make up for; a request that is refused stays refused."""
LEAST_TIME = 0.05
"""Seconds of a deadline with which nobody else is asked."""


class Way:
    """
    How one call came where it is: *asked* by which name, and past whom.

    ``routed`` says that a route leads from there, and ``fingerprint`` what was asked, of a call
    whose id its caller gave.
    """

    __slots__ = (
        "asked",
        "duplicate",
        "ends",
        "failed",
        "fingerprint",
        "last",
        "once",
        "routed",
        "target",
    )

    def __init__(self, asked: str, *, routed: bool, fingerprint: str = "") -> None:
        self.asked = self.target = asked
        self.routed = routed
        self.fingerprint = fingerprint
        self.failed: list[tuple[str, str]] = []
        """The providers that were out, and with what type of error."""
        self.duplicate = False
        """Whether one of them may have done it all the same."""
        self.ends: float | None = None
        """When the time of the whole way is over, by the monotonic clock."""
        self.last: Call | None = None
        """The call of the provider that was asked last."""
        self.once: Running | None = None
        """The claim of the call's id, between two providers."""

    @property
    def route(self) -> str | None:
        """
        The name that was asked for, if a route leads from there.
        """
        return self.asked if self.routed else None

    def begins(self, target: str, call: Call, *, more: bool) -> None:
        """
        Note that *call* asks *target*; half of the time is left for others if there are *more*.
        """
        if self.last is not None and not call.given:
            call.call_id = self.last.call_id
        call.way, self.last, self.target = self, call, target
        call.duplicate = self.duplicate
        if self.ends is None:
            self.ends = call.deadline
        if more:
            call.deadline -= (call.deadline - call.started) / 2

    def ended(self, target: str, error: Exception) -> None:
        """
        Note that *target* was out.
        """
        self.failed.append((target, type(error).__name__))
        self.duplicate = self.duplicate or (self.last is not None and self.last.duplicate)

    def to_json(self) -> dict[str, Any]:
        """
        Return it as plain data for the report of the call.
        """
        failed = [{"provider": provider, "error": name} for provider, name in self.failed]
        return {"asked": self.asked, "failed": failed}


class BegunElsewhere(Exception):  # noqa: N818 - it never leaves the core
    """
    Another provider has begun the call with this id, and was cut off: it should end it.
    """

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self.provider = provider


class Ask(Protocol[Answer]):
    """
    Calls a provider, within seconds if they are given; *more* says that others may be asked.
    """

    def __call__(self, target: str, left: float | None, /, *, more: bool) -> Awaitable[Answer]:
        """
        Return its answer.
        """


def targets_of(name: str, route: Route | None, point: float) -> list[str]:
    """
    Return who is to be asked, in turn: whose share *point* is in, then the fallbacks.
    """
    if route is None:
        return [name]
    first = route.chosen(point) or name
    return [first, *(each for each in route.fallback if each != first)]


async def follow(
    way: Way,
    targets: Sequence[str],
    ask: Ask[Answer],
    *,
    now: Callable[[], float],
    deadline: float | None,
) -> Answer:
    """
    Return the answer of the first of *targets* that isn't out; raise the error of the first.

    *deadline* are the seconds of the whole way. Who has begun a call with its id also ends it,
    whatever the route has become since.
    """
    waiting = deque(targets)
    first: Exception | None = None
    if deadline is not None:
        way.ends = now() + deadline
    try:
        while waiting:
            target = waiting.popleft()
            left = None if way.ends is None else max(LEAST_TIME, way.ends - now())
            if first is not None and left == LEAST_TIME:
                break
            try:
                return await ask(target, left, more=bool(waiting))
            except BegunElsewhere as other:
                waiting = deque([other.provider, *(t for t in targets if t != other.provider)])
            except (ProviderError, PluginError) as error:
                if not _goes_on(error, way, is_first=first is None):
                    raise
                first = first or _told(way, target, error)
                way.ended(target, error)
        assert first is not None
        raise first
    finally:
        del first  # it has this frame in its traceback
        await _let_go(way)


async def _let_go(way: Way) -> None:
    """
    Free the id of a call that nobody has served.
    """
    running, way.once = way.once, None
    if running is None:
        return
    task = asyncio.current_task()
    try:
        if task is None or not task.cancelling():
            await running.failed()
    finally:
        running.end()


def _told(way: Way, target: str, error: Exception) -> Exception:
    if not isinstance(error, PluginError) or target == way.asked:
        return error
    msg = (
        f"The route of {way.asked!r} leads to {target!r}, which can't be used here. "
        f"{str(error).rstrip('.')}. See 'seedcore route show {way.asked}'."
    )
    told = SettingsError(msg)
    told.__cause__ = error
    return told


def _goes_on(error: Exception, way: Way, *, is_first: bool) -> bool:
    """
    Whether the next provider may be asked: what was asked is not done, and could be.
    """
    if isinstance(error, PluginError):  # nobody was asked
        return not (is_first and isinstance(error, UnknownOperationError))
    assert isinstance(error, ProviderError)
    if isinstance(error, (PartialFailureError, DrainingError)) or error.in_doubt:
        return False
    if isinstance(error, ProviderTimeoutError) and not error.attempts:
        return False  # it waited for another call with its id, or its time was up before
    call = way.last
    if call is not None and call.maybe_done and call.operation.effect in _NOT_TWICE:
        return False
    # What a fallback refuses says nothing about what was asked of the first.
    return isinstance(error, OUTAGES) or not is_first


_NOT_TWICE = frozenset({Effect.KEYED, Effect.IDEMPOTENT})
"""Effects that hold at one provider: at another one it would be done again."""


def point_of(call_id: str) -> float:
    """
    Return a number from 0 up to 1 that is the same for *call_id* in every process.
    """
    digest = hashlib.blake2b(call_id.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
