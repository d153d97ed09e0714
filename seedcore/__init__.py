"""
Calls to outside providers under one reliability contract.

Importing this package imports nothing else: every public name is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedcore.context import (
        Context as Context,
    )
    from seedcore.contract.deadline import (
        Clock as Clock,
    )
    from seedcore.errors import (
        BrokenPluginError as BrokenPluginError,
        CircuitOpenError as CircuitOpenError,
        DatabaseError as DatabaseError,
        DisabledProviderError as DisabledProviderError,
        DrainingError as DrainingError,
        DuplicateCallError as DuplicateCallError,
        IncompatiblePluginError as IncompatiblePluginError,
        InvalidPresetError as InvalidPresetError,
        PartialFailureError as PartialFailureError,
        PluginError as PluginError,
        PresetNotFoundError as PresetNotFoundError,
        ProviderAuthenticationError as ProviderAuthenticationError,
        ProviderCapabilityError as ProviderCapabilityError,
        ProviderClashError as ProviderClashError,
        ProviderError as ProviderError,
        ProviderInvalidRequestError as ProviderInvalidRequestError,
        ProviderRateLimitError as ProviderRateLimitError,
        ProviderResponseFormatError as ProviderResponseFormatError,
        ProviderTimeoutError as ProviderTimeoutError,
        ProviderUnavailableError as ProviderUnavailableError,
        QueueFullError as QueueFullError,
        RevealError as RevealError,
        SeedcoreError as SeedcoreError,
        SettingsError as SettingsError,
        SpoilerLeakError as SpoilerLeakError,
        UnconfiguredProviderError as UnconfiguredProviderError,
        UnknownOperationError as UnknownOperationError,
        UnknownProviderError as UnknownProviderError,
        error_from_json as error_from_json,
    )
    from seedcore.events import (
        Event as Event,
    )
    from seedcore.hookspecs import (
        hookimpl as hookimpl,
        operation as operation,
        provider as provider,
        secret as secret,
        setting as setting,
    )
    from seedcore.model import (
        AuditRecord as AuditRecord,
        Pending as Pending,
        Request as Request,
        Reveal as Reveal,
        Rolled as Rolled,
        Seed as Seed,
        SeedMeta as SeedMeta,
        SeedRequest as SeedRequest,
    )
    from seedcore.plugins import (
        Registry as Registry,
    )
    from seedcore.policy import (
        Effect as Effect,
        Policy as Policy,
    )
    from seedcore.runner import (
        Runner as Runner,
    )
    from seedcore.settings.keys import (
        web_address as web_address,
    )
    from seedcore.surface.fields import (
        Field as Field,
    )
    from seedcore.surface.form import (
        Form as Form,
        form_of as form_of,
    )
    from seedcore.surface.shown import (
        ShownError as ShownError,
        ShownSeed as ShownSeed,
        seed_facts as seed_facts,
        shown_error as shown_error,
        shown_seed as shown_seed,
    )
    from seedcore.surface.words import (
        chat_words as chat_words,
    )

_HOMES = {
    "context": ("Context",),
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
        "RevealError",
        "SeedcoreError",
        "SettingsError",
        "SpoilerLeakError",
        "UnconfiguredProviderError",
        "UnknownOperationError",
        "UnknownProviderError",
        "error_from_json",
    ),
    "events": ("Event",),
    "hookspecs": ("hookimpl", "operation", "provider", "secret", "setting"),
    "model": (
        "AuditRecord",
        "Pending",
        "Request",
        "Reveal",
        "Rolled",
        "Seed",
        "SeedMeta",
        "SeedRequest",
    ),
    "plugins": ("Registry",),
    "policy": ("Effect", "Policy"),
    "runner": ("Runner",),
    "settings.keys": ("web_address",),
    "surface.fields": ("Field",),
    "surface.form": ("Form", "form_of"),
    "surface.shown": ("ShownError", "ShownSeed", "seed_facts", "shown_error", "shown_seed"),
    "surface.words": ("chat_words",),
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
