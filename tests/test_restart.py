"""
A circuit that opened stays open over a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from seedcore import CircuitOpenError, DatabaseError, ProviderError, Registry, Runner, Seed
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.events import CapturedEvents


class Down:
    """
    A provider that refuses until it is repaired, and counts who asks.
    """

    def __init__(self) -> None:
        self.down = True
        self.asked = 0
        self.answer = asyncio.Event()
        self.answer.set()

    async def __call__(self, request: Any) -> Seed:
        self.asked += 1
        await self.answer.wait()
        if self.down:
            raise ConnectionRefusedError
        return Seed(id="1")


def runner_of(target: Any, database: Path, clock: LeapingClock, events: CapturedEvents) -> Runner:
    """
    A new process, as far as the circuit can tell.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    settings = {"circuit_breaker_timeout": 60.0, "retry_enabled": False}
    return Runner(
        registry=registry,
        database=f"sqlite://{database}",
        sinks=[events],
        clock=clock,
        settings=settings,
    )


async def fail(runner: Runner) -> ProviderError:
    """
    Return the error of a call that must fail.
    """
    with pytest.raises(ProviderError) as caught:
        await runner.generate("demo", surface="test")
    return caught.value


def leap(clock: LeapingClock, database: Path, seconds: float) -> None:
    """
    Let *seconds* pass for the runner and for the clock of the database: its rows become older.
    """
    clock.leap(seconds)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE seedcore_breakers SET open_until = open_until - ?", (int(seconds * 1e6),)
        )


async def test_an_open_circuit_is_open_after_a_restart_until_one_probe(tmp_path: Path) -> None:
    """
    Then one single probe goes out, and two successes close it, for the next process too.
    """
    database, clock, demo = tmp_path / "audit.sqlite3", LeapingClock(), Down()
    async with runner_of(demo, database, clock, CapturedEvents()) as runner:
        for _ in range(5):
            await fail(runner)
        assert isinstance(await fail(runner), CircuitOpenError)
    assert 5 == demo.asked

    async with runner_of(demo, database, clock, CapturedEvents()) as runner:
        leap(clock, database, 30)
        error = await fail(runner)
        assert isinstance(error, CircuitOpenError)
        assert error.retry_at is not None
        assert 29 < error.retry_at - clock.time() <= 30.5
        assert 5 == demo.asked

        leap(clock, database, 31)
        demo.down = False
        demo.answer.clear()
        calls = [
            asyncio.create_task(runner.generate("demo", surface="test", patience=0))
            for _ in range(20)
        ]
        while demo.asked == 5 or sum(call.done() for call in calls) < 19:
            await asyncio.sleep(0.001)
        assert 6 == demo.asked
        demo.answer.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert 1 == sum(isinstance(result, Seed) for result in results)
        assert 19 == sum(isinstance(result, CircuitOpenError) for result in results)
        await runner.generate("demo", surface="test")

    events = CapturedEvents()
    async with runner_of(demo, database, clock, events) as runner:
        await runner.generate("demo", surface="test")
    assert [] == events.named("breaker")


async def test_a_circuit_that_failed_again_after_the_restart_stays_open(tmp_path: Path) -> None:
    """
    The failed probe opens it for another minute.
    """
    database, clock, demo = tmp_path / "audit.sqlite3", LeapingClock(), Down()
    async with runner_of(demo, database, clock, CapturedEvents()) as runner:
        for _ in range(5):
            await fail(runner)
    events = CapturedEvents()
    async with runner_of(demo, database, clock, events) as runner:
        leap(clock, database, 61)
        assert not isinstance(await fail(runner), CircuitOpenError)
        assert isinstance(await fail(runner), CircuitOpenError)
    assert ["half_open", "open"] == events.circuit()


async def test_a_file_that_was_deleted_or_replaced_takes_no_rows(tmp_path: Path) -> None:
    """
    SQLite would go on writing where nobody will ever look; the spool keeps them instead.
    """
    for replace in (False, True):
        folder = tmp_path / str(replace)
        folder.mkdir()
        url = f"sqlite://{folder}/audit.sqlite3"
        registry = Registry(discover=False)
        registry.add("demo", lambda: Seed(id="1"))
        async with Runner(registry=registry, database=url, sinks=[]) as runner:
            first = await runner.generate("demo", surface="tests")
            for file in folder.glob("audit.sqlite3*"):
                if not file.name.endswith(".lock") and "spool" not in file.name:
                    file.unlink()
            if replace:
                (folder / "audit.sqlite3").write_bytes(b"")
            second = await runner.generate("demo", surface="tests")
            with pytest.raises(DatabaseError, match="its file was deleted or replaced"):
                await runner.generate("demo", surface="tests", call_id="mine", deadline=0.2)
        async with Runner(registry=registry, database=url, sinks=[]) as again:
            assert again._runtime is not None
            assert again._runtime.store is not None
            rows = await again._runtime.store.queries.calls()

        assert ("durable", "spooled") == (first.meta.audit, second.meta.audit)
        assert [second.meta.call_id] == [row["call_id"] for row in rows]
