"""
The audit database as commands use it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from seedcore.surface import shown

if TYPE_CHECKING:
    from seedcore.events import Event
    from seedcore.settings import CoreSettings
    from seedcore.store import Store

Answer = TypeVar("Answer")


def ask_database(
    question: Callable[[Store], Awaitable[Answer]],
    *,
    migrating: bool = True,
    make: bool = False,
    quiet: bool = False,
) -> Answer:
    """
    Return what *question* finds in the database of the settings.

    Raises DatabaseError, also for one that isn't there unless the command may *make* it.
    """
    import asyncio

    core = core_settings()
    if not make:
        _check_exists(core.database_url)

    async def ask() -> Answer:
        from seedcore.store import Store

        store = await Store.open(
            core.database_url,
            pool_size=core.database_pool_size,
            spool_directory=core.spool_directory,
            migrating=migrating,
            tell=None if quiet else _tell,
        )
        try:
            return await question(store)
        finally:
            await store.close()

    return asyncio.run(ask())


def core_settings() -> CoreSettings:
    """
    Return what the settings say about the database.
    """
    from seedcore.plugins import Registry
    from seedcore.settings import Settings

    return Settings.load(installed=Registry().names).core


def _tell(event: Event) -> None:
    """
    Say what happened by the way: a command has no events.
    """
    import click

    if event.event == "audit_drained":
        click.echo(drained(**event.extra), err=True)


def drained(rows: int, torn: int) -> str:
    """
    Return a sentence about spooled lines.
    """
    lost = f" {torn} could not be read and are kept in the spool directory." if torn else ""
    return f"{rows_of(rows)} written from the spool to the database.{lost}"


def rows_of(count: int) -> str:
    """
    Return how many rows that is.
    """
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def check_database_exists() -> None:
    """
    Raise DatabaseError for a database of the settings that isn't there.
    """
    _check_exists(core_settings().database_url)


def database_exists(url: str) -> bool:
    """
    Whether there is one to read at *url*; one on a server is.
    """
    from pathlib import Path

    from seedcore.store.address import address_of

    address = address_of(url)
    return address.dialect != "sqlite" or (not address.in_memory and Path(address.path).exists())


def _check_exists(url: str) -> None:
    from seedcore.errors import DatabaseError
    from seedcore.store.address import address_of

    if not database_exists(url):
        msg = (
            f"There is no audit database {address_of(url).path} to read: the first call makes it. "
            "If it is another one, set SEEDCORE_DATABASE_URL."
        )
        raise DatabaseError(msg)


def shown_time(microseconds: int) -> str:
    """
    Return epoch *microseconds* as date and time in UTC.
    """
    return shown.shown_time(microseconds / 1e6)
