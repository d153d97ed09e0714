"""
Spoiler logs that are revealed later: where they are, when they are due, who was shown them.

Whether one is due is a matter of the database's clock, and what was revealed once stays so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from seedcore.store.database import Database

MICRO = 1e6


@attrs.frozen(kw_only=True)
class StoredLog:
    """
    The logs of one call; ``left`` are the seconds until they are due, and ``revealed_at`` is when
    the asked kind was first revealed, ``None`` if it wasn't. ``sealed`` says that their seed is,
    ``waits_at`` on which machine's disk they wait for their storage.
    """

    call_id: str
    owner: str | None
    storage: str
    waits_at: str | None
    reveal_at: float
    objects: Mapping[str, Any]
    left: float
    revealed_at: float | None
    sealed: bool

    @property
    def due(self) -> bool:
        """
        Whether it may be seen by who may ask.
        """
        return self.left <= 0 or self.revealed_at is not None


class StoredLogs:
    """
    The rows of logs and reveals; every method raises ``DatabaseError``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, call_id: str, kind: str) -> StoredLog | None:
        """
        Return the logs of a call, and whether those of *kind* were revealed.
        """
        rows = await self._database.fetch(_FIND, kind, call_id)
        if not rows:
            return None
        row = rows[0]
        first = row["revealed_at"]
        return StoredLog(
            call_id=row["call_id"],
            owner=row["owner"],
            storage=row["storage"],
            waits_at=row["waits_at"],
            reveal_at=row["due"] / MICRO,
            objects=_mapping(row["objects"]),
            left=(row["due"] - row["now"]) / MICRO,
            revealed_at=None if first is None else first / MICRO,
            sealed=bool(row["sealed"]),
        )

    async def due_at(self, call_id: str) -> float | None:
        """
        Return when the logs of a call are due, epoch seconds; ``None`` if it has none.
        """
        rows = await self._database.fetch(_DUE_AT, call_id)
        return rows[0]["due"] / MICRO if rows else None

    async def stored(self, call_id: str) -> bool:
        """
        Note that the logs of a call wait nowhere any more; whether there is a row of them.
        """
        return bool(await self._database.execute(_STORED, call_id))

    async def revealed(self, call_id: str, kind: str, by: str) -> float:
        """
        Record that *by* is shown a log; return when it was shown first, epoch seconds.
        """
        await self._database.execute(_REVEALED, call_id, kind, by)
        rows = await self._database.fetch(_FIRST, call_id, kind)
        return float(rows[0]["first"] / MICRO)

    async def reveals(self, call_id: str) -> list[dict[str, Any]]:
        """
        Return who was shown which log of a call: ``kind``, ``asked_by``, ``asked_at`` (epoch
        microseconds), the first one first.
        """
        return await self._database.fetch(_REVEALS, call_id)


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:  # a row that somebody has damaged
        return {}
    return found if isinstance(found, dict) else {}


DUE = "COALESCE(reveal_at, kept_at + reveal_after)"
_FIND = (
    f"SELECT call_id, owner, storage, waits_at, {DUE} AS due, objects, {{now}} AS now, "  # noqa: S608 - ours
    "(SELECT MIN(asked_at) FROM seedcore_reveals AS r "
    "WHERE r.call_id = l.call_id AND r.kind = ?) AS revealed_at, "
    "(SELECT COUNT(*) FROM seedcore_calls AS c WHERE c.call_id = l.call_id AND c.sealed AND "
    "NOT EXISTS (SELECT 1 FROM seedcore_unsealings AS u WHERE u.call_id = c.call_id)) AS sealed "
    "FROM seedcore_logs AS l WHERE call_id = ?"
)
_DUE_AT = f"SELECT {DUE} AS due FROM seedcore_logs WHERE call_id = ?"  # noqa: S608 - ours
_STORED = "UPDATE seedcore_logs SET waits_at = NULL WHERE call_id = ?"
_REVEALED = (
    "INSERT INTO seedcore_reveals (call_id, kind, asked_by, asked_at) VALUES (?, ?, ?, {now})"
)
_FIRST = "SELECT MIN(asked_at) AS first FROM seedcore_reveals WHERE call_id = ? AND kind = ?"
_REVEALS = "SELECT kind, asked_by, asked_at FROM seedcore_reveals WHERE call_id = ? ORDER BY id"
