"""
Records to store, and a look into the database that does not go through the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from seedcore.errors import DatabaseError
from seedcore.events import Event
from seedcore.model import AuditRecord, BreakerRecord, FailureRecord, LogRecord
from seedcore.store.entries import Entry
from seedcore.store.rows import CALLS, FAILURES


def audit_record(call_id: str = "c-1", **changes: Any) -> AuditRecord:
    """
    Return the row of a successful call.
    """
    fields: dict[str, Any] = {
        "call_id": call_id,
        "provider": "demo",
        "operation": "generate",
        "surface": "discord",
        "randomizer": "demo",
        "gentype": "preset",
        "genoption": "open",
        "permalink": f"https://seeds.example/{call_id}",
        "hash_id": f"hash-{call_id}",
        "settings": {"logic": "none"},
        "attempt_count": 2,
        "latency_ms": 12.5,
        "race": False,
        "spoilers": "off",
        "sealed": False,
        "version": "1.0",
        "seed": {"code": "bow boots"},
        "report": {"attempts": [{"ms": 12.5}]},
        "created_at": 1_700_000_000_000_000,
    }
    return AuditRecord(**fields | changes)


def log_record(call_id: str = "c-1", **changes: Any) -> LogRecord:
    """
    Return the row about the spoiler log of a call.
    """
    stored = {"key": "sealed/k", "content_type": "text/plain", "filename": "log.txt"}
    fields: dict[str, Any] = {
        "call_id": call_id,
        "provider": "demo",
        "owner": "discord:1",
        "reveal_at": 1_700_000_900_000_000,
        "reveal_after": 86_400_000_000,
        "storage": "",
        "waits_at": None,
        "objects": {"spoiler": {**stored, "encoding": "gzip"}},
    }
    return LogRecord(**fields | changes)


def let_pass(database_url: str, seconds: float) -> None:
    """
    Let it be *seconds* later than it was, for the logs of all spoiler races.
    """
    sooner = ", ".join(
        f"{name} = {name} - {int(seconds * 1e6)}" for name in ("reveal_at", "kept_at")
    )
    look(database_url, f"UPDATE seedcore_logs SET {sooner}")


def failure_record(call_id: str = "f-1", **changes: Any) -> FailureRecord:
    """
    Return the row of a failed call.
    """
    fields: dict[str, Any] = {
        "call_id": call_id,
        "provider": "demo",
        "operation": "generate",
        "surface": "discord",
        "error_type": "ProviderTimeoutError",
        "status_code": 504,
        "message": "too late",
        "attempt_count": 3,
        "latency_ms": 99.5,
        "in_doubt": False,
        "stopped_by": "attempts",
        "report": {"attempts": []},
        "created_at": 1_700_000_000_000_000,
    }
    return FailureRecord(**fields | changes)


def call_entry(call_id: str = "c-1", **changes: Any) -> Entry:
    """
    Return what a successful call wants written.
    """
    return Entry(call_id, {"calls": CALLS.row(audit_record(call_id, **changes))})


def failure_entry(call_id: str = "f-1", **changes: Any) -> Entry:
    """
    Return what a failed call wants written.
    """
    return Entry(call_id, {"failures": FAILURES.row(failure_record(call_id, **changes))})


def breaker_record(**changes: Any) -> BreakerRecord:
    """
    Return the state of an open circuit.
    """
    fields: dict[str, Any] = {
        "provider": "demo",
        "operation": "generate",
        "state": "open",
        "generation": 5,
        "open_until": 1_700_000_002_000_000,
        "reopened": 1,
        "successes": 0,
        "updated_at": 1_700_000_000_000_000,
    }
    return BreakerRecord(**fields | changes)


def is_postgres(database: Path | str) -> bool:
    """
    Whether the URL leads to a PostgreSQL server.
    """
    return str(database).startswith("postgres")


def look(database: Path | str, statement: str) -> list[tuple[Any, ...]]:
    """
    Return what the database, a file or the URL of any, answers to the SQL *statement*.
    """
    if is_postgres(database):
        with ThreadPoolExecutor(1) as thread:  # for a loop is running in this one
            return thread.submit(asyncio.run, _ask_postgres(str(database), statement)).result()
    path = str(database).removeprefix("sqlite://")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


async def _ask_postgres(url: str, statement: str) -> list[tuple[Any, ...]]:
    import asyncpg

    connection = await asyncpg.connect(url, ssl=False)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


class Told:
    """
    Keeps what a store tells about its database: the names of the events, and their facts.
    """

    def __init__(self) -> None:
        self.events: list[str] = []
        self.facts: list[dict[str, Any]] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event.event)
        self.facts.append(dict(event.extra))


class Gone:
    """
    A database that can't be written to until it is ``back``, as if its server were off.
    """

    def __init__(self, patch: pytest.MonkeyPatch, database: Any) -> None:
        self.writes = self.looks = 0
        self._patch = patch
        self._database = database
        patch.setattr(database, "write", self._write)
        patch.setattr(database, "check_writable", self._check_writable)

    async def _write(self, batches: object, limit: float) -> None:
        self.writes += 1
        raise ConnectionRefusedError(111, "Connection refused")

    async def _check_writable(self, limit: float) -> None:
        self.looks += 1
        raise DatabaseError("No server answers there.")

    def back(self) -> None:
        """
        Let it answer again.
        """
        self._patch.delattr(self._database, "write")
        self._patch.delattr(self._database, "check_writable")


async def until(condition: Callable[[], bool | Awaitable[bool]], patience: float = 10) -> None:
    """
    Wait until *condition* holds, or fail after *patience* seconds.
    """
    end = time.monotonic() + patience
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.001)


@contextlib.contextmanager
def locked(database: Path) -> Iterator[sqlite3.Connection]:
    """
    Keep the database file locked against other writers; a rollback ends it early.
    """
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def threads_left(before: set[threading.Thread], patience: float = 1) -> set[threading.Thread]:
    """
    Return the threads that are still alive after *patience* seconds and were not *before*.
    """
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=patience)
    return set(threading.enumerate()) - before


def as_nobody(act: Callable[[], str]) -> str:
    """
    Return what *act* returns in a process that may not write everywhere, as root may.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.write(writer, act().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        told = answer.read().decode()
    os.waitpid(child, 0)
    return told
