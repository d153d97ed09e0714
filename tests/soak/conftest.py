"""
A PostgreSQL for the session, a database and an upstream for each scenario.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from soak.databases import Database, Postgresql, Sqlite
from soak.size import SEED
from soak.upstream import Upstream
from support.postgres import Postgres, available

CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """
    A PostgreSQL of this session; it may be missing here, but not in CI.
    """
    reason = available()
    if reason and CI:
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    with Postgres() as server:
        yield server


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """
    An empty database: ``sqlite``, ``postgresql``, or ``postgresql-paused`` for its outages.
    """
    if request.param == "sqlite":
        return Sqlite(tmp_path / "audit.sqlite3")
    server = request.getfixturevalue("server")
    gone = "paused" if request.param.endswith("-paused") else "stopped"
    return Postgresql(server, server.create_database(), gone)


@pytest.fixture
def site() -> Iterator[Upstream]:
    """
    What the provider asks.
    """
    with Upstream(SEED) as upstream:
        yield upstream
