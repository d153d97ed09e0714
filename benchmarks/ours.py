"""
A runner with one provider in it, as every row needs it.
"""

from __future__ import annotations

from typing import Any

import seedcore

SURFACE = "bench"


def runner_of(
    provider: Any,
    *,
    concurrent: int = 1,
    database: str | None = None,
    sinks: tuple[Any, ...] = (),
    **settings: Any,
) -> seedcore.Runner:
    """
    Return a runner whose one provider is ``demo``; no events and no audit unless asked for.
    """
    registry = seedcore.Registry(discover=False)
    registry.add("demo", provider)
    # More callers than its own limits would wait for each other, and nothing be measured.
    settings |= {"max_concurrent": max(64, concurrent), "pool_size": max(64, concurrent)}
    return seedcore.Runner(
        registry=registry,
        settings={"providers": {"demo": settings}},
        database=database,
        sinks=sinks,
    )
