"""
A call_id that its caller chose: the call is made once, and whoever asks again gets its result.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

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
from seedcore.model import Seed, SeedMeta
from seedcore.policy import Effect
from seedcore.store.claims import Claim
from seedcore.store.store import Store

FIRST_LOOK, LONGEST_LOOK = 0.02, 0.5
"""Seconds between looks at a claim that another process holds; they grow."""


@attrs.frozen
class Found:
    """
    The result of the call when it was made before.
    """

    value: Any


@attrs.frozen(eq=False)
class Running:
    """
    A call of this runner: what it asks, and its result for others who ask the same.
    """

    fingerprint: str
    found: asyncio.Future[Found | None]


class Once:
    """
    Makes calls with a given call_id; with a store no other process makes them either.
    """

    REMEMBERED = 1_000
    """Results that are only in the spool so far, kept for who asks again here."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._running: dict[str, Running] = {}
        self._spooled: OrderedDict[str, Running] = OrderedDict()
        self._letting_go: set[asyncio.Task[None]] = set()

    async def run(self, call: Call, make: Callable[[Call], Awaitable[Any]]) -> Any:
        """
        Return what *make* returns, or what it returned for the same call earlier.

        Raises DuplicateCallError for different arguments, DatabaseError while nobody can tell
        whether it was made, and what *make* raises.
        """
        fingerprint = call.request.fingerprint()
        while other := self._running.get(call.call_id) or self._spooled.get(call.call_id):
            if other.fingerprint != fingerprint:
                raise DuplicateCallError(call.call_id, "with different arguments")
            found = await self._wait_for(call, other)
            if found is not None:
                return found.value
        running = Running(fingerprint, self._runtime.loop.create_future())
        self._running[call.call_id] = running
        try:
            found = await self._claim(call, fingerprint)
            if found is None:
                found = Found(await self._make(call, make))
            running.found.set_result(found)
            return found.value
        finally:
            del self._running[call.call_id]
            if not running.found.done():
                running.found.set_result(None)

    async def close(self) -> None:
        """
        Wait for what cancelled calls left behind.
        """
        if self._letting_go:
            await asyncio.wait(set(self._letting_go))

    async def _wait_for(self, call: Call, other: Running) -> Found | None:
        seconds = left(call.deadline, self._runtime.clock.monotonic())
        wake: asyncio.Future[bool] = self._runtime.loop.create_future()

        def ended(_: object) -> None:
            if not wake.done():
                wake.set_result(True)

        other.found.add_done_callback(ended)
        try:
            await self._runtime.waits.until(wake, seconds)
        finally:
            other.found.remove_done_callback(ended)
        if not other.found.done():
            raise self._gave_up(call)
        return other.found.result()

    # ------------------------------------------------------------------ claims

    async def _claim(self, call: Call, fingerprint: str) -> Found | None:
        """
        Claim the call_id for *call*, or find what came of it; waits for who else has it.
        """
        store = self._runtime.store
        if store is None:
            return None
        pause = FIRST_LOOK
        while True:
            try:
                claim = await self._taken(call, store, fingerprint)
                if claim.mine:
                    call.claim = claim
                    return await self._made_before(call, store, claim)
                if claim.done:
                    return Found(await self._result(call, store, claim))
            except DatabaseError as error:
                pause = LONGEST_LOOK
                if self._runtime.draining or self._time_left(call) <= pause:
                    msg = f"{error} Nothing was done under the call_id {call.call_id!r}."
                    raise DatabaseError(msg) from error
            await self._runtime.waits.sleep(min(pause, self._time_left(call)))
            if self._runtime.draining or not self._time_left(call):
                raise self._gave_up(call)
            pause = min(pause * 1.5, LONGEST_LOOK)

    async def _taken(self, call: Call, store: Store, fingerprint: str) -> Claim:
        claim = await store.claim(
            call.call_id,
            provider=call.lane.name,
            operation=call.operation.name,
            fingerprint=fingerprint,
        )
        if claim.fingerprint != fingerprint:
            raise DuplicateCallError(call.call_id, "with different arguments")
        if claim.mine or claim.done or claim.left > 0:
            return claim
        if call.operation.effect is Effect.UNSAFE:
            call.refused = True
            text = "an earlier call with this call_id was cut off before its end was known"
            raise ProviderUnavailableError(text, in_doubt=True, stopped_by="in_doubt")
        return await store.claims.take_over(claim) or claim

    async def _made_before(self, call: Call, store: Store, claim: Claim) -> Found | None:
        """
        Look for the row of a call whose claim says nothing of its success.
        """
        row = await store.queries.own_call(call.call_id)
        if row is None:
            return None
        if not claim.again:  # made without a claim, so nobody knows what was asked
            await self._let_go(call, in_doubt=False)
            raise DuplicateCallError(call.call_id)
        await store.write(None, claim)
        store.claims.ended()
        return Found(await self._result(call, store, claim))

    async def _result(self, call: Call, store: Store, claim: Claim) -> Any:
        if call.operation.name == "generate":
            row = await store.queries.own_call(call.call_id)
            if row is not None:
                call.lane.emit("INFO", "repeated", call=call)
                return seed_of(row)
        if claim.result is None:
            raise DuplicateCallError(call.call_id, "and its result was not kept")
        call.lane.emit("INFO", "repeated", call=call)
        return json.loads(claim.result)

    async def _make(self, call: Call, make: Callable[[Call], Awaitable[Any]]) -> Any:
        store = self._runtime.store
        try:
            value = await make(call)
        except Exception:
            # A failure frees the id, unless something may have been done under it.
            await self._let_go(call, in_doubt=call.in_doubt)
            raise
        except BaseException:
            in_doubt = call.attempts > 0 and call.operation.effect is Effect.UNSAFE
            task = self._runtime.loop.create_task(self._let_go(call, in_doubt=in_doubt))
            self._letting_go.add(task)
            task.add_done_callback(self._letting_go.discard)
            raise
        if store is None or call.claim is None:
            return value
        store.claims.ended()
        if isinstance(value, Seed) and value.meta.audit == "spooled":
            self._remember(call, value)
        elif call.recorded is not None and (
            call.claim.again or store.claims.may_be_lost(self._runtime.loop.time())
        ):
            return await self._as_recorded(call, store, value)
        return value

    async def _as_recorded(self, call: Call, store: Store, value: Any) -> Any:
        """
        Return the seed that the row has: another process may have been quicker.
        """
        row = None
        with contextlib.suppress(DatabaseError):
            row = await store.queries.own_call(call.call_id)
        assert call.recorded is not None
        if row is None or row["created_at"] == call.recorded.created_at:
            return value
        return seed_of(row) if isinstance(value, Seed) else value

    async def _let_go(self, call: Call, *, in_doubt: bool) -> None:
        store, claim = self._runtime.store, call.claim
        if store is None or claim is None:
            return
        call.claim = None
        store.claims.ended()
        with contextlib.suppress(DatabaseError):  # it expires by itself
            await (store.claims.leave_in_doubt if in_doubt else store.claims.free)(claim)

    def _remember(self, call: Call, value: Any) -> None:
        known = self._running[call.call_id]
        found: asyncio.Future[Found | None] = self._runtime.loop.create_future()
        found.set_result(Found(value))
        self._spooled[call.call_id] = Running(known.fingerprint, found)
        if len(self._spooled) > self.REMEMBERED:
            self._spooled.popitem(last=False)

    def _time_left(self, call: Call) -> float:
        return left(call.deadline, self._runtime.clock.monotonic())

    def _gave_up(self, call: Call) -> ProviderError:
        call.refused = True
        if self._runtime.draining:
            return DrainingError(stopped_by="draining")
        text = "another call with the same call_id had not ended when the time was up"
        return ProviderTimeoutError(text, stopped_by="deadline")


def seed_of(row: dict[str, Any]) -> Seed:
    """
    Return the seed that an audit row is about.
    """
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
        ),
    )
