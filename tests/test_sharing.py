"""
Circuits and gates that several processes on one database share.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seedcore import (
    CircuitOpenError,
    DatabaseError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from seedcore.model import BreakerRecord
from seedcore.runner import Runner
from seedcore.sharing import Sharing
from seedcore.store.state import SharedState
from seedcore.testing.events import CapturedEvents
from support.peers import (
    PATIENT,
    Site,
    answer,
    fails,
    locked,
    open_circuit,
    roll,
    runner_of,
    until,
)

pytestmark = pytest.mark.dialects

DOWN = ConnectionResetError("gone")
A_MINUTE = {"circuit_breaker_timeout": 60.0}
A_MOMENT = {"circuit_breaker_timeout": 0.01}
HOUR = 3600.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Look a hundred times as often.
    """
    monkeypatch.setattr(Sharing, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(Sharing, "FRESH", 0.02)


@pytest.fixture
def site() -> Site:
    """
    What all processes call.
    """
    return Site()


async def row(runner: Runner) -> BreakerRecord:
    """
    Return the shared row of the circuit.
    """
    [record] = await runner._runtime.store.state.records()
    return record


async def told(runner: Runner) -> None:
    """
    Wait until everything that happened has reached the database.
    """
    sharing = runner._runtime.sharing
    await until(lambda: sharing._working is None and not sharing._acts)


def look_again(*runners: Runner) -> None:
    """
    Let what these know of the database be old.
    """
    for runner in runners:
        for lane in runner._lanes.values():
            lane.fresh_until = 0.0


async def until_served(runner: Runner) -> None:
    """
    Wait until a seed is rolled: a look that was under way may bring what there was before.
    """
    late = time.monotonic() + PATIENT
    while True:
        look_again(runner)
        try:
            await roll(runner)
        except CircuitOpenError:
            assert time.monotonic() < late, "the circuit is open still"
            await asyncio.sleep(0.005)
        else:
            return


@pytest.fixture
async def pair(site: Site, database_url: str) -> AsyncIterator[tuple[Runner, Runner]]:
    """
    Two processes that have called the provider already, and keep a circuit open for a minute.
    """
    async with (
        runner_of(site, database_url, settings=A_MINUTE) as one,
        runner_of(site, database_url, settings=A_MINUTE) as other,
    ):
        await roll(one)
        await roll(other)
        yield one, other


async def test_what_one_process_opens_all_refuse(site: Site, pair: tuple[Runner, Runner]) -> None:
    """
    Also one that comes later; all name the same moment to come back.
    """
    one, other = pair
    site.error = DOWN
    await open_circuit(one)
    await told(one)
    look_again(other)
    asked = len(site.asked)
    site.error = None
    errors = [await fails(one), await fails(other)]
    async with runner_of(site, other._database, settings=A_MINUTE) as third:
        errors.append(await fails(third))
    assert [CircuitOpenError] * 3 == [type(error) for error in errors]
    assert asked == len(site.asked)
    moments = [error.retry_at for error in errors]
    assert max(moments) - min(moments) < 1
    assert 58 < min(moments) - time.time() <= 60


async def test_peers_say_what_they_have_heard(site: Site, database_url: str) -> None:
    """
    Each process has an event for its own log, and says that it was another one.
    """
    heard = CapturedEvents()
    async with (
        runner_of(site, database_url) as one,
        runner_of(site, database_url, heard, settings=A_MINUTE) as other,
    ):
        await roll(other)
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        look_again(other)
        await fails(other)
    [event] = heard.named("breaker")
    assert ("WARNING", "open", "peer") == (event.level, event.breaker, event.extra["by"])


async def test_one_probe_at_a_time_in_all_processes(site: Site, database_url: str) -> None:
    """
    Who asks while another process probes is refused; two successes close it for everybody.
    """
    async with (
        runner_of(site, database_url, settings=A_MOMENT) as one,
        runner_of(site, database_url, settings=A_MOMENT) as other,
    ):
        await roll(other)
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        await asyncio.sleep(0.01)
        look_again(other)
        asked = len(site.asked)
        site.error = None
        site.answer.clear()
        probe = asyncio.create_task(roll(one))
        await until(lambda: len(site.asked) == asked + 1)
        look_again(other)
        refused = await asyncio.gather(*(fails(other) for _ in range(20)))
        assert {CircuitOpenError} == {type(error) for error in refused}
        assert asked + 1 == len(site.asked)
        site.answer.set()
        await probe
        await roll(other, patience=5)
        await told(other)
        assert "closed" == (await row(one)).state
        for runner in (one, other):
            await roll(runner, patience=5)


async def test_a_failed_probe_reopens_for_everybody(site: Site, database_url: str) -> None:
    """
    The growth of the open time goes on, whoever probes.
    """
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        for runner in (other, one):
            look_again(runner)
            await fails(runner, patience=5)  # waits for its turn, and its probe fails
            await told(runner)
        found = await row(one)
        assert ("open", 2, 5) == (found.state, found.reopened, found.generation)
        # The row was written a moment after the step was taken.
        assert 0.25 * 1.5 < (found.open_until - found.updated_at) / 1e6 <= 0.25 * 1.5**2


async def test_a_probe_under_way_at_shutdown_is_given_back(site: Site, database_url: str) -> None:
    """
    The next process may probe at once.
    """
    settings = {**A_MOMENT, "drain_timeout": 0.0}
    async with runner_of(site, database_url, settings=settings) as one:
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        await asyncio.sleep(0.01)
        asked = len(site.asked)
        site.answer.clear()
        probe = asyncio.create_task(fails(one))
        await until(lambda: len(site.asked) == asked + 1)
        assert 1 == len(json.loads((await row(one)).probes))
    await probe
    [(probes,)] = answer(database_url, "SELECT probes FROM seedcore_breakers")
    assert "[]" == probes
    site.error = None
    site.answer.set()
    async with runner_of(site, database_url, settings=A_MOMENT) as other:
        await roll(other)


async def test_the_failures_of_one_machine_stay_there(site: Site, database_url: str) -> None:
    """
    Without a name server a process refuses alone; once its probe succeeds it is with the others.
    """
    async with (
        runner_of(site, database_url, settings=A_MOMENT) as one,
        runner_of(Site(), database_url, settings=A_MOMENT) as other,
    ):
        site.error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        await open_circuit(one)
        assert isinstance(await fails(one), CircuitOpenError)
        await roll(other)
        assert [] == await one._runtime.store.state.records()
        site.error = None
        await roll(one, patience=5)
        await roll(one, patience=5)
        # From here on it counts as anyone's again.
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        assert ("open", 1) == ((await row(one)).state, (await row(one)).generation)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_clock_that_jumps_neither_wedges_nor_floods(
    site: Site, database_url: str, jump: float
) -> None:
    """
    With the database's clock an hour off, a circuit is open for no longer than ever, and then
    one probe goes out.
    """
    settings = {"circuit_breaker_timeout": 0.2}
    async with (
        runner_of(site, database_url, settings=settings) as one,
        runner_of(site, database_url, settings=settings) as other,
    ):
        await roll(other)
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        # The clock goes one way, which is as if all times went the other.
        answer(
            database_url,
            "UPDATE seedcore_breakers SET open_until = open_until - ?, revision = revision + 1",
            int(jump * 1e6),
        )
        look_again(one, other)
        site.error = None
        if jump < 0:
            error = await fails(other)
            assert isinstance(error, CircuitOpenError)
            assert error.retry_at - time.time() <= 0.2
        asked = len(site.asked)
        site.answer.clear()
        calls = [asyncio.create_task(roll(runner, patience=9)) for runner in (one, other) * 5]
        begun = time.monotonic()
        await until(lambda: len(site.asked) > asked)
        assert time.monotonic() - begun < 2
        await asyncio.sleep(0.01)
        assert asked + 1 == len(site.asked)
        site.answer.set()
        await asyncio.gather(*calls)


async def test_a_row_that_can_not_be_read_is_replaced_and_reported(
    site: Site, database_url: str
) -> None:
    """
    Whoever has written it, the circuit is closed from then on, and can open again.
    """
    events = CapturedEvents()
    async with runner_of(site, database_url, events, settings=A_MINUTE) as one:
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        answer(
            database_url,
            "UPDATE seedcore_breakers SET state = 'ajar', probes = '{', revision = revision + 1",
        )
        look_again(one)
        site.error = None
        assert isinstance(await fails(one), CircuitOpenError)
        await told(one)
        await roll(one)
        assert ("closed", "[]") == ((await row(one)).state, (await row(one)).probes)
        [event] = events.named("shared_state_unreadable")
        assert ("ERROR", "generate") == (event.level, event.operation)
        site.error = DOWN
        await open_circuit(one)
        await told(one)
        assert "open" == (await row(one)).state


async def test_closing_by_hand_reaches_all_processes(
    site: Site, pair: tuple[Runner, Runner]
) -> None:
    """
    What ``seedcore breaker reset`` writes is taken over by those that run.
    """
    one, other = pair
    site.error = DOWN
    await open_circuit(one)
    await told(one)
    look_again(other)
    assert isinstance(await fails(other), CircuitOpenError)
    assert 1 == await one._runtime.store.state.reset("demo", "generate")
    site.error = None
    for runner in pair:
        await until_served(runner)


async def test_a_database_that_does_not_answer_costs_one_event(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each process goes on by itself, and afterwards the others hear what became of it.
    """
    monkeypatch.setattr(SharedState, "LIMIT", 0.05)
    monkeypatch.setattr(Sharing, "LIMIT", 0.05)
    events = CapturedEvents()
    settings = {"circuit_breaker_timeout": 0.2, "failure_rows": False}
    async with (
        runner_of(site, database_url, events, settings=settings) as one,
        runner_of(site, database_url, settings=settings) as other,
    ):
        await roll(one)
        await roll(other)
        async with locked(database_url, "seedcore_breakers"):
            site.error = DOWN
            await open_circuit(one)
            await until(lambda: events.named("shared_state_lost"))
            assert isinstance(await fails(one), CircuitOpenError)
            for _ in range(3):  # probes that nobody could be asked about
                await asyncio.sleep(0.2)
                assert not isinstance(await fails(one, patience=5), CircuitOpenError)
            assert isinstance(await fails(one), CircuitOpenError)
        await until(lambda: events.named("shared_state_back"))
        await told(one)
        assert 1 == len(events.named("shared_state_lost", level="WARNING"))
        assert 1 == len(events.named("shared_state_back"))
        assert "open" == (await row(one)).state
        site.error = None
        for runner in (one, other, one, other):
            await roll(runner, patience=5)


async def test_a_pause_holds_for_all_processes(site: Site, pair: tuple[Runner, Runner]) -> None:
    """
    The others raise what the provider said, with the same moment to come back.
    """
    one, other = pair
    site.error = ProviderRateLimitError("slow down", status_code=429, retry_after=30.0)
    await fails(one)
    await told(one)
    look_again(other)
    asked = len(site.asked)
    site.error = None
    second = await fails(other)
    assert ProviderRateLimitError is type(second)
    assert ("slow down", 429) == (second.provider_message, second.status_code)
    assert 29 < second.retry_at - time.time() <= 31
    assert asked == len(site.asked)


async def test_accounts_pause_apart(database_url: str) -> None:
    """
    A quota belongs to a credential, of which the row has nothing that could be read.
    """
    import attrs

    from seedcore import Seed, provider

    @attrs.frozen
    class Account:
        token: str = attrs.field(metadata={"secret": True})

    limit: list[ProviderRateLimitError] = []

    @provider(settings=Account)
    async def demo(request: Any) -> Seed:
        if limit:
            raise limit[0]
        return Seed(id="1")

    def of(token: str) -> Runner:
        return runner_of(demo, database_url, settings={"providers": {"demo": {"token": token}}})

    async with of("canary-1") as one, of("canary-1") as same, of("canary-2") as other:
        for runner in (one, same, other):
            await roll(runner)
        limit.append(ProviderRateLimitError("canary-1 is limited", retry_after=30.0))
        await fails(one)
        await told(one)
        look_again(same, other)
        limit.clear()
        assert "*** is limited" == (await fails(same)).provider_message
        await roll(other)
    rows = answer(database_url, "SELECT * FROM seedcore_gates")
    assert 1 == len(rows)
    assert "canary" not in str(rows)


async def test_a_put_back_clock_makes_no_pause_longer(
    site: Site, pair: tuple[Runner, Runner]
) -> None:
    """
    Nor is one that is known taken over again, each time a second longer.
    """
    one, other = pair
    site.error = ProviderRateLimitError("slow down", retry_after=0.5)
    await fails(one)
    await told(one)
    answer(
        one._database,
        "UPDATE seedcore_gates SET closed_until = closed_until + ?, updated_at = updated_at + ?",
        int(HOUR * 1e6),
        int(HOUR * 1e6),
    )
    site.error = None
    look_again(*pair)
    assert (await fails(other)).retry_at - time.time() <= 0.6
    for runner in pair:
        look_again(runner)
        await roll(runner, patience=2)


async def test_a_success_ends_the_doubling_for_all(site: Site, pair: tuple[Runner, Runner]) -> None:
    """
    Pauses that the provider names no length for grow together and begin anew together.
    """
    one, other = pair
    site.error = ProviderRateLimitError("slow down")
    await fails(one)
    await told(one)
    look_again(other)
    assert isinstance(await fails(other), ProviderRateLimitError)
    gates = [runner._lanes["demo"].gate for runner in pair]
    assert [4.0, 4.0] == [gate.guess for gate in gates]
    answer(one._database, "UPDATE seedcore_gates SET closed_until = 0")
    for gate in gates:
        gate._until = 0.0  # the two seconds have passed
    site.error = None
    await roll(one)
    await told(one)
    look_again(other)
    await roll(other)
    assert [2.0, 2.0] == [gate.guess for gate in gates]
    [(guess,)] = answer(one._database, "SELECT guess FROM seedcore_gates")
    assert 2.0 == guess


async def test_an_idle_runner_asks_nothing(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Looks end when nobody calls, and begin again with the next call.
    """
    looks: list[float] = []
    look = SharedState.look

    async def counted(self: SharedState, providers: Any) -> Any:
        looks.append(time.monotonic())
        return await look(self, providers)

    monkeypatch.setattr(SharedState, "look", counted)
    async with runner_of(site, database_url) as one:
        await roll(one)
        sharing = one._runtime.sharing
        await until(lambda: sharing._watching is None)
        before = len(looks)
        await asyncio.sleep(0.01)
        assert before == len(looks)
        await roll(one)
        assert before + 1 == len(looks)


async def test_an_attempt_looks_once_however_that_ends(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A call that is made while the runner closes doesn't look again and again.
    """
    monkeypatch.setattr(Sharing, "FRESH", 60.0)
    async with runner_of(site, database_url) as one:
        await roll(one)
        sharing, lane = one._runtime.sharing, one._lanes["demo"]
        sharing._closed = True

        async def refuse(self: SharedState, providers: Any) -> Any:
            raise DatabaseError("it was closed")

        monkeypatch.setattr(SharedState, "look", refuse)
        look_again(one)
        await sharing.look(lane)
        assert lane.fresh_until > time.monotonic()


async def test_without_a_database_nothing_is_shared(site: Site, database_url: str) -> None:
    """
    Circuits work in each process by itself.
    """
    async with runner_of(site, database_url) as one:
        one_alone = runner_of(site, database_url)
        one_alone._database = None
        async with one_alone as other:
            site.error = DOWN
            await open_circuit(other)
            assert isinstance(await fails(other), CircuitOpenError)
            error = await fails(one)
            assert ProviderUnavailableError is type(error)
