"""
The storage that the settings name, and whether it can be used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedcore.errors import PluginError, SettingsError, did_you_mean
from seedcore.settings import CoreSettings
from seedcore.storage.directory import Directory
from seedcore.storage.objects import Provided, Storage

if TYPE_CHECKING:
    from seedcore.plugins import Registry

NEEDED = ("put", "link")
"""The operations of a provider that is a storage."""


def check_named(core: CoreSettings, registry: Registry) -> None:
    """
    Raise SettingsError if the settings name a storage that nobody has installed.
    """
    if core.storage is not None and core.storage not in registry.names:
        known = did_you_mean(core.storage, registry.names)
        msg = f"storage: no provider is called {core.storage!r}.{known}"
        raise SettingsError(msg)


def fault_of(core: CoreSettings, registry: Registry) -> str | None:
    """
    Return why the storage of the settings can't be used; ``None`` if it can.
    """
    if core.storage is None:
        return None
    try:
        operations = registry.load(core.storage).operations
    except PluginError as error:
        return f"the storage can't be used. {error}".rstrip(".")
    missing = [name for name in NEEDED if name not in operations]
    if not missing:
        return None
    return f"storage: {core.storage} has no operation {missing[0]}; name one that stores files"


def storage_of(
    core: CoreSettings,
    call: Callable[..., Awaitable[Any]],
    now: Callable[[], float],
    *,
    name: str | None = None,
) -> Storage:
    """
    Return the storage called *name*, by default the one of the settings.

    *call* calls an operation of a provider, *now* gives epoch seconds.
    """
    name = core.storage or "" if name is None else name
    if name:
        return Provided(name, call)
    return Directory(Path(core.storage_directory), core.storage_url, now)
