"""
``seedcore db``: what there is, what waits on the disk, and what is old.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from seedcore.store.address import address_of
from seedcore.store.entries import Entry
from seedcore.store.rows import CALLS
from seedcore.store.spool import Spool
from support.command_line import CommandLine
from support.stored import audit_record, look

YEAR_2026 = 1_780_000_000_000_000


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with one plugin installed.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    command_line.install_demo()
    command_line.set(SEEDCORE_LOG="off")
    return command_line


@pytest.fixture
def database(run: CommandLine) -> Path:
    """
    The database that the commands use.
    """
    return run.directory / "seedcore.sqlite3"


def spooled(database: Path, *call_ids: str, torn: bytes = b"") -> Path:
    """
    Leave lines as a program that was killed does; return their file.
    """
    address = address_of(f"sqlite://{database}")
    spool = Spool(Path(f"{database}.spool"), address.key)
    spool.append(Entry(each, {"calls": CALLS.row(audit_record(each))}) for each in call_ids)
    spool.close()
    [file] = spool.directory.glob("*.spool")
    file.write_bytes(file.read_bytes() + torn)
    return file


def age(database: Path, *call_ids: str) -> None:
    """
    Let these calls be of the year 2023.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for call_id in call_ids:
            connection.execute(
                "UPDATE seedcore_calls SET created_at = 1700000000000000 WHERE call_id = ?",
                (call_id,),
            )


def test_the_status_of_a_database(run: CommandLine) -> None:
    """
    Its schema, its rows and what waits; for a program the same as an object.
    """
    run("generate", "demo", "--call-id", "mine")
    ended = run("db", "status")
    facts = dict(line.split(":", 1) for line in ended.out.splitlines())
    as_json = run("db", "status", "--json").json

    assert (0, "") == (ended.status, ended.err)
    assert "0005_routes_and_keys" == facts["Schema"].strip()
    assert "1" == facts["Calls"].strip() == facts["Claims"].strip()
    assert "0 rows" == facts["Spooled"].strip()
    assert "Pending" not in facts
    assert ("sqlite", [], 1) == (as_json["dialect"], as_json["pending"], as_json["rows"]["calls"])
    assert {"directory", "lines", "held", "torn", "logs", "bytes"} == as_json["spool"].keys()


def test_the_status_changes_nothing(run: CommandLine, database: Path) -> None:
    """
    Neither makes a database, nor brings its tables up to date, nor writes what is spooled.
    """
    missing = run("db", "status")
    assert 2 == missing.status
    assert "There is no audit database" in missing.err
    assert not database.exists()

    run("db", "migrate")
    file = spooled(database, "c-1", torn=b"0000 torn")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for table in ("logs", "reveals"):
            connection.execute(f"DROP TABLE seedcore_{table}")
        connection.execute("DELETE FROM tortoise_migrations WHERE name = '0005_routes_and_keys'")
    ended = run("db", "status")

    assert "0005_routes_and_keys; run: seedcore db migrate" in ended.out
    assert "1 row; 1 torn" in ended.out
    assert file.exists()
    assert [] == look(database, "SELECT name FROM sqlite_master WHERE name = 'seedcore_logs'")


def test_what_waits_is_shown_when_the_database_can_not_be_asked(
    run: CommandLine, database: Path
) -> None:
    """
    That is when people want to know it.
    """
    run("db", "migrate")
    spooled(database, "c-1", "c-2")
    database.write_bytes(b"this is no database, whatever its name says" * 100)
    ended = run("db", "status")

    assert 2 == ended.status
    assert "2 rows" in ended.out
    assert "the file is not an SQLite database" in ended.err


def test_migrating(run: CommandLine, database: Path) -> None:
    """
    Makes the tables; doing it again changes nothing.
    """
    first, again = run("db", "migrate"), run("db", "migrate", "--json")

    assert (0, f"{database} is up to date (schema 0005_routes_and_keys).\n") == (
        first.status,
        first.out,
    )
    assert {"name": str(database), "schema": "0005_routes_and_keys"} == again.json


def test_draining(run: CommandLine, database: Path) -> None:
    """
    Writes what dead programs left, and says what could not be read.
    """
    run("db", "migrate")
    assert "0 rows written from the spool to the database.\n" == run("db", "drain").out
    spooled(database, "c-1", "c-2", torn=b"0000002a 00000000 torn\n")
    ended = run("db", "drain")

    assert (0, "") == (ended.status, ended.err)
    assert "2 rows written from the spool" in ended.out
    assert "1 could not be read" in ended.out
    rows = look(database, "SELECT call_id FROM seedcore_calls ORDER BY id")
    assert [("c-1",), ("c-2",)] == rows
    assert {"rows": 0, "torn": 0, "held": 0} == run("db", "drain", "--json").json
    assert 1 == run("db", "status", "--json").json["spool"]["torn"]


def test_two_who_drain_at_once_double_nothing(run: CommandLine, database: Path) -> None:
    """
    Each row is there once, and no line is left.
    """
    run("db", "migrate")
    ids = [f"c-{number}" for number in range(300)]
    spooled(database, *ids)
    command = ("db", "drain", "--json")
    with run.start(*command) as one, run.start(*command) as other:
        outcomes = [process.communicate(timeout=60) for process in (one, other)]

    assert (0, 0) == (one.returncode, other.returncode), outcomes
    rows = look(database, "SELECT call_id FROM seedcore_calls")
    assert sorted(ids) == sorted(call_id for (call_id,) in rows)
    assert not Path(f"{database}.spool").exists()


def test_a_call_says_that_it_wrote_what_was_spooled(run: CommandLine, database: Path) -> None:
    """
    Any command that opens the database does it, by the way.
    """
    run("db", "migrate")
    spooled(database, "c-1")
    ended = run("audit", "list")

    assert "c-1" in ended.out
    assert "1 row written from the spool to the database.\n" == ended.err


def test_pruning_keeps_a_count(run: CommandLine, database: Path) -> None:
    """
    Per provider and day; what is young stays.
    """
    for call_id in ("old-1", "old-2", "new"):
        run("generate", "demo", "--call-id", call_id)
    age(database, "old-1", "old-2")
    counted = run("db", "prune", "--older-than", "2026-01-01", "--dry-run")
    assert "2 calls and 0 failures from before 2026-01-01 00:00:00 UTC would be deleted" in (
        counted.out
    )
    assert [(3,)] == look(database, "SELECT count(*) FROM seedcore_calls")

    ended = run("db", "prune", "--older-than", "2026-01-01", "--yes", "--json")
    assert (2, 0, False) == (ended.json["calls"], ended.json["failures"], ended.json["dry_run"])
    assert [("new",)] == look(database, "SELECT call_id FROM seedcore_calls")
    days = "SELECT provider, day, calls, failures FROM seedcore_days"
    assert [("demo", "2023-11-14", 2, 0)] == look(database, days)
    assert 0 == run("db", "prune", "--older-than", "2026-01-01").status  # there is nothing to ask


def test_pruning_asks(run: CommandLine, database: Path) -> None:
    """
    Where nobody can answer, it is refused with the way out.
    """
    run("generate", "demo", "--call-id", "old")
    age(database, "old")
    ended = run("db", "prune", "--older-than", "365d")

    assert 2 == ended.status
    assert "Delete 1 row from" in ended.err
    assert "Add --yes, or --dry-run to count only." in ended.err
    assert [(1,)] == look(database, "SELECT count(*) FROM seedcore_calls")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prune"], "Missing option '--older-than'"),
        (["prune", "--older-than", "soon"], "--older-than can't be 'soon'. Write a date"),
        (["purge"], "There is no command 'purge'. Did you mean 'prune'?"),
    ],
)
def test_wrong_usage(run: CommandLine, arguments: list[str], sentence: str) -> None:
    """
    A sentence with the remedy.
    """
    ended = run("db", *arguments)

    assert 2 == ended.status
    assert sentence in ended.err
