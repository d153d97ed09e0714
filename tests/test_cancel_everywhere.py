"""
A call is cancelled, closed or killed at each of its await points in turn, and leaves nothing.

The points are counted, not listed: a call is taken step by step until it is through, and the
next one is cut off one step later.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seedcore.context import NAMESPACE
from seedcore.store import Store
from seedcore.testing.upstream import FaultUpstream
from support.cut_off import CALL, GOOD, NEXT, PATIENT, Kind, Run, World
from support.cut_off_killed import Mortal
from support.cut_off_kinds import KINDS, OF_THE_DATABASE
from support.cut_off_left import facts_of, held, is_of_the_closed, is_the_upstreams, left
from support.stepped import WAYS, Abandoned
from support.stored import look, until

Fresh = Callable[[], Path]
CERTAIN = 3
"""Calls in a row without that many suspensions: pieces of an answer may come together."""


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A database file with its tables, and nothing in them.
    """
    path = tmp_path_factory.mktemp("everywhere") / "audit.sqlite3"

    async def migrate() -> None:
        store = await Store.open(f"sqlite://{path}")
        await store.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
def fresh(migrated: Path, tmp_path: Path) -> Fresh:
    """
    Makes databases that nobody has used.
    """
    numbers = itertools.count(1)

    def make() -> Path:
        path: Path = shutil.copy(migrated, tmp_path / f"{next(numbers)}.sqlite3")
        return path

    return make


# ------------------------------------------------------------------ cut off here


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", KINDS)
async def test_wherever_a_call_is_cut_off_nothing_stays_behind(
    name: str, way: str, upstream: FaultUpstream, fresh: Fresh
) -> None:
    """
    No slot, probe, task, thread or response; a breaker that has learned nothing; a row at most.

    The next call succeeds, and the runner closes.
    """
    kind = KINDS[name]
    places: list[list[str]] = []
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    missed = 0
    while missed < CERTAIN:
        at = len(places) + 1
        before = asyncio.all_tasks()
        world = World(kind, upstream, fresh())
        async with asyncio.timeout(2 * PATIENT), world.runner:
            run = Run(world, at, way)
            task = await run.go()
            if run.reached:
                places.append(run.stepped.places[at - 1])
            missed = 0 if run.reached else missed + 1
            where = f"{way} at {at}: {' > '.join(places[-1])}"
            await check(run, task, before, where)
        await until(lambda: not upstream.open_now, PATIENT)
        tasks = asyncio.all_tasks() - before
        assert set() == {each for each in tasks if not is_the_upstreams(each)}, where
        check_database(world, where)
        probes = look(world.database, "SELECT probes FROM seedcore_breakers")
        assert set() == {text for (text,) in probes if json.loads(text)}, where
        gc.collect(0)
        heard = [each for each in complaints if way != "closed" or not is_of_the_closed(each)]
        assert [] == heard, where

    assert_visited(kind, places)


async def check(
    run: Run, task: asyncio.Task[Any], before: set[asyncio.Task[Any]], where: str
) -> None:
    """
    Hold what a run has left behind against what it may.
    """
    world = run.world
    if not run.reached:
        assert world.kind.fails is (task.exception() is not None), where
    elif run.way == "closed":
        assert isinstance(task.exception(), Abandoned), where
    else:
        assert task.cancelled(), where
    if not (world.beside or world.kind.threaded):
        assert [] == held(world), where
    await settled(world, before, where)
    for lane in world.lanes if run.reached else ():
        assert run.facts.get(lane.name, facts_of(lane)) == facts_of(lane), where
    successes = world.events.named("call", outcome="success", surface=CALL, provider="demo")
    rows = rows_of(world)
    assert len(rows) <= 1, where
    if not (run.reached and run.way == "closed"):
        assert len(successes) == len(rows), where

    world.upstream.script(GOOD)
    seed = await world.call(NEXT)
    assert "4711" == seed.id, where
    await settled(world, before, where)


async def settled(world: World, before: set[asyncio.Task[Any]], where: str) -> None:
    """
    Let what goes on without the call come to its end.
    """
    try:
        await until(lambda: not world.beside and not left(world, before), PATIENT)
    except AssertionError:
        assert [] == left(world, before), where
        raise
    store = world.runner._runtime.store
    assert await store.flush(), where


def check_database(world: World, where: str) -> None:
    """
    Look at the file after its runner has closed it.
    """
    for hash_id, permalink, seed, report in rows_of(world):
        assert ("4711", "https://seeds.example/4711") == (hash_id, permalink), where
        assert {"n": 1} == json.loads(seed), where
        assert "attempts" in json.loads(report), where
    question = "SELECT count(*) FROM seedcore_calls WHERE call_id = 'mine'"
    [[count]] = look(world.database, question)
    assert count == ("call_id" in world.kind.arguments), where
    assert [("ok",)] == look(world.database, "PRAGMA integrity_check"), where


def rows_of(world: World) -> list[tuple[Any, ...]]:
    """
    Return the audit rows of the call that was cut off.
    """
    question = "SELECT hash_id, permalink, seed, report FROM seedcore_calls WHERE surface"
    return look(world.database, f"{question} = '{CALL}'")


# ------------------------------------------------------------------ killed there


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortal]:
    """
    A process whose children die where they are told.
    """
    with Mortal() as process:
        yield process


@pytest.mark.parametrize(
    ("later", "opened"), [("at once", "before"), ("half a millisecond later", "after")]
)
@pytest.mark.parametrize("name", OF_THE_DATABASE)
async def test_wherever_its_process_is_killed_another_goes_on(
    name: str, later: str, opened: str, fresh: Fresh, mortal: Mortal
) -> None:
    """
    The database has a whole row or none; who asks next, with the same id too, gets a seed.

    That is a process that ran beside the one that died, or one that was started afterwards. A
    row that was written is the seed that comes again, and the provider isn't asked for it.
    """
    places: list[list[str]] = []
    missed = 0
    while missed < CERTAIN:
        at, database = len(places) + 1, fresh()
        async with FaultUpstream() as upstream, asyncio.timeout(4 * PATIENT):
            world = World(KINDS[name], upstream, database)
            if opened == "before":
                await world.runner.open()
            place = mortal.kill(name, at, later, database)
            if opened == "after":
                await world.runner.open()
            missed = 0 if place else missed + 1
            places += [place] if place else []
            where = f"killed {later} at {at}: {' > '.join(places[-1])}"
            await check_another_process(world, where)

    assert_visited(KINDS[name], places)


async def check_another_process(world: World, where: str) -> None:
    """
    Make the call again that a killed process has left, and close.
    """
    question = "SELECT count(*) FROM seedcore_calls WHERE call_id = 'mine'"
    [[known]] = look(world.database, question)
    assert len(rows_of(world)) <= 1, where
    world.over = True
    world.upstream.script(GOOD)
    assert "4711" == (await world.call(NEXT)).id, where
    await world.runner.close()
    asked = [str(uuid.uuid5(NAMESPACE, "mine"))] * (not known)
    if "call_id" in world.kind.arguments:
        assert asked == world.keys, where
    check_database(world, where)


def assert_visited(kind: Kind, places: list[list[str]]) -> None:
    """
    Fail if a call of *kind* was not cut off as often, and in all the functions, as it can be.
    """
    assert kind.least <= len(places)
    assert set() == {step for step in kind.through if not any(step in each for each in places)}
