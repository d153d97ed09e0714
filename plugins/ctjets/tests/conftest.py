"""
A running stand-in for ctjot.com, and a runner that asks it without waiting.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import LeapingClock, module_beside
from seedcore_ctjets import CtJets, rom

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
async def site() -> AsyncIterator[Any]:
    """
    The stand-in, open.
    """
    async with stand_in.Site() as running:
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
    A runner, still to be entered, whose ctjets asks the given address.
    """

    def make(
        base_url: str, *, database: str | None = None, folders: Any = (), **settings: Any
    ) -> Runner:
        registry = Registry(discover=False)
        registry.add("ctjets", CtJets())
        own = {"base_url": base_url, "retry_base_delay": 0, **settings}
        return Runner(
            registry=registry,
            database=database,
            settings={"preset_directories": folders, "providers": {"ctjets": own}},
            sinks=[events.append],
            clock=clock,
            rng=random.Random(1),
        )

    return make


@pytest.fixture
async def runner(site: Any, runner_for: Callable[..., Runner]) -> AsyncIterator[Runner]:
    """
    A runner whose ctjets asks the stand-in, without a ROM.
    """
    async with runner_for(site.url) as opened:
        yield opened


GAME = bytes(range(256)) * (rom.SIZE // 256)


@pytest.fixture
def rom_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    A file that is taken for the ROM here.
    """
    monkeypatch.setattr(rom, "MD5", hashlib.md5(GAME).hexdigest())
    path = tmp_path / "game.sfc"
    path.write_bytes(GAME)
    return path
