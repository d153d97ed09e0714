"""
What the kit's upstream does in place of what the author says.
"""

from __future__ import annotations

from collections.abc import Callable

from seedcore.testing.replies import Reply
from seedcore.testing.upstream import Received

Scripted = Callable[[Received, int], Reply | None]
"""What the upstream does with a request and its number from 0; ``None``: as the author says."""


def failing(reply: Reply, *, at: int = 0) -> Scripted:
    """
    Return a script that answers *reply* to every request from number *at* on.
    """
    return lambda _, number: reply if number >= at else None


def only(reply: Reply, *, at: int) -> Scripted:
    """
    Return a script that answers *reply* to the request with number *at*, and to its repetitions.
    """
    refused: set[tuple[str, str]] = set()

    def script(received: Received, number: int) -> Reply | None:
        what = received.method, received.path
        if number == at:
            refused.add(what)
        return reply if what in refused else None

    return script
