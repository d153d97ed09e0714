"""
Group commit: durable, fair, and not to be killed.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seedcore.errors import DatabaseError
from seedcore.store import Store
from seedcore.store.database import Batch
from seedcore.store.rows import CALLS, FAILURES, Rows
from seedcore.store.spool import Spool, read
from seedcore.store.sqlite import SqliteDatabase
from seedcore.store.writer import Writer
from support.stored import (
    Gone,
    Told,
    audit_record,
    call_entry,
    failure_record,
    is_postgres,
    locked,
    look,
    threads_left,
    until,
)

BUSY = "another program keeps it locked; end that program or wait for it"
CALL_IDS = "SELECT call_id FROM seedcore_calls ORDER BY id"
HELD = 20
"""Seconds a hanging disk would take, if a test did not release it."""
FAILED_IDS = "SELECT call_id FROM seedcore_failures ORDER BY id"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Few failures are kept, no thread is blocked for long, and the database is looked for often.
    """
    monkeypatch.setattr(SqliteDatabase, "BUSY_TIMEOUT", 1)
    monkeypatch.setattr(Store, "FAILURES_KEPT", 3)
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 0.002)
    monkeypatch.setattr(Writer, "HANGING", 0.002)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """
    A database that doesn't exist yet.
    """
    return tmp_path / "audit.sqlite3"


@pytest.fixture
def told() -> Told:
    """
    What the stores tell about their database.
    """
    return Told()


@pytest.fixture
async def store(database_url: str, told: Told) -> AsyncIterator[Store]:
    """
    An open store.
    """
    opened = await Store.open(database_url, tell=told)
    yield opened
    await opened.close()


@pytest.fixture
async def in_memory() -> AsyncIterator[Store]:
    """
    An open store without a file, and so without a spool.
    """
    opened = await Store.open("sqlite://:memory:")
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

    async def write(self, batches: list[Batch], limit: float) -> None:
        """
        Commit as soon as it is allowed, or raise the next refusal.
        """
        self.transactions.append([row[0] for batch in batches for row in batch.rows])
        await self.may_commit.wait()
        if self.refusals:
            raise self.refusals.pop(0)


def writer_of(disk: Any, limit: float = 5.0) -> Writer:
    """
    Return a writer on a made-up disk, without a spool.
    """
    return Writer(disk, None, commit_limit=limit, failures_kept=100, tell=Told())


def busy() -> sqlite3.OperationalError:
    """
    Return what SQLite says when somebody else keeps the database locked.
    """
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def spooled(spool: Spool | None) -> list[str]:
    """
    Return the call_ids of all lines that are in the spool, one per line.
    """
    assert spool is not None
    files = [*sorted(spool.directory.glob("*.draining")), *spool.directory.glob("*.spool")]
    return [entry.call_id for file in files for entry in read(file)[0]]


def hold(store: Store) -> threading.Event:
    """
    Keep the thread of SQLite busy, as a disk that hangs does, until the event is set.
    """
    answers = threading.Event()
    store._database.client._connection._tx.put_nowait((None, lambda: answers.wait(HELD)))
    return answers


def impatient(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """
    Shorten the time that a commit waits for somebody else's lock.
    """
    write = store._database.write
    monkeypatch.setattr(store._database, "write", lambda batches, limit: write(batches, 0.01))


def notice_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Shorten the time after which a disk is said to hang, and not that which the spool may take.
    """
    monkeypatch.setattr(Writer, "GRACE", 0.01 - Store.COMMIT_LIMIT)


async def turns(count: int = 5) -> None:
    """
    Let the other tasks run.
    """
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.dialects
async def test_a_row_is_on_disk_when_write_returns(store: Store, database_url: str) -> None:
    """
    Another connection sees every column at once.
    """
    record = audit_record("c-1", race=True)
    assert "durable" == await store.write(record)

    columns = ", ".join(CALLS.columns)
    [row] = look(database_url, f"SELECT {columns} FROM seedcore_calls")
    assert plain(CALLS.row(record)) == plain(row)


def plain(row: Any) -> list[Any]:
    """
    Return a row with its JSON read: PostgreSQL spaces it in its own way.
    """
    [table] = [table for table in (CALLS, FAILURES) if len(table.columns) == len(row)]
    shown = dict(zip(table.columns, row, strict=True))
    return [json.loads(v) if k in ("settings", "seed", "report") else v for k, v in shown.items()]


async def test_what_arrives_during_a_commit_goes_into_the_next() -> None:
    """
    Any number of waiting callers shares one transaction.
    """
    disk = Disk()
    writer = writer_of(disk)
    first = writer.add(call_entry("c-0"))
    await turns()
    later = [writer.add(call_entry(f"c-{number}")) for number in range(1, 500)]
    await turns()
    assert [["c-0"]] == disk.transactions
    assert not first.done()

    disk.may_commit.set()
    await asyncio.gather(first, *later)

    assert [["c-0"], [f"c-{number}" for number in range(1, 500)]] == disk.transactions
    await writer.stop(1)


@pytest.mark.dialects
async def test_five_hundred_callers_get_one_row_each(store: Store, database_url: str) -> None:
    """
    However they are grouped, no row is lost and none is written twice.
    """
    ids = [f"c-{number}" for number in range(500)]
    await asyncio.gather(*(store.write(audit_record(call_id)) for call_id in ids))

    assert [(call_id,) for call_id in ids] == look(database_url, CALL_IDS)


@pytest.mark.dialects
async def test_a_second_row_with_the_same_call_id_is_ignored(
    store: Store, database_url: str
) -> None:
    """
    The first one stands, in the same transaction too.
    """
    await store.write(audit_record("c-1", surface="first"))
    await asyncio.gather(
        store.write(audit_record("c-1", surface="second")), store.write(audit_record("c-2"))
    )

    expected = [("c-1", "first"), ("c-2", "discord")]
    question = "SELECT call_id, surface FROM seedcore_calls ORDER BY id"
    assert expected == look(database_url, question)


@pytest.mark.dialects
async def test_a_caller_who_gives_up_drops_no_row(store: Store, database_url: str) -> None:
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
    assert ["durable"] * 9 == outcomes
    assert [(f"c-{number}",) for number in range(10)] == look(database_url, CALL_IDS)


@pytest.mark.dialects
@pytest.mark.parametrize(
    ("changes", "on_sqlite", "on_postgres"),
    [
        (
            {"latency_ms": None},
            "NOT NULL constraint failed: seedcore_calls.latency_ms",
            "NotNullViolationError (SQLSTATE 23502)",
        ),
        (
            {"attempt_count": 2**80},
            "OverflowError; check the values of the row",
            "DataError (SQLSTATE 22000)",
        ),
        ({"version": object()}, "type 'object' is not supported", "DataError (SQLSTATE 22000)"),
    ],
)
async def test_a_bad_row_fails_alone(
    store: Store, database_url: str, changes: dict[str, Any], on_sqlite: str, on_postgres: str
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
    assert f"The audit row of call c-4 was not written to {store.name}: " in str(failed)
    assert (on_postgres if is_postgres(database_url) else on_sqlite) in str(failed)
    assert ["durable"] * 8 == outcomes
    assert 8 == len(look(database_url, CALL_IDS))


@pytest.mark.dialects
async def test_bad_and_known_rows_among_many(store: Store, database_url: str) -> None:
    """
    Also where a database has a quicker way for many rows that knows no conflicts.
    """
    await store.write(audit_record("c-7", surface="first"))
    records = [audit_record(f"c-{number}") for number in range(60)]
    records[41] = audit_record("c-41", attempt_count=2**80)
    outcomes = await asyncio.gather(
        *(store.write(record) for record in records), return_exceptions=True
    )

    assert isinstance(outcomes.pop(41), DatabaseError)
    assert ["durable"] * 59 == outcomes
    rows = look(database_url, "SELECT call_id, surface FROM seedcore_calls")
    assert {f"c-{number}" for number in range(60)} - {"c-41"} == {call_id for call_id, _ in rows}
    assert 59 == len(rows)
    assert ("c-7", "first") in rows


async def test_no_latency_is_no_number(store: Store, database: Path) -> None:
    """
    SQLite takes nan for NULL.
    """
    with pytest.raises(DatabaseError, match="NOT NULL constraint failed: seedcore_calls.latency"):
        await store.write(audit_record("c-1", latency_ms=float("nan")))
    assert [] == look(database, CALL_IDS)


@pytest.mark.dialects
@pytest.mark.parametrize(
    "odd",
    ["cycle", (1, 2), 10**5000, float("nan"), {1, 2}, b"bytes", "\ud800", "a\x00b"],
    ids=["cycle", "tuple", "huge", "nan", "set", "bytes", "surrogate", "nul"],
)
async def test_odd_settings_cost_no_row(store: Store, database_url: str, odd: Any) -> None:
    """
    What JSON or the database can't hold is spelled out; the seed exists, so must its row.
    """
    settings: dict[Any, Any] = {"odd": odd, odd if isinstance(odd, (str, tuple)) else "k": 1}
    if odd == "cycle":
        settings["itself"] = settings

    await store.write(audit_record("c-1", settings=settings, surface="\ud800"))

    ((written, surface),) = look(database_url, "SELECT settings, surface FROM seedcore_calls")
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


async def test_a_database_locked_for_too_long_sends_rows_to_the_spool(
    store: Store, database: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After the commit limit callers go on; the rows follow once the lock is gone.
    """
    impatient(monkeypatch, store)
    with locked(database):
        outcomes = await asyncio.gather(*(store.write(audit_record(f"c-{n}")) for n in range(3)))
        assert ["spooled"] * 3 == outcomes
        assert ["c-0", "c-1", "c-2"] == spooled(store.spool)
        assert [] == look(database, CALL_IDS)
    await until(lambda: "audit_drained" in told.events)
    assert "durable" == await store.write(audit_record("c-4"))

    assert ["audit_spooling", "audit_drained"] == told.events
    assert [{"reason": BUSY}, {"rows": 3, "torn": 0}] == told.facts
    assert [(f"c-{n}",) for n in (0, 1, 2, 4)] == look(database, CALL_IDS)


async def test_without_a_spool_a_locked_database_fails_those_who_wait() -> None:
    """
    They are told; later rows are written as if nothing had been.
    """
    disk = Disk()
    disk.may_commit.set()
    disk.refusals.append(busy())
    writer = writer_of(disk)
    outcomes = await asyncio.gather(
        *(writer.add(call_entry(f"c-{number}")) for number in range(3)), return_exceptions=True
    )

    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, DatabaseError)
        assert f"row of call c-{number} was not written to disk: {BUSY}." in str(outcome)
    assert not writer.away
    assert "durable" == await writer.add(call_entry("c-4"))
    await writer.stop(1)


async def test_a_full_disk_sends_rows_to_the_spool(
    store: Store, database: Path, told: Told
) -> None:
    """
    Which may lie on another one; with room again they are written.
    """
    client = store._database.client
    await client.execute_query("PRAGMA max_page_count = 1")
    big = audit_record("c-1", permalink="x" * 100_000)
    outcomes = await asyncio.gather(store.write(big), store.write(audit_record("c-2")))
    assert ["spooled"] * 2 == outcomes
    assert [{"reason": "the disk is full; free some space"}] == told.facts
    assert [] == look(database, CALL_IDS)

    await client.execute_query("PRAGMA max_page_count = 1000000")
    await until(lambda: "audit_drained" in told.events)
    assert "durable" == await store.write(audit_record("c-3"))
    assert [("c-1",), ("c-2",), ("c-3",)] == look(database, CALL_IDS)


async def test_without_a_spool_full_memory_fails_the_rows_and_not_the_writer(
    in_memory: Store,
) -> None:
    """
    With room again the next row is written.
    """
    client = in_memory._database.client
    await client.execute_query("PRAGMA max_page_count = 1")
    big = audit_record("c-1", permalink="x" * 100_000)
    outcomes = await asyncio.gather(
        in_memory.write(big), in_memory.write(audit_record("c-2")), return_exceptions=True
    )
    assert all("the disk is full; free some space" in str(outcome) for outcome in outcomes)

    await client.execute_query("PRAGMA max_page_count = 1000000")
    assert "durable" == await in_memory.write(big)


async def test_a_disk_that_hangs_sends_rows_to_the_spool_and_comes_back(
    store: Store, database: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Neither the rows of the commit nor those behind it wait for ever, and each is written once.
    """
    answers = hold(store)
    notice_early(monkeypatch)
    first = asyncio.create_task(store.write(audit_record("c-1")))
    await turns()
    outcomes = await asyncio.gather(first, store.write(audit_record("c-2")))
    # What comes later, while the commit still hangs, waits for no limit of its own.
    outcomes.append(await store.write(audit_record("c-3")))
    assert ["spooled"] * 3 == outcomes
    assert [] == look(database, CALL_IDS)
    answers.set()
    await until(lambda: "audit_drained" in told.events)

    assert "durable" == await store.write(audit_record("c-4"))
    assert ["audit_spooling", "audit_drained"] == told.events
    assert {"reason": "the disk does not answer; check it"} == told.facts[0]
    assert {"c-1", "c-2", "c-3", "c-4"} == {call_id for (call_id,) in look(database, CALL_IDS)}
    assert 4 == len(look(database, CALL_IDS))


async def test_without_a_spool_a_disk_that_hangs_fails_those_who_wait(
    in_memory: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Neither the rows of the commit nor those behind it wait for ever.
    """
    answers = hold(in_memory)
    notice_early(monkeypatch)
    first = asyncio.create_task(in_memory.write(audit_record("c-1")))
    await turns()
    outcomes = await asyncio.gather(
        first, in_memory.write(audit_record("c-2")), return_exceptions=True
    )
    answers.set()
    await in_memory.write(audit_record("c-3"))

    assert all("the disk does not answer; check it" in str(outcome) for outcome in outcomes)
    shown = {row["call_id"] for row in await in_memory.queries.calls()}
    assert {"c-1", "c-3"} == shown


async def test_who_gave_up_is_spooled_once_however_long_the_disk_hangs(
    store: Store, database: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody says any more that the row of a cancelled caller was written.
    """
    answers = hold(store)
    notice_early(monkeypatch)
    given_up = asyncio.create_task(store.write(audit_record("c-1")))
    await turns()
    given_up.cancel()
    for number in (2, 3, 4):
        assert "spooled" == await store.write(audit_record(f"c-{number}"))
        await asyncio.sleep(0.01)
    lines = spooled(store.spool)
    answers.set()
    await until(lambda: "audit_drained" in told.events)

    assert ["c-1", "c-2", "c-3", "c-4"] == lines
    assert 4 == len(look(database, CALL_IDS))


@pytest.mark.dialects
async def test_while_it_is_away_the_database_is_left_alone(
    store: Store, database_url: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Rows go to the spool at once; one event says so, and one that they have been written.
    """
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 60.0)
    gone = Gone(monkeypatch, store._database)
    for number in range(5):
        assert "spooled" == await store.write(audit_record(f"c-{number}"))
    assert 1 == gone.writes
    assert store._writer.away
    assert [f"c-{number}" for number in range(5)] == spooled(store.spool)

    gone.back()
    store._writer._returning.cancel()
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 0.002)
    assert "spooled" == await store.write(audit_record("c-5"))
    await until(lambda: not store._writer.away)
    assert "durable" == await store.write(audit_record("c-6"))

    assert ["audit_spooling", "audit_drained"] == told.events
    why = "no server answers there; start it, or check host and port"
    assert [{"reason": why}, {"rows": 6, "torn": 0}] == told.facts
    assert [(f"c-{number}",) for number in range(7)] == look(database_url, CALL_IDS)


@pytest.mark.dialects
async def test_it_is_looked_for_until_it_is_back(
    store: Store, database_url: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However often that fails; rows that come while the others are drained follow them.
    """
    gone = Gone(monkeypatch, store._database)
    assert "spooled" == await store.write(audit_record("c-0"))
    await until(lambda: gone.looks > 5)
    assert "spooled" == await store.write(audit_record("c-1"))
    assert 1 == gone.writes
    assert store.spool is not None
    assert [".lock", ".spool"] == sorted(p.suffix for p in store.spool.directory.iterdir())
    gone.back()
    states = []
    for number in range(2, 200):
        states.append(await store.write(audit_record(f"c-{number}")))
        await asyncio.sleep(0)
    await until(lambda: "audit_drained" in told.events)

    assert sorted(states, reverse=True) == states  # spooled first, durable from then on
    assert "durable" == await store.write(audit_record("c-200"))
    assert ["audit_spooling", "audit_drained"] == told.events
    assert {"rows": 2 + states.count("spooled"), "torn": 0} == told.facts[1]
    assert {f"c-{n}" for n in range(201)} == {c for (c,) in look(database_url, CALL_IDS)}
    assert 201 == len(look(database_url, CALL_IDS))


async def test_looking_for_it_survives_a_host_that_cancels_every_task(
    store: Store, database: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The next row brings it back, so that nothing stays in the spool until the end.
    """
    gone = Gone(monkeypatch, store._database)
    assert "spooled" == await store.write(audit_record("c-1"))
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await turns()
    assert "spooled" == await store.write(audit_record("c-2"))
    gone.back()
    await until(lambda: "audit_drained" in told.events)

    assert [("c-1",), ("c-2",)] == look(database, CALL_IDS)


async def test_a_spool_that_is_full_too_fails_those_who_wait(
    store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    They are told of both, and where the spool is; nothing waits for the database to come back.
    """
    spool = store.spool
    spool.live()
    spool._path(".spool").symlink_to("/dev/full")
    gone = Gone(monkeypatch, store._database)
    outcomes = await asyncio.gather(
        *(store.write(audit_record(f"c-{n}")) for n in range(2)), return_exceptions=True
    )
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, DatabaseError)
        assert str(outcome) == (
            f"The audit row of call c-{number} was not written to {database}: no server answers "
            "there; start it, or check host and port; nor to its spool: OSError: No space left on "
            f"device (the spool {spool.directory})."
        )
    assert not store._writer.away

    gone.back()
    assert "durable" == await store.write(audit_record("c-3"))
    assert [("c-3",)] == look(database, CALL_IDS)
    spool._path(".spool").unlink()


async def test_a_spool_that_hangs_fails_those_who_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After the commit limit, as for the database.
    """
    answers = threading.Event()
    monkeypatch.setattr(store.spool, "append", lambda entries: answers.wait(HELD))
    Gone(monkeypatch, store._database)
    monkeypatch.setattr(store._writer, "_limit", 0.01)
    with pytest.raises(DatabaseError, match="nor to its spool: it does not answer; check"):
        await store.write(audit_record("c-1"))
    answers.set()


async def test_a_value_no_line_can_hold_fails_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its neighbours are spooled, as they would have been written.
    """
    Gone(monkeypatch, store._database)
    records = [audit_record(f"c-{number}") for number in range(3)]
    records[1] = audit_record("c-1", version=object())
    outcomes = await asyncio.gather(
        *(store.write(record) for record in records), return_exceptions=True
    )

    failed = outcomes.pop(1)
    assert isinstance(failed, DatabaseError)
    assert "call c-1 was not written to" in str(failed)
    assert "TypeError; check the values of the row" in str(failed)
    assert ["spooled"] * 2 == outcomes
    assert ["c-0", "c-2"] == spooled(store.spool)


@pytest.mark.dialects
async def test_failures_wait_for_a_database_that_is_away(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody awaits them, so they need no spool; the oldest are dropped and counted.
    """
    gone = Gone(monkeypatch, store._database)
    assert "spooled" == await store.write(audit_record("c-1"))
    for number in range(5):
        store.write_failure(failure_record(f"f-{number}"))
    assert not await store.flush(0.005)
    assert ["c-1"] == spooled(store.spool)
    assert 2 == store.dropped_failures

    gone.back()
    await until(lambda: not store._writer.away)
    assert await store.flush(1)
    assert [("f-2",), ("f-3",), ("f-4",)] == look(database_url, FAILED_IDS)


@pytest.mark.dialects
async def test_failures_that_still_wait_at_the_end_go_to_the_spool(
    database_url: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    And from there to the database with the next start.
    """
    store = await Store.open(database_url)
    gone = Gone(monkeypatch, store._database)
    assert "spooled" == await store.write(audit_record("c-1"))
    store.write_failure(failure_record("f-1"))
    assert await store.close()
    assert [] == look(database_url, FAILED_IDS)
    gone.back()

    after = await Store.open(database_url, tell=told)
    assert [("f-1",)] == look(database_url, FAILED_IDS)
    assert [("c-1",)] == look(database_url, CALL_IDS)
    assert (["audit_drained"], [{"rows": 2, "torn": 0}]) == (told.events, told.facts)
    await after.close()
    assert after.spool is not None
    assert not after.spool.directory.exists()


@pytest.mark.dialects
async def test_what_was_spooled_is_written_at_the_end_if_it_can_be(
    database_url: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Perhaps the database has just come back.
    """
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 60.0)
    store = await Store.open(database_url, tell=told)
    gone = Gone(monkeypatch, store._database)
    assert "spooled" == await store.write(audit_record("c-1"))
    gone.back()
    assert await store.close()

    assert [("c-1",)] == look(database_url, CALL_IDS)
    assert ["audit_spooling", "audit_drained"] == told.events
    assert store.spool is not None
    assert not store.spool.directory.exists()


async def test_the_writer_survives_a_host_that_cancels_every_task(
    store: Store, database: Path
) -> None:
    """
    Who waits for a row gets it, and so does the next caller.
    """
    answers = hold(store)
    waiting = store._writer.add(call_entry("c-1"))
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
        await writer.add(call_entry("c-1"))
    await writer.add(call_entry("c-2"))
    await writer.stop(1)


async def test_a_bug_does_not_end_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever waits is told instead of waiting for ever.
    """
    disk = Disk()
    disk.may_commit.set()
    writer = writer_of(disk)
    with monkeypatch.context() as broken:
        broken.setattr(writer, "_write_calls", None)
        async with asyncio.timeout(10):
            with pytest.raises(DatabaseError, match="c-1 was not written to disk: TypeError"):
                await writer.add(call_entry("c-1"))
    await writer.add(call_entry("c-2"))

    assert [["c-2"]] == disk.transactions
    await writer.stop(1)


@pytest.mark.dialects
async def test_failures_are_written_without_being_awaited(store: Store, database_url: str) -> None:
    """
    They go out with the next commit, at the latest when the store is closed.
    """
    record = failure_record("f-1", in_doubt=True)
    store.write_failure(record)
    await store.close()

    columns = ", ".join(FAILURES.columns)
    [row] = look(database_url, f"SELECT {columns} FROM seedcore_failures")
    assert plain(FAILURES.row(record)) == plain(row)


@pytest.mark.dialects
async def test_a_call_may_fail_more_than_once(store: Store, database_url: str) -> None:
    """
    A failure has no unique id: a given call_id may be tried again later.
    """
    store.write_failure(failure_record("f-1"))
    store.write_failure(failure_record("f-1"))
    await store.flush(1)

    assert [("f-1",), ("f-1",)] == look(database_url, FAILED_IDS)


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


@pytest.mark.dialects
async def test_a_failure_that_can_not_be_written_is_dropped(
    store: Store, database_url: str
) -> None:
    """
    It is counted, and its neighbours are written.
    """
    store.write_failure(failure_record("f-1"))
    store.write_failure(failure_record("f-2", latency_ms=None))
    store.write_failure(failure_record("f-3", attempt_count=2**80))

    assert await store.flush(1)
    assert 2 == store.dropped_failures
    assert [("f-1",)] == look(database_url, FAILED_IDS)


async def test_audit_rows_go_before_everything_nobody_waits_for() -> None:
    """
    A burst of failures doesn't delay a seed by its own commit.
    """
    disk = Disk()
    writer = writer_of(disk)
    writer.add_failure(FAILURES.row(failure_record("f-1")))
    writer.add(call_entry("c-1"))
    disk.may_commit.set()
    await writer.flush(1)

    assert [["c-1"], ["f-1"]] == disk.transactions
    await writer.stop(1)


async def test_closing_spools_the_rows_that_could_not_be_written(tmp_path: Path) -> None:
    """
    Nobody is left waiting, nothing is lost, and a later row is refused at once.
    """
    spool = Spool(tmp_path / "spool", "key")
    writer = Writer(Disk(), spool, commit_limit=5.0, failures_kept=100, tell=Told())
    waiting = writer.add(call_entry("c-1"))
    await turns()
    assert not await writer.stop(0.005)
    assert "spooled" == await waiting
    with pytest.raises(DatabaseError, match="it was closed; open it again"):
        writer.add(call_entry("c-2"))
    assert 1 == spool.status().lines
    spool.close()


async def test_closing_fails_the_rows_that_have_no_spool() -> None:
    """
    Nobody is left waiting for a database in memory either.
    """
    writer = writer_of(Disk())
    waiting = writer.add(call_entry("c-1"))
    await turns()
    assert not await writer.stop(0.005)
    with pytest.raises(DatabaseError, match="it was closed before the row was written"):
        await waiting


async def test_nothing_starts_again_after_closing(store: Store) -> None:
    """
    A provider that ends late still reports; that is counted or ignored, and no task comes of it.
    """
    await store.close()
    await turns()
    store.write_failure(failure_record("f-1"))

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


@pytest.mark.dialects
async def test_closing_writes_what_is_queued(store: Store, database_url: str) -> None:
    """
    Rows that arrived just before are durable afterwards.
    """
    callers = [asyncio.create_task(store.write(audit_record(f"c-{n}"))) for n in range(100)]
    await asyncio.sleep(0)

    assert await store.close()
    assert ["durable"] * 100 == await asyncio.gather(*callers)
    assert 100 == len(look(database_url, CALL_IDS))


async def test_what_breaks_a_commit_leaves_no_transaction_open(store: Store) -> None:
    """
    A transaction that stayed open would make all later ones fail.
    """
    with pytest.raises(sqlite3.OperationalError):
        await store._database.write([Batch("INSERT INTO nowhere VALUES (?)", Rows([["x"]]))], 0)

    assert not store._database.client._connection.in_transaction
    await store.write(audit_record("c-1"))
