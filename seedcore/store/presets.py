"""
Presets that people save: rows that are added, never changed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import attrs

from seedcore.store.database import Batch, Database, answered
from seedcore.store.reasons import is_known, unusable
from seedcore.store.rows import Rows

TRIES = 50
"""Revisions that others save at the same moment; in practice two or three."""
IMPORT_LIMIT = 60.0
"""Seconds that one transaction with all presets of an import may take."""


class Key(NamedTuple):
    """
    What a preset is known by; ``namespace`` is empty for one that all may use.
    """

    provider: str
    namespace: str
    name: str


@attrs.frozen(kw_only=True)
class Row:
    """
    One revision of a preset; ``created_at`` is epoch microseconds of the database's clock.
    """

    revision: int
    text: str
    saved_by: str
    created_at: int
    deleted: bool = attrs.field(converter=bool)


@attrs.frozen(kw_only=True)
class NamespaceRow:
    """
    A namespace with the text of its row, for compare-and-set.
    """

    name: str
    owner: str
    stored: str

    @property
    def collaborators(self) -> tuple[str, ...]:
        """
        Who else may write in it; none where the text was damaged.
        """
        try:
            found = json.loads(self.stored)
        except (ValueError, RecursionError):
            return ()
        return tuple(map(str, found)) if isinstance(found, list) else ()


class StoredPresets:
    """
    The rows of presets and namespaces; every method raises ``DatabaseError``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, key: Key) -> Row | None:
        """
        Return the newest revision, a deletion too.
        """
        rows = await self.revisions(key, limit=1)
        return rows[0] if rows else None

    async def revisions(self, key: Key, *, limit: int = 1_000) -> list[Row]:
        """
        Return the newest *limit* revisions, the newest first.
        """
        rows = await self._database.fetch(_REVISIONS, *key, limit_of(limit))
        return [Row(**row) for row in rows]

    async def names(
        self,
        provider: str,
        *,
        namespace: str | None = None,
        prefix: str = "",
        limit: int = 10_000,
        patience: float | None = None,
    ) -> list[tuple[str, str]]:
        """
        Return namespace and name of presets that are not deleted and begin with *prefix*.

        *patience* is how many seconds somebody waits for it.
        """
        which = "" if namespace is None else " AND p.namespace = ?"
        values = [each for each in (provider, namespace) if each is not None]
        rows = await self._database.fetch(
            _NAMES.format(which=which),
            *(*values, len(prefix), prefix, limit_of(limit)),
            limit=patience,
        )
        return [(row["namespace"], row["name"]) for row in rows]

    async def texts(self, provider: str, namespace: str) -> dict[str, str]:
        """
        Return the newest text of each preset that is not deleted, by name.
        """
        rows = await self._database.fetch(_TEXTS, provider, namespace, limit=IMPORT_LIMIT)
        return {row["name"]: row["text"] for row in rows}

    async def count(self, namespace: str) -> int:
        """
        Return how many presets a namespace has, of all providers.
        """
        [row] = await self._database.fetch(_COUNT, namespace)
        return int(row["presets"])

    async def save(
        self, key: Key, text: str, *, by: str, deleted: bool = False
    ) -> tuple[int, bool]:
        """
        Add a revision, unless the newest one is the same already.

        Returns the number of the revision that says so, and whether it was added.
        """
        for _ in range(TRIES):
            added = await self._database.execute(_SAVE, *_values(key, text, by, deleted=deleted))
            newest = await self.newest(key)
            if newest is not None and added:
                return await self._number(key, text, by, newest), True
            if newest is not None and (newest.text, newest.deleted) == (text, deleted):
                return newest.revision, False
            await asyncio.sleep(0)  # somebody else has just added that revision
        raise unusable(self._database.name, "others kept saving the same preset")

    async def _number(self, key: Key, text: str, by: str, newest: Row) -> int:
        if (newest.text, newest.saved_by) == (text, by):
            return newest.revision
        rows = await self.revisions(key)  # another one was added since
        return next(
            (r.revision for r in rows if (r.text, r.saved_by) == (text, by)), newest.revision
        )

    async def save_all(
        self, rows: Iterable[tuple[Key, str]], namespaces: Iterable[NamespaceRow], *, by: str
    ) -> None:
        """
        Add revisions, and namespaces that nobody has yet, in one transaction: all or none.
        """
        saved = [_values(key, text, by, deleted=False) for key, text in rows]
        made = [[each.name, each.owner, each.stored] for each in namespaces]
        batches = [Batch(_MAKE, Rows(made))] if made else []
        # Where somebody saves the same preset meanwhile, the whole transaction is made again:
        # passing over the one row would lose it.
        batches.append(Batch(_SAVE.removesuffix(_UNLESS_KNOWN), Rows(saved)))
        for attempt in range(TRIES):
            try:
                await answered(
                    lambda: self._database.write(batches, IMPORT_LIMIT),
                    self._database.name,
                    IMPORT_LIMIT,
                )
            except Exception as error:
                cause = error.__cause__
                if cause is None or not is_known(cause) or attempt == TRIES - 1:
                    raise
            else:
                return

    # -------------------------------------------------------------- namespaces

    async def namespace(self, name: str) -> NamespaceRow | None:
        """
        Return whose namespace that is.
        """
        rows = await self._database.fetch(_NAMESPACE, name)
        return NamespaceRow(**rows[0]) if rows else None

    async def make_namespace(self, name: str, owner: str) -> NamespaceRow:
        """
        Make a namespace if nobody has, and return it, whoever's it is.
        """
        await self._database.execute(_MAKE, name, owner, "[]")
        found = await self.namespace(name)
        assert found is not None  # none is ever removed
        return found

    async def set_collaborators(self, known: NamespaceRow, collaborators: Sequence[str]) -> bool:
        """
        Replace the collaborators; ``False`` if somebody else has changed them meanwhile.
        """
        changed = await self._database.execute(
            "UPDATE seedcore_namespaces SET collaborators = ? WHERE name = ? AND collaborators = ?",
            *(json.dumps(list(collaborators)), known.name, known.stored),
        )
        return changed == 1


def limit_of(limit: int) -> int:
    """
    Return *limit* as a database takes it.
    """
    return max(0, min(limit, 2**31 - 1))


def _values(key: Key, text: str, by: str, *, deleted: bool) -> list[Any]:
    return [*key, text, by, deleted, *key, *key, deleted, text]


_UNLESS_KNOWN = " ON CONFLICT (provider, namespace, name, revision) DO NOTHING"
# One statement, so that it can be asked twice when a connection is lost: the second time the
# newest revision is the same already.
_SAVE = (
    "INSERT INTO seedcore_presets "  # noqa: S608 - ours
    "(provider, namespace, name, revision, text, saved_by, deleted, created_at) "
    "SELECT CAST(? AS VARCHAR(200)), CAST(? AS VARCHAR(50)), CAST(? AS VARCHAR(50)), "
    "newest.revision + 1, CAST(? AS TEXT), CAST(? AS VARCHAR(200)), CAST(? AS BOOLEAN), {now} "
    "FROM (SELECT COALESCE(MAX(revision), 0) AS revision FROM seedcore_presets "
    "WHERE provider = ? AND namespace = ? AND name = ?) AS newest "
    "WHERE NOT EXISTS (SELECT 1 FROM seedcore_presets AS known "
    "WHERE known.provider = ? AND known.namespace = ? AND known.name = ? "
    "AND known.revision = newest.revision AND known.deleted = ? AND known.text = ?)"
    f"{_UNLESS_KNOWN}"
)
_REVISIONS = (
    "SELECT revision, text, saved_by, created_at, deleted FROM seedcore_presets "
    "WHERE provider = ? AND namespace = ? AND name = ? ORDER BY revision DESC LIMIT ?"
)
_IS_NEWEST = (
    "p.deleted = FALSE AND p.revision = (SELECT MAX(q.revision) FROM seedcore_presets AS q "
    "WHERE q.provider = p.provider AND q.namespace = p.namespace AND q.name = p.name)"
)
_NAMES = (
    "SELECT p.namespace, p.name FROM seedcore_presets AS p "  # noqa: S608 - ours
    f"WHERE p.provider = ?{{which}} AND substr(p.name, 1, ?) = ? AND {_IS_NEWEST} "
    "ORDER BY p.namespace, p.name LIMIT ?"
)
_TEXTS = (
    "SELECT p.name, p.text FROM seedcore_presets AS p "  # noqa: S608 - ours
    f"WHERE p.provider = ? AND p.namespace = ? AND {_IS_NEWEST}"
)
_COUNT = (
    "SELECT COUNT(*) AS presets FROM seedcore_presets AS p WHERE p.namespace = ? "  # noqa: S608 - ours
    f"AND {_IS_NEWEST}"
)
_NAMESPACE = "SELECT name, owner, collaborators AS stored FROM seedcore_namespaces WHERE name = ?"
_MAKE = (
    "INSERT INTO seedcore_namespaces (name, owner, collaborators, created_at) "
    "VALUES (?, ?, ?, {now}) ON CONFLICT (name) DO NOTHING"
)
