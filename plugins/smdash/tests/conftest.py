"""
A running stand-in for dashrando.net, and a runner that asks it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import module_beside
from seedcore_smdash import smdash

site = module_beside(__file__, "upstream")


@pytest.fixture
def make_upstream() -> Callable[..., Any]:
    """
    The class of the stand-in.
    """
    return site.Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Any]:
    """
    The stand-in, open; its first seeds have the keys of recorded ones.
    """
    async with site.Upstream(keys=["6nkv3t4x7my0", "87vc1a749a6f"]) as running:
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
    A runner, still to be entered, whose smdash asks the given address and retries at once.
    """

    def make(base_url: str, **settings: Any) -> Runner:
        registry = Registry(discover=False)
        registry.add("smdash", smdash)
        own = {"base_url": base_url, "retry_base_delay": 0, **settings}
        return Runner(
            registry=registry,
            database=None,
            settings={"providers": {"smdash": own}},
            sinks=[events.append],
        )

    return make


@pytest.fixture
async def runner(upstream: Any, runner_for: Callable[..., Runner]) -> AsyncIterator[Runner]:
    """
    A runner whose smdash asks the stand-in.
    """
    async with runner_for(upstream.url) as opened:
        yield opened
