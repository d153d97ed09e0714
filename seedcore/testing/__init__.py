"""
What proves a provider, and what tests of programs around it need.

Nothing here needs a plugin of pytest, and pytest itself only where a ``ProviderContract`` is
run by it. Every name is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedcore.testing import replies as replies
    from seedcore.testing.beside import (
        module_beside as module_beside,
    )
    from seedcore.testing.clocks import (
        LeapingClock as LeapingClock,
        VirtualClock as VirtualClock,
        virtual_time as virtual_time,
    )
    from seedcore.testing.contract import (
        ProviderContract as ProviderContract,
    )
    from seedcore.testing.events import (
        CapturedEvents as CapturedEvents,
        capture_events as capture_events,
    )
    from seedcore.testing.replies import (
        Reply as Reply,
    )
    from seedcore.testing.upstream import (
        FaultUpstream as FaultUpstream,
        Received as Received,
    )

_HOME_OF = {
    "CapturedEvents": "events",
    "FaultUpstream": "upstream",
    "LeapingClock": "clocks",
    "ProviderContract": "contract",
    "Received": "upstream",
    "Reply": "replies",
    "VirtualClock": "clocks",
    "capture_events": "events",
    "module_beside": "beside",
    "virtual_time": "clocks",
}

__all__ = sorted([*_HOME_OF, "replies"])  # noqa: PLE0605 - names stand once, above


def __getattr__(name: str) -> Any:
    if name == "replies":
        return importlib.import_module("seedcore.testing.replies")
    home = _HOME_OF.get(name)
    if home is None:
        msg = f"module 'seedcore.testing' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"seedcore.testing.{home}"), name)


def __dir__() -> list[str]:
    return __all__
