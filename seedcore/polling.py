"""
Asking again until an upstream is done, without repeating what was sent to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from seedcore.attempt import attempts, submit
from seedcore.call import Call, Calls, Interval
from seedcore.contract.deadline import left
from seedcore.errors import ProviderError, ProviderTimeoutError, clean_text
from seedcore.model import Operation, Pending
from seedcore.policy import Effect

LAST_LOOK = 2.0
"""Seconds before the deadline that the last look has."""
AFTER_DEADLINE = 1.0
"""Seconds that the limit around all looks is longer: those of the looks come first."""
LONGEST_STATUS = 100
"""Characters of a status that an event has."""

Look = Callable[[], Awaitable[Any]]


async def poll(
    call: Call, look: Look, interval: Interval, deadline: float | None, calls: Calls
) -> Any:
    """
    Return what *look* finds, as ``context.poll`` does.

    Raises the error of a look that failed for good, and ProviderTimeoutError; both say that
    the call is not to be repeated.
    """
    runtime = call.lane.runtime
    if not call.limit.running:
        await asyncio.sleep(0)  # the time was up just now: its cancellation comes here
    submit(call)
    began = runtime.clock.monotonic()
    until = call.deadline if deadline is None else min(call.deadline, began + deadline)
    call.limit.end()
    seconds = max(0.0, call.deadline - began) + AFTER_DEADLINE
    call.limit = runtime.limits.start(seconds, call.task, shared=False)
    try:
        return await _found(call, look, interval, until, calls)
    except ProviderError as error:
        # With an id of a call it is final, like that of another provider that was called.
        if call.operation.effect is Effect.UNSAFE:
            call.in_doubt = True
        raise error.filled(call_id=call.call_id, operation=call.operation.name) from error.__cause__
    finally:
        if not call.limit.fired:
            call.limit.end()
            rest = min(call.policy.attempt_timeout, call.deadline - runtime.clock.monotonic())
            call.limit = runtime.limits.start(max(0.0, rest), call.task, shared=False)


async def _found(call: Call, look: Look, interval: Interval, until: float, calls: Calls) -> Any:
    operation = attrs.evolve(
        call.operation,
        name=call.lane.poll_of(call.operation.name),
        effect=Effect.READ,
        audited=False,
        sync=False,
        function=lambda *_: look(),
    )
    clock = call.lane.runtime.clock
    began, looks, seen = clock.monotonic(), 0, Pending("")
    while True:
        found = await _look(call, operation, until, calls)
        looks += 1
        if not isinstance(found, Pending):
            return found
        if found != seen:
            seen = found
            _tell(call, found, looks)
        pause = min(interval.after(looks), left(until, clock.monotonic()) - LAST_LOOK)
        if pause <= 0:
            waited = clock.monotonic() - began
            text = f"it was still not done after {waited:.0f} s; it last said {seen.status!r}"
            raise ProviderTimeoutError(text, stopped_by="deadline")
        slept = clock.monotonic()
        await call.lane.runtime.waits.sleep(pause)
        call.spent("poll", clock.monotonic() - slept)


async def _look(call: Call, operation: Operation, until: float, calls: Calls) -> Any:
    now = call.lane.runtime.clock.monotonic()
    # What was made would be lost, so that a look waits as long as its deadline lets it.
    policy = call.policy.patient
    looking = Call(call.lane, operation, call.surface, call.call_id, policy, now, until)
    looking.nested, looking.profile = True, call.profile
    looking.request = call.request
    try:
        return await attempts(looking, calls)
    except ProviderError as error:
        if looking.permit is not None:
            call.lane.call_failed(looking, looking.permit, error.stopped_by)
        raise


def _tell(call: Call, found: Pending, looks: int) -> None:
    status = clean_text(call.lane.redactor_for(call).text(found.status), LONGEST_STATUS)
    extra: dict[str, Any] = {"status": status, "looks": looks}
    if found.progress is not None:
        extra["progress"] = round(found.progress, 3)
    call.lane.emit("INFO", "poll", call=call, attempt=call.attempts, extra=extra)
