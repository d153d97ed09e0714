"""
A call_id that its caller chose: the call is made once, and whoever asks again gets its result.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from typing import Any

import attrs

from seedcore import audit, outcome
from seedcore.call import Call
from seedcore.contract.deadline import left
from seedcore.errors import (
    DatabaseError,
    DrainingError,
    DuplicateCallError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from seedcore.lane import Runtime
from seedcore.model import AuditRecord, AuditState, Seed, SeedMeta
from seedcore.policy import Effect
from seedcore.redact import MASK
from seedcore.routes.following import BegunElsewhere, Way
from seedcore.store.claims import Claim
from seedcore.store.reasons import may_pass
from seedcore.store.store import Store

FIRST_LOOK, LONGEST_LOOK = 0.02, 0.5
"""Seconds between looks at a claim that another process holds; they grow."""


@attrs.frozen
class Found:
    """
    The result of the call when it was made before.
    """

    value: Any


class Once:
    """
    Makes calls with a given call_id once; with a store in all processes together.
    """

    REMEMBERED = 1_000
    """Results that no database has, or not yet, kept for who asks again here."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._running: dict[str, Running] = {}
        self._not_stored: OrderedDict[str, Running] = OrderedDict()
        self._left: set[asyncio.Task[Any]] = set()

    async def begin(self, call: Call) -> Found | None:
        """
        Return what the same call returned earlier, or ``None`` with ``call.once`` set: make it.

        Raises DuplicateCallError for different arguments, DatabaseError while nobody can tell
        whether it was made, ProviderError if that can't be known in time or at all, and
        BegunElsewhere if another provider was asked, and cut off.
        """
        way = call.way
        assert way is not None
        if way.once is not None:
            await self._go_on(call, way)
            return None
        while other := self._running.get(call.call_id) or self._not_stored.get(call.call_id):
            if other.fingerprint != way.fingerprint:
                raise DuplicateCallError(call.call_id, "with different arguments")
            found = await self._wait_for(call, other)
            if found is not None:
                return found
        running = self._running[call.call_id] = Running(self, call, way.fingerprint)
        try:
            found = await self._claim(running)
        except BaseException:
            running.end()
            raise
        if found is not None:
            running.found.set_result(found)
            running.end()
            return found
        claim = running.claim
        if claim is not None and claim.again and claim.provider != way.target:
            way.once = running
            raise BegunElsewhere(claim.provider)
        call.once = running
        _note_earlier(call, claim)
        return None

    async def _go_on(self, call: Call, way: Way) -> None:
        """
        Take over the claim of a call whose last provider was out.
        """
        assert way.once is not None
        call.once, way.once = way.once, None
        call.once.call = call
        claim, store = call.once.claim, self.runtime.store
        _note_earlier(call, claim)
        if claim is None or store is None or claim.provider == way.target:
            return
        with contextlib.suppress(DatabaseError):  # it would be asked of the first again
            call.once.claim = await store.claims.move(claim, way.target)

    def ended(self, running: Running, *, remember: bool) -> None:
        """
        Forget *running*, or keep its result since no database has it yet.
        """
        call_id = running.call.call_id
        del self._running[call_id]
        if remember:
            self._not_stored[call_id] = running
            if len(self._not_stored) > self.REMEMBERED:
                self._not_stored.popitem(last=False)

    def later(self, act: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """
        Do what has to be done even if the call is cancelled.
        """
        task = self.runtime.loop.create_task(act)
        self._left.add(task)
        task.add_done_callback(self._left.discard)
        return task

    async def close(self, timeout: float) -> None:
        """
        Wait for what cancelled calls left behind, at most *timeout* seconds.
        """
        if self._left:
            await asyncio.wait(set(self._left), timeout=timeout)

    async def _wait_for(self, call: Call, other: Running) -> Found | None:
        wake: asyncio.Future[bool] = self.runtime.loop.create_future()

        def ended(_: object) -> None:
            if not wake.done():
                wake.set_result(True)

        other.found.add_done_callback(ended)
        try:
            await self.runtime.waits.until(wake, self._time_left(call))
        finally:
            other.found.remove_done_callback(ended)
        if not other.found.done():
            raise self._gave_up(call)
        return other.found.result()

    # ------------------------------------------------------------------ claims

    async def _claim(self, running: Running) -> Found | None:
        """
        Claim the call_id, or find what came of it; waits for who else has it.
        """
        store, call = self.runtime.store, running.call
        if store is None:
            return None
        pause, answered = FIRST_LOOK, False
        while True:
            try:
                async with asyncio.timeout(self._time_left(call)):
                    claim = running.claim or await self._taken(running, store)
                    answered = True
                    if claim.mine:
                        running.claim = claim
                        return await self._made_before(running, store, claim)
                    if claim.done:
                        return Found(await self._result(call, store, claim))
            except (DatabaseError, TimeoutError) as error:
                self._check_may_pass(call, store, error, answered=answered)
                pause = LONGEST_LOOK
            await self.runtime.waits.sleep(min(pause, self._time_left(call)))
            if self.runtime.draining or not self._time_left(call):
                raise self._gave_up(call)
            pause = min(pause * 1.5, LONGEST_LOOK)

    async def _taken(self, running: Running, store: Store) -> Claim:
        call = running.call
        claim = await store.claim(
            call.call_id,
            provider=call.way.target if call.way is not None else call.lane.name,
            operation=call.operation.name,
            fingerprint=running.fingerprint,
        )
        if claim.fingerprint != running.fingerprint:
            raise DuplicateCallError(call.call_id, "with different arguments")
        if claim.mine or claim.done or claim.left > 0:
            return claim
        if call.operation.effect is Effect.UNSAFE:
            call.refused = True
            text = "an earlier call with this call_id was cut off before its end was known"
            raise ProviderUnavailableError(text, in_doubt=True, stopped_by="in_doubt")
        return await store.claims.take_over(claim) or claim

    async def _made_before(self, running: Running, store: Store, claim: Claim) -> Found | None:
        """
        Look for the row of a call whose claim says nothing of its success.
        """
        call = running.call
        row = await store.queries.own_call(call.call_id)
        if row is None:
            return None
        if not claim.again:  # made without a claim, so nobody knows what was asked
            await running.let_go()
            raise DuplicateCallError(call.call_id)
        await store.write(None, claim)
        running.release(settled=True)
        return Found(await self._result(call, store, claim))

    async def _result(self, call: Call, store: Store, claim: Claim) -> Any:
        if claim.result is not None:
            value = audit.result_of(call, claim.result)
        else:
            # What JSON could not hold, or a claim whose end was not written with the row.
            row = await store.queries.own_call(call.call_id)
            if row is None or not call.operation.rolls:
                raise DuplicateCallError(call.call_id, "and its result was not kept")
            value = await _seed_again(store, row)
        call.lane.emit("INFO", "repeated", call=call)
        return value

    def _time_left(self, call: Call) -> float:
        return left(call.deadline, self.runtime.clock.monotonic())

    def _check_may_pass(
        self, call: Call, store: Store, error: Exception, *, answered: bool
    ) -> None:
        """
        Raise if waiting is of no use: time is up, or what is wrong stays wrong.
        """
        if isinstance(error, TimeoutError):
            if answered:
                raise self._gave_up(call) from error
            raise self._untold(call, f"The audit database {store.name} doesn't answer.") from error
        if not may_pass(error):
            raise error
        if self.runtime.draining or self._time_left(call) <= LONGEST_LOOK:
            raise self._untold(call, str(error)) from error

    def _untold(self, call: Call, why: str) -> DatabaseError:
        msg = (
            f"{why} This call did nothing; whether an earlier one did under the call_id "
            f"{call.call_id!r} can't be told."
        )
        return DatabaseError(msg)

    def _gave_up(self, call: Call) -> ProviderError:
        call.refused = True
        if self.runtime.draining:
            return DrainingError(stopped_by="draining")
        text = "another call with the same call_id had not ended when the time was up"
        return ProviderTimeoutError(text, stopped_by="deadline")


class Running:
    """
    One call that is made once: its claim, its row, and its result for others who ask the same.
    """

    __slots__ = (
        "_finishing",
        "_kept_here",
        "_once",
        "call",
        "claim",
        "fingerprint",
        "found",
        "recorded",
        "written",
    )

    def __init__(self, once: Once, call: Call, fingerprint: str) -> None:
        self._once = once
        self._kept_here = False
        self._finishing: asyncio.Task[Any] | None = None
        self.call = call
        self.fingerprint = fingerprint
        self.claim: Claim | None = None
        self.recorded: AuditRecord | None = None
        self.written: AuditState = "lost"
        """Where the end of the claim is."""
        self.found: asyncio.Future[Found | None] = once.runtime.loop.create_future()

    async def finish(self, value: Any, latency: float) -> Any:
        """
        Record the success and return what the caller gets.

        That goes on when the call is cancelled meanwhile: whoever asks again waits for it.
        """
        self._finishing = self._once.later(self._finish(value, latency))
        return await asyncio.shield(self._finishing)

    async def _finish(self, value: Any, latency: float) -> Any:
        call, claim = self.call, self.claim
        store = self._once.runtime.store
        writes = claim is not None or outcome.audits(call)
        state = await outcome.record(call, value, latency) if writes else "off"
        value = outcome.succeeded(call, value, state, latency)
        if store is not None and claim is not None:
            # Unless the claim is done in the database, its result is known here only.
            self._kept_here = self.written != "durable"
            self.release(settled=not self._kept_here)
            lost = claim.again or store.claims.may_be_lost(self._once.runtime.loop.time())
            if lost and not self._kept_here:
                value = await self._as_recorded(store, value)
        self.found.set_result(Found(value))
        return value

    async def failed(self) -> None:
        """
        The call failed, which frees its id unless something may have been done under it.
        """
        await self.let_go(in_doubt=self.call.in_doubt)

    def end(self) -> None:
        """
        The call has ended, however it did; its id is free once all that follows has happened.
        """
        if self._finishing is not None and not self._finishing.done():
            self._finishing.add_done_callback(lambda _: self.end())
        elif self.claim is not None:
            self._once.later(self._let_go_and_end())
        else:
            self._end()

    def _end(self) -> None:
        if not self.found.done():
            self.found.set_result(None)
        self._once.ended(self, remember=self._kept_here)

    async def _let_go_and_end(self) -> None:
        try:
            await self.let_go()
        finally:
            self._end()

    async def let_go(self, *, in_doubt: bool | None = None) -> None:
        """
        Give the claim back; by default in doubt if an unsafe call was cancelled after its start.
        """
        store, claim, call = self._once.runtime.store, self.claim, self.call
        if store is None or claim is None:
            return
        if in_doubt is None:
            in_doubt = call.attempts > 0 and call.operation.effect is Effect.UNSAFE
        settled = False
        try:
            await (store.claims.leave_in_doubt if in_doubt else store.claims.free)(claim)
            settled = True
        except DatabaseError:
            settled = False  # it expires by itself
        self.release(settled=settled)

    def release(self, *, settled: bool) -> None:
        """
        Stop renewing the claim.
        """
        store = self._once.runtime.store
        if store is not None and self.claim is not None:
            store.claims.ended(self.claim, settled=settled)
            self.claim = None

    async def _as_recorded(self, store: Store, value: Any) -> Any:
        # Another process may have taken the claim over, and been quicker.
        if self.recorded is None or not isinstance(value, Seed):
            return value
        with contextlib.suppress(DatabaseError):
            row = await store.queries.own_call(self.call.call_id)
            if row is not None and row["created_at"] != self.recorded.created_at:
                return await _seed_again(store, row)
        return value


def _note_earlier(call: Call, claim: Claim | None) -> None:
    """
    Note that a call whose claim somebody has let expire may have been made.
    """
    if claim is not None and claim.again:
        effect = call.operation.effect
        call.maybe_done = effect is not Effect.READ
        call.duplicate = call.duplicate or effect is Effect.REPEATABLE


def _is_masked(value: Any) -> bool:
    return isinstance(value, str) and MASK in value


def _unmasked(value: Any) -> Any:
    """
    Return *value* without the texts in it that something was taken out of.
    """
    if isinstance(value, Mapping):
        return {name: _unmasked(item) for name, item in value.items() if not _is_masked(item)}
    if isinstance(value, list):
        return [_unmasked(item) for item in value if not _is_masked(item)]
    return None if _is_masked(value) else value


async def _seed_again(store: Store, row: Mapping[str, Any]) -> Seed:
    due = await store.logs.due_at(row["call_id"]) if row["spoilers"] == "delayed" else None
    return seed_of(row, due)


def seed_of(row: Mapping[str, Any], reveal_at: float | None = None) -> Seed:
    """
    Return the seed that an audit row is about, without what was masked there.
    """
    row = {name: _unmasked(value) for name, value in row.items()}
    extra = dict(row["seed"])
    return Seed(
        url=row["permalink"],
        id=row["hash_id"],
        code=extra.pop("code", None),
        version=row["version"],
        spoiler_url=extra.pop("spoiler_url", None),
        settings=row["settings"],
        extra=extra,
        meta=SeedMeta(
            call_id=row["call_id"],
            provider=row["provider"],
            operation=row["operation"],
            surface=row["surface"],
            attempts=row["attempt_count"],
            latency_ms=row["latency_ms"],
            audit="durable",
            possible_duplicate=bool(row["report"].get("possible_duplicate")),
            reveal_at=reveal_at,
            preset=row["genoption"],
            route=(row["report"].get("route") or {}).get("asked"),
        ),
    )
