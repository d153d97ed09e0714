"""
The storage of a runner as its calls use it: for the logs of spoiler races, for public files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from seedcore.errors import ProviderCapabilityError
from seedcore.storage.chosen import fault_of, storage_of

if TYPE_CHECKING:
    from seedcore.call import Call
    from seedcore.lane import Runtime
    from seedcore.plugins import Registry
    from seedcore.settings import CoreSettings
    from seedcore.spoilers import SpoilerLogs
    from seedcore.storage import Storage, Stored
    from seedcore.store import Store


class Storages:
    """
    Stores files where the settings say; a provider that is a storage is called for that.

    *inside* makes a call within another one, *alone* one for the core itself. Neither follows
    a route: what is stored in one place is not found in another.
    """

    def __init__(
        self,
        core: CoreSettings,
        registry: Registry,
        now: Callable[[], float],
        *,
        inside: Callable[..., Awaitable[Any]],
        alone: Callable[..., Awaitable[Any]],
    ) -> None:
        self._core = core
        self._registry = registry
        self._now = now
        self._inside = inside
        self._alone = alone

    def logs(self, runtime: Runtime, store: Store) -> SpoilerLogs:
        """
        Return what keeps the logs of spoiler races.
        """
        from seedcore.spoilers import SpoilerLogs

        def storage(name: str | None) -> Storage:
            return storage_of(self._core, self._alone, self._now, name=name)

        return SpoilerLogs(
            runtime,
            store,
            storage_of=storage,
            fault=lambda: fault_of(self._core, self._registry),
            link_seconds=self._core.link_seconds,
        )

    async def upload(self, parent: Call, call_id: str, stored: Stored, content: bytes) -> str:
        """
        Put a public file there, within *parent*, and return its address.

        Raises what calls of the storage raise, ProviderCapabilityError if it can't be used.
        """
        if fault := fault_of(self._core, self._registry):
            raise ProviderCapabilityError(fault)

        def call(provider: str, operation: str, **arguments: Any) -> Awaitable[Any]:
            hide = arguments.pop("hide")
            return self._inside(parent, provider, operation, call_id, arguments, hide=hide)

        try:
            address = await storage_of(self._core, call, self._now).put(stored, content)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            text = f"storage_directory can't be written: {reason}"
            raise ProviderCapabilityError(text) from error
        if address is None:
            text = "the storage has no public addresses; see its settings"
            raise ProviderCapabilityError(text)
        return address
