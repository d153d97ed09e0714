"""
Several runners on one database, as the processes of a bot, a race bot and a web API are.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from seedcore import CircuitOpenError, Context, ProviderError, Registry, Runner, Seed, SeedRequest
from seedcore.testing.events import CapturedEvents

PATIENT = 10.0
"""Real seconds after which something that should have happened hasn't."""


class Site:
    """
    A provider whose answers a test decides; ``asked`` are the idempotency keys of its attempts.

    It raises ``error`` if there is one, and waits for ``answer`` before anything.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.answer = asyncio.Event()
        self.answer.set()

    async def __call__(self, request: SeedRequest, context: Context) -> Seed:
        """
        Roll a seed with the number of the attempt.
        """
        self.asked.append(context.idempotency_key)
        number = len(self.asked)
        await self.answer.wait()
        if self.error is not None:
            raise self.error
        return Seed(
            url=f"https://seeds.example/{number}", id=str(number), extra={"text": "a", "n": 1}
        )


def runner_of(
    target: Any,
    database: str,
    events: CapturedEvents | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> Runner:
    """
    Return the runner of one process, with one provider, ``demo``.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return Runner(
        registry=registry,
        database=database,
        sinks=[] if events is None else [events],
        settings={"retry_enabled": False, **(settings or {})},
    )


async def roll(runner: Runner, **arguments: Any) -> Seed:
    """
    Roll a seed without any patience.
    """
    return await runner.generate("demo", surface="test", **{"patience": 0, **arguments})


async def fails(runner: Runner, **arguments: Any) -> ProviderError:
    """
    Return the error of a call that must fail.
    """
    try:
        seed = await roll(runner, **arguments)
    except ProviderError as error:
        return error
    msg = f"it should have failed, and returned {seed}"
    raise AssertionError(msg)


async def open_circuit(runner: Runner, times: int = 5) -> None:
    """
    Let so many calls fail, which opens the circuit.
    """
    for _ in range(times):
        assert not isinstance(await fails(runner), CircuitOpenError)


async def until(happened: Callable[[], Any]) -> None:
    """
    Wait until *happened* is true.
    """
    late = time.monotonic() + PATIENT
    while not happened():
        assert time.monotonic() < late, "it has not happened"
        await asyncio.sleep(0.005)


def answer(database: str, question: str, *values: Any) -> list[tuple[Any, ...]]:
    """
    Return what the database answers to SQL, or change it; ``?`` marks values in either dialect.
    """
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite://")
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection, connection:
            return connection.execute(question, values).fetchall()
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _answer(database, question, values)).result()


async def _answer(database: str, question: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    import asyncpg

    for number, _ in enumerate(values, 1):
        question = question.replace("?", f"${number}", 1)
    connection = await asyncpg.connect(database, ssl=False)
    try:
        return [tuple(row) for row in await connection.fetch(question, *values)]
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def locked(database: str, table: str) -> AsyncIterator[None]:
    """
    Keep everybody from changing *table* (SQLite: anything), and in PostgreSQL from reading it.
    """
    if database.startswith("sqlite"):
        path = database.removeprefix("sqlite://")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
        return
    import asyncpg

    connection = await asyncpg.connect(database, ssl=False)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()
