"""
An open database, whichever it is: isolation from the host, questions, transactions, closing.
"""

from __future__ import annotations

import abc
import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext
from tortoise.expressions import Q
from tortoise.models import Model

from seedcore.errors import DatabaseError
from seedcore.store.address import Dialect
from seedcore.store.reasons import CLOSED, PAUSE, is_busy, reason, unusable
from seedcore.store.rows import Rows, Table, spoken

Answer = TypeVar("Answer")


class Batch(NamedTuple):
    """
    A statement and the rows to execute it with; *table* if it does nothing but insert them.
    """

    statement: str
    rows: Rows
    table: Table | None = None


class IsolatedContext(TortoiseContext):
    """
    A Tortoise set-up that a host doesn't notice.

    Tortoise's own ``init`` writes USE_TZ and TIMEZONE to the environment, forgets the cached
    time zone and replaces the global router, so a host with another time zone or a router
    would be changed by opening our database. None of it is needed here: no model has a
    datetime, and each query names its connection. Not writing is simpler than putting back,
    and right in a host with threads too.
    """

    def _init_timezone(self, use_tz: bool, timezone: str) -> None:  # noqa: FBT001 - theirs
        self._use_tz, self._timezone = use_tz, timezone

    def _init_routers(self, routers: list[str | type] | None = None) -> None:  # noqa: ARG002
        self._routers = []


class Database(abc.ABC):
    """
    An open database; one of ``store.sqlite`` or ``store.postgres``.
    """

    dialect: ClassVar[Dialect]

    OPEN_LIMIT = 30.0
    """Seconds to wait for other processes that open it at the same time."""
    ANSWER_LIMIT = 5.0
    """Seconds a question may wait, for somebody else's lock or for a server."""

    def __init__(self, name: str, client: BaseDBAsyncClient, context: TortoiseContext) -> None:
        self.name = name
        self.client = client
        self._closed = False
        self._variables = contextvars.copy_context()
        self._variables.run(context.__enter__)

    async def ask(
        self, question: Callable[[], Coroutine[Any, Any, Answer]], limit: float | None = None
    ) -> Answer:
        """
        Return the answer of *question*, or raise a ``DatabaseError``; *limit* is in seconds.
        """
        self._refuse_when_closed()
        # Tortoise finds its set-up through a context variable, and entering the set-up here
        # would not be safe with concurrent callers: each question is a task that inherits it.
        answer = answered(
            lambda: self._limited(question, limit or self.ANSWER_LIMIT),
            self.name,
            limit or self.ANSWER_LIMIT,
        )
        return await asyncio.create_task(answer, context=self._variables.copy())

    async def rows(
        self,
        model: type[Model],
        columns: Sequence[str],
        *order: str,
        limit: int | None = None,
        where: Q | None = None,
        **filters: object,
    ) -> list[dict[str, Any]]:
        """
        Return the rows whose columns equal *filters*; a filter that is ``None`` doesn't count.
        """
        wanted = {name: value for name, value in filters.items() if value is not None}
        conditions = () if where is None else (where,)

        async def answer() -> list[dict[str, Any]]:
            chosen = model.filter(*conditions, **wanted).using_db(self.client).order_by(*order)
            return await (chosen if limit is None else chosen.limit(limit)).values(*columns)

        return await self.ask(answer)

    async def fetch(
        self, statement: str, *values: Any, limit: float | None = None
    ) -> list[dict[str, Any]]:
        """
        Return the rows that *statement* selects.
        """

        async def answer() -> list[dict[str, Any]]:
            _, rows = await self.client.execute_query(spoken(statement, self.dialect), Rows(values))
            return [dict(row) for row in rows]

        return await self.ask(answer, limit)

    async def execute(self, statement: str, *values: Any, limit: float | None = None) -> int:
        """
        Execute *statement* in a transaction of its own; return how many rows it changed.
        """

        async def answer() -> int:
            count, _ = await self.client.execute_query(
                spoken(statement, self.dialect), Rows(values)
            )
            return count

        return await self.ask(answer, limit)

    async def check_writable(self, limit: float) -> None:
        """
        Raise ``DatabaseError`` unless rows can be changed within *limit* seconds.
        """
        # It matches nothing, and needs SQLite's lock or a PostgreSQL that may write all the same.
        statement = "UPDATE seedcore_breakers SET revision = revision WHERE provider = ?"
        await self.execute(statement, "", limit=limit)

    async def write(self, batches: Sequence[Batch], limit: float) -> None:
        """
        Write *batches* in one transaction, durable on return; waits *limit* seconds for a lock.

        Raises what the database raised, for the writer to tell rows and database apart.
        """
        self._refuse_when_closed()
        spoken_batches = [
            batch._replace(statement=spoken(batch.statement, self.dialect)) for batch in batches
        ]
        await while_busy(lambda: self._write(spoken_batches, limit), limit)

    async def close(self, timeout: float) -> None:
        """
        Close the connections, or leave them alone while the disk or the server hangs.
        """
        self._closed = True
        closing = asyncio.ensure_future(self._close())
        done, _ = await asyncio.wait({closing}, timeout=timeout)
        if not done:
            self._abandon()
        elif (error := closing.exception()) is not None:
            raise unusable(self.name, reason(error)) from error

    def _refuse_when_closed(self) -> None:
        if self._closed:  # where Tortoise would silently connect anew
            raise unusable(self.name, CLOSED)

    async def _limited(
        self,
        question: Callable[[], Coroutine[Any, Any, Answer]],
        limit: float,  # noqa: ARG002 - for those that can be interrupted
    ) -> Answer:
        return await question()

    @abc.abstractmethod
    async def _write(self, batches: Sequence[Batch], limit: float) -> None: ...

    @abc.abstractmethod
    async def size(self) -> int:
        """
        Return the bytes it takes.
        """

    async def _close(self) -> None:
        await self.client.close()

    def _abandon(self) -> None:  # noqa: B027 - a thread can't be interrupted
        """
        Give up on connections that don't close.
        """


async def answered(act: Callable[[], Awaitable[Answer]], name: str, limit: float) -> Answer:
    """
    Return what *act* returns, trying again while others are in the way.

    Raises ``DatabaseError`` for everything it raises.
    """
    try:
        return await while_busy(act, limit)
    except DatabaseError:
        raise
    except Exception as error:
        raise unusable(name, reason(error)) from error


async def while_busy(act: Callable[[], Awaitable[Answer]], limit: float) -> Answer:
    """
    Return what *act* returns, trying again for *limit* seconds while others are in the way.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit
    while True:
        try:
            return await act()
        except Exception as error:
            if not is_busy(error) or clock() >= deadline:
                raise
        await asyncio.sleep(PAUSE)


__all__ = ["Batch", "Database", "IsolatedContext"]
