"""
Whose fault it was, and what is said about it.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from tortoise.exceptions import OperationalError

from seedcore.errors import DatabaseError
from seedcore.store import reasons

SECRET = "https://seeds.example/canary"


def sqlite(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    """
    Return what SQLite raises with an extended *code*.
    """
    error = kind(f"some words about {SECRET}")
    error.sqlite_errorcode = code
    return error


def postgresql(state: str | None, name: str = "SomeError") -> Exception:
    """
    Return what asyncpg raises with a SQLSTATE, or without one.
    """
    kind: Any = type(name, (Exception,), {"__module__": "asyncpg.exceptions", "sqlstate": state})
    error: Exception = kind(f"Key ({SECRET}) already exists")
    return error


BUSY = [
    sqlite(sqlite3.SQLITE_BUSY),
    sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT),
    sqlite(sqlite3.SQLITE_LOCKED_SHAREDCACHE),
    postgresql("40001"),
    postgresql("40P01"),
]
OF_THE_ROW = [
    sqlite(sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.IntegrityError),
    sqlite3.ProgrammingError("Error binding parameter 3"),
    OverflowError("Python int too large"),
    ValueError("no"),
    TypeError("no"),
    postgresql("22003"),
    postgresql("23502"),
    postgresql("23505"),
]
OF_THE_DATABASE = [
    *BUSY,
    sqlite(sqlite3.SQLITE_FULL),
    sqlite(sqlite3.SQLITE_IOERR_FSYNC),
    sqlite(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError),
    sqlite3.OperationalError("no such table: x"),
    postgresql("08006"),
    postgresql("25006"),
    postgresql("42P01"),
    postgresql("53100"),
    postgresql("57014"),
    postgresql(None, "InterfaceError"),
    OSError(5, "Input/output error"),
    ConnectionResetError(),
    TimeoutError(),
    DatabaseError("It was closed; open it again."),
]


@pytest.mark.parametrize("error", OF_THE_ROW, ids=repr)
def test_a_row_is_at_fault(error: Exception) -> None:
    """
    Written again it would fail again, so the others are written without it.

    Rows are written past Tortoise, so its own exceptions don't come into it.
    """
    assert reasons.is_about_the_row(error)
    assert not reasons.is_busy(error)


@pytest.mark.parametrize("error", OF_THE_DATABASE, ids=repr)
def test_the_database_is_at_fault(error: Exception) -> None:
    """
    The rows are all right and are kept for later.
    """
    assert not reasons.is_about_the_row(error)
    if not isinstance(error, DatabaseError | OSError):
        assert not reasons.is_about_the_row(OperationalError(error))


@pytest.mark.parametrize("error", [*OF_THE_ROW, *OF_THE_DATABASE], ids=repr)
def test_only_who_was_in_the_way_is_waited_for(error: Exception) -> None:
    """
    All else would be the same a moment later.
    """
    assert (error in BUSY) == reasons.is_busy(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (postgresql("08006"), True),
        (postgresql("57P01"), True),
        (postgresql("57014"), False),
        (postgresql("23505"), False),
        (postgresql(None, "InterfaceError"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_a_dead_connection_is_known(error: Exception, expected: bool) -> None:
    """
    A new one may work, while a server that doesn't answer is not asked twice.
    """
    assert expected == reasons.is_disconnected(error)


def test_a_row_that_is_there_already_is_known() -> None:
    """
    And a server that will be there in a moment.
    """
    assert [True, False, False] == [
        reasons.is_known(error)
        for error in (postgresql("23505"), postgresql("23502"), ValueError("23505"))
    ]
    assert [True, False] == [reasons.is_starting(postgresql(state)) for state in ("57P03", "57P01")]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (sqlite(sqlite3.SQLITE_FULL), "the disk is full; free some space"),
        (sqlite(sqlite3.SQLITE_IOERR_WRITE), "the disk failed; check it"),
        (
            OperationalError(sqlite(sqlite3.SQLITE_BUSY)),
            "another program keeps it locked; end that program or wait for it",
        ),
        (postgresql("28P01"), "user name or password is wrong"),
        (OperationalError(postgresql("53100")), "the disk of the server is full; free some space"),
        (TimeoutError(), "it does not answer; check the server and the way to it"),
        (
            ConnectionRefusedError(111, "no"),
            "no server answers there; start it, or check host and port",
        ),
        (OSError(28, "No space left on device"), "OSError: No space left on device"),
        (postgresql("23505", "UniqueViolationError"), "UniqueViolationError (SQLSTATE 23505)"),
        (postgresql(None, "InterfaceError"), "InterfaceError (SQLSTATE none)"),
        (ValueError(SECRET), "ValueError; check the values of the row"),
    ],
    ids=repr,
)
def test_the_fact_and_the_remedy_are_told(error: Exception, told: str) -> None:
    """
    Never a value of a row, which the words of a server may quote.
    """
    assert told == reasons.reason(error)
    assert "canary" not in reasons.reason(error)
