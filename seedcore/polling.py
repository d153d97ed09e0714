"""
Asking again until an upstream is done, without repeating what was sent to it.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from seedcore.attempt import attempts, submit
from seedcore.call import Call, unlimited
from seedcore.context import Calls
from seedcore.contract.deadline import left
from seedcore.errors import ProviderError, ProviderTimeoutError, clean_text
from seedcore.lane import POLL
from seedcore.model import Operation, Pending
from seedcore.policy import Effect

LAST_LOOK = 2.0
"""Seconds before the deadline that the last look has; of a short deadline a tenth."""
LONGEST_STATUS = 100
"""Characters of a status that an event or an error has."""

Look = Callable[[], Awaitable[Any]]


@attrs.frozen(kw_only=True)
class Interval:
    """
    The seconds between two looks: the first, the factor by which they grow, the longest.
    """

    interval: float = attrs.field(validator=attrs.validators.gt(0))
    growth: float = attrs.field(validator=attrs.validators.ge(1))
    longest: float = attrs.field(validator=attrs.validators.gt(0))

    def after(self, looks: int) -> float:
        """
        Return the seconds to wait after the look with that number, from 1.
        """
        longest = max(self.interval, self.longest)
        grown = (looks - 1) * math.log(self.growth)  # as a power it could overflow
        most = math.log(longest / self.interval)
        return longest if grown > most else self.interval * math.exp(grown)


class Poll:
    """
    One poll of one call.
    """

    def __init__(self, call: Call, look: Look, calls: Calls, deadline: float | None) -> None:
        self._call = call
        self._calls = calls
        self._now = call.lane.runtime.clock.monotonic
        self._began = self._now()
        self._until = call.deadline if deadline is None else self._began + deadline
        self._until = min(self._until, call.deadline)
        self._last = min(LAST_LOOK, (self._until - self._began) / 10)
        self._seen = Pending("")
        self._looks = 0
        self._operation: Operation = attrs.evolve(
            call.operation,
            name=f"{call.operation.name}{POLL}",
            effect=Effect.READ,
            audited=False,
            rolls=False,
            sync=False,
            function=lambda *_: look(),
        )

    async def run(self, interval: Interval) -> Any:
        """
        Return what the look finds; raise the error that ends the call.
        """
        call = self._call
        outer: Call | None = call
        while outer is not None:  # who waits for this call holds no slot either
            submit(outer)
            outer = outer.parent
        try:
            with unlimited(call):
                return await self._found(interval)
        except ProviderError as error:
            # With an id of a call it is final, like that of another provider that was called.
            if call.operation.effect is Effect.UNSAFE:
                call.in_doubt = True
            facts = {"call_id": call.call_id, "operation": call.operation.name}
            raise error.filled(**facts) from error.__cause__

    async def _found(self, interval: Interval) -> Any:
        call = self._call
        while True:
            found = await self._look()
            self._looks += 1
            if not isinstance(found, Pending):
                return found
            if found != self._seen:
                self._seen = found
                self._tell()
            now = self._now()
            pause = min(interval.after(self._looks), left(self._until, now) - self._last)
            if pause <= 0:
                raise self._timeout()
            await call.lane.runtime.waits.sleep(pause)
            call.spent("poll", self._now() - now)

    async def _look(self) -> Any:
        call, lane = self._call, self._call.lane
        now = self._now()
        # What was made would be lost, so that a look waits as long as its deadline lets it.
        policy = call.policy.patient
        looking = Call(lane, self._operation, call.surface, call.call_id, policy, now, self._until)
        looking.nested = looking.is_look = True
        looking.parent, looking.request, looking.profile = call, call.request, call.profile
        lane.budget.call()
        try:
            return await attempts(looking, self._calls)
        except ProviderError as error:
            if looking.permit is not None:
                lane.call_failed(looking, looking.permit, error.stopped_by)
            if error.stopped_by == "deadline" or not left(looking.deadline, self._now()):
                raise self._timeout(error) from error
            raise
        finally:
            self._until = looking.deadline  # later by what it waited for others
            if looking.report is not None:
                for what, seconds in looking.report.waited.items():
                    call.spent(what, seconds)

    def _timeout(self, error: ProviderError | None = None) -> ProviderTimeoutError:
        waited = self._now() - self._began
        said = f"it last said '{self._status}'"
        if not self._looks:
            said = f"no look at it succeeded ({type(error).__name__})"
        text = f"it was still not done after {waited:.0f} s; {said}"
        return ProviderTimeoutError(text, stopped_by="deadline")

    def _tell(self) -> None:
        extra: dict[str, Any] = {"status": self._status, "looks": self._looks}
        if self._seen.progress is not None:
            extra["progress"] = round(self._seen.progress, 3)
        call = self._call
        call.lane.emit("INFO", "poll", call=call, attempt=call.attempts, extra=extra)

    @property
    def _status(self) -> str:
        text = self._call.lane.redactor_for(self._call).text(self._seen.status)
        return clean_text(text, LONGEST_STATUS)
