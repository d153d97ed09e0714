"""
Calls to outside providers under one reliability contract.

Importing this package imports nothing else: every public name is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedcore.call import Context as Context
    from seedcore.contract.deadline import Clock as Clock
    from seedcore.errors import (
        BrokenPluginError as BrokenPluginError,
    )
    from seedcore.errors import (
        CircuitOpenError as CircuitOpenError,
    )
    from seedcore.errors import (
        DatabaseError as DatabaseError,
    )
    from seedcore.errors import (
        DisabledProviderError as DisabledProviderError,
    )
    from seedcore.errors import (
        DrainingError as DrainingError,
    )
    from seedcore.errors import (
        DuplicateCallError as DuplicateCallError,
    )
    from seedcore.errors import (
        IncompatiblePluginError as IncompatiblePluginError,
    )
    from seedcore.errors import (
        InvalidPresetError as InvalidPresetError,
    )
    from seedcore.errors import (
        PartialFailureError as PartialFailureError,
    )
    from seedcore.errors import (
        PluginError as PluginError,
    )
    from seedcore.errors import (
        PresetNotFoundError as PresetNotFoundError,
    )
    from seedcore.errors import (
        ProviderAuthenticationError as ProviderAuthenticationError,
    )
    from seedcore.errors import (
        ProviderCapabilityError as ProviderCapabilityError,
    )
    from seedcore.errors import (
        ProviderClashError as ProviderClashError,
    )
    from seedcore.errors import (
        ProviderError as ProviderError,
    )
    from seedcore.errors import (
        ProviderInvalidRequestError as ProviderInvalidRequestError,
    )
    from seedcore.errors import (
        ProviderRateLimitError as ProviderRateLimitError,
    )
    from seedcore.errors import (
        ProviderResponseFormatError as ProviderResponseFormatError,
    )
    from seedcore.errors import (
        ProviderTimeoutError as ProviderTimeoutError,
    )
    from seedcore.errors import (
        ProviderUnavailableError as ProviderUnavailableError,
    )
    from seedcore.errors import (
        QueueFullError as QueueFullError,
    )
    from seedcore.errors import (
        SeedcoreError as SeedcoreError,
    )
    from seedcore.errors import (
        SettingsError as SettingsError,
    )
    from seedcore.errors import (
        UnconfiguredProviderError as UnconfiguredProviderError,
    )
    from seedcore.errors import (
        UnknownOperationError as UnknownOperationError,
    )
    from seedcore.errors import (
        UnknownProviderError as UnknownProviderError,
    )
    from seedcore.errors import (
        error_from_json as error_from_json,
    )
    from seedcore.events import Event as Event
    from seedcore.hookspecs import (
        hookimpl as hookimpl,
    )
    from seedcore.hookspecs import (
        operation as operation,
    )
    from seedcore.hookspecs import (
        provider as provider,
    )
    from seedcore.hookspecs import (
        secret as secret,
    )
    from seedcore.hookspecs import (
        setting as setting,
    )
    from seedcore.model import (
        AuditRecord as AuditRecord,
    )
    from seedcore.model import (
        Effect as Effect,
    )
    from seedcore.model import (
        Request as Request,
    )
    from seedcore.model import (
        Seed as Seed,
    )
    from seedcore.model import (
        SeedMeta as SeedMeta,
    )
    from seedcore.model import (
        SeedRequest as SeedRequest,
    )
    from seedcore.plugins import Registry as Registry
    from seedcore.policy import Policy as Policy
    from seedcore.runner import Runner as Runner

_HOMES = {
    "call": ("Context",),
    "contract.deadline": ("Clock",),
    "errors": (
        "BrokenPluginError",
        "CircuitOpenError",
        "DatabaseError",
        "DisabledProviderError",
        "DrainingError",
        "DuplicateCallError",
        "IncompatiblePluginError",
        "InvalidPresetError",
        "PartialFailureError",
        "PluginError",
        "PresetNotFoundError",
        "ProviderAuthenticationError",
        "ProviderCapabilityError",
        "ProviderClashError",
        "ProviderError",
        "ProviderInvalidRequestError",
        "ProviderRateLimitError",
        "ProviderResponseFormatError",
        "ProviderTimeoutError",
        "ProviderUnavailableError",
        "QueueFullError",
        "SeedcoreError",
        "SettingsError",
        "UnconfiguredProviderError",
        "UnknownOperationError",
        "UnknownProviderError",
        "error_from_json",
    ),
    "events": ("Event",),
    "hookspecs": ("hookimpl", "operation", "provider", "secret", "setting"),
    "model": ("AuditRecord", "Effect", "Request", "Seed", "SeedMeta", "SeedRequest"),
    "plugins": ("Registry",),
    "policy": ("Policy",),
    "runner": ("Runner",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "__version__"])  # noqa: PLE0605 - names stand once, above


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("seedcore")
    home = _HOME_OF.get(name)
    if home is None:
        msg = f"module 'seedcore' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"seedcore.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
