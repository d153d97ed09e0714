"""
Failures over time by kind, as stacked bars.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760.0, 190.0, 40.0, 10.0, 12.0, 26.0
KINDS = 5
"""Kinds with a pattern of their own; the rarer ones are one more together."""
OTHERS = "other kinds"


@attrs.frozen(kw_only=True)
class Part:
    """
    The failures of one kind in one bar; ``kind`` counts from 0, the most frequent first.
    """

    kind: int
    name: str
    count: int
    x: float
    y: float
    width: float
    height: float


@attrs.frozen(kw_only=True)
class Chart:
    """
    The picture, and in ``rows`` what it says: the start of each bar, and its count of each kind.
    """

    kinds: tuple[tuple[str, int], ...]
    parts: tuple[Part, ...]
    lines: tuple[tuple[float, int], ...]
    marks: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, tuple[int, ...]], ...]
    total: int
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    bottom: float = HEIGHT - BOTTOM


def first_bar(now: float, step: float, bars: int) -> float:
    """
    Return where the first of *bars* begins, so that the last one has *now* in it.
    """
    return math.floor(now / step) * step - (bars - 1) * step


def chart_of(
    counted: Iterable[Mapping[str, Any]], *, start: float, step: float, bars: int
) -> Chart:
    """
    Return the picture of what ``failures_by_kind`` has *counted*.
    """
    totals: Counter[str] = Counter()
    cells: Counter[tuple[int, str]] = Counter()
    for row in counted:
        at = round((row["start"] - start) / step)
        if 0 <= at < bars:
            totals[row["error_type"]] += row["count"]
            cells[at, row["error_type"]] += row["count"]
    names = [name for name, _ in totals.most_common(KINDS)]
    if len(totals) > KINDS:
        names.append(OTHERS)
        for (at, name), count in list(cells.items()):
            if name not in names:
                cells[at, OTHERS] += count
    counts = [tuple(cells[at, name] for name in names) for at in range(bars)]
    top = _round_top(max((sum(each) for each in counts), default=0))
    slot = (WIDTH - LEFT - RIGHT) / bars
    scale = (HEIGHT - TOP - BOTTOM) / top
    return Chart(
        kinds=tuple((name, sum(each[at] for each in counts)) for at, name in enumerate(names)),
        parts=tuple(
            part
            for at, each in enumerate(counts)
            for part in _stacked(each, names, LEFT + at * slot, slot, scale)
        ),
        lines=tuple(
            (round(HEIGHT - BOTTOM - value * scale, 1), value)
            for value in sorted({0, top // 2, top})
        ),
        marks=tuple(
            (round(LEFT + at * slot, 1), _when(start + at * step, step))
            for at in range(0, bars, max(1, bars // 6))
        ),
        rows=tuple((start + at * step, each) for at, each in enumerate(counts)),
        total=sum(totals.values()),
    )


def _stacked(
    counts: tuple[int, ...], names: list[str], x: float, slot: float, scale: float
) -> list[Part]:
    parts, y = [], HEIGHT - BOTTOM
    for kind, count in enumerate(counts):
        if count:
            y -= count * scale
            part = Part(
                kind=kind,
                name=names[kind],
                count=count,
                x=round(x + slot * 0.12, 1),
                y=round(y, 1),
                width=round(slot * 0.76, 1),
                height=round(count * scale, 1),
            )
            parts.append(part)
    return parts


def _round_top(most: int) -> int:
    """
    Return a round even number that *most* fits under.
    """
    if most <= 4:
        return 4
    power = int(10 ** math.floor(math.log10(most)))
    tops = [power * each for each in (1, 2, 4, 6, 8, 10)]
    return next(each for each in tops if each >= most)


def _when(seconds: float, step: float) -> str:
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when:%b %d}" if step >= 86_400 else f"{when:%H:%M}"
