"""
Keeps the circuits and gates of a runner in step with those of all processes on its database.

What happens here is told to the database in the order it happened; what happened elsewhere is
looked at each second while a provider is in use. Without an answer everything goes on with what
this process knows by itself.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from seedcore.contract import circuit as steps
from seedcore.contract.breaker import Breaker, Permit
from seedcore.contract.circuit import NEXT_PROBE, Step
from seedcore.errors import DatabaseError, ProviderError, ProviderRateLimitError
from seedcore.events import Event
from seedcore.lane import Circuit, Lane, Runtime
from seedcore.store.reasons import reason
from seedcore.store.state import SharedCircuit, SharedGate, View
from seedcore.store.store import Store

Act = Callable[[], Awaitable[None]]
Answer = TypeVar("Answer")

NO_ANSWER = "it does not answer; check the server and the way to it"
STOPPED = 3.0
"""Seconds that no question takes: if it did, this process was stopped (SIGSTOP, a laptop's lid)."""


class Sharing:
    """
    The link between the lanes of one runner and the rows they share with other processes.
    """

    LOOK_EVERY = 1.0
    """Seconds between two looks while a provider is in use."""
    FRESH = 2.0
    """Seconds after a look in which an attempt needs no new one: looks that are late count."""
    LIMIT = 1.0
    """Seconds that a probe waits for the database."""

    def __init__(self, store: Store, runtime: Runtime, lanes: Mapping[str, Lane]) -> None:
        self.probe_names = (f"{store.owner}-{number}" for number in itertools.count(1))
        self.lost = False
        """Whether the database doesn't answer, so that nothing is shared."""
        self._store = store
        self._runtime = runtime
        self._lanes = lanes
        self._acts: deque[Act] = deque()
        self._working: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._looks: dict[Lane, asyncio.Task[None]] = {}
        self._closed = False

    # ----------------------------------------------------------------- telling

    def tell(self, lane: Lane, operation: str, step: Step) -> None:
        """
        Take *step*, which has been taken here, in the shared row as well.
        """
        circuit = lane.circuit(operation)
        if self.lost:
            circuit.untold = True
        else:
            circuit.unsaid += 1
            self._do(functools.partial(self._move, lane, operation, step))

    def tell_pause(self, lane: Lane, seconds: float) -> None:
        """
        Let all processes keep a pause that the provider of *lane* asked for.
        """
        error = lane.gate.error
        assert error is not None
        gate = SharedGate(
            seconds=seconds,
            guess=lane.gate.guess,
            status_code=error.status_code,
            message=lane.redactor.text(error.provider_message),
        )
        state = self._store.state
        self._tell_gate(lane, lambda: state.close_gate(lane.name, lane.credential, gate))

    def tell_serving(self, lane: Lane) -> None:
        """
        Let the pauses of all processes be short again.
        """
        state, guess = self._store.state, lane.gate.guess
        self._tell_gate(lane, lambda: state.reset_guess(lane.name, lane.credential, guess))

    def _tell_gate(self, lane: Lane, act: Act) -> None:
        async def tell() -> None:
            try:
                await act()
            finally:
                lane.gate_unsaid -= 1
                lane.gate_said = self._runtime.clock.monotonic()

        if not self.lost:
            lane.gate_unsaid += 1
            self._do(tell)

    async def probe(self, lane: Lane, operation: str) -> Permit | None:
        """
        Agree with the other processes on a probe; ``None`` if it is another one's turn.
        """
        circuit = lane.circuit(operation)
        if circuit.asking is not None:
            # The answer to the first who asks is news to all of them.
            await asyncio.wait({circuit.asking}, timeout=self.LIMIT)
            return None
        if self.lost:
            return circuit.breaker.admit(self._runtime.clock.monotonic())
        circuit.asking = self._runtime.loop.create_future()
        try:
            return await self._ask(lane, operation, circuit.breaker)
        finally:
            circuit.asking.set_result(None)
            circuit.asking = None

    async def _ask(self, lane: Lane, operation: str, breaker: Breaker) -> Permit | None:
        clock = self._runtime.clock
        name, step = breaker.next_probe()
        agreed: asyncio.Future[bool] = self._runtime.loop.create_future()
        began = clock.monotonic()
        self._do(functools.partial(self._move, lane, operation, step, name, agreed))
        permit: Permit | None = None
        kept = False
        try:
            await asyncio.wait({agreed}, timeout=self.LIMIT)
            now = clock.monotonic()
            answered = agreed.done() and not agreed.cancelled()
            if answered and agreed.result():
                permit = breaker.permit(name)
                kept = now - began <= NEXT_PROBE  # else this process was stopped meanwhile
                return permit if kept else None
            if answered or now - began > STOPPED:
                return None
            self._lose(NO_ANSWER)
            return breaker.admit(now)
        finally:
            if not agreed.done():
                agreed.cancel()  # what is agreed on later is taken back by who finds this
            elif not kept and not agreed.cancelled() and agreed.result():
                self.tell(lane, operation, steps.probe_released(name))

    async def _move(
        self,
        lane: Lane,
        operation: str,
        step: Step,
        name: str = "",
        agreed: asyncio.Future[bool] | None = None,
    ) -> None:
        circuit = lane.circuit(operation)
        asked = self._runtime.clock.monotonic()
        shared: SharedCircuit | None = None
        try:
            if not self.lost:
                policy, move = circuit.breaker.policy, self._store.state.move
                shared = await self._answer(lambda: move(lane.name, operation, policy, step))
        finally:
            circuit.unsaid -= agreed is None
            if shared is None:
                circuit.untold = True
                if agreed is not None:
                    agreed.cancel()
        if shared is None:
            return
        if shared.unreadable:
            lane.emit("ERROR", "shared_state_unreadable", operation=operation)
        granted = agreed is not None and shared.condition.has(name)
        if granted or not circuit.unsaid:
            self._adopt(lane, operation, shared, asked, by_peer=not granted)
        if agreed is None:
            return
        if not agreed.done():
            agreed.set_result(granted)
        elif granted:
            self.tell(lane, operation, steps.probe_released(name))

    def _adopt(
        self,
        lane: Lane,
        operation: str,
        shared: SharedCircuit,
        asked: float,
        *,
        by_peer: bool = True,
        happened: bool = True,
    ) -> None:
        circuit = lane.circuit(operation)
        circuit.revision = shared.revision
        if steps.sane(shared.condition, circuit.breaker.policy, shared.now) != shared.condition:
            self.tell(lane, operation, steps.sane)  # for all, from now on
        old = circuit.breaker.state
        # Rather too early than too late: who comes too early is told so by the database.
        condition = shared.condition.shifted(asked - shared.now)
        if circuit.breaker.adopt(condition, asked) and happened:
            lane.circuit_changed(operation, old, by_peer=by_peer)

    def _do(self, act: Act) -> None:
        self._acts.append(act)
        if self._working is None and not self._closed:
            self._working = self._runtime.loop.create_task(self._work(), name="seedcore-sharing")

    async def _work(self) -> None:
        try:
            while self._acts:
                try:
                    await self._acts.popleft()()
                except (DatabaseError, TimeoutError) as error:
                    self._lose(reason(error.__cause__ or error))
        finally:
            self._working = None

    # ----------------------------------------------------------------- looking

    async def look(self, lane: Lane) -> None:
        """
        Look at what is shared about one provider, before an attempt or for its first call.
        """
        look = self._looks.get(lane)
        if look is None:
            look = self._looks[lane] = asyncio.create_task(self._look([lane]))
            look.add_done_callback(lambda _: self._looks.pop(lane, None))
        await asyncio.wait({look}, timeout=self.LIMIT)
        if not look.done():
            self._lose(NO_ANSWER)
            lane.fresh_until = self._runtime.clock.monotonic() + self.FRESH
        self._keep_watching()

    async def _watch(self) -> None:
        seen: dict[str, int] = {}
        try:
            while True:
                await asyncio.sleep(self.LOOK_EVERY)
                if self.lost:
                    await self._try_again()
                    continue
                used = [
                    lane
                    for lane in self._lanes.values()
                    if lane.in_use or lane.calls != seen.get(lane.name)
                ]
                if not used:
                    # Whoever calls next looks first, and is watched from then on.
                    for lane in self._lanes.values():
                        lane.fresh_until = -math.inf
                    return
                seen.update((lane.name, lane.calls) for lane in used)
                await self._look(used)
        finally:
            self._watching = None

    async def _look(self, lanes: Iterable[Lane]) -> None:
        chosen = {lane.name: lane for lane in lanes}
        asked = self._runtime.clock.monotonic()
        try:
            if self.lost:
                return
            view = await self._answer(lambda: self._store.state.look(chosen))
        except DatabaseError as error:
            self._lose(reason(error.__cause__ or error))
        else:
            self._take_over(view, chosen, asked)
        finally:
            # However it ended: an attempt looks once, and then goes on with what is known.
            for lane in chosen.values():
                lane.fresh_until = max(lane.fresh_until, asked + self.FRESH)

    def _take_over(self, view: View, lanes: Mapping[str, Lane], asked: float) -> None:
        new = {name for name, lane in lanes.items() if lane.fresh_until == -math.inf}
        for lane in lanes.values():
            lane.fresh_until = asked + self.FRESH
        for (provider, operation), shared in view.circuits.items():
            lane = lanes[provider]
            if not lane.has_circuit(operation):
                continue
            circuit = lane.circuit(operation)
            if shared.unreadable:
                self.tell(lane, operation, steps.unchanged)
            elif shared.revision > circuit.revision and not circuit.unsaid:
                # What a lane begins with is nothing that happens.
                self._adopt(lane, operation, shared, asked, happened=provider not in new)
        for (provider, credential), gate in view.gates.items():
            if credential == lanes[provider].credential:
                self._close_gate(lanes[provider], gate, asked)

    def _close_gate(self, lane: Lane, gate: SharedGate, asked: float) -> None:
        if gate.version == lane.gate_version:
            return  # known already, whatever the database's clock has done since
        if lane.gate_unsaid or asked < lane.gate_said:
            return  # it is from before what this process has said
        lane.gate_version = gate.version
        error: ProviderError = ProviderRateLimitError(
            gate.message, provider=lane.name, status_code=gate.status_code
        )
        # From now on, not since it was asked: the way of the answer must shorten no pause.
        now = self._runtime.clock.monotonic()
        if lane.gate.adopt(gate.seconds, gate.guess, error, now):
            pause = round(lane.gate.wait(now), 3)
            facts = {"state": "closed", "pause_s": pause, "by": "peer"}
            lane.emit("INFO", "gate", status_code=gate.status_code, extra=facts)

    # --------------------------------------------------- without the database

    async def _answer(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """
        Ask again if it was this process that was stopped, not the database.
        """
        began = self._runtime.clock.monotonic()
        try:
            return await question()
        except DatabaseError:
            if self._runtime.clock.monotonic() - began <= STOPPED:
                raise
        return await question()

    def _lose(self, why: str) -> None:
        if self.lost or self._closed:
            return
        self.lost = True
        lost = Event(level="WARNING", event="shared_state_lost", extra={"reason": why})
        self._runtime.events.emit(lost)
        for lane in self._lanes.values():
            # Nobody waits for it before an attempt; who comes later sees that it is watched.
            lane.fresh_until = self._runtime.clock.monotonic() + self.FRESH
        self._keep_watching()

    def _keep_watching(self) -> None:
        if self._watching is None and not self._closed:
            self._watching = asyncio.create_task(self._watch(), name="seedcore-sharing-watch")

    async def _try_again(self) -> None:
        """
        See whether the database is back, and tell it or hear from it what has changed.
        """
        asked = self._runtime.clock.monotonic()
        lanes = dict(self._lanes)
        try:
            await self._store.check_writable(self.LIMIT)
            view = await self._store.state.look(lanes)
        except DatabaseError:
            return
        self.lost = False
        self._runtime.events.emit(Event(level="INFO", event="shared_state_back"))
        for lane in lanes.values():
            for operation, circuit in lane.circuits.items():
                self._reconcile(lane, operation, circuit, view, asked)
            if (pause := lane.gate.wait(asked)) > 0:
                self.tell_pause(lane, pause)
        self._take_over(view, lanes, asked)

    def _reconcile(
        self, lane: Lane, operation: str, circuit: Circuit, view: View, asked: float
    ) -> None:
        if not circuit.untold:
            return
        circuit.untold = False
        shared = view.circuits.get((lane.name, operation))
        # Nobody has changed the row meanwhile: what became of it here is the newest.
        if not circuit.breaker.apart and circuit.revision == (shared.revision if shared else -1):
            self.tell(lane, operation, steps.restating(circuit.breaker.condition, asked))

    async def close(self, timeout: float) -> None:
        """
        Tell what is still to be told, in at most *timeout* seconds: probes that were given back.
        """
        if self._working is not None:
            await asyncio.wait({self._working}, timeout=timeout)
        self._closed = True
        tasks = (self._watching, self._working, *self._looks.values())
        left = {task for task in tasks if task is not None}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=timeout)
