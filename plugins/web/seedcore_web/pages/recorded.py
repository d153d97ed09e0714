"""
What the database has for a page; every question may also find that there is no database.
"""

from __future__ import annotations

from typing import Any

import attrs
from aiohttp import web

from seedcore import DatabaseError
from seedcore.store import Store
from seedcore_web.endpoints import RUNNER
from seedcore_web.problems import Refusal

Row = dict[str, Any]
NO_DATABASE = (
    "This server records nothing: it uses no database. "
    "Give it one with the database_url setting (SEEDCORE_DATABASE_URL)."
)


@attrs.frozen(kw_only=True)
class Window:
    """
    How far a page looks back, in ``bars`` of ``step`` seconds.
    """

    name: str
    label: str
    step: float
    bars: int

    @property
    def seconds(self) -> float:
        """
        All of it.
        """
        return self.step * self.bars


HOUR, DAY = 3_600.0, 86_400.0
WINDOWS = {
    window.name: window
    for window in (
        Window(name="1h", label="Last hour", step=HOUR / 20, bars=20),
        Window(name="24h", label="Last 24 hours", step=HOUR, bars=24),
        Window(name="7d", label="Last 7 days", step=HOUR * 6, bars=28),
        Window(name="30d", label="Last 30 days", step=DAY, bars=30),
    )
}


def store_of(request: web.Request) -> Store:
    """
    Return the open database. Raises DatabaseError where there is none.
    """
    store = request.app[RUNNER].store
    if store is None:
        msg = "Nothing is recorded here: this server uses no database."
        raise DatabaseError(msg)
    return store


def window_of(request: web.Request) -> Window | None:
    """
    Return how far back the visitor wants to look; ``None`` is without an end. Raises Refusal.
    """
    name = request.query.get("since", "")
    if name and name not in WINDOWS:
        message = f"since is one of {', '.join(WINDOWS)}, or empty."
        raise Refusal(400, "BadRequest", message)
    return WINDOWS.get(name)
