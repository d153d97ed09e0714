"""
A running stand-in for ootrandomizer.com, and a runner that asks it without waiting.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import LeapingClock, module_beside
from seedcore_ootr import ootr

stand_in = module_beside(__file__, "upstream")


@pytest.fixture
def say() -> ModuleType:
    """
    The makers of what the site answers.
    """
    return stand_in


@pytest.fixture
def clock() -> LeapingClock:
    """
    A clock whose waits take no time.
    """
    return LeapingClock()


@pytest.fixture
async def site(clock: LeapingClock) -> AsyncIterator[Any]:
    """
    The stand-in, open; it has the time of the runner.
    """
    async with stand_in.Site(clock.monotonic) as running:
        yield running


@pytest.fixture
def events() -> list[Event]:
    """
    What the runner reported.
    """
    return []


@pytest.fixture
def runner_for(clock: LeapingClock, events: list[Event]) -> Callable[..., Runner]:
    """
    A runner, still to be entered, whose ootr asks the given address.
    """

    def make(base_url: str, *, database: str | None = None, **settings: Any) -> Runner:
        registry = Registry(discover=False)
        registry.add("ootr", ootr)
        own = {"base_url": base_url, "key": stand_in.KEY, "retry_base_delay": 0, **settings}
        own = {name: value for name, value in own.items() if value is not None}
        return Runner(
            registry=registry,
            database=database,
            settings={"providers": {"ootr": own}},
            sinks=[events.append],
            clock=clock,
            rng=random.Random(1),
        )

    return make


@pytest.fixture
async def runner(site: Any, runner_for: Callable[..., Runner]) -> AsyncIterator[Runner]:
    """
    A runner whose ootr asks the stand-in.
    """
    async with runner_for(site.url) as opened:
        yield opened
