"""
The audit database as commands read it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from seedcore.store import Store

Answer = TypeVar("Answer")


def ask_database(question: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """
    Return what *question* finds in the database of the settings.

    Raises DatabaseError, also for one that isn't there: reading makes none.
    """
    import asyncio

    from seedcore.plugins import Registry
    from seedcore.settings import Settings

    url = Settings.load(installed=Registry().names).core.database_url
    _check_exists(url)

    async def ask() -> Answer:
        from seedcore.store import Store

        store = await Store.open(url)
        try:
            return await question(store)
        finally:
            await store.close()

    return asyncio.run(ask())


def _check_exists(url: str) -> None:
    from pathlib import Path

    from seedcore.errors import DatabaseError
    from seedcore.store.address import sqlite_file

    path = sqlite_file(url)
    if not Path(path).exists():  # nor is anything in memory
        msg = (
            f"There is no audit database {path} to read: the first call makes it. "
            "If it is another one, set SEEDCORE_DATABASE_URL."
        )
        raise DatabaseError(msg)


def shown_time(microseconds: int) -> str:
    """
    Return epoch *microseconds* as date and time in UTC.
    """
    return datetime.fromtimestamp(microseconds / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
