"""
Who takes a document: a provider's operation that makes seeds, by the name its presets go by.

Those of ``generate`` go by the provider's name, those of another operation by both names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from seedcore.errors import PluginError
from seedcore.hookspecs import Documents
from seedcore.model import Operation, kind_of

if TYPE_CHECKING:
    from seedcore.plugins import Provider, Registry


@attrs.frozen(eq=False)
class Taker:
    """
    A loaded provider, and which of its operations; ``None`` of one that only has others.
    """

    provider: Provider
    operation: Operation | None

    @property
    def name(self) -> str:
        """
        What its presets go by.
        """
        return kind_of(self.provider.name, self.operation.name if self.operation else "generate")

    @property
    def documents(self) -> Documents:
        """
        What it takes.
        """
        taken: Documents = self.operation.documents if self.operation else self.provider.declaration
        return taken

    def is_of(self, registry: Registry) -> bool:
        """
        Whether *registry* still has this provider, and no other of its name.
        """
        return registry.load(self.provider.name) is self.provider


def taker_of(registry: Registry, kind: str) -> Taker:
    """
    Return who takes the presets that go by *kind*. Raises PluginError.
    """
    if kind not in registry.names:
        for name in registry.names:
            if kind.startswith(name) and (found := _operation_of(registry, name, kind)):
                return found
    provider = registry.load(kind)
    return Taker(provider, provider.operations.get("generate"))


def _operation_of(registry: Registry, name: str, kind: str) -> Taker | None:
    try:
        provider = registry.load(name)
    except PluginError:
        return None
    operation = provider.operations.get(kind.removeprefix(name))
    return Taker(provider, operation) if operation and operation.rolls else None
