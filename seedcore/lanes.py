"""
Opening lanes: that of the provider that was asked for, or the one that a preset leads to.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from typing import TYPE_CHECKING

from seedcore.contract.deadline import Clock
from seedcore.errors import (
    PresetNotFoundError,
    ProviderClashError,
    ProviderError,
    SeedcoreError,
    SettingsError,
)
from seedcore.lane import Lane, Runtime
from seedcore.model import kind_of
from seedcore.plugins import Registry
from seedcore.settings import Settings
from seedcore.validate import check_text

if TYPE_CHECKING:
    from seedcore.presets import Preset, Presets
    from seedcore.store import Store

Found = tuple[Lane, str, "Preset | ProviderError | None"]
"""Who is to be called and for what, and the preset that was named, or why there is none."""


class Lanes:
    """
    All lanes of a runner; those of dry runs are apart.
    """

    def __init__(self, registry: Registry, settings: Settings, clock: Clock) -> None:
        self.real: dict[str, Lane] = {}
        self.dry: dict[str, Lane] = {}
        self.runtime: Runtime | None = None
        """What they share, once the runner is open."""
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._opening = asyncio.Lock()
        self._said_disabled = False

    @functools.cached_property
    def presets(self) -> Presets:
        """
        The presets of the providers that have some.
        """
        from seedcore.presets import Presets

        def store() -> Store | None:
            return self.runtime.store if self.runtime else None

        return Presets(self._registry, self._settings, store, self._clock)

    async def asked(
        self, provider: str, operation: str, preset: object, *, dry_run: bool = False
    ) -> Found:
        """
        Return the lane for a call, which may be another one by its *preset*. Raises PluginError.
        """
        lane = await self.of(provider, dry_run=dry_run)
        known = lane.provider.operations.get(operation)
        documents = known.documents if known is not None else None
        if preset is None or documents is None or documents.presets is None:
            return lane, operation, None
        kind = kind_of(lane.name, operation)
        if kind != lane.name and kind in self._registry.names:
            reason = f"its presets for {operation} go by {kind!r}, the name of another provider"
            raise ProviderClashError(lane.name, None, reason)
        try:
            check_text("preset", preset)
            found = await self.presets.shared(kind, str(preset))
        except PresetNotFoundError as error:
            return lane, operation, None if documents.upstream_presets else error
        except ProviderError as error:
            return lane, operation, error
        return await self.of(found.provider, dry_run=dry_run), found.operation, found

    async def of(self, name: str, *, dry_run: bool = False) -> Lane:
        """
        Return the lane of provider *name*, opened on first use. Raises PluginError.

        That of a *dry_run* needs no credentials and shares nothing with other processes.
        """
        if not isinstance(dry_run, bool):
            msg = "dry_run must be true or false."
            raise SettingsError(msg)
        lanes = self.dry if dry_run else self.real
        if lane := lanes.get(name):
            return lane
        if self.runtime is None:
            msg = "Open the runner first: 'async with seedcore.Runner() as runner: ...'"
            raise SeedcoreError(msg)
        async with self._opening:
            lane = lanes.get(name)
            if lane is None:
                lane = await self._opened(name, self.runtime, dry_run=dry_run)
                lanes[name] = lane
            return lane

    async def _opened(self, name: str, runtime: Runtime, *, dry_run: bool) -> Lane:
        provider = self._registry.load(name)
        settings = self._settings.provider(name, provider.declaration, complete=not dry_run)
        lane = Lane(provider, settings, runtime)
        if dry_run:
            return lane
        if settings.base_url is not None:
            # 0.3 s that would else come out of the first attempt's time.
            importlib.import_module("seedcore.http")
        if runtime.sharing is not None:
            await runtime.sharing.look(lane)
        if not settings.policy().resilience_enabled and not self._said_disabled:
            self._said_disabled = True
            lane.emit("WARNING", "resilience_disabled")
        return lane
