"""
A running stand-in for the site, and a runner whose requests all end there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.store import Store
from seedcore.testing import FaultUpstream, module_beside
from seedcore_samus import Sm, Smz3, sm, smz3

stand_in = module_beside(__file__, "upstream")


@pytest.fixture
def site() -> Any:
    """
    What the stand-in knows and does; its first seed has a known guid.
    """
    return stand_in.Site()


@pytest.fixture
async def upstream(site: Any) -> AsyncIterator[FaultUpstream]:
    """
    The stand-in's server, open.
    """
    async with FaultUpstream() as running:
        running.script(site.answer)
        yield running


@pytest.fixture
def sent(upstream: FaultUpstream) -> Callable[[], list[Any]]:
    """
    Return the JSON bodies that were posted, in order.
    """
    return lambda: [
        json.loads(received.body) for received in upstream.requests if received.method == "POST"
    ]


@pytest.fixture
def events() -> list[Event]:
    """
    What the runner reported.
    """
    return []


@pytest.fixture
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Where sealed logs are.
    """
    return tmp_path_factory.mktemp("storage")


@pytest.fixture
def runner_for(
    upstream: FaultUpstream, events: list[Event], storage: Path
) -> Callable[..., Runner]:
    """
    A runner, still to be entered, whose requests reach the stand-in whatever host they are for.

    ``keys`` are those of its spoiler races, in place of random ones.
    """

    def make(
        database: str | None = None,
        *,
        presets_in: Path | None = None,
        keys: Iterator[str] | None = None,
        **settings: Any,
    ) -> Runner:
        registry = Registry(discover=False)
        registry.add("sm", sm if keys is None else Sm(keys.__next__))
        registry.add("smz3", smz3 if keys is None else Smz3(keys.__next__))
        own = {"retry_base_delay": 0, **settings}
        return Runner(
            registry=registry,
            database=database,
            settings={
                "providers": {"sm": own, "smz3": own},
                "preset_directories": [str(presets_in)] if presets_in else [],
                "storage_directory": str(storage),
            },
            sinks=[events.append],
            http_middlewares=[upstream.middleware],
        )

    return make


@pytest.fixture
async def runner(runner_for: Callable[..., Runner]) -> AsyncIterator[Runner]:
    """
    A runner that asks the stand-in, without an audit.
    """
    async with runner_for() as opened:
        yield opened


@pytest.fixture
def rows_of() -> Callable[[str], Awaitable[list[Any]]]:
    """
    Return the audit rows in a database that nobody has open.
    """

    async def read(database: str) -> list[Any]:
        store = await Store.open(database)
        try:
            return await store.queries.calls()
        finally:
            await store.close(timeout=5)

    return read


@pytest.fixture
def database(tmp_path: Path) -> str:
    """
    The address of a database in an empty folder.
    """
    return f"sqlite://{tmp_path / 'audit.sqlite3'}"


@pytest.fixture
def left(tmp_path: Path, events: list[Event]) -> Callable[[], bytes]:
    """
    Return everything that is left of a call: all files of the database, and the events.
    """

    def read() -> bytes:
        told = json.dumps([event.fields() for event in events], default=str)
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        return b"".join([told.encode(), *(path.read_bytes() for path in files)])

    return read
