"""
The storage that the settings name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from seedcore.settings import CoreSettings
from seedcore.storage.directory import Directory
from seedcore.storage.objects import Provided, Storage


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
