"""
Where the database is, read from its URL.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from seedcore.store.reasons import NOT_WRITABLE, unusable

MEMORY = ":memory:"
_POSTGRESQL = ("postgres", "postgresql", "asyncpg", "psycopg")
_NAMELESS = ""


def sqlite_file(url: str) -> str:
    """
    Return the absolute path of ``sqlite://`` URLs, or ``:memory:``.

    Anything else is a ``DatabaseError`` that shows neither userinfo nor query.
    """
    scheme, separator, rest = url.partition("://")
    path, _, options = rest.partition("?")
    if not separator:
        raise unusable(_NAMELESS, "its URL has no scheme; write sqlite://seedcore.sqlite3")
    if scheme in _POSTGRESQL:
        what = "PostgreSQL is not supported by this version; write sqlite://seedcore.sqlite3"
        raise unusable(_shown(url), what)
    if scheme != "sqlite":
        what = "its scheme is not supported; write sqlite://seedcore.sqlite3"
        raise unusable(_shown(url), what)
    if options:
        raise unusable(path, "an SQLite URL takes no options after the question mark; remove them")
    if not path:
        raise unusable(_NAMELESS, "its URL names no file; write sqlite://seedcore.sqlite3")
    return path if path == MEMORY else str(_checked(Path(path).absolute()))


def _checked(path: Path) -> Path:
    if not path.parent.is_dir():
        raise unusable(str(path), "its directory does not exist; create it or choose another file")
    if path.is_dir():
        raise unusable(str(path), "it is a directory; name a file in it")
    # Without this a read-only file opens, and only the first write fails.
    if path.exists() and not os.access(path, os.W_OK):
        raise unusable(str(path), NOT_WRITABLE)
    return path


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    except ValueError:
        return _NAMELESS
