"""
A server on loopback, with providers that do what a test tells them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from seedcore import Registry, Runner
from seedcore.store import Store
from seedcore.testing import module_beside

demo_module = module_beside(__file__, "demo")
site_module = module_beside(__file__, "site")


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    No settings and no proxy of whoever runs the tests change their outcome.
    """
    for name in list(os.environ):
        if name.startswith("SEEDCORE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def demo() -> Any:
    """
    The provider called demo.
    """
    return demo_module.Demo()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A database with tables and no rows: to make the tables takes longer than most tests.
    """
    path = tmp_path_factory.mktemp("database") / "empty.sqlite3"

    async def make() -> None:
        await (await Store.open(f"sqlite://{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
def database_url(tmp_path: Path, empty_database: Path) -> str:
    """
    The address of a database that nobody has used.
    """
    shutil.copy(empty_database, tmp_path / "audit.sqlite3")
    return f"sqlite://{tmp_path}/audit.sqlite3"


@pytest.fixture
def runner_of(demo: Any, database_url: str) -> Callable[..., Runner]:
    """
    Makes a runner, still to be entered, with the providers demo, plain, files and raced.
    """

    def make(**options: Any) -> Runner:
        registry = Registry(discover=False)
        registry.add("demo", demo)
        registry.add("plain", demo_module.plain)
        registry.add("files", demo_module.Stored())
        registry.add("raced", demo_module.raced)
        settings = {"retry_base_delay": 0, **options.pop("settings", {})}
        return Runner(
            **{
                "registry": registry,
                "database": database_url,
                "sinks": [],
                "settings": settings,
                **options,
            }
        )

    return make


@pytest.fixture
async def serve(runner_of: Callable[..., Runner]) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """
    Serves a runner of one's own, or one with the usual providers.
    """
    async with AsyncExitStack() as stack:

        async def start(runner: Runner | None = None, **told: Any) -> Any:
            opened = await stack.enter_async_context(runner or runner_of())
            return await stack.enter_async_context(site_module.Site(opened, **told))

        yield start


@pytest.fixture
async def site(serve: Callable[..., Awaitable[Any]]) -> Any:
    """
    A running server without keys.
    """
    return await serve()


@pytest.fixture
def key_of() -> Callable[..., Awaitable[str]]:
    """
    Makes a key for a site.
    """

    async def make(
        site: Any, *scopes: str, name: str = "bot", per_minute: int | None = None
    ) -> str:
        text, _ = await site.runner.store.keys.add(name, scopes, per_minute=per_minute)
        return text

    return make
