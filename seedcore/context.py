"""
What a provider may use: its session and settings at any time, and more during a call.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from seedcore.call import Call
from seedcore.model import Pending, Seed
from seedcore.storage.objects import PUBLIC_NAME, Stored

if TYPE_CHECKING:
    import aiohttp

    from seedcore.lane import Lane
    from seedcore.presets import Preset

Found = TypeVar("Found")

NAMESPACE = uuid.UUID("7ee3f0a5-7f1c-4f4b-9b0e-3f6f1d5b9c11")
"""Turns a call_id into an idempotency key that is the same in every process."""


class StartContext:
    """
    What a provider may use at any time: its session and its settings.
    """

    __slots__ = ("_lane",)

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    @property
    def http(self) -> aiohttp.ClientSession:
        """
        The provider's HTTP session: base URL, pool and limits are the core's; ``async`` only.
        """
        if threading.get_ident() != self._lane.runtime.thread:
            msg = "context.http is for 'async def' providers; make this function async"
            raise RuntimeError(msg)
        return self._lane.session

    @property
    def settings(self) -> Any:
        """
        An instance of the provider's declared settings class.
        """
        return self._lane.settings.own


@attrs.frozen(kw_only=True, eq=False)
class Calls:
    """
    What a call needs of the runner that makes it: making others within it, and asking again.
    """

    nested: Callable[..., Awaitable[Any]]
    poll: Callable[..., Awaitable[Any]]
    preset: Callable[[str, str], Awaitable[Preset]]
    upload: Callable[[Call, str, Stored, bytes], Awaitable[str]]


class Context(StartContext):
    """
    What a provider may use during a call.
    """

    __slots__ = ("_call", "_calls", "_children", "_number")

    def __init__(self, call: Call, calls: Calls) -> None:
        self._lane = call.lane
        self._call = call
        self._calls = calls
        self._children = 0
        self._number = call.attempts + 1

    @property
    def state(self) -> Any:
        """
        What the provider's ``start`` returned.
        """
        return self._call.lane.state

    @property
    def call_id(self) -> str:
        """
        The id of this call, the same on every attempt.
        """
        return self._call.call_id

    @property
    def idempotency_key(self) -> str:
        """
        A UUID that is the same on all attempts of this call, for upstreams that take one.
        """
        return str(uuid.uuid5(NAMESPACE, self.call_id))

    @property
    def surface(self) -> str:
        """
        Where the call came from.
        """
        return self._call.surface

    def remaining(self) -> float:
        """
        Return the seconds until the call's deadline.
        """
        return max(0.0, self._call.deadline - self._call.lane.runtime.clock.monotonic())

    async def generate(self, provider: str, **arguments: Any) -> Seed:
        """
        Roll a seed of another provider, within this call's deadline and audit row.
        """
        seed: Seed = await self._nested(provider, "generate", arguments)
        return seed

    async def call(self, provider: str, operation: str, /, **arguments: Any) -> Any:
        """
        Call an operation of another provider, within this call's deadline and audit row.
        """
        return await self._nested(provider, operation, arguments)

    async def upload(
        self, name: str, content: bytes, *, content_type: str = "application/octet-stream"
    ) -> str:
        """
        Put *content* where anybody may fetch it, and return its address.

        *name* is a path such as ``patch/1.bps``; what has it is replaced. It goes to the storage
        of the settings: a provider, within this call's deadline, or a directory. Raises what
        calls of the storage raise, ProviderCapabilityError if it can't be used for that.
        """
        if not PUBLIC_NAME.fullmatch(name):
            msg = "context.upload takes a path of plain names, such as patch/1.bps"
            raise ValueError(msg)
        stored = Stored(key=name, content_type=content_type, public=True)
        return await self._calls.upload(self._call, self._next_id(), stored, content)

    async def preset(self, provider: str, name: str) -> Preset:
        """
        Return a preset that goes by *provider*, as a call finds it: a copy of its own.

        Raises PresetNotFoundError, InvalidPresetError, and DatabaseError.
        """
        return await self._calls.preset(provider, name)

    def _nested(self, provider: str, operation: str, arguments: dict[str, Any]) -> Awaitable[Any]:
        return self._calls.nested(self._call, provider, operation, self._next_id(), arguments)

    def _next_id(self) -> str:
        # Counted within the attempt, so that a repetition has the same ids and keys.
        self._children += 1
        return f"{self.call_id}/{self._children}"

    async def poll(
        self,
        look: Callable[[], Awaitable[Found | Pending]],
        *,
        interval: float = 2.0,
        growth: float = 1.0,
        longest: float = 30.0,
        deadline: float | None = None,
    ) -> Found:
        """
        Ask again until *look* returns something else than Pending, and return that.

        The first look is at once, the next ones *interval* seconds later, which grow by the factor
        *growth* up to *longest*. *deadline* are the seconds that all of it may take, at most
        those of the call. Each look is a ``read`` with attempts of its own. One that fails for good
        ends the call, as a ProviderTimeoutError does when the time is up, and what was sent
        before is never sent again for that. Meanwhile the attempt has no slot.

        What the provider raises itself after a poll is repeated like any failure of it.
        """
        if self._number != self._call.attempts or not self._call.trying:
            msg = "context.poll was called after the attempt that it belongs to had ended"
            raise RuntimeError(msg)
        found: Found = await self._calls.poll(
            self._call, look, deadline, interval=interval, growth=growth, longest=longest
        )
        return found

    def hide(self, value: str) -> None:
        """
        Take *value*, a key that this call was given or has made, out of every row, event and error.

        One of less than four characters stays: it would mask half of every text.
        """
        if not isinstance(value, str):
            msg = f"context.hide takes a text, not {type(value).__name__}"
            raise TypeError(msg)
        call: Call | None = self._call
        while call is not None:  # the row is that of the outer call
            call.hidden = (*call.hidden, value)
            call = call.parent
