"""
One attempt: the provider runs under its limit, and what comes out is judged.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import Any

from seedcore.admission import admit, try_admit
from seedcore.call import Call, ClosingResponses
from seedcore.context import Calls, Context
from seedcore.contract.breaker import Permit
from seedcore.contract.classify import Lesson, Retry, Verdict, bug, classify
from seedcore.contract.deadline import Limit
from seedcore.contract.threads import Worker
from seedcore.errors import DrainingError, ProviderError, ProviderTimeoutError
from seedcore.fairness import accepted
from seedcore.model import NOTHING_GIVEN, AttemptReport
from seedcore.outcome import pause_before_retry
from seedcore.policy import Effect


async def attempts(call: Call, calls: Calls) -> Any:
    """
    Make attempts until one succeeds, and return its value; raise what ends the call.
    """
    while True:
        permit = try_admit(call) or await admit(call)
        value = await attempt(call, Context(call, calls), permit)
        if call.verdict is None:
            return value
        pause = pause_before_retry(call)
        if pause:
            await call.lane.runtime.waits.sleep(pause)
            call.spent("backoff", pause)


async def attempt(call: Call, context: Context, permit: Permit) -> Any:
    """
    Make one attempt and return its value; ``call.verdict`` is ``None`` if it succeeded.

    No task is made for it: the limit cancels the caller's own task, and the cancellation is
    taken back here. A provider that swallows it holds its caller until it returns, and its
    result is discarded.
    """
    lane, runtime = call.lane, call.lane.runtime
    task = call.task
    started = runtime.clock.monotonic()
    seconds = call.policy.attempt_timeout
    call.cut_short = call.deadline - started < seconds
    if call.cut_short:
        seconds = max(0.0, call.deadline - started)
    call.limit = runtime.limits.start(seconds, task, shared=not call.cut_short)
    call.permit, call.turn, call.seconds = permit, None, seconds
    call.submitted, call.trying, call.pauses = False, True, 0
    call.logs = NOTHING_GIVEN
    call.attempts += 1
    value: Any = None
    raised: BaseException | None = None
    try:
        with ClosingResponses(call):
            if lane.started and not call.operation.sync:
                value = await call.operation.function(call.request, context)
            else:
                value = await _started_or_in_a_thread(call, context)
    except (KeyboardInterrupt, GeneratorExit):
        lane.abandon(call, permit)
        raise
    except BaseException as error:  # noqa: BLE001 - judged below, SystemExit and all
        raised = error
    finally:
        call.trying = False
        call.limit.end()
    limit = call.limit  # another one than at first if it was taken off meanwhile
    _take_back(call, limit, raised)
    swallowed = not isinstance(raised, asyncio.CancelledError)
    if task.cancelling() > call.cancelling:
        _cancelled(call, permit, swallowed=swallowed)
        raise raised if isinstance(raised, asyncio.CancelledError) else asyncio.CancelledError
    call.cause = None
    if limit.fired:
        verdict: Verdict | None = _limit_verdict(call)
        if swallowed:
            lane.emit("WARNING", "cancellation_swallowed", call=call, attempt=call.attempts)
    elif raised is None:
        value, verdict = accepted(call, value)
    else:
        verdict = _judge(call, raised)
    _settle(call, permit, verdict, started)
    return value


def _take_back(call: Call, limit: Limit, raised: BaseException | None) -> None:
    """
    Take back the cancellations of the task that were not its caller's.
    """
    if limit.fired:
        call.task.uncancel()
    if isinstance(raised, BaseExceptionGroup):
        # Before Python 3.13 a failed TaskGroup leaves its own cancellation on the task, which
        # would look like a caller who gave up.
        while call.task.cancelling() > call.cancelling:
            call.task.uncancel()


async def _started_or_in_a_thread(call: Call, context: Context) -> Any:
    operation = call.operation
    if not call.lane.started:
        await call.lane.start()
    if not operation.sync:
        return await operation.function(call.request, context)
    call.worker = Worker(operation.function, call.request, context)
    value = await call.worker.result
    # A plain function may return a coroutine: a decorator hid that it is async.
    return await value if inspect.isawaitable(value) else value


def submit(call: Call) -> None:
    """
    Give the slot of the attempt back: what it sent is taken, and it only waits from here on.
    """
    if call.trying and not call.submitted:
        call.submitted = True
        call.lane.release(call, success=True)


def _cancelled(call: Call, permit: Permit, *, swallowed: bool) -> None:
    call.lane.abandon(call, permit)
    if swallowed:
        call.lane.emit("WARNING", "cancellation_swallowed", call=call, attempt=call.attempts)
    if call.operation.effect is Effect.UNSAFE:
        # CancelledError can't carry in_doubt, so an event does.
        call.lane.emit("WARNING", "cancelled_in_doubt", call=call, attempt=call.attempts)


def _limit_verdict(call: Call) -> Verdict:
    if call.lane.runtime.draining:
        return Verdict(DrainingError(), Retry.BY_EFFECT, Lesson.NEUTRAL)
    which = " (the call's deadline)" if call.cut_short else ""
    text = f"no answer within {call.seconds:.3g} s{which}"
    return Verdict(ProviderTimeoutError(text), Retry.BY_EFFECT, Lesson.FAILURE)


def _judge(call: Call, raised: BaseException) -> Verdict:
    """
    Classify what a provider raised; its own ``map_error`` is asked first.
    """
    wall = call.lane.runtime.clock.time()
    if "aiohttp" in sys.modules:
        import seedcore.http  # noqa: F401 - knows aiohttp's exceptions, also of other sessions
    if not isinstance(raised, Exception):
        # A CancelledError that nobody asked for (the provider awaited something cancelled),
        # or a SystemExit that must not end the host.
        raised = RuntimeError(f"the provider raised {type(raised).__name__}")
    mapper = call.lane.provider.map_error
    if mapper is not None and not isinstance(raised, ProviderError):
        try:
            mapped = mapper(raised, call.request)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a mapper that fails hides nothing
            mapped = None
            name = type(error).__name__
            call.lane.emit("ERROR", "map_error_failed", call=call, error_type=name)
        if isinstance(mapped, ProviderError):
            mapped = mapped.filled()  # the mapper may return one instance for ever
            mapped.__cause__ = raised
            raised = mapped
    call.cause = raised
    try:
        return classify(raised, wall)
    except Exception:  # noqa: BLE001 - an author's own error may lack a field or be its own cause
        return bug(raised)


def _settle(call: Call, permit: Permit, verdict: Verdict | None, started: float) -> None:
    """
    Tell breaker, gate and budget, give the slot back, and note the attempt.
    """
    lane = call.lane
    ended = lane.runtime.clock.monotonic()
    call.verdict = verdict
    try:
        if verdict is None:
            lane.succeeded(call, permit, ended)
        else:
            timeout = isinstance(verdict.error, ProviderTimeoutError)
            lane.failed(call, permit, verdict, ended, counts=not (call.cut_short and timeout))
            if verdict.maybe_processed:
                call.maybe_done = True
                call.in_doubt = call.in_doubt or call.operation.effect is Effect.UNSAFE
                call.duplicate = call.duplicate or call.operation.effect is Effect.REPEATABLE
            if not verdict.free:
                call.counted += 1
    finally:
        if not call.submitted:
            lane.release(call, success=verdict is None)
    if verdict is None and not lane.runtime.reports and call.report is None:
        return  # nobody will read a report of one plain success
    call.attempted(
        AttemptReport(
            started=started - call.started,
            duration=ended - started,
            outcome="success" if verdict is None else "failure",
            error_type=None if verdict is None else type(verdict.error).__name__,
            status_code=None if verdict is None else verdict.error.status_code,
        )
    )
    if verdict is None and lane.runtime.events.debug:
        call.emit_attempt("DEBUG", "success")
