"""
One call as a picture: its attempts as bars, and what it waited for between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

WIDTH, LEFT, RIGHT = 760.0, 34.0, 14.0
"""Of the whole picture, and of what stands beside the bars."""
TOP, ROW, BAR, UNDER = 10.0, 34.0, 20.0, 14.0
"""Of the rows and bars; ``UNDER`` is what a row has more whose words are under its bar."""
NARROWEST = 3.0
"""Of a bar, so that a quick refusal can be seen."""
LEAST_WAIT = 1.0
"""Milliseconds; less between two attempts is our own work, no waiting."""
LONGEST_WORDS = 36
"""Characters of what is written at a bar; the table has all of it."""

WAITS = {
    "backoff": "pause before a retry",
    "circuit": "open circuit",
    "gate": "rate-limit pause",
    "poll": "polling",
    "queue": "queue",
    "rate": "allowed rate",
}


@attrs.frozen(kw_only=True)
class Bar:
    """
    An attempt, or a wait between attempts; times are milliseconds from the start of the call.

    ``number`` is that of the attempt, 0 for a wait. ``x``, ``y``, ``width``, ``words_x``,
    ``words_y`` and ``words_end`` say where it is in the picture, ``height`` how high its row is.
    """

    number: int
    what: str
    start: float
    length: float
    error: str | None = None
    status: int | None = None
    x: float = 0
    y: float = 0
    width: float = 0
    words_x: float = 0
    words_y: float = 0
    words_end: bool = False
    height: float = ROW

    @property
    def words(self) -> str:
        """
        What became of it.
        """
        if not self.number:
            return self.what
        words = self.error or self.what
        return f"{words} ({self.status})" if self.status else words

    @property
    def label(self) -> str:
        """
        The beginning of that.
        """
        words = self.words
        return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…"


@attrs.frozen(kw_only=True)
class Timeline:
    """
    The picture; ``ticks`` are places and texts of its axis, ``waited`` names and milliseconds.
    """

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    waited: tuple[tuple[str, float], ...]
    total: float
    omitted: int
    unit: str
    width: float = WIDTH
    bottom: float = 0
    height: float = 0

    @property
    def attempts(self) -> int:
        """
        How many attempts the call had, those that are not shown too.
        """
        return sum(1 for bar in self.bars if bar.number) + self.omitted


def timeline_of(report: Mapping[str, Any], latency_ms: float) -> Timeline | None:
    """
    Return the picture of a *report*; ``None`` where there is nothing in it.
    """
    waited = _waits(report)
    bars = list(_bars(report, waited, latency_ms))
    if not bars:
        return None
    total = max(latency_ms, *(bar.start + bar.length for bar in bars), 0.1)
    scale = (WIDTH - LEFT - RIGHT) / total
    placed: list[Bar] = []
    bottom = TOP
    for bar in bars:
        placed.append(_placed(bar, bottom, scale))
        bottom += placed[-1].height
    step, unit = _step(total)
    marks = [step * count for count in range(int(total / step) + 1)]
    return Timeline(
        bars=tuple(placed),
        ticks=tuple((_round(LEFT + mark * scale), _tick(mark, unit)) for mark in marks),
        waited=waited,
        total=total,
        omitted=int(report.get("omitted") or 0),
        unit=unit,
        bottom=bottom,
        height=bottom + 26,
    )


def _waits(report: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    known = report.get("waited_ms") or {}
    return tuple((WAITS.get(name, str(name)), float(spent)) for name, spent in known.items())


def _bars(
    report: Mapping[str, Any], waited: tuple[tuple[str, float], ...], latency: float
) -> Iterator[Bar]:
    names = [name for name, _ in waited if name != WAITS["poll"]]  # one polls within an attempt
    attempts, omitted = list(report.get("attempts") or ()), int(report.get("omitted") or 0)
    ended, number = 0.0, 0
    for index, attempt in enumerate(attempts):
        number += 1
        start, length = float(attempt["start_ms"]), float(attempt["ms"])
        if omitted and index == (len(attempts) + 1) // 2:
            yield Bar(number=0, what=f"{omitted} more attempts", start=ended, length=start - ended)
            number += omitted
        elif start - ended >= LEAST_WAIT:
            what = _for(names, attempts[index - 1] if index else None)
            if what:
                yield Bar(number=0, what=what, start=ended, length=start - ended)
        yield Bar(
            number=number,
            what="success" if attempt["outcome"] == "success" else "failure",
            start=start,
            length=length,
            error=attempt.get("error"),
            status=attempt.get("status"),
        )
        ended = start + length
    failed = not attempts or attempts[-1]["outcome"] != "success"
    what = _for(names, attempts[-1] if attempts else None)
    if what and failed and latency - ended >= LEAST_WAIT:
        yield Bar(number=0, what=what, start=ended, length=latency - ended)


def _for(names: list[str], after: Mapping[str, Any] | None) -> str:
    """
    Return what was waited for *after* an attempt, as far as the report tells: it has only the
    sum of each kind. Empty for nothing but our own work.
    """
    pause, backoff = WAITS["gate"], WAITS["backoff"]
    if after is None:
        likely = [name for name in names if name != backoff]
    elif after.get("error") == "ProviderRateLimitError" and pause in names:
        likely = [pause]
    elif set(names) == {backoff, pause}:
        likely = [backoff]
    else:
        likely = names
    return "waiting" if len(likely) > 1 else "".join(likely)


def _placed(bar: Bar, y: float, scale: float) -> Bar:
    """
    Return the bar in its place, and its words beside it, or under it where it is too long.
    """
    x = LEFT + bar.start * scale
    width = max(NARROWEST, bar.length * scale)
    x = min(x, WIDTH - RIGHT - width)
    needed = 8 + 7.2 * (len(bar.label) + 2)  # with the sign before it
    words_y, height = y + 14, ROW
    if x + width + needed <= WIDTH:
        words_x, at_end = x + width + 7, False
    elif x - needed >= LEFT:
        words_x, at_end = x - 7, True
    else:
        words_x, at_end = x, False
        words_y, height = y + BAR + (13 if bar.number else 9), ROW + UNDER
    return attrs.evolve(
        bar,
        x=_round(x),
        y=y,
        width=_round(width),
        words_x=_round(words_x),
        words_y=words_y,
        words_end=at_end,
        height=height,
    )


def _step(total: float) -> tuple[float, str]:
    """
    Return the distance of the marks, 1, 2 or 5 of something, and the unit to write them in.
    """
    rough = total / 7
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough)
    return step, "ms" if total < 1_000 else "s"


def _tick(mark: float, unit: str) -> str:
    return f"{mark if unit == 'ms' else mark / 1e3:.6g}"


def _round(number: float) -> float:
    return round(number, 1)
