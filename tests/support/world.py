"""
Three processes that call one provider, and everything that can happen to them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from random import Random
from typing import Any

from seedcore import Context, Registry, Seed, SeedRequest
from support.attempts import FAILURE, HELD, SUCCESS, Answer, Attempt, Call, Watched
from support.expected import Numbers, Purse, Tally
from support.processes import Process
from support.rows import Cut, Rows, Time
from support.witness import Witness, epoch_of

MOMENT = 0.05
"""Seconds that the provider takes to answer what it answers by itself."""


async def demo(request: SeedRequest, context: Context) -> Seed:
    """
    Let the world decide.
    """
    loop: Any = asyncio.get_running_loop()
    return await loop.process.attempting(request.options["n"])


class World(Witness):
    """
    Three processes, their database, and the provider.
    """

    NAMES = ("a", "b", "c")

    def __init__(self, seed: int, numbers: Numbers, tables: Sequence[str]) -> None:
        time = Time()
        super().__init__(numbers, time, Rows(time, tables))
        self._rng = Random(seed)
        self._births = 0
        self._gone: list[Process] = []
        self._registry = Registry(discover=False)
        self._registry.add("demo", demo)
        self._settings = {
            "attempt_timeout": numbers.attempt_timeout,
            "circuit_breaker_window": numbers.window,
            "circuit_breaker_window_failures": numbers.failures,
            "circuit_breaker_failure_threshold": numbers.calls,
            "circuit_breaker_half_open_max_calls": numbers.probes_at_a_time,
            "circuit_breaker_success_threshold": numbers.successes,
        }
        if numbers.open_time is not None:
            self._settings["circuit_breaker_timeout"] = numbers.open_time
        self.cut: dict[str, Cut] = dict.fromkeys(self.NAMES, Cut.NOTHING)
        self.processes = [self._born(name) for name in self.NAMES]

    # ------------------------------------------------------------- what happens

    def call(self, process: Process, plan: Answer = HELD, patience: float = 5.0) -> Call:
        """
        Let a process make one call.
        """
        call = Call(len(self.calls), process, patience, plan, self.time.now)
        self.calls.append(call)
        self.pending.append(call)
        watched = self.watched[process]
        watched.purse = watched.purse or Purse(self.time.now)
        watched.purse.call(self.time.now)
        made = process.runner.generate(
            "demo", surface="test", options={"n": call.number}, patience=patience
        )
        call.task = process.loop.create_task(made)
        process.loop.due = self.time.now
        self.settle()
        return call

    def answer(self, attempt: Attempt, answer: Answer) -> None:
        """
        Let the provider answer an attempt that waits.
        """
        if not attempt.answer.done():
            attempt.call.process.loop.call_soon(_answered, attempt.answer, answer)
            attempt.call.process.loop.due = self.time.now
        self.settle()

    def serve(self) -> None:
        """
        Let the provider answer everything with success from now on.
        """
        for call in self.pending:
            call.plan = SUCCESS
        for attempt in list(self.in_flight):
            self.answer(attempt, SUCCESS)

    def cancel(self, call: Call) -> None:
        """
        Let the caller give up.
        """
        if call.task is not None and not call.task.done():
            call.cancelled = True
            call.task.cancel()
            call.process.loop.due = self.time.now
        self.settle()

    def crash(self, process: Process) -> None:
        """
        Let a process vanish, and a new one take its place.
        """
        if self._probes_of(process) and self._out(process):
            self.met.add("crash with a probe out")
        process.gone = True
        self._gone.append(process)
        self.in_flight = [one for one in self.in_flight if one.call.process is not process]
        self.pending = [call for call in self.pending if call.process is not process]
        place = self.processes.index(process)
        self.processes[place] = self._born(self.NAMES[place])
        self.settle()

    def stop(self, process: Process) -> None:
        """
        Let a process do nothing from now on, as SIGSTOP does.
        """
        process.stopped = True
        self.watched[process].informed_since = math.inf
        if self._out(process):
            self.met.add("stopped with an attempt out")

    def resume(self, process: Process) -> None:
        """
        Let it go on with what it knew.
        """
        if process.stopped:
            process.stopped = False
            process.loop.due = self.time.now
            self.watched[process].resumed = self.time.now
            self._may_be_informed(process)
        self.settle()

    def cut_off(self, cut: Cut, *, only: Process | None = None) -> None:
        """
        Let the way to the database be *cut* for one process or all, or let it be good again.
        """
        for process in [only] if only else self.processes:
            self.cut[process.name[0]] = cut
            process.way.cut = cut
            if cut is Cut.NOTHING:
                self._may_be_informed(process)
            else:
                self.watched[process].informed_since = math.inf
                self.met.add(f"cut off while {self.circuit.row.state}")

    def jump(self, seconds: float, process: Process | None = None) -> None:
        """
        Let the wall clock of a process jump, or that of the database.
        """
        if process is not None:
            process.clock.off += seconds
        else:
            self.time.off += seconds
            self.jumped = self.time.now

    def let_pass(self, seconds: float) -> None:
        """
        Let time pass; whoever has something to do then does it.
        """
        end = self.time.now + seconds
        while True:
            self.settle()
            dues = [p.loop.due for p in self.running() if p.loop.due is not None]
            if not dues or min(dues) > end:
                break
            self.time.now = max(self.time.now, min(dues))
        self.time.now = end
        for process in self.running():
            process.loop.due = end
        self.settle()

    def settle(self) -> None:
        """
        Let everybody do what can be done now.
        """
        ready = [
            process
            for process in self.running()
            if process.loop.due is not None and process.loop.due <= self.time.now
        ]
        self._rng.shuffle(ready)
        for process in ready:
            process.loop.work()
            watched = self.watched[process]
            self._reckon(watched)
            used = any(call.process is process and not call.task.done() for call in self.pending)
            watched.used_since = min(watched.used_since, self.time.now) if used else math.inf

    def close(self) -> None:
        """
        End everything.
        """
        for process in (*self._gone, *self.processes):
            process.gone = True
            process.bury()
        self.rows.close()

    def running(self) -> list[Process]:
        """
        Return the processes that are not stopped.
        """
        return [process for process in self.processes if not process.stopped]

    def _born(self, name: str) -> Process:
        self._births += 1
        process = Process(
            f"{name}{self._births}",
            self.time,
            self.rows,
            self._rng.getrandbits(32),
            registry=self._registry,
            settings=self._settings,
            sink=self._event,
            wrote=self._wrote,
        )
        process.attempting = lambda number: self._attempt(process, number)
        process.way.cut = self.cut[name]
        self.watched[process] = Watched(process, Tally(self.numbers))
        self._may_be_informed(process)
        return process

    async def _attempt(self, process: Process, number: int) -> Seed:
        watched, call = self.watched[process], self.calls[number]
        attempt = Attempt(
            call,
            self.time.now,
            epoch_of(watched),
            process.breaker.state.value,
            process.loop.create_future(),
        )
        call.attempts.append(attempt)
        self.in_flight.append(attempt)
        self._begun(attempt, watched)
        answer = HELD  # of whoever was cancelled
        try:
            if call.plan is HELD:
                answer = await attempt.answer
            else:
                await asyncio.sleep(MOMENT)
                answer = call.plan
        except asyncio.CancelledError:
            ran = self.time.now - attempt.began
            if not call.cancelled and ran >= self.numbers.attempt_timeout - 1e-6:
                answer = FAILURE  # it ran its full limit
            raise
        finally:
            if not process.gone:
                self.in_flight.remove(attempt)
                self._ended(attempt, answer, watched)
        if answer.error is not None:
            raise answer.error()
        return Seed(id=str(number))


def _answered(waits: asyncio.Future[Answer], answer: Answer) -> None:
    if not waits.done():
        waits.set_result(answer)
