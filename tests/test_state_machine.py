"""
Breaker, gate, budget and shared state, in three processes to which anything may happen.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from seedcore import Policy
from seedcore.contract import circuit
from seedcore.contract.breaker import Breaker
from seedcore.contract.gate import Gate
from seedcore.contract.retry import Budget
from seedcore.store.address import address_of
from seedcore.store.database import Database
from seedcore.store.state import SharedGate, SharedState
from seedcore.store.store import open_database
from support.attempts import ANSWERS, HELD, SUCCESS
from support.expected import FORGOTTEN, Numbers
from support.processes import Loop, Process
from support.rows import Cut, Rows, Time, Way, tables_of
from support.world import MOMENT, World

EXAMPLES = 350
STEPS = 40
HOUR = 3600.0

PAUSES = [name for name in ANSWERS if name.startswith("429")]
JUMPS = (-HOUR, -30.0, -2.0, 2.0, 30.0, HOUR)

which = strategies.integers(0, 11)
seconds = strategies.sampled_from([0.02, 0.3, 0.3, 1.0, 2.5, 2.5, 5.5, 13.0, 20.0])
ends = strategies.sampled_from(
    ["success", "success", "success", "failure", "failure", "cancelled", "cancelled", "crash"]
    + [name for name in ANSWERS if name != "held"]
)


class Processes(RuleBasedStateMachine):
    """
    Draws what happens next; the world complains about what must not be.
    """

    tables: ClassVar[list[str]] = []
    met: ClassVar[Counter[str]]
    """In how many examples something was met."""
    examples: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    @initialize(
        seed=strategies.integers(0, 2**16),
        numbers=strategies.builds(
            Numbers,
            attempt_timeout=strategies.sampled_from([4.0, 4.0, 12.0, 60.0]),
            open_time=strategies.sampled_from([None, None, 30.0]),
            window=strategies.sampled_from([20, 14]),
            failures=strategies.sampled_from([14, 3]),
            calls=strategies.sampled_from([5, 2]),
            probes_at_a_time=strategies.sampled_from([1, 1, 2]),
            successes=strategies.sampled_from([2, 2, 1, 3]),
        ),
        failed=strategies.sampled_from([0, 0, 14]),
    )
    def begin(self, seed: int, numbers: Numbers, failed: int) -> None:
        self.world = World(seed, numbers, self.tables)
        for _ in range(failed):
            self.world.call(self.world.processes[0], ANSWERS["failure"])

    def process(self, number: int) -> Process | None:
        """
        Return one of those that are not stopped.
        """
        running = self.world.running()
        return running[number % len(running)] if running else None

    # -------------------------------------------------------------------- rules

    @rule(
        number=which,
        plan=strategies.sampled_from(
            ["held", "held", "held", "success", "failure", "garbage", "404"]
        ),
        patience=strategies.sampled_from([0.0, 5.0, 20.0]),
    )
    def call(self, number: int, plan: str, patience: float) -> None:
        if process := self.process(number):
            self.world.call(process, ANSWERS[plan], patience)
            self.world.let_pass(0.02)

    @rule(
        number=which,
        calls=strategies.sampled_from([2, 5, 14, 30]),
        plan=strategies.sampled_from(["failure", "failure", "failure", "offline", "garbage"]),
        stopped=strategies.sampled_from([False, False, False, True]),
    )
    def outage(self, number: int, calls: int, plan: str, *, stopped: bool) -> None:
        if process := self.process(number):
            for _ in range(calls):
                self.world.call(process, ANSWERS[plan])
            self.world.let_pass(MOMENT)
            if stopped:  # what it has counted is on its way to the others
                self.world.stop(process)
            self.world.let_pass(MOMENT)

    @rule(number=which, then=seconds)
    def probe(self, number: int, then: float) -> None:
        if process := self.process(number):
            self.world.let_pass(self.world.opens_in)
            self.world.call(process, HELD, patience=20.0)
            self.world.let_pass(then)

    @rule(
        number=which,
        pauses=strategies.lists(strategies.sampled_from(PAUSES), min_size=1, max_size=2),
        then=seconds,
    )
    def rate_limit(self, number: int, pauses: list[str], then: float) -> None:
        if process := self.process(number):
            calls = [self.world.call(process, HELD, patience=0.0) for _ in pauses]
            self.world.let_pass(MOMENT)
            for call, pause in zip(calls, pauses, strict=True):
                for attempt in list(call.attempts):
                    self.world.answer(attempt, ANSWERS[pause])
            self.world.let_pass(then)

    @rule(number=which)
    def provider_is_back(self, number: int) -> None:
        if process := self.process(number):
            self.world.let_pass(self.world.opens_in)
            for _ in range(3):
                self.world.call(process, SUCCESS, patience=20.0)
                self.world.let_pass(0.3)

    @rule(number=which, how=ends, then=seconds)
    def attempt_ends(self, number: int, how: str, then: float) -> None:
        world = self.world
        waiting = [one for one in world.in_flight if one.call.plan is HELD]
        if number < 8:  # rather those that matter
            waiting = [one for one in waiting if one.state == "half_open"] or waiting
        if waiting:
            attempt = waiting[number % len(waiting)]
            if how == "cancelled":
                world.cancel(attempt.call)
            elif how == "crash":
                world.crash(attempt.call.process)
            else:
                world.answer(attempt, ANSWERS[how])
        world.let_pass(then)

    @rule(number=which, calls=strategies.sampled_from([2, 5]))
    def crowd(self, number: int, calls: int) -> None:
        if process := self.process(number):
            for _ in range(calls):
                self.world.call(process, HELD)
            self.world.let_pass(MOMENT)

    @rule(how=strategies.sampled_from(["failure", "failure", "garbage", "success"]))
    def all_attempts_end(self, how: str) -> None:
        for attempt in list(self.world.in_flight):
            if attempt.call.plan is HELD:
                self.world.answer(attempt, ANSWERS[how])

    @rule(
        number=which,
        plans=strategies.lists(
            strategies.sampled_from(["success", "failure", "garbage", "garbage", "404"]),
            min_size=3,
            max_size=6,
        ),
    )
    def one_after_another(self, number: int, plans: list[str]) -> None:
        if process := self.process(number):
            for plan in plans:
                self.world.call(process, ANSWERS[plan])
                self.world.let_pass(2 * MOMENT)

    @rule(number=which)
    def cancel(self, number: int) -> None:
        probing = [one.call for one in self.world.in_flight if one.state == "half_open"]
        among = probing or self.world.pending
        if among:
            self.world.cancel(among[number % len(among)])
            self.world.let_pass(2.5 if probing else 0.0)

    @rule(seconds=strategies.sampled_from([0.3, 1.0, 3.0, 5.5, 20.0, 70.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.let_pass(seconds)

    @rule(number=which)
    def crash(self, number: int) -> None:
        self.world.crash(self.world.processes[number % 3])

    @rule(number=which, jump=strategies.sampled_from([0.0, 0.0, *JUMPS]), then=seconds)
    def crash_of_a_prober(self, number: int, jump: float, then: float) -> None:
        probers = self.world.probers
        if probers:
            self.world.crash(probers[number % len(probers)])
            self.world.jump(jump)
            self.world.let_pass(then)

    @rule(number=which)
    def stop_or_resume(self, number: int) -> None:
        process = self.world.processes[number % 3]
        if process.stopped:
            self.world.resume(process)
        else:
            self.world.stop(process)

    @rule(cut=strategies.sampled_from([Cut.NOTHING, Cut.NOTHING, *Cut]), number=which)
    def database(self, cut: Cut, number: int) -> None:
        self.world.cut_off(cut, only=self.world.processes[number % 3] if number < 6 else None)

    @rule(number=which, seconds=strategies.sampled_from(JUMPS))
    def clock_jumps(self, number: int, seconds: float) -> None:
        self.world.jump(seconds, self.world.processes[number % 3] if number < 3 else None)

    @invariant()
    def nothing_is_wrong(self) -> None:
        if self.world is not None:
            self.world.check()

    # ------------------------------------------------------------------ the end

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            if not self.world.complaints and not self.world.circuit.complaints:
                self.recover()
            Processes.examples += 1
            reached = {f"{what} for all" for what in self.world.circuit.reached}
            Processes.met.update(self.world.met | reached)
        finally:
            self.world.close()

    def recover(self) -> None:
        """
        With a provider that serves and a database that answers every circuit closes.
        """
        world, numbers = self.world, self.world.numbers
        world.cut_off(Cut.NOTHING)
        for process in world.processes:
            world.resume(process)
        world.serve()
        world.let_pass(3.0)
        world.check()
        for process in world.processes:
            world.call(process, SUCCESS, patience=0.0)
        world.let_pass(3.0)
        if world.paused:
            world.let_pass(HOUR + 1.0)
        world.check()
        limit = numbers.longest_open + 4.0
        if world.circuit.row.probes:  # of processes that are gone
            limit += numbers.attempt_timeout + FORGOTTEN
        if world.jumped > world.circuit.changed:  # open for its longest time more
            limit += numbers.longest_open
        end = world.time.now + limit
        while not all(process.serves for process in world.processes):
            assert world.time.now < end, f"{world.circuit.row} still at {world.time.now}"
            for process in world.processes:
                if not any(call.process is process for call in world.pending):
                    world.call(process, SUCCESS)
            world.let_pass(0.25)
            world.check()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A database as the store makes it.
    """
    path = tmp_path_factory.mktemp("tables") / "audit.sqlite3"

    async def make() -> None:
        opened = await open_database(address_of(f"sqlite://{path}"), pool_size=1)
        await opened.close(5)

    asyncio.run(make())
    return path


def run_machine(database: Path, examples: int) -> None:
    """
    Run so many examples, the same ones each time.

    They are not shrunk: that takes minutes, and each step of an example prints what it was.
    """
    Processes.tables = tables_of(database)
    Processes.met = Counter()
    Processes.examples = 0
    run_state_machine_as_test(
        Processes,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_to_three_processes(database: Path) -> None:
    """
    The contract holds, and enough of the examples got to where it is hard to keep.
    """
    run_machine(database, EXAMPLES)

    assert EXAMPLES <= Processes.examples
    often = {what: count / Processes.examples for what, count in Processes.met.items()}
    assert 0.3 <= often["half_open for all"], often
    assert 0.3 <= often["closed again for all"], often
    rare = {
        "crash with a probe out",
        "stopped with an attempt out",
        "compare-and-set lost",
        "cut off while open",
        "cut off while half_open",
        "restated for all",
        "budget empty",
        "a pause of another process",
    }
    assert set() == {what for what in rare if often.get(what, 0) < 0.02}, often


@pytest.mark.parametrize(
    ("target", "name", "broken"),
    [
        (circuit, "wait", lambda condition, policy, now: 0.0),
        (Gate, "wait", lambda gate, now: 0.0),
        (Budget, "take", lambda budget, now: True),
        (Breaker, "released", lambda breaker, permit, now: None),
    ],
    ids=["circuit", "gate", "budget", "cancelled probe"],
)
def test_who_watches_sees_what_is_broken(
    database: Path, monkeypatch: pytest.MonkeyPatch, target: Any, name: str, broken: Any
) -> None:
    """
    A machine that complains about nothing would prove nothing.
    """
    monkeypatch.setattr(target, name, broken)
    with pytest.raises(AssertionError, match="."):
        run_machine(database, EXAMPLES)


async def some_steps(shared: Database) -> list[Any]:
    """
    Return what comes of steps that processes take one after another.
    """
    state, policy = SharedState(shared), Policy(circuit_breaker_timeout=0.01)
    taken = [
        circuit.opening(1),
        circuit.opening(0),
        circuit.opening(0),
        circuit.probing("a-1"),
        circuit.probing("b-1"),
        circuit.probe_succeeded("a-1"),
        circuit.probing("b-2"),
        circuit.probe_released("b-2"),
        circuit.probing("c-1"),
        circuit.probe_failed("c-1"),
    ]
    seen: list[Any] = []
    for step in taken:
        found = await state.move("demo", "generate", policy, step)
        known = found.condition
        names = [probe.name for probe in known.probes]
        seen.append((known.state, known.generation, found.revision, known.successes, names))
        await asyncio.sleep(0.01)
    for seconds in (30.0, 20.0, 40.0):
        gate = SharedGate(seconds=seconds, guess=4.0, status_code=429, message="slow down")
        await state.close_gate("demo", "", gate)
        view = await state.look(["demo"])
        gate = view.gates["demo", ""]
        seen.append((round(gate.seconds, -1), gate.guess, gate.status_code, gate.message))
    await state.reset_guess("demo", "", 2.0)
    view = await state.look(["demo"])
    seen += [view.gates["demo", ""].guess, view.circuits["demo", "generate"].revision]
    await shared.check_writable(1.0)
    return seen


def test_the_shared_rows_are_those_of_a_real_database(database: Path) -> None:
    """
    Whatever processes do there, the same comes of it as in a file of SQLite.
    """

    async def in_a_file() -> list[Any]:
        opened = await open_database(address_of(f"sqlite://{database}"), pool_size=1)
        try:
            return await some_steps(opened)
        finally:
            await opened.close(5)

    moments = Time()
    rows, loop = Rows(moments, tables_of(database)), Loop(moments, 0.0)
    task = loop.create_task(some_steps(Way(rows, Random(1), lambda *_: None)))
    while not task.done():
        loop.work()
        moments.now = loop.due or moments.now
    loop.close()
    rows.close()

    assert asyncio.run(in_a_file()) == task.result()
