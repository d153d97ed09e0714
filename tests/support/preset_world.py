"""
Providers that take presets, a folder of files, and perhaps a database.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import attrs
import pytest

from seedcore import hookimpl, provider
from seedcore.errors import (
    InvalidPresetError,
    PresetNotFoundError,
    ProviderInvalidRequestError,
)
from seedcore.plugins import Registry
from seedcore.presets import Presets
from seedcore.settings import Settings
from seedcore.store import Store
from seedcore.testing.clocks import LeapingClock

ME, YOU = "discord:1", "discord:2"


@attrs.frozen
class Crystals:
    """
    Options of their own.
    """

    ganon: str = "7"
    tower: str = "7"


@attrs.frozen(kw_only=True)
class Options:
    """
    What can be chosen.
    """

    mode: Literal["open", "standard"] = "open"
    hints: Literal["on", "off"] = "off"
    crystals: Crystals = attrs.field(factory=Crystals)
    customizer: bool = False
    studytime: int | None = None


@attrs.frozen(kw_only=True)
class Loose:
    """
    Options that take anything.
    """

    players: int
    rest: dict[str, Any] = attrs.field(factory=dict)


def no_thirteen(request: Any) -> None:
    """
    A check of its own.
    """
    if request.options.studytime == 13:
        text = "13 brings bad luck"
        raise ProviderInvalidRequestError(text)


@provider(
    options=Options,
    presets="shipped",
    ignored_options=("race", "tournament"),
    check=no_thirteen,
)
class Demo:
    """
    A provider with presets.
    """

    @hookimpl
    async def generate(self, request: Any, context: Any) -> None:
        """Roll."""


@provider(options=Loose, presets="shipped", open_options="rest")
async def doors(request: Any) -> None:
    """Roll."""


async def plain(request: Any, context: Any) -> None:
    """Roll."""


class World:
    """
    Providers, a folder of presets, and a database.
    """

    def __init__(self, directory: Path, store: Store | None) -> None:
        self.registry = Registry(discover=False)
        for name, target in {"demo": Demo(), "alttprdoor": doors, "plain": plain}.items():
            self.registry.add(name, target)
        self.clock = LeapingClock()
        self.directory = directory
        self.store = store
        self.presets = self.with_directories(directory)

    def with_directories(self, *directories: Path) -> Presets:
        """
        Return the presets of a program with these folders.
        """
        given = {"preset_directories": [str(directory) for directory in directories]}
        settings = Settings.load(given, installed=self.registry.names)
        return Presets(self.registry, settings, lambda: self.store, self.clock)

    def another(self) -> Presets:
        """
        Return the presets of another program on the same database.
        """
        return self.with_directories(self.directory)

    def write(self, path: str, text: str | bytes) -> Path:
        """
        Write a file into the folder.
        """
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    async def refusal(self, name: str, provider: str = "demo") -> str:
        """
        Return why a preset isn't found.
        """
        with pytest.raises((PresetNotFoundError, InvalidPresetError)) as caught:
            await self.presets.find(provider, name)
        assert provider == caught.value.provider
        return caught.value.provider_message


def ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Return the folder beside the module that the providers are said to be from.
    """
    module = ModuleType("shipping_plugin")
    module.__file__ = str(tmp_path / "plugin" / "shipping_plugin.py")
    monkeypatch.setitem(sys.modules, "shipping_plugin", module)
    for target in (Demo, doors, plain):
        monkeypatch.setattr(target, "__module__", "shipping_plugin")
    folder = tmp_path / "plugin" / "shipped"
    folder.mkdir(parents=True)
    return folder
