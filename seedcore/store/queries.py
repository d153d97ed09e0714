"""
The only reader of audit rows: it hides what is sealed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
from tortoise.models import Model
from tortoise.queryset import QuerySet

from seedcore.model import AuditRecord, FailureRecord
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

    ``permalink``, ``hash_id`` and ``seed`` of a sealed row are ``None``, ``None`` and ``{}``
    until its unsealing is recorded. ``since`` is epoch seconds. Whatever goes wrong is a
    ``DatabaseError``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calls(
        self,
        provider: str | None = None,
        surface: str | None = None,
        since: float | None = None,
        limit: int = 50,
    ) -> list[ShownRow]:
        """
        Return the newest *limit* successful calls, the newest first.
        """
        rows = await self._newest(Call, provider, surface, since, limit, _CALL_COLUMNS)
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
        return await self._newest(Failure, provider, surface, since, limit, _FAILURE_COLUMNS)

    async def export(
        self,
        provider: str | None = None,
        surface: str | None = None,
        since: float | None = None,
    ) -> AsyncIterator[ShownRow]:
        """
        Yield all successful calls in the order they were written.
        """
        chosen = self._chosen(Call, provider, surface, since).order_by("id").limit(PAGE)
        last = 0
        while True:
            page = await self._rows(chosen.filter(id__gt=last), ("id", *_CALL_COLUMNS))
            if not page:
                return
            last = page[-1]["id"]
            for row in await self._hide_sealed(page):
                del row["id"]
                yield row

    async def has_call(self, call_id: str) -> bool:
        """
        Whether a successful call with this id was recorded.
        """
        same = Call.filter(call_id=call_id).using_db(self._database.client)

        async def answer() -> bool:
            return await same.exists()

        return await self._database.ask(answer)

    async def _newest(
        self,
        model: type[Model],
        provider: str | None,
        surface: str | None,
        since: float | None,
        limit: int,
        columns: tuple[str, ...],
    ) -> list[ShownRow]:
        if limit <= 0:  # which Tortoise takes for no limit at all
            return []
        chosen = self._chosen(model, provider, surface, since)
        return await self._rows(chosen.order_by("-created_at", "-id").limit(limit), columns)

    def _chosen(
        self,
        model: type[Model],
        provider: str | None,
        surface: str | None,
        since: float | None,
    ) -> QuerySet[Model]:
        wanted: dict[str, Any] = {"provider": provider, "surface": surface}
        if since is not None:
            wanted["created_at__gte"] = round(since * 1_000_000)
        filters = {column: value for column, value in wanted.items() if value is not None}
        return model.filter(**filters).using_db(self._database.client)

    async def _rows(self, chosen: QuerySet[Model], columns: tuple[str, ...]) -> list[ShownRow]:
        async def answer() -> list[ShownRow]:
            return await chosen.values(*columns)

        return await self._database.ask(answer)

    async def _hide_sealed(self, rows: list[ShownRow]) -> list[ShownRow]:
        sealed = [row["call_id"] for row in rows if row["sealed"]]
        shown: set[str] = set()
        for start in range(0, len(sealed), PAGE):  # SQLite limits the values of one statement
            some = Unsealing.filter(call_id__in=sealed[start : start + PAGE])
            found = await self._rows(some.using_db(self._database.client), ("call_id",))
            shown.update(row["call_id"] for row in found)
        for row in rows:
            if row["sealed"] and row["call_id"] not in shown:
                row.update(permalink=None, hash_id=None, seed={})
        return rows
