"""
Where the database is, read from its URL.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from seedcore.store.reasons import unusable

MEMORY = ":memory:"
_POSTGRESQL = ("postgres", "postgresql", "asyncpg", "psycopg")


def sqlite_file(url: str) -> str:
    """
    Return the absolute path of ``sqlite://`` URLs, or ``:memory:``.

    Anything else is a ``DatabaseError`` that shows neither userinfo nor query.
    """
    scheme, separator, rest = url.partition("://")
    path, _, options = rest.partition("?")
    if not separator:
        raise unusable("", "its URL has no scheme; write sqlite://seedcore.sqlite3")
    if scheme in _POSTGRESQL:
        what = "PostgreSQL is not supported by this version; write sqlite://seedcore.sqlite3"
        raise unusable(_shown(url), what)
    if scheme != "sqlite":
        what = "its scheme is not supported; write sqlite://seedcore.sqlite3"
        raise unusable(_shown(url), what)
    if options:
        raise unusable(path, "an SQLite URL takes no options after the question mark; remove them")
    if not path:
        raise unusable("", "its URL names no file; write sqlite://seedcore.sqlite3")
    return path if path == MEMORY else _checked(os.path.abspath(path))


def _checked(path: str) -> str:
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        raise unusable(path, "its directory does not exist; create it or choose another file")
    if os.path.isdir(path):
        raise unusable(path, "it is a directory; name a file in it")
    # Without this a read-only file opens, and only the first write fails.
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise unusable(path, "it is not writable; change its permissions or choose another file")
    return path


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    except ValueError:
        return ""
