"""
What processes share about circuits and gates.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from seedcore import Policy
from seedcore.contract import circuit
from seedcore.contract.circuit import Condition, Probe, State, Step
from seedcore.errors import DatabaseError
from seedcore.store import state as shared
from seedcore.store.address import address_of
from seedcore.store.database import Database
from seedcore.store.sqlite import SqliteDatabase
from seedcore.store.state import SharedGate, SharedState
from seedcore.store.store import open_database
from support.stored import locked, look

POLICY = Policy()
HOUR = 3_600_000_000
"""Microseconds, as the rows have it."""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """
    An open database.
    """
    opened = await open_database(address_of(database_url), pool_size=2)
    yield opened
    await opened.close(5)


@pytest.fixture
def state(database: Database) -> SharedState:
    """
    What a process shares.
    """
    return SharedState(database)


@pytest.fixture
async def peer(database_url: str) -> AsyncIterator[SharedState]:
    """
    What another process shares.
    """
    opened = await open_database(address_of(database_url), pool_size=2)
    yield SharedState(opened)
    await opened.close(5)


def stating(condition: Condition, known_generation: int | None = None) -> Step:
    """
    Return the step to *condition*, whatever was known, or if it was of that generation.
    """

    def step(known: Condition, policy: Policy, now: float) -> Condition:
        late = known_generation is not None and known.generation != known_generation
        return known if late else condition

    return step


def interrupted(
    monkeypatch: pytest.MonkeyPatch, state: SharedState, peer: SharedState, step: Step
) -> list[bool]:
    """
    Let *peer* take a step just before *state* writes its own; return who of its tries won.
    """
    replace, outcomes = state._replace, []

    async def late(*arguments: Any) -> bool:
        if not outcomes:
            await peer.move("demo", "generate", POLICY, step)
        outcomes.append(await replace(*arguments))
        return outcomes[-1]

    monkeypatch.setattr(state, "_replace", late)
    return outcomes


@pytest.mark.dialects
class TestMoving:
    """
    A step that is taken for all processes.
    """

    async def test_a_step_is_taken_at_the_time_of_the_database(self, state: SharedState) -> None:
        """
        Its clock is the one that all agree on.
        """
        after = await state.move("demo", "generate", POLICY, circuit.opening(0))

        assert (State.OPEN, 1, 0) == (
            after.condition.state,
            after.condition.generation,
            after.revision,
        )
        assert pytest.approx(0.25, abs=1e-3) == after.condition.open_until - after.now
        [record] = await state.records()
        assert ("demo", "generate", "open", 1) == (
            record.provider,
            record.operation,
            record.state,
            record.generation,
        )
        assert round(after.condition.open_until * 1e6) == record.open_until
        assert abs(record.updated_at - after.now * 1e6) < 5e6

    async def test_a_step_that_comes_too_late_writes_nothing(self, state: SharedState) -> None:
        """
        Where there is no row none is made.
        """
        after = await state.move("demo", "generate", POLICY, circuit.opening(4))
        assert Condition() == after.condition
        assert [] == await state.records()

        opened = await state.move("demo", "generate", POLICY, circuit.opening(0))
        again = await state.move("demo", "generate", POLICY, circuit.opening(0))
        assert (opened.condition, opened.revision) == (again.condition, again.revision)

    async def test_each_change_is_a_revision(self, state: SharedState, peer: SharedState) -> None:
        """
        So that whoever looks knows what is new.
        """
        for number in range(3):
            step = stating(Condition(generation=number + 5))
            after = await (state, peer)[number % 2].move("demo", "generate", POLICY, step)
            assert number == after.revision

        view = await state.look(["demo"])
        assert 2 == view.circuits["demo", "generate"].revision

    async def test_a_condition_comes_back_as_it_was_written(self, state: SharedState) -> None:
        """
        To the microsecond, however often it is read and written.
        """
        rng = Random(1)
        for _ in range(20):
            seconds = [1_700_000_000 + rng.randrange(10**9) / 1e6 for _ in range(4)]
            known = Condition(
                state=State.HALF_OPEN,
                generation=rng.randrange(2**40),
                open_until=seconds[0],
                reopened=rng.randrange(99),
                successes=1,
                succeeded_at=seconds[1],
                probes=(Probe("a-1", seconds[2]), Probe('ä"', seconds[3])),
            )
            await state.move("demo", "generate", POLICY, stating(known))
            read = (await state.look(["demo"])).circuits["demo", "generate"]
            assert known == read.condition
            copy = attrs.evolve(read.condition, generation=read.condition.generation + 1)
            written = await state.move("demo", "generate", POLICY, stating(copy))
            assert attrs.evolve(known, generation=known.generation + 1) == written.condition
            read = (await state.look(["demo"])).circuits["demo", "generate"]
            assert written.condition == read.condition

    async def test_the_first_row_is_made_by_one(
        self, state: SharedState, peer: SharedState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        The other one takes its step from there.
        """
        theirs = Condition(state=State.OPEN, generation=7)
        outcomes = interrupted(monkeypatch, state, peer, stating(theirs))
        mine = stating(Condition(generation=8))
        after = await state.move("demo", "generate", POLICY, mine)

        assert [False, True] == outcomes
        assert (8, 1) == (after.condition.generation, after.revision)

    async def test_who_loses_takes_the_step_again_from_what_the_other_made(
        self, state: SharedState, peer: SharedState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Both have counted enough failures; the circuit opens once.
        """
        await state.move("demo", "generate", POLICY, stating(Condition(generation=4)))
        outcomes = interrupted(monkeypatch, state, peer, circuit.opening(4))
        after = await state.move("demo", "generate", POLICY, circuit.opening(4))

        assert [False] == outcomes
        assert (State.OPEN, 5, 1) == (
            after.condition.state,
            after.condition.generation,
            after.revision,
        )

    async def test_of_many_probes_one_goes_through(
        self, state: SharedState, peer: SharedState
    ) -> None:
        """
        However many ask at the same time, in however many processes.
        """
        known = Condition(state=State.OPEN, generation=3)
        await state.move("demo", "generate", POLICY, stating(known))
        names = [f"{who}-{number}" for who in "ab" for number in range(10)]
        moved = await asyncio.gather(
            *(
                (state if name < "b" else peer).move(
                    "demo", "generate", POLICY, circuit.probing(name)
                )
                for name in names
            )
        )

        granted = [n for n, after in zip(names, moved, strict=True) if after.condition.has(n)]
        assert 1 == len(granted)
        view = await state.look(["demo"])
        [probe] = view.circuits["demo", "generate"].condition.probes
        assert granted == [probe.name]
        assert 4 == view.circuits["demo", "generate"].condition.generation

    async def test_who_always_loses_gives_up(
        self, state: SharedState, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        With the one kind of error that is expected of a database.
        """
        tries = []

        async def lose(*arguments: Any) -> bool:
            tries.append(arguments)
            return False

        monkeypatch.setattr(shared, "TRIES", 3)
        monkeypatch.setattr(state, "_replace", lose)
        with pytest.raises(DatabaseError, match="other processes kept changing one of its rows"):
            await state.move("demo", "generate", POLICY, circuit.opening(0))
        assert 3 == len(tries)


DAMAGE = [
    "state = 'ajar'",
    "probes = 'nonsense'",
    "probes = '5'",
    "probes = 'null'",
    "probes = '[[1]]'",
    'probes = \'[["a","b"]]\'',
    "probes = '" + "[" * 100_000 + "'",
    "generation = -1",
    "reopened = -1",
    "successes = -1",
    "revision = -1",
]
IN_SQLITE_ONLY = [
    "generation = 'x'",
    "open_until = 'x'",
    "succeeded_at = 9e999",
    "revision = x'00'",
]


async def damaged_is_replaced(state: SharedState, database_url: str, damage: str) -> None:
    """
    Damage a row, and see what becomes of it.
    """
    known = Condition(state=State.OPEN, generation=10**12, open_until=2e9)
    before = await state.move("demo", "generate", POLICY, stating(known))
    await state.move("other", "generate", POLICY, stating(known))
    look(database_url, f"UPDATE seedcore_breakers SET {damage} WHERE provider = 'demo'")

    view = await state.look(["demo", "other"])
    seen = view.circuits["demo", "generate"]
    assert (True, State.CLOSED, ()) == (
        seen.unreadable,
        seen.condition.state,
        seen.condition.probes,
    )
    assert known == view.circuits["other", "generate"].condition

    after = await state.move("demo", "generate", POLICY, circuit.unchanged)
    assert after.unreadable
    assert after.condition.generation > known.generation
    assert after.revision > before.revision
    read = (await state.look(["demo"])).circuits["demo", "generate"]
    assert (False, after.condition, after.revision) == (
        read.unreadable,
        read.condition,
        read.revision,
    )
    assert known == (await state.look(["other"])).circuits["other", "generate"].condition
    opened = await state.move(
        "demo", "generate", POLICY, circuit.opening(after.condition.generation)
    )
    assert (State.OPEN, after.revision + 1, False) == (
        opened.condition.state,
        opened.revision,
        opened.unreadable,
    )


@pytest.mark.dialects
@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage[:20])
async def test_a_row_that_can_not_be_read_is_replaced(
    state: SharedState, database_url: str, damage: str
) -> None:
    """
    By a closed circuit, newer than whatever any process knows of it.
    """
    await damaged_is_replaced(state, database_url, damage)


@pytest.mark.parametrize("damage", IN_SQLITE_ONLY)
async def test_so_is_one_whose_columns_hold_anything(
    state: SharedState, database_url: str, damage: str
) -> None:
    """
    SQLite doesn't mind what is in a column.
    """
    await damaged_is_replaced(state, database_url, damage)


@pytest.mark.dialects
class TestGates:
    """
    A pause that all processes keep.
    """

    async def test_a_pause_is_seen_by_all(self, state: SharedState, peer: SharedState) -> None:
        """
        With what the provider said, and for the rest of the time.
        """
        gate = SharedGate(seconds=30.0, guess=4.0, status_code=429, message="slow down")
        await state.close_gate("demo", "account", gate)
        await state.close_gate("demo", "", attrs.evolve(gate, seconds=5.0, status_code=None))
        view = await peer.look(["demo"])

        assert {("demo", "account"), ("demo", "")} == set(view.gates)
        seen = view.gates["demo", "account"]
        assert 25 < seen.seconds <= 30
        assert (4.0, 429, "slow down") == (seen.guess, seen.status_code, seen.message)
        assert seen.version
        assert view.gates["demo", ""].status_code is None

    @pytest.mark.parametrize(("seconds", "stands"), [(60.0, "later"), (10.0, "first")])
    async def test_the_longer_pause_stands(
        self, state: SharedState, peer: SharedState, seconds: float, stands: str
    ) -> None:
        """
        Whoever asked for it; a shorter one changes nothing, so it is no news either.
        """
        first = SharedGate(seconds=30.0, guess=4.0, status_code=429, message="first")
        later = SharedGate(seconds=seconds, guess=8.0, status_code=503, message="later")
        await state.close_gate("demo", "", first)
        before = (await state.look(["demo"])).gates["demo", ""]
        await peer.close_gate("demo", "", later)
        after = (await state.look(["demo"])).gates["demo", ""]

        expected = later if stands == "later" else first
        assert (expected.guess, expected.status_code, expected.message) == (
            after.guess,
            after.status_code,
            after.message,
        )
        assert expected.seconds - 5 < after.seconds <= expected.seconds
        assert (stands == "first") == (before.version == after.version)

    async def test_a_pause_from_before_the_clock_was_put_back_gives_way(
        self, state: SharedState, database_url: str
    ) -> None:
        """
        Until then it lasts no longer than it was asked for.
        """
        long = SharedGate(seconds=60.0, guess=4.0, status_code=429, message="long")
        await state.close_gate("demo", "", long)
        look(
            database_url,
            f"UPDATE seedcore_gates SET updated_at = updated_at + {HOUR}, "
            f"closed_until = closed_until + {HOUR}",
        )
        seen = (await state.look(["demo"])).gates["demo", ""]
        assert pytest.approx(60.0) == seen.seconds

        await state.close_gate("demo", "", attrs.evolve(long, seconds=5.0, message="short"))
        seen = (await state.look(["demo"])).gates["demo", ""]
        assert "short" == seen.message
        assert 0 < seen.seconds <= 5

    async def test_a_pause_that_is_over_has_no_seconds_left(
        self, state: SharedState, database_url: str
    ) -> None:
        """
        Its row stays for the next one.
        """
        gate = SharedGate(seconds=60.0, guess=4.0, status_code=429, message="x")
        await state.close_gate("demo", "", gate)
        look(
            database_url,
            f"UPDATE seedcore_gates SET updated_at = updated_at - {HOUR}, "
            f"closed_until = closed_until - {HOUR}",
        )

        assert (await state.look(["demo"])).gates["demo", ""].seconds < 0

    async def test_pauses_are_short_again_once_it_serves(
        self, state: SharedState, peer: SharedState
    ) -> None:
        """
        The pause that is kept stays as it is.
        """
        for account in ("a", "b"):
            gate = SharedGate(seconds=30.0, guess=16.0, status_code=429, message="x")
            await state.close_gate("demo", account, gate)
        await peer.reset_guess("demo", "a", 2.0)
        await peer.reset_guess("nobody", "a", 2.0)
        gates = (await state.look(["demo"])).gates

        assert (2.0, 16.0) == (gates["demo", "a"].guess, gates["demo", "b"].guess)
        assert 25 < gates["demo", "a"].seconds <= 30


@pytest.mark.parametrize("damage", ["guess = 'x'", "closed_until = 'x'", "status_code = 'x'"])
async def test_a_gate_that_can_not_be_read_is_open(
    state: SharedState, database_url: str, damage: str
) -> None:
    """
    The next pause writes its row anew.
    """
    gate = SharedGate(seconds=30.0, guess=4.0, status_code=429, message="x")
    await state.close_gate("demo", "", gate)
    look(database_url, f"UPDATE seedcore_gates SET {damage}")

    assert {} == (await state.look(["demo"])).gates


@pytest.mark.dialects
class TestLooking:
    """
    What is shared about some providers.
    """

    async def test_only_what_was_asked_for_is_seen(self, state: SharedState) -> None:
        """
        One provider, several, one that nobody knows, or none at all.
        """
        gate = SharedGate(seconds=30.0, guess=4.0, status_code=429, message="x")
        for provider, operation in (("a", "generate"), ("a", "presets"), ("b", "generate")):
            await state.move(provider, operation, POLICY, circuit.opening(0))
            await state.close_gate(provider, "", gate)
        one, both = await state.look(["a"]), await state.look(["b", "a", "nobody"])
        none = await state.look([])

        assert {("a", "generate"), ("a", "presets")} == set(one.circuits)
        assert {("a", "")} == set(one.gates)
        assert 3 == len(both.circuits)
        assert {("a", ""), ("b", "")} == set(both.gates)
        assert ({}, {}) == (none.circuits, none.gates)

    async def test_circuits_are_listed_by_provider_and_operation(self, state: SharedState) -> None:
        """
        Each operation has its own.
        """
        for provider, operation in (("b", "generate"), ("a", "presets"), ("a", "generate")):
            await state.move(provider, operation, POLICY, circuit.opening(0))

        listed = [(record.provider, record.operation) for record in await state.records()]
        assert [("a", "generate"), ("a", "presets"), ("b", "generate")] == listed
        assert 2 == len(await state.records("a"))
        assert [] == await state.records("nobody")


@pytest.mark.dialects
async def test_a_reset_closes_and_outranks_what_was_known(
    state: SharedState, peer: SharedState
) -> None:
    """
    A process that still holds the old generation can't open the circuit again.
    """
    known = Condition(
        state=State.OPEN, generation=5, open_until=2e9, reopened=3, probes=(Probe("a", 1e9),)
    )
    for operation in ("generate", "presets"):
        await state.move("demo", operation, POLICY, stating(known))
    [generate, presets] = await state.records()

    assert 1 == await peer.reset("demo", "presets")
    await state.move("demo", "presets", POLICY, circuit.opening(4))
    await state.move("demo", "presets", POLICY, circuit.opening(5))
    await state.move("demo", "presets", POLICY, circuit.probe_failed("a"))

    [unchanged, reset] = await state.records()
    assert generate == unchanged
    assert ("closed", 6, 0, 0, 0, "[]", presets.revision + 1) == (
        reset.state,
        reset.generation,
        reset.open_until,
        reset.reopened,
        reset.successes,
        reset.probes,
        reset.revision,
    )
    assert reset.updated_at >= presets.updated_at
    assert 2 == await state.reset("demo")
    assert 0 == await state.reset("demo", "nothing")
    assert 0 == await state.reset("nobody")


async def test_nobody_waits_long_for_a_locked_database(
    state: SharedState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Calls go on without the others; looking alone needs no lock.
    """
    monkeypatch.setattr(SharedState, "LIMIT", 0.01)
    monkeypatch.setattr(SqliteDatabase, "BUSY_TIMEOUT", 1)
    await state._database.client.execute_query("PRAGMA busy_timeout = 1")
    await state.move("demo", "generate", POLICY, circuit.opening(0))
    gate = SharedGate(seconds=30.0, guess=4.0, status_code=429, message="x")
    changes = (
        lambda: state.move("demo", "generate", POLICY, stating(Condition(generation=9))),
        lambda: state.close_gate("demo", "", gate),
        lambda: state.reset_guess("demo", "", 2.0),
    )
    with locked(tmp_path / "audit.sqlite3"):
        for change in changes:
            with pytest.raises(DatabaseError, match="another program keeps it locked"):
                await change()
        with pytest.raises(DatabaseError, match="another program keeps it locked"):
            await state._database.check_writable(0.01)
        assert State.OPEN is (
            (await state.look(["demo"])).circuits["demo", "generate"].condition.state
        )
    await state._database.check_writable(0.01)
