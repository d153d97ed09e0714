"""
Following a route: which providers a call may go to, and when it goes on to the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from seedcore.errors import (
    DrainingError,
    DuplicateCallError,
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
from seedcore.settings.routes import Route

if TYPE_CHECKING:
    from seedcore.call import Call

Answer = TypeVar("Answer")

OUTAGES = (
    ProviderUnavailableError,
    ProviderTimeoutError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
)
"""What another provider may make up for; a request that is refused stays refused."""
LEAST_TIME = 0.05
"""Seconds of a deadline with which nobody else is asked."""
ROUNDS = 100
"""How often a call looks again who has its id, before it gives up."""


class Way:
    """
    How one call came where it is: by which name, and past whom.
    """

    __slots__ = ("asked", "duplicate", "failed", "last")

    def __init__(self, asked: str) -> None:
        self.asked = asked
        self.failed: list[tuple[str, str]] = []
        """The providers that were out, and with what type of error."""
        self.duplicate = False
        """Whether one of them may have done it all the same."""
        self.last: Call | None = None
        """The call of the provider that is asked now."""

    def begins(self, call: Call) -> None:
        """
        Note that *call* asks the next provider.
        """
        call.way, self.last = self, call
        call.duplicate = self.duplicate

    def ended(self, provider: str, error: Exception) -> None:
        """
        Note that *provider* was out.
        """
        self.failed.append((provider, type(error).__name__))
        self.duplicate = self.duplicate or (self.last is not None and self.last.duplicate)

    def to_json(self) -> dict[str, Any]:
        """
        Return it as plain data for the report of the call.
        """
        failed = [{"provider": provider, "error": name} for provider, name in self.failed]
        return {"asked": self.asked, "failed": failed}


class Follower:
    """
    Takes one call by *name* along its *route*.

    *maker* returns who has begun the call whose id its caller gave, if that was one by this name.
    *now* is the monotonic clock.
    """

    def __init__(
        self,
        name: str,
        route: Route | None,
        *,
        maker: Callable[[], Awaitable[str | None]],
        now: Callable[[], float],
    ) -> None:
        self._name = name
        self._route = route
        self._maker = maker
        self._now = now

    async def follow(
        self,
        point: float,
        deadline: float | None,
        ask: Callable[[str, Way | None, float | None], Awaitable[Answer]],
    ) -> Answer:
        """
        Return the answer of the provider whose share *point* is in, or of a fallback.

        *ask* is given the provider, the way there and the seconds that are left of *deadline*.
        Who has begun a call with its id also ends it, whatever the route has become.
        """
        ends = None if deadline is None else self._now() + deadline
        way = Way(self._name)
        maker = None if self._route is None else await self._maker()
        for _ in range(ROUNDS):
            try:
                return await self._in_turn(self._targets(point, maker), way, ends, ask)
            except DuplicateCallError as error:
                # Somebody with the same id was sent to another provider, before or meanwhile.
                again = await self._maker()
                if again in (None, way.last.lane.name if way.last else self._name):
                    raise
                maker, duplicate = again, error
        raise duplicate

    def _targets(self, point: float, maker: str | None) -> tuple[str, ...]:
        """
        Return who is to be asked, in turn.
        """
        if self._route is None:
            return (maker or self._name,)
        first = maker or self._route.chosen(point) or self._name
        return (first, *(each for each in self._route.fallback if each != first))

    async def _in_turn(
        self,
        targets: tuple[str, ...],
        way: Way,
        ends: float | None,
        ask: Callable[[str, Way | None, float | None], Awaitable[Answer]],
    ) -> Answer:
        first: Exception | None = None
        for target in targets:
            left = None if ends is None else max(LEAST_TIME, ends - self._now())
            if first is not None and left == LEAST_TIME:
                break
            try:
                direct = self._route is None and target == self._name
                return await ask(target, None if direct else way, left)
            except (ProviderError, PluginError) as error:
                if not self._goes_on(error, is_first=first is None):
                    raise
                first = first or self._told(target, error)
                way.ended(target, error)
                if ends is None and way.last is not None:
                    ends = way.last.deadline
        assert first is not None
        raise first

    def _told(self, target: str, error: Exception) -> Exception:
        if not isinstance(error, PluginError) or target == self._name:
            return error
        msg = (
            f"The route of {self._name!r} leads to {target!r}, which can't be used here. {error} "
            f"See 'seedcore route show {self._name}'."
        )
        told = SettingsError(msg)
        told.__cause__ = error
        return told

    @staticmethod
    def _goes_on(error: Exception, *, is_first: bool) -> bool:
        """
        Whether the next provider may be asked: what was asked is not done, and could be.
        """
        if isinstance(error, PluginError):
            return not isinstance(error, UnknownOperationError)
        assert isinstance(error, ProviderError)
        if isinstance(error, (PartialFailureError, DrainingError)) or error.in_doubt:
            return False
        if isinstance(error, ProviderTimeoutError) and not error.attempts:
            return False  # it waited for another call with its id, or its time was up before
        # What a fallback refuses says nothing about what was asked of the first.
        return isinstance(error, OUTAGES) or not is_first


def point_of(call_id: str) -> float:
    """
    Return a number from 0 up to 1 that is the same for *call_id* in every process.
    """
    digest = hashlib.blake2b(call_id.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
