"""
A running stand-in for alttpr.com, and a runner that asks it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from random import Random
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import FaultUpstream, module_beside
from seedcore_alttpr import Alttpr

stand_in = module_beside(__file__, "upstream")


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

    *core* are settings of the core, *others* further providers by their names.
    """

    def make(
        base_url: str,
        *,
        database: str | None = None,
        core: Mapping[str, Any] | None = None,
        others: Mapping[str, Any] | None = None,
        rng: Random | None = None,
        **settings: Any,
    ) -> Runner:
        registry = Registry(discover=False)
        registry.add("alttpr", Alttpr(rng or Random(7)))
        for name, provider in (others or {}).items():
            registry.add(name, provider)
        own = {"base_url": base_url, "retry_base_delay": 0, **settings}
        return Runner(
            registry=registry,
            database=database,
            settings={**(core or {}), "providers": {"alttpr": own}},
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
