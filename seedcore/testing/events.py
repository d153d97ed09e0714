"""
What happened, as a list to look into.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from seedcore.events import Event, captures


class CapturedEvents(list[Event]):
    """
    A list of events that is a sink: ``Runner(sinks=[events])``.
    """

    def __call__(self, event: Event) -> None:
        """
        Keep *event*.
        """
        self.append(event)

    def named(self, name: str, **fields: object) -> list[Event]:
        """
        Return the events called *name* whose fields have the given values, in order.
        """
        return [
            event
            for event in self
            if event.event == name
            and all(getattr(event, field) == value for field, value in fields.items())
        ]

    def circuit(self) -> list[str]:
        """
        Return the states that circuits changed to, in order.
        """
        return [str(event.breaker) for event in self.named("breaker")]


@contextlib.contextmanager
def capture_events() -> Iterator[CapturedEvents]:
    """
    Collect the events of every runner that is opened within, whatever its own sinks are.

    Within means in the same context: tasks and fixtures have it, another thread has its own.
    """
    events = CapturedEvents()
    token = captures.set((*captures.get(), events))
    try:
        yield events
    finally:
        captures.reset(token)
