"""
What can be seen of a provider while it runs, below everything the runner does.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import attrs

from seedcore.model import Operation
from seedcore.plugins import Provider

BEAT = 0.005
"""Seconds between two looks at whether the loop still turns."""


@attrs.define(kw_only=True, eq=False)
class Ran:
    """
    How the provider's own function ran once, below everything the runner does.
    """

    in_loop: bool
    before: int
    """Requests that had been sent when it began."""
    value: Any = None
    handed_back_awaitable: bool = False
    returned: bool = False


class Noted(Protocol):
    """
    Who keeps how a provider ran.
    """

    ran: list[Ran]

    def sent(self) -> int:
        """
        Return how many requests there were so far.
        """


def watched(provider: Provider, noted: Noted) -> Provider:
    """
    Return *provider* with operations that note where they ran and what came out.
    """
    operations = {
        name: attrs.evolve(operation, function=_watched(operation, noted))
        for name, operation in provider.operations.items()
    }
    return attrs.evolve(provider, operations=operations)


def _watched(operation: Operation, noted: Noted) -> Callable[[Any, Any], Any]:
    function = operation.function
    loop_thread = threading.get_ident()

    def begun() -> Ran:
        in_loop = threading.get_ident() == loop_thread
        ran = Ran(in_loop=in_loop, before=noted.sent())
        noted.ran.append(ran)
        return ran

    async def in_loop(request: Any, context: Any) -> Any:
        ran = begun()
        ran.value = await function(request, context)
        ran.returned = True
        return ran.value

    def in_thread(request: Any, context: Any) -> Any:
        ran = begun()
        ran.value = value = function(request, context)
        ran.returned = True
        ran.handed_back_awaitable = inspect.isawaitable(value)
        return value

    return in_thread if operation.sync else in_loop


@contextmanager
def longest_stop() -> Iterator[list[float]]:
    """
    Note the seconds between the beats of the loop, less what a beat is meant to take.
    """
    stops = [0.0]
    last = time.monotonic()

    def noted() -> None:
        nonlocal last
        now = time.monotonic()
        stops.append(now - last - BEAT)
        last = now

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT)
            noted()

    beating = asyncio.create_task(beat())
    try:
        yield stops
    finally:
        noted()
        beating.cancel()
