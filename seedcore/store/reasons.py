"""
Why the database did not do it, and what to do about it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from tortoise.exceptions import OperationalError

from seedcore.errors import DatabaseError

PAUSE = 0.01
"""Seconds between two tries while somebody else has the database locked."""
NOT_WRITABLE = "it is not writable; change its permissions or choose another file"
CLOSED = "it was closed; open it again"

_SQLITE: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that program or wait for it",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked; end that program or wait for it",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database; choose another file",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy or choose another file",
    sqlite3.SQLITE_READONLY: NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened; check its directory and permissions",
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "the disk failed; check it",
}
READ_ONLY = "it is read-only; use a role and a server that may write"
_POSTGRESQL: Mapping[str, str] = {
    "25006": READ_ONLY,
    "28000": "the server lets this user in from nowhere; check user name and pg_hba.conf",
    "28P01": "user name or password is wrong",
    "3D000": "the server has no database of this name; create it with createdb",
    "42501": "this user may not do that; GRANT it the rights, or use another user",
    "42P01": "its tables are missing; run 'seedcore db migrate'",
    "53100": "the disk of the server is full; free some space",
    "53300": "the server has no connection left; raise max_connections or lower database_pool_size",
    "55P03": "another program keeps its tables locked; end that program or wait for it",
    "57014": "it took too long; look at the server's load",
    "57P01": "the server is shutting down; start it again",
    "57P02": "the server is shutting down; start it again",
    "57P03": "the server is starting or stopping; wait a moment",
}
_BUSY = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    "40001",  # another transaction was in the way
    "40P01",  # a deadlock, of which this side was chosen to end
)
_ABOUT_VALUES = ("22", "23")
"""SQLSTATE classes: a value that doesn't fit, a constraint."""
_CLASS = 2


def is_busy(error: BaseException) -> bool:
    """
    Whether trying again may help: somebody else was in the way.
    """
    return _code(error) in _BUSY


def is_about_the_row(error: BaseException) -> bool:
    """
    Whether the values of a row are at fault, not the database.
    """
    code = _code(error)
    if isinstance(code, str):
        return code[:_CLASS] in _ABOUT_VALUES
    if code in _SQLITE or _is_of_the_driver(error):
        return False
    others = (OperationalError, sqlite3.OperationalError, OSError, DatabaseError)
    return not isinstance(error, others)


def is_disconnected(error: BaseException) -> bool:
    """
    Whether the connection was at fault: it may work on a new one.
    """
    code = _code(error)
    if isinstance(code, str):
        return code[:_CLASS] == "08" or code[:3] == "57P"
    return isinstance(error, ConnectionError) or _is_of_the_driver(error)


def is_known(error: BaseException) -> bool:
    """
    Whether a row with a unique id was there already.
    """
    return _code(error) == "23505"


def may_pass(error: BaseException) -> bool:
    """
    Whether the database may answer in a while, if nobody changes anything about it.
    """
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    if cause is None:
        return False
    code = _code(cause)
    if isinstance(code, str):
        return code[:_CLASS] in ("08", "40", "53", "55", "57")
    passing = (*_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return code in passing or isinstance(cause, OSError) or _is_of_the_driver(cause)


def is_starting(error: BaseException) -> bool:
    """
    Whether the server will be there in a moment.
    """
    return _code(error) == "57P03"


def reason(error: BaseException) -> str:
    """
    Return the fact and the remedy, without a value of any row.
    """
    code = _code(error)
    known = _POSTGRESQL.get(code) if isinstance(code, str) else _SQLITE.get(code)
    if known is not None:
        return known
    if isinstance(error, TimeoutError):
        return "it does not answer; check the server and the way to it"
    if isinstance(error, ConnectionRefusedError):
        return "no server answers there; start it, or check host and port"
    if isinstance(code, str) or _is_of_the_driver(error):
        # The texts of the server may quote what it could not write.
        return f"{type(_cause(error)).__name__} (SQLSTATE {code or 'none'})"
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


def _cause(error: BaseException) -> BaseException:
    # Tortoise raises its own exception with the driver's as the only argument.
    return error.args[0] if error.args and isinstance(error.args[0], Exception) else error


def _is_of_the_driver(error: BaseException) -> bool:
    # asyncpg is optional, so its classes are known by where they come from.
    return type(_cause(error)).__module__.startswith("asyncpg")


def _code(error: BaseException) -> int | str:
    """
    Return SQLite's primary code, PostgreSQL's SQLSTATE, or 0.
    """
    cause = _cause(error)
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return state
    # The low byte is the primary code; the rest only refines it.
    return int(getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF
