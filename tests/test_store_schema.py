"""
The tables, and how several processes make them at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sqlite3
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

import seedcore.store
from seedcore.errors import DatabaseError
from seedcore.model import BreakerRecord
from seedcore.store import Store
from seedcore.store.database import Database, IsolatedContext
from seedcore.store.models import APP
from seedcore.store.schema import LAST_TABLES, apps
from seedcore.store.sqlite import ALIAS
from seedcore.store.upkeep import TABLES
from support.stored import audit_record, breaker_record, look

MIGRATIONS = [
    ("0001_initial",),
    ("0002_shared_state",),
    ("0003_presets",),
    ("0004_logs",),
    ("0005_routes_and_keys",),
]
APPLIED = "SELECT name FROM tortoise_migrations ORDER BY id"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """
    A database that doesn't exist yet.
    """
    return tmp_path / "audit.sqlite3"


async def make(database: Path, *rows: str) -> None:
    """
    Open the database, write a row per call_id and close it.
    """
    store = await Store.open(f"sqlite://{database}")
    for call_id in rows:
        await store.write(audit_record(call_id))
    await store.close()


def schema(database: Path) -> dict[str, object]:
    """
    Return columns and indexes of all tables, in a form that doesn't depend on the SQL's text.
    """
    found: dict[str, object] = {}
    for table in (f"seedcore_{name}" for name in TABLES):
        found[table] = look(database, f"PRAGMA table_info({table})")
        indexes = look(database, f"SELECT * FROM pragma_index_list('{table}') ORDER BY name")
        for _, name, unique, origin, partial in indexes:
            columns = look(database, f"PRAGMA index_info('{name}')")
            found[name] = (unique, origin, partial, columns)
    return found


async def test_migrations_make_what_the_models_describe(database: Path, tmp_path: Path) -> None:
    """
    A migrated database equals one that was generated from the models.
    """
    await make(database)
    generated = tmp_path / "generated.sqlite3"
    with IsolatedContext() as context:
        connections = {ALIAS: f"sqlite://{generated}"}
        await context.init({"connections": connections, "apps": apps(ALIAS)})
        await context.generate_schemas()
        await context.close_connections()

    assert schema(generated) == schema(database)
    assert len(schema(database)) > len(TABLES)
    made = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'seedcore%'"
    assert {f"seedcore_{name}" for name in TABLES} == {name for (name,) in look(database, made)}


async def test_opening_again_keeps_everything(database: Path) -> None:
    """
    The second start finds the tables and their rows.
    """
    await make(database, "c-1")
    before = schema(database)
    await make(database, "c-2")

    assert [("c-1",), ("c-2",)] == look(database, "SELECT call_id FROM seedcore_calls ORDER BY id")
    assert before == schema(database)
    assert [("seedcore", name) for (name,) in MIGRATIONS] == look(
        database, "SELECT app, name FROM tortoise_migrations ORDER BY id"
    )


async def test_two_stores_of_one_process_may_open_the_same_database(database: Path) -> None:
    """
    The lock is per opened file, so one process doesn't pass itself.
    """
    await asyncio.gather(*(make(database, f"c-{number}") for number in range(4)))

    assert [(4,)] == look(database, "SELECT count(*) FROM seedcore_calls")


def test_eight_processes_may_start_at_once(database: Path) -> None:
    """
    Tortoise alone would let one of them create the tables and fail the others.
    """
    code = (
        "import asyncio, sys\n"
        "from seedcore.store import Store\n"
        "async def main():\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    await (await Store.open(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, f"sqlite://{database}"]
    with contextlib.ExitStack() as ended:
        processes = []
        for _ in range(8):
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            ended.callback(process.communicate)
            ended.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.communicate(timeout=60) for process in processes]

    assert [0] * 8 == [process.returncode for process in processes], outcomes
    assert MIGRATIONS == look(database, APPLIED)


async def test_waiting_for_another_process_has_a_limit(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever holds the lock for too long is not waited for.
    """
    monkeypatch.setattr(Database, "OPEN_LIMIT", 0.01)
    with Path(f"{database}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(DatabaseError, match=r"another process has been opening it for 0\.01 s"):
            await make(database)

    await make(database)


async def test_a_newer_schema_is_refused(database: Path) -> None:
    """
    An older version doesn't write into tables it doesn't know.
    """
    await make(database)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO tortoise_migrations (app, name, applied_at) "
            "VALUES ('seedcore', '0099_later', '2030-01-01')"
        )

    with pytest.raises(DatabaseError, match=r"newer seedcore wrote it \(schema 0099_later\)"):
        await make(database)


@pytest.mark.parametrize("unrecorded", [MIGRATIONS[2:], MIGRATIONS[1:], MIGRATIONS])
async def test_a_process_killed_after_a_migration_and_before_its_record(
    database: Path, unrecorded: list[tuple[str]]
) -> None:
    """
    Tortoise commits the tables before the record of them; the next start still succeeds.
    """
    await make(database, "c-1")
    for (name,) in unrecorded:
        look(database, f"DELETE FROM tortoise_migrations WHERE name = '{name}'")

    await make(database, "c-2")

    assert [(2,)] == look(database, "SELECT count(*) FROM seedcore_calls")
    assert MIGRATIONS == look(database, APPLIED)


def test_what_a_migration_makes_last_is_known_of_each() -> None:
    """
    It tells whether one was applied whose record is missing.
    """
    folder = Path(seedcore.store.__file__).parent / "migrations"
    names = sorted(file.stem for file in folder.glob("0*.py"))

    assert names == list(LAST_TABLES)
    assert [(name,) for name in names] == MIGRATIONS


async def test_a_database_of_the_first_version_is_brought_up_to_date(database: Path) -> None:
    """
    Its rows stay, and its breakers get what the first version did not know.
    """
    await first_version(database)
    columns = [field.name for field in attrs.fields(BreakerRecord)][:8]
    values = [repr(getattr(breaker_record(), name)) for name in columns]
    look(
        database,
        f"INSERT INTO seedcore_breakers ({', '.join(columns)}) VALUES ({', '.join(values)})",
    )

    await make(database, "c-1")

    assert MIGRATIONS == look(database, APPLIED)
    store = await Store.open(f"sqlite://{database}")
    assert [breaker_record()] == await store.state.records()
    await store.close()
    generated = database.with_name("new.sqlite3")
    await make(generated)
    assert schema(generated) == schema(database)


async def first_version(database: Path) -> None:
    """
    Make the tables as they were before processes shared anything.
    """
    with IsolatedContext() as context:
        connections = {ALIAS: f"sqlite://{database}"}
        await context.init({"connections": connections, "apps": apps(ALIAS)})
        executor = MigrationExecutor(context.db(ALIAS), apps(ALIAS))
        await executor.migrate([MigrationTarget(APP, "0001_initial")])
        await context.close_connections()
    assert MIGRATIONS[:1] == look(database, APPLIED)


async def test_an_operator_may_open_it_as_it_is(database: Path) -> None:
    """
    Without migrating nothing is made: not even the record of what was applied.
    """
    store = await Store.open(f"sqlite://{database}", migrating=False)
    status = await store.upkeep.status()
    await store.close()

    assert [name for (name,) in MIGRATIONS] == status.pending
    assert [] == look(database, "SELECT name FROM sqlite_master WHERE name LIKE 'seedcore%'")


async def test_a_file_with_other_tables_keeps_them(database: Path) -> None:
    """
    A host may give us its own database.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE races (id INTEGER)")
        connection.execute("INSERT INTO races VALUES (7)")

    await make(database, "c-1")

    assert [(7,)] == look(database, "SELECT id FROM races")


async def test_a_database_in_memory_needs_no_file(tmp_path: Path) -> None:
    """
    It leaves nothing behind, no lock file either.
    """
    store = await Store.open("sqlite://:memory:")
    await store.write(audit_record("c-1"))

    assert await store.queries.has_call("c-1")
    await store.close()
    assert [] == list(tmp_path.iterdir())
