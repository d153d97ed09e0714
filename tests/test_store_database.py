"""
Opening and closing a database, and what a host with its own Tortoise notices of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from tortoise import timezone

from seedcore.errors import DatabaseError
from seedcore.store import Store
from seedcore.store.database import Database
from seedcore.store.sqlite import SqliteDatabase
from support.host import Meeting, host, what_a_host_sees
from support.stored import as_nobody, audit_record, locked, look, threads_left


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """
    A database that doesn't exist yet.
    """
    return tmp_path / "audit.sqlite3"


@pytest.fixture
def before() -> set[threading.Thread]:
    """
    The threads that are none of ours.
    """
    return set(threading.enumerate())


async def refused(url: str) -> str:
    """
    Return why the database can't be opened.
    """
    with pytest.raises(DatabaseError) as error:
        await Store.open(url)
    return str(error.value)


async def test_commits_survive_the_loss_of_power(database: Path) -> None:
    """
    The write-ahead log is synced at every commit.
    """
    store = await Store.open(f"sqlite://{database}")
    client = store._database.client

    assert [{"synchronous": 2}] == await client.execute_query_dict("PRAGMA synchronous")
    assert [{"journal_mode": "wal"}] == await client.execute_query_dict("PRAGMA journal_mode")
    await store.close()


async def test_a_file_that_is_no_database_is_named(database: Path, before: Any) -> None:
    """
    It is neither overwritten nor does its opening leave a thread behind.
    """
    database.write_text("a shopping list " * 100)

    told = await refused(f"sqlite://{database}")

    assert f"{database} can't be used: the file is not an SQLite database" in told
    assert database.read_text().startswith("a shopping list")
    assert set() == threads_left(before)


async def test_a_database_with_a_table_of_our_name_is_refused(database: Path, before: Any) -> None:
    """
    What the migration can't do ends the opening, and no thread stays.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE seedcore_calls (id INTEGER)")

    told = await refused(f"sqlite://{database}")

    assert "OperationalError" in told
    assert "seedcore_calls" in told
    assert set() == threads_left(before)


def test_a_directory_without_permission_is_named() -> None:
    """
    The lock file next to the database tells early that nothing could be written there.
    """
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is closed to others
        Path(folder).chmod(0o555)
        told = as_nobody(lambda: asyncio.run(refused(f"sqlite://{folder}/x.db")))
        Path(folder).chmod(0o755)

    assert "x.db can't be used: Permission denied for the lock file next to it" in told


async def test_a_locked_database_is_not_waited_for_without_end(
    database: Path, before: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After the limit the sentence says that somebody else has it.
    """
    monkeypatch.setattr(Database, "OPEN_LIMIT", 0.01)
    monkeypatch.setattr(SqliteDatabase, "BUSY_TIMEOUT", 1)
    with locked(database):
        told = await refused(f"sqlite://{database}")

    assert f"{database} can't be used: another program keeps it locked" in told
    assert set() == threads_left(before)


async def test_a_locked_database_opens_as_soon_as_it_is_free(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A start during somebody else's long write succeeds.
    """
    monkeypatch.setattr(SqliteDatabase, "BUSY_TIMEOUT", 1)
    with locked(database) as other:
        opening = asyncio.create_task(Store.open(f"sqlite://{database}"))
        await asyncio.sleep(0.01)
        other.execute("ROLLBACK")
        store = await opening

    assert not await store.queries.has_call("c-1")
    await store.close()


async def test_giving_up_while_it_opens_leaves_no_thread(database: Path, before: Any) -> None:
    """
    Wherever the cancellation comes, the connection is closed.
    """
    for steps in range(0, 60, 3):
        opening = asyncio.create_task(Store.open(f"sqlite://{database}"))
        for _ in range(steps):
            await asyncio.sleep(0.0001)
        if opening.done():
            await opening.result().close()
            break
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    assert steps > 3
    assert set() == threads_left(before)


@pytest.mark.dialects
async def test_giving_up_while_it_drains_leaves_nothing_open(
    database_url: str, before: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The database is open by then, and the caller has no store to close.
    """
    draining = asyncio.Event()

    async def drain(store: Store) -> None:
        draining.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(Store, "drain", drain)
    opening = asyncio.create_task(Store.open(database_url))
    await draining.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    assert set() == threads_left(before)
    assert {asyncio.current_task()} == asyncio.all_tasks()


@pytest.mark.dialects
async def test_every_change_says_how_many_rows_it_was(database_url: str) -> None:
    """
    Whoever compares and sets has to know whether it was he who did.
    """
    store = await Store.open(database_url)
    insert = (
        "INSERT INTO seedcore_days (provider, day, calls, failures) VALUES (?, ?, 0, 0) "
        "ON CONFLICT (provider, day) DO NOTHING"
    )
    execute = store._database.execute

    assert [1, 0, 1] == [await execute(insert, "demo", day) for day in ("a", "a", "b")]
    assert 2 == await execute("UPDATE seedcore_days SET calls = ?", 1)
    assert 0 == await execute("UPDATE seedcore_days SET calls = ? WHERE day = ?", 1, "c")
    assert 2 == await execute("DELETE FROM seedcore_days")
    await store.close()


async def test_a_closed_store_answers_nothing_and_connects_to_nothing(
    database: Path, before: Any
) -> None:
    """
    Tortoise would connect anew without a word.
    """
    store = await Store.open(f"sqlite://{database}")
    await store.close()
    await store.close()

    with pytest.raises(DatabaseError, match="it was closed; open it again"):
        await store.queries.has_call("c-1")
    with pytest.raises(DatabaseError, match="it was closed; open it again"):
        await store.write(audit_record())
    assert set() == threads_left(before)


def test_a_forgotten_store_does_not_keep_the_interpreter_alive(database: Path) -> None:
    """
    aiosqlite's thread would be waited for without end.
    """
    code = (
        "import asyncio, sys\n"
        "from seedcore.store import Store\n"
        "async def main():\n"
        "    global store\n"
        "    store = await Store.open(sys.argv[1])\n"
        "asyncio.run(main())\n"
        "print('last line', flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"sqlite://{database}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (0, "last line\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("variables", [{}, {"USE_TZ": "False", "TIMEZONE": "Asia/Tokyo"}])
async def test_the_environment_stays_as_it_was(
    database: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Tortoise writes USE_TZ and TIMEZONE for the whole process; a host may have set them or not.
    """
    for name in ("USE_TZ", "TIMEZONE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    timezone._reset_timezone_cache()
    seen = what_a_host_sees()

    store = await Store.open(f"sqlite://{database}")
    assert seen == what_a_host_sees()
    await store.write(audit_record())
    await store.close()

    assert seen == what_a_host_sees()
    monkeypatch.undo()
    timezone._reset_timezone_cache()


async def test_a_host_that_was_there_first_notices_nothing(database: Path, tmp_path: Path) -> None:
    """
    Its time zone, its router and its context stay, and its rows stay in its own database.
    """
    noon = datetime.datetime(2024, 2, 29, 12)  # noqa: DTZ001 - this host has naive times
    async with host(tmp_path):
        seen = what_a_host_sees()
        store = await Store.open(f"sqlite://{database}")
        await store.write(audit_record("c-1"))
        await store.unseal("c-1", "race room")
        await Meeting.create(at=noon)

        assert seen == what_a_host_sees()
        assert "Europe/Paris" == seen["timezone"]
        assert noon == (await Meeting.get()).at
        assert await store.queries.has_call("c-1")
        await store.close()
        assert seen == what_a_host_sees()
        assert 1 == await Meeting.all().count()


async def test_a_host_that_comes_later_changes_nothing_here(database: Path, tmp_path: Path) -> None:
    """
    Our rows go to our database even while the host routes all models to its own.
    """
    store = await Store.open(f"sqlite://{database}")
    async with host(tmp_path):
        seen = what_a_host_sees()
        await store.write(audit_record("c-1"))
        await store.unseal("c-1", "race room")
        await store.state.reset("demo")

        assert ["c-1"] == [row["call_id"] for row in await store.queries.calls()]
        assert seen == what_a_host_sees()
    assert await store.queries.has_call("c-1")
    await store.close()
    assert [("c-1",)] == look(database, "SELECT call_id FROM seedcore_unsealings")


async def test_a_hundred_inserts_of_a_host_beside_ours(database: Path, tmp_path: Path) -> None:
    """
    Neither side gets a row, a connection or a context of the other.
    """
    noon = datetime.datetime(2024, 2, 29, 12)  # noqa: DTZ001 - this host has naive times
    async with host(tmp_path):
        store = await Store.open(f"sqlite://{database}")
        await asyncio.gather(
            *(Meeting.create(at=noon) for _ in range(100)),
            *(store.write(audit_record(f"c-{number}")) for number in range(100)),
            *(store.queries.has_call(f"c-{number}") for number in range(100)),
        )

        assert 100 == await Meeting.filter(at=noon).count()
        await store.close()
    assert [(100,)] == look(database, "SELECT count(*) FROM seedcore_calls")


async def test_a_host_may_log_everything(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    """
    At DEBUG aiosqlite and Tortoise log their arguments, but never the values of a row.
    """
    caplog.set_level("DEBUG")
    store = await Store.open(f"sqlite://{database}")
    await store.write(audit_record(permalink="https://seeds.example/canary", sealed=True))
    await store.queries.calls()
    await store.close()

    assert "INSERT INTO seedcore_calls" in caplog.text
    assert "canary" not in caplog.text
