"""
Why the database did not do it, and what to do about it.
"""

from __future__ import annotations

import sqlite3

from tortoise.exceptions import OperationalError

from seedcore.errors import DatabaseError

PAUSE = 0.01
"""Seconds between two tries while somebody else has the database locked."""
NOT_WRITABLE = "it is not writable; change its permissions or choose another file"
CLOSED = "it was closed; open it again"

_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_REASONS = {
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that program or wait for it",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked; end that program or wait for it",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database; choose another file",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy or choose another file",
    sqlite3.SQLITE_READONLY: NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened; check its directory and permissions",
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "the disk failed; check it",
}


def is_busy(error: BaseException) -> bool:
    """
    Whether trying again may help: somebody else has the database locked.
    """
    return _code(error) in _LOCKED


def is_about_the_row(error: BaseException) -> bool:
    """
    Whether the values of a row are at fault, not the database.
    """
    of_the_database = isinstance(error, (OperationalError, sqlite3.OperationalError))
    return not of_the_database and _code(error) not in _REASONS


def reason(error: BaseException) -> str:
    """
    Return the fact and the remedy, without a value of any row.
    """
    code = _code(error)
    if code in _REASONS:
        return _REASONS[code]
    if isinstance(error, (OSError, OperationalError, sqlite3.Error)):
        return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
    # The texts of other exceptions may quote what they could not write.
    return f"{type(error).__name__}; check the values of the row"


def unusable(name: str, what: str) -> DatabaseError:
    """
    Return the error for a database that can't be opened; *name* may be empty.
    """
    named = f" {name}" if name else ""
    msg = (
        f"The audit database{named} can't be used: {what}. "
        "The database_url setting (SEEDCORE_DATABASE_URL) says which one it is."
    )
    return DatabaseError(msg)


def _code(error: BaseException) -> int:
    # Tortoise raises its own exception with sqlite3's as the only argument.
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    # The low byte is the primary code; the rest only refines it.
    return int(getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF
