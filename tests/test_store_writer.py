"""
Group commit: durable, fair, and not to be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from seedcore.errors import DatabaseError
from seedcore.store import Store
from seedcore.store.database import Database
from seedcore.store.rows import CALLS, FAILURES, Rows
from seedcore.store.writer import Writer
from support.stored import audit_record, breaker_record, failure_record, locked, look, threads_left

CALL_IDS = "SELECT call_id FROM seedcore_calls ORDER BY id"
HELD = 20
"""Seconds a hanging disk would take, if a test did not release it."""
FAILED_IDS = "SELECT call_id FROM seedcore_failures ORDER BY id"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    A database that keeps few failures and doesn't block its thread for long.
    """
    monkeypatch.setattr(Database, "BUSY_TIMEOUT", 1)
    monkeypatch.setattr(Store, "FAILURES_KEPT", 3)
    return tmp_path / "audit.sqlite3"


@pytest.fixture
async def store(database: Path) -> AsyncIterator[Store]:
    """
    An open store.
    """
    opened = await Store.open(f"sqlite://{database}")
    yield opened
    await opened.close()


class Disk:
    """
    A database that commits when it is told to, and keeps what it was given.
    """

    name = "disk"
    dialect = "sqlite"

    def __init__(self) -> None:
        self.transactions: list[list[str]] = []
        self.may_commit = asyncio.Event()
        self.refusals: list[Exception] = []

    async def insert(self, statement: str, rows: Rows, limit: float) -> None:
        """
        Commit as soon as it is allowed, or raise the next refusal.
        """
        self.transactions.append([row[0] for row in rows])
        await self.may_commit.wait()
        if self.refusals:
            raise self.refusals.pop(0)


def writer_of(disk: Any, limit: float = 5.0) -> Writer:
    """
    Return a writer on a made-up disk.
    """
    return Writer(disk, commit_limit=limit, failures_kept=100)


def hold(store: Store) -> threading.Event:
    """
    Keep the thread of SQLite busy, as a disk that hangs does, until the event is set.
    """
    answers = threading.Event()
    store._database.client._connection._tx.put_nowait((None, lambda: answers.wait(HELD)))
    return answers


@contextlib.contextmanager
def impatient(store: Store) -> Iterator[None]:
    """
    Shorten the commit limit for as long as the database is expected not to answer.
    """
    store._writer._limit = 0.02
    yield
    store._writer._limit = Store.COMMIT_LIMIT


async def turns(count: int = 5) -> None:
    """
    Let the other tasks run.
    """
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_row_is_on_disk_when_write_returns(store: Store, database: Path) -> None:
    """
    Another connection sees every column at once.
    """
    record = audit_record("c-1", race=True)
    await store.write(record)

    columns = ", ".join(CALLS.columns)
    assert [tuple(CALLS.row(record))] == look(database, f"SELECT {columns} FROM seedcore_calls")


async def test_what_arrives_during_a_commit_goes_into_the_next() -> None:
    """
    Any number of waiting callers shares one transaction.
    """
    disk = Disk()
    writer = writer_of(disk)
    first = writer.add(CALLS.row(audit_record("c-0")))
    await turns()
    later = [writer.add(CALLS.row(audit_record(f"c-{number}"))) for number in range(1, 500)]
    await turns()
    assert [["c-0"]] == disk.transactions
    assert not first.done()

    disk.may_commit.set()
    await asyncio.gather(first, *later)

    assert [["c-0"], [f"c-{number}" for number in range(1, 500)]] == disk.transactions
    await writer.stop(1)


async def test_five_hundred_callers_get_one_row_each(store: Store, database: Path) -> None:
    """
    However they are grouped, no row is lost and none is written twice.
    """
    ids = [f"c-{number}" for number in range(500)]
    await asyncio.gather(*(store.write(audit_record(call_id)) for call_id in ids))

    assert [(call_id,) for call_id in ids] == look(database, CALL_IDS)


async def test_a_second_row_with_the_same_call_id_is_ignored(store: Store, database: Path) -> None:
    """
    The first one stands, in the same transaction too.
    """
    await store.write(audit_record("c-1", surface="first"))
    await asyncio.gather(
        store.write(audit_record("c-1", surface="second")), store.write(audit_record("c-2"))
    )

    expected = [("c-1", "first"), ("c-2", "discord")]
    assert expected == look(database, "SELECT call_id, surface FROM seedcore_calls ORDER BY id")


async def test_a_caller_who_gives_up_drops_no_row(store: Store, database: Path) -> None:
    """
    Its row is written all the same, and the others don't notice.
    """
    callers = [
        asyncio.create_task(store.write(audit_record(f"c-{number}"))) for number in range(10)
    ]
    await asyncio.sleep(0)
    callers[3].cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    await store.flush(1)

    assert isinstance(outcomes.pop(3), asyncio.CancelledError)
    assert [None] * 9 == outcomes
    assert [(f"c-{number}",) for number in range(10)] == look(database, CALL_IDS)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"latency_ms": float("nan")}, "NOT NULL constraint failed: seedcore_calls.latency_ms"),
        ({"attempt_count": 2**80}, "OverflowError; check the values of the row"),
        ({"version": object()}, "type 'object' is not supported"),
    ],
)
async def test_a_bad_row_fails_alone(
    store: Store, database: Path, changes: dict[str, Any], told: str
) -> None:
    """
    The transaction it spoiled is written again without it.
    """
    records = [audit_record(f"c-{number}") for number in range(9)]
    records[4] = audit_record("c-4", **changes)
    outcomes = await asyncio.gather(
        *(store.write(record) for record in records), return_exceptions=True
    )

    failed = outcomes.pop(4)
    assert isinstance(failed, DatabaseError)
    assert f"The audit row of call c-4 was not written to {database}: " in str(failed)
    assert told in str(failed)
    assert [None] * 8 == outcomes
    assert 8 == len(look(database, CALL_IDS))


@pytest.mark.parametrize(
    "odd",
    ["cycle", (1, 2), 10**5000, float("nan"), {1, 2}, b"bytes", "\ud800"],
    ids=["cycle", "tuple", "huge", "nan", "set", "bytes", "surrogate"],
)
async def test_odd_settings_cost_no_row(store: Store, database: Path, odd: Any) -> None:
    """
    What JSON or the database can't hold is spelled out; the seed exists, so must its row.
    """
    settings: dict[Any, Any] = {"odd": odd, odd if isinstance(odd, (str, tuple)) else "k": 1}
    if odd == "cycle":
        settings["itself"] = settings

    await store.write(audit_record("c-1", settings=settings, surface="\ud800"))

    ((written, surface),) = look(database, "SELECT settings, surface FROM seedcore_calls")
    assert isinstance(json.loads(written), dict)
    assert "?" == surface


async def test_a_locked_database_is_tried_again(store: Store, database: Path) -> None:
    """
    Callers wait for somebody else's transaction.
    """
    with locked(database) as other:
        waiting = asyncio.gather(*(store.write(audit_record(f"c-{n}")) for n in range(3)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        other.execute("ROLLBACK")
        await waiting

    assert 3 == len(look(database, CALL_IDS))


async def test_a_database_locked_for_too_long_fails_those_who_wait(
    store: Store, database: Path
) -> None:
    """
    After the commit limit they are told; later rows are written as if nothing had been.
    """
    with locked(database), impatient(store):
        outcomes = await asyncio.gather(
            *(store.write(audit_record(f"c-{n}")) for n in range(3)), return_exceptions=True
        )
    await store.write(audit_record("c-4"))

    assert [DatabaseError] * 3 == [type(outcome) for outcome in outcomes]
    assert "another program keeps it locked; end that program" in str(outcomes[0])
    assert [("c-4",)] == look(database, CALL_IDS)


async def test_a_full_disk_fails_the_rows_and_not_the_writer(store: Store) -> None:
    """
    With room again the next row is written.
    """
    client = store._database.client
    await client.execute_query("PRAGMA max_page_count = 1")
    big = audit_record("c-1", permalink="x" * 100_000)
    outcomes = await asyncio.gather(
        store.write(big), store.write(audit_record("c-2")), return_exceptions=True
    )
    assert all("the disk is full; free some space" in str(outcome) for outcome in outcomes)

    await client.execute_query("PRAGMA max_page_count = 1000000")
    await store.write(big)


async def test_a_disk_that_hangs_fails_those_who_wait_and_comes_back(
    store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Neither the rows of the commit nor those behind it wait for ever.
    """
    answers = hold(store)
    monkeypatch.setattr(Writer, "GRACE", 0.01)
    with impatient(store):
        first = asyncio.create_task(store.write(audit_record("c-1")))
        await turns()
        outcomes = await asyncio.gather(
            first, store.write(audit_record("c-2")), return_exceptions=True
        )
    monkeypatch.undo()
    answers.set()
    await store.write(audit_record("c-3"))

    assert all("the disk does not answer; check it" in str(outcome) for outcome in outcomes)
    assert [("c-1",), ("c-3",)] == look(database, CALL_IDS)


async def test_the_writer_survives_a_host_that_cancels_every_task(
    store: Store, database: Path
) -> None:
    """
    Who waits for a row gets it, and so does the next caller.
    """
    answers = hold(store)
    waiting = store._writer.add(CALLS.row(audit_record("c-1")))
    await turns()
    store._writer._task.cancel()
    await turns()
    answers.set()
    async with asyncio.timeout(10):
        await waiting
        store._writer._task.cancel()
        await turns()
        await store.write(audit_record("c-2"))

    assert [("c-1",), ("c-2",)] == look(database, CALL_IDS)


async def test_an_exception_nobody_thought_of_does_not_end_the_writer() -> None:
    """
    It fails the rows it hit, by name, and the next ones are written.
    """
    disk = Disk()
    disk.may_commit.set()
    disk.refusals.append(ZeroDivisionError("no idea"))
    writer = writer_of(disk)

    with pytest.raises(DatabaseError, match="row of call c-1 was not written to disk: ZeroDiv"):
        await writer.add(CALLS.row(audit_record("c-1")))
    await writer.add(CALLS.row(audit_record("c-2")))
    await writer.stop(1)


async def test_a_bug_does_not_end_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever waits is told instead of waiting for ever.
    """
    disk = Disk()
    disk.may_commit.set()
    writer = writer_of(disk)
    with monkeypatch.context() as broken:
        broken.setattr(writer, "_write", None)
        async with asyncio.timeout(10):
            with pytest.raises(DatabaseError, match="c-1 was not written to disk: TypeError"):
                await writer.add(CALLS.row(audit_record("c-1")))
    await writer.add(CALLS.row(audit_record("c-2")))

    assert [["c-2"]] == disk.transactions
    await writer.stop(1)


async def test_failures_are_written_without_being_awaited(store: Store, database: Path) -> None:
    """
    They go out with the next commit, at the latest when the store is closed.
    """
    record = failure_record("f-1", in_doubt=True)
    store.write_failure(record)
    await store.close()

    columns = ", ".join(FAILURES.columns)
    assert [tuple(FAILURES.row(record))] == look(
        database, f"SELECT {columns} FROM seedcore_failures"
    )


async def test_a_call_may_fail_more_than_once(store: Store, database: Path) -> None:
    """
    A failure has no unique id: a given call_id may be tried again later.
    """
    store.write_failure(failure_record("f-1"))
    store.write_failure(failure_record("f-1"))
    await store.flush(1)

    assert [("f-1",), ("f-1",)] == look(database, FAILED_IDS)


async def test_only_so_many_failures_wait_for_a_database(store: Store, database: Path) -> None:
    """
    The oldest are dropped and counted; the others are written once it answers, in order.
    """
    with locked(database):
        for number in range(5):
            store.write_failure(failure_record(f"f-{number}"))
            await asyncio.sleep(0.005)
        assert not await store.flush(0.01)

    assert await store.flush(1)
    assert 2 == store.dropped_failures
    assert [("f-2",), ("f-3",), ("f-4",)] == look(database, FAILED_IDS)


async def test_a_failure_that_can_not_be_written_is_dropped(store: Store, database: Path) -> None:
    """
    It is counted, and its neighbours are written.
    """
    store.write_failure(failure_record("f-1"))
    store.write_failure(failure_record("f-2", latency_ms=float("nan")))
    store.write_failure(failure_record("f-3", attempt_count=2**80))

    assert await store.flush(1)
    assert 2 == store.dropped_failures
    assert [("f-1",)] == look(database, FAILED_IDS)


async def test_audit_rows_go_before_everything_nobody_waits_for() -> None:
    """
    A burst of failures doesn't delay a seed by its own commit.
    """
    disk = Disk()
    writer = writer_of(disk)
    writer.add_failure(FAILURES.row(failure_record("f-1")))
    writer.add_breaker(breaker_record(provider="b"))
    writer.add(CALLS.row(audit_record("c-1")))
    disk.may_commit.set()
    await writer.flush(1)

    assert [["c-1"], ["b"], ["f-1"]] == disk.transactions
    await writer.stop(1)


async def test_closing_fails_the_rows_that_could_not_be_written(
    store: Store, database: Path
) -> None:
    """
    Nobody is left waiting, and a later row is refused at once.
    """
    with locked(database):
        waiting = asyncio.create_task(store.write(audit_record("c-1")))
        await turns()
        assert not await store.close(timeout=0.005)
        with pytest.raises(DatabaseError, match="it was closed before the row was written"):
            await waiting

    with pytest.raises(DatabaseError, match="it was closed; open it again"):
        await store.write(audit_record("c-2"))


async def test_nothing_starts_again_after_closing(store: Store) -> None:
    """
    A provider that ends late still reports; that is counted or ignored, and no task comes of it.
    """
    await store.close()
    await turns()
    store.write_failure(failure_record("f-1"))
    store.save_breaker(breaker_record())

    assert await store.flush(1)
    assert 1 == store.dropped_failures
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_closing_has_a_limit_even_when_the_disk_hangs(store: Store) -> None:
    """
    The thread can't be interrupted, but whoever closes is not held by it.
    """
    before = set(threading.enumerate()) - {store._database.client._connection._thread}
    answers = hold(store)
    clock = asyncio.get_running_loop().time
    started = clock()
    await store.close(timeout=0.005)

    assert clock() - started < HELD / 2
    answers.set()
    while threads_left(before, patience=0.001):
        await turns()


async def test_closing_writes_what_is_queued(store: Store, database: Path) -> None:
    """
    Rows that arrived just before are durable afterwards.
    """
    callers = [asyncio.create_task(store.write(audit_record(f"c-{n}"))) for n in range(100)]
    await asyncio.sleep(0)

    assert await store.close()
    assert [None] * 100 == await asyncio.gather(*callers)
    assert 100 == len(look(database, CALL_IDS))


async def test_what_breaks_a_commit_leaves_no_transaction_open(store: Store) -> None:
    """
    A transaction that stayed open would make all later ones fail.
    """
    with pytest.raises(sqlite3.OperationalError):
        await store._database.insert("INSERT INTO nowhere VALUES (?)", Rows([["x"]]), 0)

    assert not store._database.client._connection.in_transaction
    await store.write(audit_record("c-1"))
