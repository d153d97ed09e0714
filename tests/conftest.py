"""
Makes ``support`` importable from every test, and offers its pieces as fixtures.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from seedcore.testing.events import CapturedEvents
from seedcore.testing.upstream import FaultUpstream
from support.certificate import Certificate, make_certificate
from support.postgres import Postgres, available

ON_POSTGRES = os.environ.get("TEST_DIALECT") == "postgres"
"""Whether this run is about PostgreSQL: Tortoise's models know one dialect per process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Leave tests of PostgreSQL to the runs that are about it.
    """
    if ON_POSTGRES:
        return
    elsewhere = pytest.mark.skip(reason="runs with TEST_DIALECT=postgres")
    for item in items:
        if item.get_closest_marker("postgres"):
            item.add_marker(elsewhere)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """
    A PostgreSQL server of its own; the tests of a machine that has none are skipped.
    """
    if missing := available():
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with Postgres() as server:
        yield server


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    The address of a database that nobody has used, of the dialect that this run is about.
    """
    if ON_POSTGRES:
        server: Postgres = request.getfixturevalue("postgres")
        return server.create_database()
    return f"sqlite://{tmp_path}/audit.sqlite3"


@pytest.fixture
async def upstream() -> AsyncIterator[FaultUpstream]:
    """
    A scripted HTTP server on loopback.
    """
    async with FaultUpstream() as server:
        yield server


@pytest.fixture
def events() -> CapturedEvents:
    """
    A sink that keeps every event.
    """
    return CapturedEvents()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """
    A self-signed certificate for 127.0.0.1, which nobody trusts.
    """
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def unknown_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """
    A host name that resolves to nothing, without a question to any name server.
    """
    name = "seeds.invalid"
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if host in (name, name.encode()):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return name


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """
    No settings and no proxy of whoever runs the tests change their outcome.

    Nor does a test before: the modules of plugins that it has made are forgotten again.
    """
    for name in list(os.environ):
        if name.startswith("SEEDCORE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    before = {*sys.modules}
    yield
    for name in sys.modules.keys() - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(f"{tmp_path}/"):
            del sys.modules[name]
