"""
A database that hiccups costs nobody a seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seedcore.store import Store
from seedcore.store.spool import Spool
from seedcore.store.writer import Writer
from seedcore.testing.events import CapturedEvents
from support.peers import Site, answer, locked, roll, runner_of, until

pytestmark = pytest.mark.dialects


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Give a commit a twentieth of a second, and look for the database a hundred times as often.
    """
    monkeypatch.setattr(Store, "COMMIT_LIMIT", 0.05)
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 0.01)
    monkeypatch.setattr("seedcore.store.postgres.SHORTEST", 0.05)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """
    Where rows wait.
    """
    return tmp_path / "spool"


def rows(database: str) -> list[str]:
    """
    Return the ids of the seeds that are recorded.
    """
    return [row[0] for row in answer(database, "SELECT hash_id FROM seedcore_calls ORDER BY id")]


@contextlib.contextmanager
def no_room(spool: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Let every spool file be on a disk without any room left.
    """
    spool.mkdir()
    make = Spool._path

    def full(self: Spool, suffix: str) -> Path:
        path = make(self, suffix)
        if suffix == ".spool" and not path.is_symlink():
            path.symlink_to("/dev/full")
        return path

    monkeypatch.setattr(Spool, "_path", full)
    yield
    monkeypatch.setattr(Spool, "_path", make)
    for path in spool.glob("*.spool"):
        path.unlink()


async def test_rows_wait_on_the_disk_and_arrive_once(database_url: str, spool: Path) -> None:
    """
    The caller is told, one event says that it begins and one that it is over.
    """
    events = CapturedEvents()
    settings = {"spool_directory": str(spool)}
    async with runner_of(Site(), database_url, events, settings=settings) as one:
        await roll(one)
        async with locked(database_url, "seedcore_calls"):
            seeds = await asyncio.gather(*(roll(one) for _ in range(50)))
            seeds += [await roll(one) for _ in range(3)]
            assert {"spooled"} == {seed.meta.audit for seed in seeds}
            assert oct(0o40700) == oct(spool.stat().st_mode)
        await until(lambda: events.named("audit_drained"))
        assert "durable" == (await roll(one)).meta.audit
    assert 55 == len(rows(database_url))
    assert {seed.id for seed in seeds} < set(rows(database_url))
    [began] = events.named("audit_spooling")
    assert "WARNING" == began.level
    assert began.extra["reason"]
    [over] = events.named("audit_drained")
    assert ("INFO", {"rows": 53, "torn": 0}) == (over.level, dict(over.extra))
    assert not spool.exists()


async def test_the_first_waits_for_the_commit_and_the_others_do_not(
    database_url: str, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While the database is known to be gone, nobody waits for it.
    """
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 60.0)
    async with runner_of(Site(), database_url, settings={"spool_directory": str(spool)}) as one:
        await roll(one)
        async with locked(database_url, "seedcore_calls"):
            await roll(one)
            began = time.monotonic()
            for _ in range(20):
                await roll(one)
            assert time.monotonic() - began < 20 * 0.05


async def test_a_runner_that_ends_meanwhile_leaves_its_rows_to_the_next(
    database_url: str, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Failures as well, which nobody awaits.
    """
    monkeypatch.setattr("seedcore.lifetime.AFTER_DRAIN", 0.2)
    settings = {"spool_directory": str(spool)}
    site = Site()
    async with contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(runner_of(site, database_url, settings=settings))
        await roll(one)
        holder = locked(database_url, "seedcore_calls, seedcore_failures, seedcore_claims")
        async with holder:
            await roll(one)
            site.error = ConnectionResetError("gone")
            with pytest.raises(Exception, match="demo"):
                await roll(one)
            await stack.aclose()
        assert list(spool.iterdir())
        assert [] == list(spool.glob("*.lock"))
    events = CapturedEvents()
    async with runner_of(site, database_url, events, settings=settings):
        assert ["1", "2"] == rows(database_url)
    assert {"rows": 2, "torn": 0} == dict(events.named("audit_drained")[0].extra)
    assert 1 == len(answer(database_url, "SELECT * FROM seedcore_failures"))
    assert not spool.exists()


async def test_a_torn_line_is_kept_and_reported(database_url: str, spool: Path) -> None:
    """
    The lines before it are written.
    """
    settings = {"spool_directory": str(spool)}
    async with runner_of(Site(), database_url, settings=settings) as one:
        key = one._runtime.store.spool._key
    async with runner_of(Site(), database_url, settings=settings) as one:
        holder = locked(database_url, "seedcore_calls")
        async with holder:
            await roll(one)
            await roll(one)
            [file] = spool.glob("*.spool")
            whole = file.read_bytes()
    assert ["1", "2"] == rows(database_url)
    answer(database_url, "DELETE FROM seedcore_calls")
    spool.mkdir()
    (spool / f"{key}-{'0' * 32}.spool").write_bytes(whole[:-40])
    events = CapturedEvents()
    async with runner_of(Site(), database_url, events, settings=settings) as one:
        assert ["1"] == rows(database_url)
        status = await one._runtime.store.upkeep.status()
        assert (0, 1) == (status.spool.lines, status.spool.torn)
    [event] = events.named("audit_drained")
    assert ("ERROR", {"rows": 1, "torn": 1}) == (event.level, dict(event.extra))
    [torn] = spool.glob("*.torn")
    assert torn.read_bytes() == whole.splitlines()[1][:-39] + b"\n"


async def test_without_room_for_the_spool_the_seed_is_returned(
    database_url: str, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its row is lost, and an ERROR event carries it.
    """
    events = CapturedEvents()
    settings = {"spool_directory": str(spool)}
    with no_room(spool, monkeypatch):
        async with runner_of(Site(), database_url, events, settings=settings) as one:
            await roll(one)
            async with locked(database_url, "seedcore_calls"):
                seed = await roll(one)
            assert ("2", "lost") == (seed.id, seed.meta.audit)
            [event] = events.named("audit_lost")
            assert "ERROR" == event.level
            assert ("2", seed.url) == (
                event.extra["row"]["hash_id"],
                event.extra["row"]["permalink"],
            )
            assert "durable" == (await roll(one)).meta.audit
    # A PostgreSQL that was only slow may write it all the same.
    assert rows(database_url) in (["1", "3"], ["1", "2", "3"], ["1", "3", "2"])


async def test_a_spool_that_can_not_be_made_loses_the_row(
    database_url: str, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The sentence of the error says where and why.
    """
    spool.write_text("a file where the directory should be")
    async with runner_of(Site(), database_url, settings={"spool_directory": str(spool)}) as one:
        await roll(one)
        store = one._runtime.store
        lost: list[Any] = []
        write = store.write

        async def watched(*arguments: Any, **named: Any) -> Any:
            try:
                return await write(*arguments, **named)
            except Exception as error:
                lost.append(str(error))
                raise

        monkeypatch.setattr(store, "write", watched)
        async with locked(database_url, "seedcore_calls"):
            assert "lost" == (await roll(one)).meta.audit
    [sentence] = lost
    assert "nor to its spool" in sentence
    assert str(spool) in sentence


async def test_many_at_once_while_it_comes_and_goes(database_url: str, spool: Path) -> None:
    """
    Each has one row in the end, whether it was spooled or not.
    """
    settings = {"spool_directory": str(spool), "failure_rows": False}
    site, seeds = Site(), []
    async with runner_of(site, database_url, settings=settings) as one:
        await roll(one)
        stop = asyncio.Event()

        async def caller() -> None:
            while not stop.is_set():
                seeds.append(await roll(one))

        callers = [asyncio.create_task(caller()) for _ in range(50)]
        writer = one._runtime.store._writer
        for _ in range(3):
            async with locked(database_url, "seedcore_calls"):
                await until(lambda: writer.away)
                await asyncio.sleep(0.01)
            await until(lambda: not writer.away)
            await asyncio.gather(*(roll(one) for _ in range(50)))
        stop.set()
        await asyncio.gather(*callers)
    written = rows(database_url)
    assert "spooled" in {seed.meta.audit for seed in seeds}
    assert sorted(map(int, written)) == list(range(1, len(site.asked) + 1))
    assert not spool.exists()


async def test_nothing_is_made_before_it_is_needed(database_url: str, spool: Path) -> None:
    """
    A database that is always there has no directory beside it.
    """
    async with runner_of(Site(), database_url, settings={"spool_directory": str(spool)}) as one:
        await roll(one)
    assert not spool.exists()
    assert [] == list(Path.cwd().glob("*.spool"))
