"""
A running stand-in for avianart.games, and a runner that asks it without waiting.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import LeapingClock, module_beside
from seedcore_avianart import avianart

stand_in = module_beside(__file__, "upstream")


@pytest.fixture
def say() -> ModuleType:
    """
    The makers of what the site answers.
    """
    return stand_in


@pytest.fixture
async def site() -> AsyncIterator[Any]:
    """
    The stand-in, open.
    """
    async with stand_in.Site() as running:
        yield running


@pytest.fixture
def clock() -> LeapingClock:
    """
    A clock whose waits take no time.
    """
    return LeapingClock()


@pytest.fixture
def events() -> list[Event]:
    """
    What the runner reported.
    """
    return []


@pytest.fixture
def runner_for(clock: LeapingClock, events: list[Event]) -> Callable[..., Runner]:
    """
    A runner, still to be entered, whose avianart asks the given address.
    """

    def make(
        base_url: str, *, database: str | None = None, presets: Path | None = None, **settings: Any
    ) -> Runner:
        registry = Registry(discover=False)
        registry.add("avianart", avianart)
        own = {"base_url": base_url, "retry_base_delay": 0, **settings}
        folders = [str(presets)] if presets is not None else []
        return Runner(
            registry=registry,
            database=database,
            settings={"providers": {"avianart": own}, "preset_directories": folders},
            sinks=[events.append],
            clock=clock,
            rng=random.Random(1),
        )

    return make


@pytest.fixture
async def runner(site: Any, runner_for: Callable[..., Runner]) -> AsyncIterator[Runner]:
    """
    A runner whose avianart asks the stand-in.
    """
    async with runner_for(site.url) as opened:
        yield opened
