"""
Replays a flow once: what ours sends, gets and audits in place of today's bot.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from seedcore.plugins import Registry
from seedcore.store import Store
from seedcore.testing.events import CapturedEvents
from seedcore.testing.flows.acts import Act
from seedcore.testing.flows.files import Flow
from seedcore.testing.flows.stage import DATABASE, staged


@attrs.frozen(kw_only=True, eq=False)
class Replayed:
    """
    All that can be seen of one replay.

    ``rows`` are those of successful calls, ``failures`` those of failed ones, as readers show
    them; ``stored`` is the whole database, ``logs`` where it keeps what is sealed. ``elsewhere``
    names places that were asked behind the runner's back.
    """

    act: Act
    sends: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    events: CapturedEvents
    stored: str
    secrets: tuple[str, ...]
    elsewhere: list[str]

    def as_today(self, provider: str) -> dict[str, Any]:
        """
        Return what a flow says of today's bot.
        """
        own = [row for row in self.rows if row["provider"] == provider]
        return {
            "sends": self.sends,
            "runs": self.runs,
            "gets": self.act.gets,
            "audit": own[0] if own else None,
        }


async def replay(flow: Flow, folder: Path, registry: Registry | None = None) -> dict[str, Any]:
    """
    Make the call of *flow* against its replies, and return what ours sends, gets and audits.

    *folder* is an empty one: the database goes there. Raises NotHere.
    """
    played = await replayed(flow, folder, Registry() if registry is None else registry)
    return played.as_today(flow.provider)


async def replayed(
    flow: Flow,
    folder: Path,
    registry: Registry,
    prepare: Callable[[Registry], None] = lambda registry: None,
) -> Replayed:
    """
    Make the call of *flow*, and return all that can be seen of it; raises as ``staged`` does.
    """
    async with staged(flow, folder, registry, prepare=prepare) as stage:
        act = await stage.act()
    rows, failures = await rows_in(stage.database)
    names = [flow.provider, *flow.ours.get("providers", {})]
    return Replayed(
        act=act,
        sends=stage.sent.requests(act.lap),
        runs=stage.ran.runs() if stage.ran else [],
        rows=rows,
        failures=failures,
        events=stage.events,
        stored=_everything_in(folder),
        secrets=tuple(_secrets(stage.runner.settings, registry, names)),
        elsewhere=stage.guard.elsewhere,
    )


async def rows_in(database: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """
    Return the rows of successful and of failed calls, the newest first.
    """
    store = await Store.open(database)
    try:
        return await store.queries.calls(), await store.queries.failures()
    finally:
        await store.close(timeout=5)


async def empty_database() -> bytes:
    """
    Return a database with its tables and nothing in them, as it lies on a disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, DATABASE)
        store = await Store.open(f"sqlite://{path}")
        await store.close(timeout=5)
        return path.read_bytes()  # noqa: ASYNC240 - nothing else runs


def _secrets(settings: Any, registry: Registry, names: list[str]) -> Any:
    for name in names:
        yield from settings.provider(name, registry.load(name).declaration).secrets


def _everything_in(folder: Path) -> str:
    files = (path.read_bytes() for path in sorted(folder.glob(f"{DATABASE}*")))
    return b"".join(files).decode("utf-8", "replace")
