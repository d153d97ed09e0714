"""
Records to store, and a look into the database that does not go through the store.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seedcore.model import AuditRecord, BreakerRecord, FailureRecord


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


def look(database: Path, question: str) -> list[tuple[Any, ...]]:
    """
    Return what the database file answers to the SQL *question*.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return connection.execute(question).fetchall()


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
