"""
Where the database is, read from its URL.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from seedcore.errors import DatabaseError, did_you_mean
from seedcore.store.reasons import NOT_WRITABLE, unusable

MEMORY = ":memory:"
Dialect = Literal["sqlite", "postgres"]

_NAMELESS = ""
_EXAMPLES = "write sqlite://seedcore.sqlite3 or postgres://user:password@host/database"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_POSTGRESQL_PORT = 5432


@attrs.frozen(kw_only=True)
class Address:
    """
    One database; ``name`` is what may be shown of it: no user name, no password.
    """

    dialect: Dialect
    name: str
    path: str = MEMORY
    credentials: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def in_memory(self) -> bool:
        """
        Whether it ends with its process.
        """
        return self.dialect == "sqlite" and self.path == MEMORY

    @property
    def key(self) -> str:
        """
        A short name that is the same in every process, fit for files.
        """
        return hashlib.blake2b(self.name.encode(), digest_size=6).hexdigest()


def address_of(url: str) -> Address:
    """
    Return the address in *url*: ``sqlite://file``, ``sqlite:///absolute/file``,
    ``sqlite://:memory:`` or ``postgres://user:password@host:port/database``.

    Anything else is a ``DatabaseError`` that shows neither userinfo nor query.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme != "sqlite" and "@" in rest.partition("/")[2]:
        # A password with a slash in it: no part of the rest is known to be harmless.
        what = "percent-encode what is no letter or digit in its user name and password"
        raise unusable(_NAMELESS, what)
    if not separator:
        raise unusable(_NAMELESS, f"its URL has no scheme; {_EXAMPLES}")
    if scheme in ("postgres", "postgresql"):
        return _postgres(url)
    if scheme != "sqlite":
        raise unusable(_shown(url), f"its scheme is not supported; {_EXAMPLES}")
    path, _, options = rest.partition("?")
    if options:
        raise unusable(path, "an SQLite URL takes no options after the question mark; remove them")
    if not path:
        raise unusable(_NAMELESS, "its URL names no file; write sqlite://seedcore.sqlite3")
    path = path if path == MEMORY else str(_checked(Path(path).absolute()))
    return Address(dialect="sqlite", name=path, path=path)


def _checked(path: Path) -> Path:
    if not path.parent.is_dir():
        raise unusable(str(path), "its directory does not exist; create it or choose another file")
    if path.is_dir():
        raise unusable(str(path), "it is a directory; name a file in it")
    # Without this a read-only file opens, and only the first write fails.
    if path.exists() and not os.access(path, os.W_OK):
        raise unusable(str(path), NOT_WRITABLE)
    return path


def _postgres(url: str) -> Address:
    try:
        parts = urlsplit(url)
        port = parts.port or _POSTGRESQL_PORT
    except ValueError:
        raise unusable(_NAMELESS, f"its URL can't be read; {_EXAMPLES}") from None
    name = _shown(url)
    database = unquote(parts.path.strip("/"))
    if not database or "/" in database:
        raise unusable(name, "its URL names no database; write postgres://host/database")
    options = _options(parts.query, name)
    host = options.get("host") or unquote(parts.hostname or "localhost")
    credentials: dict[str, Any] = {"host": host, "port": port, "database": database}
    if parts.username:
        credentials["user"] = unquote(parts.username)
    if parts.password:
        credentials["password"] = unquote(parts.password)
    if "sslmode" in options:
        credentials["ssl"] = options["sslmode"]
    name = f"postgres://{host}:{port}/{database}"
    return Address(dialect="postgres", name=name, credentials=credentials)


def _options(query: str, name: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for option, value in options.items():
        if option in ("minsize", "maxsize", "min_size", "max_size", "pool_size"):
            what = "the size of its pool stands in the setting database_pool_size, not in the URL"
            raise unusable(name, what)
        if option not in ("sslmode", "host"):
            advice = did_you_mean(option, ("sslmode", "host"))
            raise unusable(name, f"its URL takes the options sslmode and host only.{advice}")
        if option == "sslmode" and value not in _SSL_MODES:
            raise unusable(name, f"sslmode is one of {', '.join(_SSL_MODES)}")
    return options


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    except ValueError:
        return _NAMELESS


def missing_driver() -> DatabaseError:
    """
    Return the error of a PostgreSQL URL where its driver isn't installed.
    """
    return unusable(
        _NAMELESS, "PostgreSQL needs one more package: pip install 'seedcore[postgres]'"
    )
