"""
What the rows write to: SQLite files, and databases of a PostgreSQL server of our own.

In both, what is committed is on the disk.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from support.postgres import Postgres, available

_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seedcore'"


@attrs.frozen
class Kind:
    """
    A kind of database; *new* returns the URL of another empty one.

    *connections* counts those of seedcore at this moment, where there are any.
    """

    name: str
    new: Callable[[], str]
    connections: Callable[[], int] | None = None


def no_postgres() -> str | None:
    """
    Return why nothing can be measured on PostgreSQL here; ``None`` if it can.
    """
    if importlib.util.find_spec("asyncpg") is None:
        return "its driver is missing: pip install 'seedcore[postgres]'"
    return available()


@contextlib.contextmanager
def databases() -> Iterator[list[Kind]]:
    """
    Yield the kinds of databases that there are here; nothing of them is left afterwards.
    """
    numbers = itertools.count(1)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        kinds = [Kind("SQLite", lambda: f"sqlite://{folder}/{next(numbers)}.sqlite3")]
        if not no_postgres():
            kinds.append(_postgres(stack.enter_context(Postgres(fsync=True))))
        yield kinds


def _postgres(server: Postgres) -> Kind:
    def connections() -> int:
        [(count,)] = server.query(server.url("postgres"), _CONNECTIONS)
        return int(count)

    return Kind("PostgreSQL", server.create_database, connections)
