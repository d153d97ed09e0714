"""
A running stand-in for varia.run, and a runner that asks it without waiting.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import FaultUpstream, LeapingClock, module_beside
from seedcore_smvaria import smvaria

stand_in = module_beside(__file__, "upstream")


@pytest.fixture
def say() -> ModuleType:
    """
    The makers of what the site answers.
    """
    return stand_in


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
    A runner, still to be entered, whose smvaria asks the given address.
    """

    def make(base_url: str, *, database: str | None = None, **settings: Any) -> Runner:
        registry = Registry(discover=False)
        registry.add("smvaria", smvaria)
        own = {"base_url": base_url, "beta_url": f"{base_url}/beta", **settings}
        return Runner(
            registry=registry,
            database=database,
            settings={"providers": {"smvaria": own}},
            sinks=[events.append],
            clock=LeapingClock(),
            rng=random.Random(1),
        )

    return make


@pytest.fixture
async def runner(
    upstream: FaultUpstream, runner_for: Callable[..., Runner]
) -> AsyncIterator[Runner]:
    """
    A runner whose smvaria asks the stand-in.
    """
    async with runner_for(upstream.url) as opened:
        yield opened


@pytest.fixture
def make(runner: Runner) -> Callable[..., Any]:
    """
    Make a seed with options given by name.
    """

    async def generate(**asked: Any) -> Any:
        named = {
            key: asked.pop(key)
            for key in ("branch", "preset", "race", "settings", "spoilers")
            if key in asked
        }
        return await runner.generate("smvaria", options=asked, surface="tests", **named)

    return generate


@pytest.fixture
def ask(runner: Runner) -> Callable[..., Any]:
    """
    Call another operation than generate.
    """

    async def call(operation: str, **arguments: Any) -> Any:
        return await runner.call("smvaria", operation, surface="tests", **arguments)

    return call
