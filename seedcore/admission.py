"""
How a call gets to make an attempt: past its provider's gate and circuit, into a slot.
"""

from __future__ import annotations

from typing import Literal

from seedcore.call import Call
from seedcore.contract.breaker import Permit
from seedcore.contract.circuit import State
from seedcore.contract.deadline import SOON, left
from seedcore.contract.pace import Pace
from seedcore.errors import (
    CircuitOpenError,
    DrainingError,
    ProviderError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    QueueFullError,
    StoppedBy,
)


def try_admit(call: Call) -> Permit | None:
    """
    Let *call* make an attempt if that needs no waiting.
    """
    lane = call.lane
    now = lane.runtime.clock.monotonic()
    if call.deadline - now <= SOON or now > lane.fresh_until:
        return None
    if call.circuit.breaker.state is not State.CLOSED and call.policy.breaker_enabled:
        return None
    if lane.pace is not None and call.turn is None:
        return None
    if lane.gate.error is not None:  # else nobody has asked for a pause lately
        if lane.gate.wait(now) > 0:
            return None
        if lane.gate.opened(now):
            lane.gate_opened(call)
    if not call.circuit.share.try_take():
        return None
    permit = _commit(call, now)
    if permit is None:
        call.circuit.share.give_back()
    return permit


async def admit(call: Call) -> Permit:
    """
    Let *call* make an attempt, as ``_admit`` does; a turn that it took and can't use is free again.
    """
    permit = None
    try:
        permit = await _admit(call)
    finally:
        if permit is None and call.turn is not None and call.lane.pace is not None:
            call.lane.pace.give_back(call.turn)
            call.turn = None
    return permit


async def _admit(call: Call) -> Permit:
    """
    Let *call* make an attempt: wait for gate, circuit and slot, or refuse.

    Gate and circuit are looked at before queueing for a slot, and again with the slot in
    hand, since they may have changed meanwhile; only then a probe is taken.

    Raises the call's own last error, or the refusal that fits, with ``stopped_by``.
    """
    lane = call.lane
    while True:
        now = lane.runtime.clock.monotonic()
        _check_time(call, now)
        if now > lane.fresh_until and lane.runtime.sharing is not None:
            await lane.runtime.sharing.look(lane)
            continue
        if (pause := lane.gate.wait(now)) > 0:
            await _wait_for(call, "gate", pause)
            continue
        if lane.gate.opened(now):
            lane.gate_opened(call)
        if (pause := _circuit_pause(call, now)) > 0:
            await _wait_for(call, "circuit", pause)
            continue
        if lane.pace is not None and call.turn is None:
            await _wait_for_turn(call, lane.pace, now)
            continue
        if not call.circuit.share.try_take():
            await _queue(call)
        permit = None
        try:
            permit = await _committed(call)
        finally:
            if permit is None:
                call.circuit.share.give_back()
        if permit is not None:
            return permit


def _check_time(call: Call, now: float) -> None:
    if call.lane.runtime.draining and not call.nested:
        raise _refusal(call, "draining")
    if not left(call.deadline, now):
        raise _refusal(call, "deadline")


async def _committed(call: Call) -> Permit | None:
    """
    Take the permit with the slot in hand; a probe is agreed on with the other processes.
    """
    lane, sharing = call.lane, call.lane.runtime.sharing
    now = lane.runtime.clock.monotonic()
    if sharing is None or not _asks_others(call):
        return _commit(call, now)
    if _is_shut(call, now) or call.circuit.breaker.wait(now) > 0:
        return None
    return await sharing.probe(lane, call.operation.name)


def _asks_others(call: Call) -> bool:
    breaker = call.circuit.breaker
    return (
        call.lane.runtime.sharing is not None
        and call.policy.breaker_enabled
        and breaker.state is not State.CLOSED
        and not breaker.apart
    )


def _commit(call: Call, now: float) -> Permit | None:
    if _is_shut(call, now):
        return None
    if not call.policy.breaker_enabled:
        return _UNCOUNTED
    return call.circuit.breaker.admit(now)


def _is_shut(call: Call, now: float) -> bool:
    lane = call.lane
    draining = lane.runtime.draining and not call.nested
    return draining or (lane.gate.error is not None and lane.gate.wait(now) > 0)


_UNCOUNTED = Permit(-1)
"""The permit without a breaker: no generation is its own, so nothing learns from it."""


def _circuit_pause(call: Call, now: float) -> float:
    return call.circuit.breaker.wait(now) if call.policy.breaker_enabled else 0.0


async def _wait_for_turn(call: Call, pace: Pace, now: float) -> None:
    """
    Take the call's turn at the rate that its provider allows, and wait until then.
    """
    call.turn = pace.take(now)
    if call.turn > now:
        await _wait_for(call, "rate", call.turn - now)


async def _wait_for(call: Call, what: Literal["gate", "circuit", "rate"], pause: float) -> None:
    """
    Wait for the gate, the circuit or the rate, as far as patience and deadline allow.

    A pause that is known to be too long is refused at once; that of a half-open circuit is
    not known, since a probe may succeed at any moment.
    """
    runtime = call.lane.runtime
    now = runtime.clock.monotonic()
    patience = left(call.policy.patience, call.waited)
    deadline = call.deadline if what == "circuit" else call.turn_deadline
    remaining = left(deadline, now)
    half_open = what == "circuit" and call.circuit.breaker.state is State.HALF_OPEN
    needed = 0.0 if half_open else pause
    if needed >= remaining:
        raise _refusal(call, "deadline", pause, what)
    if not patience or needed > patience:
        raise _refusal(call, "patience", pause, what)
    group = call.circuit.waiting if what == "circuit" else None
    try:
        await runtime.waits.sleep(min(pause, patience, remaining), group)
    finally:
        passed = runtime.clock.monotonic() - now
        call.waited += passed
        call.spent(what, passed)
        if deadline > call.deadline:  # a look's, which loses no time by that
            call.deadline = min(call.deadline + passed, deadline)


async def _queue(call: Call) -> None:
    """
    Wait for a slot, at most as long as the policy lets a call queue.
    """
    share, runtime = call.circuit.share, call.lane.runtime
    now = runtime.clock.monotonic()
    waiter = share.queue()
    if waiter is None:
        raise _queue_full(call, "patience")
    seconds = min(call.policy.queue_wait, call.deadline - now)
    given = False
    try:
        given = await runtime.waits.until(waiter, seconds)
    finally:
        if not given:
            share.leave(waiter)
        call.spent("queue", runtime.clock.monotonic() - now)
    if not given:
        if runtime.draining:
            raise _refusal(call, "draining")
        raise _queue_full(call, "patience" if seconds == call.policy.queue_wait else "deadline")


def _queue_full(call: Call, stopped_by: StoppedBy) -> ProviderError:
    if call.verdict is not None:
        return _refusal(call, stopped_by)
    call.refused = True
    slots = call.lane.slots
    text = f"{slots.limit} run at a time (max_concurrent) and {slots.queued} wait for a turn"
    return QueueFullError(text, stopped_by=stopped_by)


def _refusal(
    call: Call, stopped_by: StoppedBy, pause: float | None = None, what: str = ""
) -> ProviderError:
    """
    Return the error for a call that may not go on: its own last one if it has one.

    *pause* are the seconds that *what* (gate, circuit or rate) asks to wait.
    """
    lane = call.lane
    now = lane.runtime.clock.monotonic()
    retry_at = None if pause is None else lane.runtime.clock.time() + pause
    if call.verdict is not None:
        error = call.verdict.error
        return error.filled(stopped_by=stopped_by, retry_at=retry_at or error.retry_at)
    call.refused = True
    if stopped_by == "draining":
        return DrainingError(stopped_by=stopped_by)
    if lane.gate.error is not None and lane.gate.wait(now) > 0:
        return lane.gate.error.filled(stopped_by=stopped_by, retry_at=retry_at)
    if pause is None:
        return ProviderTimeoutError(
            "its deadline passed before it was asked", stopped_by=stopped_by
        )
    if what == "rate" and lane.pace is not None:
        text = f"it is asked for {lane.pace.words} at most (rate), and others are before this"
        return ProviderRateLimitError(text, stopped_by=stopped_by, retry_at=retry_at)
    return CircuitOpenError(stopped_by=stopped_by, retry_at=retry_at)
