"""
The only reader of audit rows: it hides what is sealed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
from tortoise.expressions import Q
from tortoise.models import Model

from seedcore.model import LONGEST_NAME, AuditRecord, FailureRecord
from seedcore.store.database import Database
from seedcore.store.models import Call, Failure, Unsealing

PAGE = 500
"""Rows asked for at a time by an export; the writer waits meanwhile."""

ShownRow = dict[str, Any]

_CALL_COLUMNS = tuple(field.name for field in attrs.fields(AuditRecord))
_FAILURE_COLUMNS = tuple(field.name for field in attrs.fields(FailureRecord))


class Queries:
    """
    Questions about past calls; a row is a dict of the record's fields.

    ``permalink``, ``hash_id``, ``settings`` and ``seed`` of a sealed row are ``None`` and ``{}``
    until its unsealing is recorded. ``since`` is epoch seconds. Dry runs are left out, unless
    ``dry`` asks for them too. For a name or an id that no row can have, there is no row.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calls(
        self,
        provider: str | None = None,
        surface: str | None = None,
        since: float | None = None,
        limit: int = 50,
        *,
        dry: bool = False,
        before: str | None = None,
    ) -> list[ShownRow]:
        """
        Return the newest *limit* successful calls, the newest first.

        With *before*, a call_id, those that are older than it; none if it isn't known.
        """
        if not can_be(provider, surface, before):
            return []
        filters = _filters(provider, surface, since) | _dry(dry)
        where = None
        if before is not None:
            known = await self._database.rows(Call, ("id", "created_at"), limit=1, call_id=before)
            if not known:
                return []
            at, row_id = known[0]["created_at"], known[0]["id"]
            where = Q(created_at__lt=at) | Q(created_at=at, id__lt=row_id)
        rows = await self._newest(Call, _CALL_COLUMNS, limit, filters, where)
        return await self._hide_sealed(rows)

    async def failures(
        self,
        provider: str | None = None,
        surface: str | None = None,
        since: float | None = None,
        limit: int = 50,
    ) -> list[ShownRow]:
        """
        Return the newest *limit* failed calls, the newest first.
        """
        if not can_be(provider, surface):
            return []
        filters = _filters(provider, surface, since)
        return await self._newest(Failure, _FAILURE_COLUMNS, limit, filters)

    async def export(
        self,
        provider: str | None = None,
        surface: str | None = None,
        since: float | None = None,
        *,
        dry: bool = False,
    ) -> AsyncIterator[ShownRow]:
        """
        Yield all successful calls in the order they were written.
        """
        if not can_be(provider, surface):
            return
        filters = _filters(provider, surface, since) | _dry(dry)
        columns = ("id", *_CALL_COLUMNS)
        last = 0
        while page := await self._database.rows(
            Call, columns, "id", limit=PAGE, id__gt=last, **filters
        ):
            last = page[-1]["id"]
            for row in await self._hide_sealed(page):
                del row["id"]
                yield row

    async def call(self, call_id: str) -> ShownRow | None:
        """
        Return the row of a successful call as every reader sees it.
        """
        if not can_be(call_id):
            return None
        rows = await self._database.rows(Call, _CALL_COLUMNS, limit=1, call_id=call_id)
        return (await self._hide_sealed(rows))[0] if rows else None

    async def failures_of(self, call_id: str, limit: int = 20) -> list[ShownRow]:
        """
        Return the failures of one call, the newest first: an id may be used again.
        """
        if not can_be(call_id):
            return []
        return await self._newest(Failure, _FAILURE_COLUMNS, limit, {"call_id": call_id})

    async def failures_by_kind(self, since: float, step: float) -> list[ShownRow]:
        """
        Count the failures since then for each *step* seconds and error type.

        Returns ``start`` (epoch seconds), ``error_type`` and ``count``, the oldest first.
        """
        micro = max(1, round(step * 1e6))
        rows = await self._database.fetch(_FAILURES_BY_KIND, micro, round(since * 1e6))
        return [
            {
                "start": row["step"] * micro / 1e6,
                "error_type": row["error_type"],
                "count": row["number"],
            }
            for row in rows
        ]

    async def totals(self, since: float) -> list[ShownRow]:
        """
        Count calls and failures since then for each provider: ``provider``, ``calls``,
        ``failures`` and ``last_at``, epoch microseconds of the newest successful call.
        """
        start = round(since * 1e6)
        calls = await self._database.fetch(_CALLS_BY_PROVIDER, start)
        failures = await self._database.fetch(_FAILURES_BY_PROVIDER, start)
        failed = {row["provider"]: row["number"] for row in failures}
        served = {row["provider"]: row for row in calls}
        return [
            {
                "provider": name,
                "calls": served[name]["number"] if name in served else 0,
                "failures": failed.get(name, 0),
                "last_at": served[name]["last_at"] if name in served else None,
            }
            for name in sorted({*served, *failed})
        ]

    async def has_call(self, call_id: str) -> bool:
        """
        Whether a successful call with this id was recorded.
        """
        return can_be(call_id) and bool(
            await self._database.rows(Call, ("call_id",), limit=1, call_id=call_id)
        )

    async def own_call(self, call_id: str) -> ShownRow | None:
        """
        Return the row of a call for whoever makes that call again: nothing of it is hidden.
        """
        rows = await self._database.rows(Call, _CALL_COLUMNS, limit=1, call_id=call_id)
        return rows[0] if rows else None

    async def _newest(
        self,
        model: type[Model],
        columns: tuple[str, ...],
        limit: int,
        filters: ShownRow,
        where: Q | None = None,
    ) -> list[ShownRow]:
        if limit <= 0:  # which Tortoise takes for no limit at all
            return []
        order = ("-created_at", "-id")
        return await self._database.rows(
            model, columns, *order, limit=limit, where=where, **filters
        )

    async def _hide_sealed(self, rows: list[ShownRow]) -> list[ShownRow]:
        sealed = [row["call_id"] for row in rows if row["sealed"]]
        shown: set[str] = set()
        for start in range(0, len(sealed), PAGE):  # a statement takes a limited number of values
            some = sealed[start : start + PAGE]
            found = await self._database.rows(Unsealing, ("call_id",), call_id__in=some)
            shown.update(row["call_id"] for row in found)
        for row in rows:
            if row["sealed"] and row["call_id"] not in shown:
                row.update(permalink=None, hash_id=None, settings={}, seed={})
        return rows


def can_be(*names: str | None) -> bool:
    """
    Whether a row can have these names: short printable texts, which are all that is recorded.
    """
    return all(name is None or (len(name) <= LONGEST_NAME and name.isprintable()) for name in names)


def _dry(wanted: bool) -> dict[str, Any]:  # noqa: FBT001 - it is all there is to say
    return {} if wanted else {"dry": False}


def _filters(provider: str | None, surface: str | None, since: float | None) -> dict[str, Any]:
    start = None if since is None else round(since * 1_000_000)
    return {"provider": provider, "surface": surface, "created_at__gte": start}


_FAILURES_BY_KIND = (
    "SELECT created_at / ? AS step, error_type, COUNT(*) AS number FROM seedcore_failures "
    "WHERE created_at >= ? GROUP BY 1, error_type ORDER BY 1, error_type"
)
_CALLS_BY_PROVIDER = (
    "SELECT provider, COUNT(*) AS number, MAX(created_at) AS last_at FROM seedcore_calls "
    "WHERE created_at >= ? AND dry = FALSE GROUP BY provider"
)
_FAILURES_BY_PROVIDER = (
    "SELECT provider, COUNT(*) AS number FROM seedcore_failures "
    "WHERE created_at >= ? GROUP BY provider"
)
