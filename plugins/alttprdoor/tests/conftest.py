"""
A checkout whose randomizer does what a test wants, and a runner that uses it.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import LeapingClock
from seedcore_alttprdoor import Alttprdoor
from seedcore_alttprdoor.contract import base_of

SIZE = 0x10000


@attrs.define
class Checkout:
    """
    The folder of a randomizer that is none, and the runs it made.
    """

    folder: Path

    def course(self, *names: str) -> None:
        """
        Say what the next runs do.
        """
        (self.folder / "course.json").write_text(json.dumps(names))

    @property
    def runs(self) -> list[dict[str, Any]]:
        """
        What each run was given.
        """
        found = sorted((self.folder / "runs").glob("*.json"))
        return [json.loads(path.read_text()) for path in found]

    @property
    def pids(self) -> list[int]:
        """
        The processes that the last run told of; empty until it does.
        """
        path = self.folder / "pids"
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []


@pytest.fixture
def checkout_at() -> Callable[[Path], Checkout]:
    """
    Make a checkout in a folder.
    """

    def make(folder: Path) -> Checkout:
        shutil.copytree(Path(__file__).with_name("checkout"), folder)
        made = Checkout(folder)
        made.course("ok")
        return made

    return make


@pytest.fixture
def checkout(tmp_path: Path, checkout_at: Callable[[Path], Checkout]) -> Checkout:
    """
    The checkout of the branch stable.
    """
    return checkout_at(tmp_path / "checkout")


@pytest.fixture
def rom(tmp_path: Path) -> Path:
    """
    A ROM that is none.
    """
    path = tmp_path / "base.sfc"
    path.write_bytes(random.Random(1).randbytes(SIZE - 4096) + b"\xff" * 4096)
    return path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Where private folders are made.
    """
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """
    Where what is public is put.
    """
    return tmp_path / "storage" / "open"


@pytest.fixture
def events() -> list[Event]:
    """
    What the runner reported.
    """
    return []


@pytest.fixture
def runner_for(
    tmp_path: Path, checkout: Checkout, rom: Path, temporary: Path, events: list[Event]
) -> Callable[..., Runner]:
    """
    A runner, still to be entered, with settings of the provider.
    """
    base = base_of(rom)

    def make(
        *,
        database: str | None = None,
        clock: Any = None,
        core: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Runner:
        registry = Registry(discover=False)
        registry.add("alttprdoor", Alttprdoor(random.Random(1), base))
        own = {"checkout": str(checkout.folder), "rom": str(rom), "retry_base_delay": 0}
        return Runner(
            registry=registry,
            database=database,
            settings={
                "storage_directory": str(tmp_path / "storage"),
                "storage_url": "https://files.example",
                **(core or {}),
                "providers": {"alttprdoor": {**own, **settings}},
            },
            sinks=[events.append],
            clock=clock or LeapingClock(),
            rng=random.Random(1),
        )

    return make


@pytest.fixture
async def runner(runner_for: Callable[..., Runner]) -> AsyncIterator[Runner]:
    """
    A runner whose provider uses the checkout.
    """
    async with runner_for() as opened:
        yield opened
