"""
What becomes of a call after an attempt: another one, a result with its row, or an error.
"""

from __future__ import annotations

import asyncio
from typing import Any

from seedcore import audit
from seedcore.call import Call
from seedcore.contract.classify import Retry
from seedcore.contract.retry import Delays
from seedcore.errors import ProviderError, ProviderTimeoutError, StoppedBy
from seedcore.model import AuditRecord, AuditState, Seed, SeedMeta, made
from seedcore.redact import Redactor

CAUSES_TOLD = 8  # below an error; a plugin can make one its own cause


def pause_before_retry(call: Call) -> float:
    """
    Return the seconds to sleep before the next attempt; raise when there is none.
    """
    lane, policy, verdict = call.lane, call.policy, call.verdict
    assert verdict is not None
    error = verdict.error
    now = lane.runtime.clock.monotonic()
    if not verdict.may_retry(call.operation.effect):
        in_doubt = verdict.retry is Retry.BY_EFFECT
        raise error.filled(stopped_by=error.stopped_by or ("in_doubt" if in_doubt else "permanent"))
    if lane.runtime.draining:
        raise error.filled(stopped_by="draining")
    if call.counted >= policy.attempts_allowed or not policy.retries or _would_hang(call, error):
        raise error.filled(stopped_by="attempts")
    at_gate = verdict.closes_gate
    if at_gate:
        pause = lane.gate.wait(now)
    else:
        call.delays = call.delays or Delays(policy, lane.runtime.rng)
        pause = call.delays.next()
    retry_at = lane.runtime.clock.time() + pause if at_gate else None
    if at_gate and pause > policy.patience - call.waited:
        raise error.filled(stopped_by="patience", retry_at=retry_at)
    if now + pause >= (call.turn_deadline if at_gate else call.deadline):
        raise error.filled(stopped_by="deadline", retry_at=retry_at)
    if not verdict.free and not lane.budget.take(now):
        raise error.filled(stopped_by="budget")
    call.emit_attempt("WARNING", "retry", retry_in_s=round(pause, 3))
    # The gate itself is waited for together with everyone else, at admission.
    return 0.0 if at_gate else pause


def _would_hang(call: Call, error: ProviderError) -> bool:
    """
    Whether an attempt ran out of time whose request had failed before, while others succeeded.

    Each further one would hold a slot for as long, and a few such calls would take all.
    """
    if call.is_look or not isinstance(error, ProviderTimeoutError):
        return False  # what a look is about was made, and would be lost
    return call.circuit.suspects.hopeless(call.request)


def audits(call: Call) -> bool:
    """
    Whether a success of *call* writes a row; the outer call writes that of a nested one.
    """
    return call.lane.runtime.store is not None and call.operation.audited and not call.nested


async def settled(call: Call, value: Any, latency: float) -> Any:
    """
    Write the row of a success, and return what the caller gets.
    """
    state = await record(call, value, latency) if audits(call) else "off"
    return succeeded(call, value, state, latency)


def succeeded(call: Call, value: Any, state: AuditState, latency: float) -> Any:
    """
    Return *value*, with its meta if it is a seed, and say that the call succeeded.
    """
    lane = call.lane
    if lane.runtime.events.info:
        call.emit_outcome("INFO", "success", latency)
    if not isinstance(value, Seed):
        return value
    meta = {
        "call_id": call.call_id,
        "provider": lane.provider.name,
        "operation": call.operation.name,
        "surface": call.surface,
        "attempts": call.attempts,
        "latency_ms": latency,
        "audit": state,
        "possible_duplicate": call.duplicate,
        "dry": call.dry,
        "reveal_at": call.reveal_at,
        "preset": getattr(call.request, "preset", None),
        "route": call.way.route if call.way is not None else None,
    }
    return value.with_meta(made(SeedMeta, meta))


async def record(call: Call, value: Any, latency: float) -> AuditState:
    """
    Write the row, and that the call's claim is done; what fails here loses only those.
    """
    store = call.lane.runtime.store
    assert store is not None
    row: AuditRecord | None = None
    logs = call.lane.runtime.logs
    try:
        log = await logs.keep(call, value) if call.logs and logs is not None else None
        if audits(call):
            row = audit.success_record(call, value, latency)
        if call.once is None:
            state = await store.write(row, log=log)
        else:
            call.once.recorded = row
            result = audit.kept_result(call, value, latency)
            written = store.write(row, call.once.claim, result, log=log)
            state = call.once.written = await written
    except asyncio.CancelledError:
        call.emit_outcome("INFO", "success", latency)  # the row will be there all the same
        raise
    except Exception as error:  # noqa: BLE001 - never repeat or lose a seed for its row
        name = type(error).__name__
        shown = audit.row_for_event(row) if row else {}
        call.lane.emit("ERROR", "audit_lost", call=call, error_type=name, extra={"row": shown})
        return "lost"
    finally:
        if call.logs and logs is not None:
            logs.recorded(call)
    return state if row is not None else "off"


def cause_of(call: Call) -> BaseException | None:
    """
    Return what the provider raised; errors of ours without the secrets that are in their words.
    """
    redactor = call.lane.redactor_for(call)
    return _masked(call.cause, redactor) if redactor.active else call.cause


def _masked(
    error: BaseException | None, redactor: Redactor, depth: int = CAUSES_TOLD
) -> BaseException | None:
    if not isinstance(error, ProviderError):
        return error
    below = _masked(error.__cause__, redactor, depth - 1) if depth else None
    words = redactor.text(error.provider_message)
    if words == error.provider_message and below is error.__cause__:
        return error
    masked = error.filled(provider_message=words).with_traceback(error.__traceback__)
    masked.__cause__ = below
    return masked


def failed(call: Call, error: ProviderError) -> ProviderError:
    """
    Return the error as the caller gets it, after telling breaker, events and failure table.
    """
    lane = call.lane
    latency = (lane.runtime.clock.monotonic() - call.started) * 1e3
    stopped_by: StoppedBy = error.stopped_by or "permanent"
    facts = {
        **lane.redactor_for(call).fields(vars(error)),
        "provider": error.provider or lane.name,
        "operation": error.operation or call.operation.name,
        "call_id": call.call_id,
        "attempts": call.attempts,
        "in_doubt": error.in_doubt or call.in_doubt,
        "stopped_by": stopped_by,
    }
    final = error.filled(**facts)
    if call.permit is not None:
        lane.call_failed(call, call.permit, stopped_by)
    if call.report and call.report.attempts and call.report.attempts[-1].outcome == "failure":
        call.emit_attempt("DEBUG", "failure")  # unless its retry was announced already
    call.emit_outcome("ERROR", "failure", latency, final)
    store = lane.runtime.store
    unrecorded = call.refused or call.nested or call.dry
    if store is not None and lane.runtime.failure_rows and not unrecorded:
        store.write_failure(audit.failure_record(call, final, latency))
    return final
