"""
A running stand-in for alttpr.com, and a runner that asks it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import FaultUpstream
from seedcore_alttpr import Alttpr


def _load(name: str) -> ModuleType:
    # Tests are imported without their folder on sys.path.
    spec = importlib.util.spec_from_file_location(
        f"alttpr_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


stand_in = _load("upstream")


@pytest.fixture
def recorded() -> Callable[[str], Any]:
    """
    A recorded answer by its name.
    """
    return stand_in.recorded


@pytest.fixture
def page() -> Callable[..., Any]:
    """
    One of the framework's HTML pages.
    """
    return stand_in.page


@pytest.fixture
def site() -> Any:
    """
    What the stand-in knows, and was sent.
    """
    return stand_in.Site()


@pytest.fixture
async def upstream(site: Any) -> AsyncIterator[FaultUpstream]:
    """
    The stand-in, open.
    """
    async with FaultUpstream() as running:
        running.script(site)
        yield running


@pytest.fixture
def events() -> list[Event]:
    """
    What the runner reported.
    """
    return []


@pytest.fixture
def runner_for(events: list[Event]) -> Callable[..., Runner]:
    """
    A runner, still to be entered, whose alttpr asks the given address and retries at once.
    """

    def make(base_url: str, **settings: Any) -> Runner:
        registry = Registry(discover=False)
        registry.add("alttpr", Alttpr(Random(7)))
        own = {"base_url": base_url, "retry_base_delay": 0, **settings}
        return Runner(
            registry=registry,
            database=None,
            settings={"providers": {"alttpr": own}},
            sinks=[events.append],
        )

    return make


@pytest.fixture
async def runner(
    upstream: FaultUpstream, runner_for: Callable[..., Runner]
) -> AsyncIterator[Runner]:
    """
    A runner whose alttpr asks the stand-in.
    """
    async with runner_for(upstream.url) as opened:
        yield opened


@pytest.fixture
def make(runner: Runner) -> Callable[..., Any]:
    """
    Make a game with options given by name.
    """

    async def generate(*, race: bool = True, **options: Any) -> Any:
        named = {
            key: options.pop(key) for key in ("branch", "spoilers", "preset") if key in options
        }
        return await runner.generate("alttpr", race=race, options=options, surface="tests", **named)

    return generate


@pytest.fixture
def ask(runner: Runner) -> Callable[..., Any]:
    """
    Call another operation than generate.
    """

    async def call(operation: str, **arguments: Any) -> Any:
        return await runner.call("alttpr", operation, surface="tests", **arguments)

    return call
