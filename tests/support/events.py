"""
A sink that keeps what it receives.
"""

from __future__ import annotations

from seedcore.events import Event


class Collected(list[Event]):
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
