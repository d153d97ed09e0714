"""
Who may ask over the web: keys that are handed out once and kept as digests.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any, Literal, get_args

import attrs

from seedcore.errors import SettingsError, did_you_mean
from seedcore.store.database import Database

Scope = Literal["generate", "read", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)
MARK = "seedcore"
"""What a key begins with, so that scanners for leaked ones can tell it."""
LONGEST_KEY = 200
MOST_PER_MINUTE = 1_000_000
_KEY_ID = re.compile(r"[0-9a-f]{12}")


@attrs.frozen(kw_only=True)
class AccessKey:
    """
    A key as the database has it; times are epoch microseconds.

    ``per_minute`` are the requests that it may make, ``None`` for what the server allows.
    """

    key_id: str
    name: str
    scopes: tuple[str, ...]
    per_minute: int | None
    created_at: int
    revoked_at: int | None

    @property
    def active(self) -> bool:
        """
        Whether it opens anything.
        """
        return self.revoked_at is None

    def allows(self, scope: str) -> bool:
        """
        Whether it may be used for *scope*; an admin may do everything.
        """
        return self.active and (scope in self.scopes or "admin" in self.scopes)


class AccessKeys:
    """
    The rows of keys; every method raises ``DatabaseError``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, name: str, scopes: Iterable[str], *, per_minute: int | None = None
    ) -> tuple[str, AccessKey]:
        """
        Make a key called *name*; return its text, which nobody can find out again, and its row.

        Raises SettingsError for a scope that there is none of, and for a name in use; that of a
        revoked key is free.
        """
        chosen = _checked_scopes(scopes)
        if not (name.isprintable() and 0 < len(name) <= LONGEST_KEY):
            msg = f"The name of a key must be a printable text of 1 to {LONGEST_KEY} characters."
            raise SettingsError(msg)
        if per_minute is not None and not 1 <= per_minute <= MOST_PER_MINUTE:
            msg = f"per_minute must be a whole number from 1 to {MOST_PER_MINUTE:,}."
            raise SettingsError(msg)
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        values = (key_id, name, _digest(secret), " ".join(chosen), per_minute, name)
        added = await self._database.execute(_ADD, *values)
        if not added:
            msg = f"There is a key {name!r} already. Revoke it, or choose another name."
            raise SettingsError(msg)
        found = await self._find(key_id)
        assert found is not None
        return f"{MARK}_{key_id}_{secret}", _key(found)

    async def listing(self) -> list[AccessKey]:
        """
        Return all keys, the revoked ones too, the oldest first.
        """
        return [_key(row) for row in await self._database.fetch(_LISTING)]

    async def any_active(self) -> bool:
        """
        Whether there is a key that opens anything.
        """
        return bool(await self._database.fetch(_ACTIVE))

    async def revoke(self, name: str) -> bool:
        """
        Let the key called *name* open nothing any more; ``False`` if there is none that does.
        """
        return bool(await self._database.execute(_REVOKE, name))

    async def check(self, text: str) -> AccessKey | None:
        """
        Return the key whose text that is, unless it is revoked; takes as long for every wrong one.
        """
        mark, _, rest = text[:LONGEST_KEY].partition("_")
        key_id, _, secret = rest.partition("_")
        known = mark == MARK and _KEY_ID.fullmatch(key_id)
        row = await self._find(key_id) if known else None
        right = hmac.compare_digest(row["digest"] if row else _digest(""), _digest(secret))
        if row is None or not right or row["revoked_at"] is not None:
            return None
        return _key(row)

    async def _find(self, key_id: str) -> dict[str, Any] | None:
        rows = await self._database.fetch(_FIND, key_id)
        return rows[0] if rows else None


def _digest(secret: str) -> str:
    # A secret of 256 random bits can't be guessed, however quick the digest is.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    given = set(scopes)
    for scope in sorted(given):
        if scope not in SCOPES:
            known = ", ".join(SCOPES)
            msg = f"There is no scope {scope!r}.{did_you_mean(scope, SCOPES)} Scopes: {known}."
            raise SettingsError(msg)
    if not given:
        msg = f"A key needs a scope, one of {', '.join(SCOPES)}."
        raise SettingsError(msg)
    return [scope for scope in SCOPES if scope in given]


def _key(row: dict[str, Any]) -> AccessKey:
    names = [field.name for field in attrs.fields(AccessKey)]
    return AccessKey(
        **{**{name: row[name] for name in names}, "scopes": tuple(row["scopes"].split())}
    )


_COLUMNS = "key_id, name, digest, scopes, per_minute, created_at, revoked_at"
_ADD = (
    "INSERT INTO seedcore_keys (key_id, name, digest, scopes, per_minute, created_at) "
    "SELECT ?, ?, ?, ?, ?, {now} WHERE NOT EXISTS "
    "(SELECT 1 FROM seedcore_keys WHERE name = ? AND revoked_at IS NULL)"
)
_FIND = f"SELECT {_COLUMNS} FROM seedcore_keys WHERE key_id = ?"  # noqa: S608 - ours
_LISTING = f"SELECT {_COLUMNS} FROM seedcore_keys ORDER BY created_at, key_id"  # noqa: S608 - ours
_ACTIVE = "SELECT 1 AS one FROM seedcore_keys WHERE revoked_at IS NULL LIMIT 1"
_REVOKE = "UPDATE seedcore_keys SET revoked_at = {now} WHERE name = ? AND revoked_at IS NULL"
