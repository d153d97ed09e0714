"""
What came of a demo: numbers for programs, sentences for people.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from seedcore.demo.progress import Change, Ended, Progress

STOPPED_BY: Mapping[str, str] = {
    "attempts": "failed in all their attempts",
    "patience": "would have waited longer than their patience ({patience:g} s)",
    "budget": "got no retry: the budget for retries was empty",
    "deadline": "ran out of time",
}
"""Why calls failed, by ``stopped_by`` of their errors."""
LONGEST_ADVISED = 120.0
"""Seconds of an outage beyond which calls run out of time, however patient."""


@attrs.frozen(kw_only=True, eq=False)
class Summary:
    """
    What came of a demo.

    *requests* came over the wire, of which *faults* counts the bad answers by kind.
    *audit_rows* is how many of the served calls have their row in *database*.
    """

    progress: Progress
    duration: float
    requests: int
    faults: Mapping[str, int]
    patience: float
    database: str
    audit_rows: int

    @property
    def outside_outage(self) -> list[Ended]:
        """
        The calls during which the site was there all the time.
        """
        return [call for call in self.progress.ended if not self.progress.in_outage(call)]

    @property
    def recovery(self) -> float | None:
        """
        Seconds from the site's return until the next call was served; ``None`` without that.
        """
        back_at = self.progress.back_at
        if back_at is None:
            return None
        served = (call.ended for call in self.progress.ended if call.failed is None)
        first = min((ended for ended in served if ended >= back_at), default=None)
        return None if first is None else first - back_at

    def facts(self) -> dict[str, Any]:
        """
        Return everything as plain data; times are seconds since the first call began.
        """
        progress, course = self.progress, self.progress.course
        outside = self.outside_outage
        served_outside = _served(outside)
        attempts = [call.attempts for call in progress.ended]
        return {
            **attrs.asdict(course),
            "interrupted": progress.interrupted,
            "duration_s": round(self.duration, 3),
            "served": progress.served,
            "failed": progress.failed,
            "unfinished": progress.waiting,
            "success_rate": _rate(progress.served, len(progress.ended)),
            "outside_outage": {
                "calls": len(outside),
                "served": served_outside,
                "success_rate": _rate(served_outside, len(outside)),
            },
            "failures": dict(self._failures()),
            "attempts": {"total": sum(attempts), "most": max(attempts, default=0)},
            "wire_requests": self.requests,
            "wire_faults": self.faults,
            "outage_began_s": _rounded(progress.left_at),
            "outage_ended_s": _rounded(progress.back_at),
            "recovery_s": _rounded(self.recovery),
            "breaker": [
                {"at_s": round(change.at, 3), "old": change.old, "new": change.new}
                for change in progress.circuit
            ],
            "audit_rows": self.audit_rows,
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """
        Yield what a person should know: a title and a line of text, or no title to go on.
        """
        progress, outside = self.progress, self.outside_outage
        done = len(progress.ended)
        cut = f", {progress.waiting} cut short" if progress.waiting else ""
        asked = f" of {progress.course.calls}" if progress.began < progress.course.calls else ""
        yield "Calls", f"{progress.began}{asked} in {self.duration:.1f} s{cut}"
        yield "Served", _share(progress.served, done)
        if outside and progress.left_at is not None:
            yield "", f"{_share(_served(outside), len(outside))} outside the outage"
        yield from self._failed_lines()
        if done:
            yield from _titled("Attempts", self._attempts_lines())
        yield "On the wire", f"{_count(self.requests, 'request')} reached the site"
        if self.faults:
            kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(self.faults.items()))
            yield "", f"bad answers: {kinds}"
        yield from _titled("Circuit", self._circuit_lines())
        if progress.back_at is not None:
            yield "Recovery", self._recovery_line()
        rows = _count(self.audit_rows, "row")
        yield "Audit", f"{rows} for {_count(progress.served, 'call')} served"

    def _failures(self) -> Counter[str]:
        return Counter(call.failed for call in self.progress.ended if call.failed is not None)

    def _failed_lines(self) -> Iterator[tuple[str, str]]:
        if not self.progress.failed:
            yield "Failed", "none"
            return
        lines = []
        for stopped_by, count in self._failures().most_common():
            why = STOPPED_BY.get(stopped_by, f"were stopped by: {stopped_by}")
            lines.append(f"{count} {why.format(patience=self.patience)}")
            outage = self.progress.course.outage
            if stopped_by == "patience" and self.patience < outage <= LONGEST_ADVISED:
                longer = math.ceil(outage) + 10
                lines.append(f"(with SEEDCORE_PATIENCE={longer} they wait until it is back)")
        yield from _titled("Failed", lines)

    def _attempts_lines(self) -> list[str]:
        calls = self.progress.ended
        most = max(call.attempts for call in calls)
        lines = [f"{sum(call.attempts for call in calls)}, at most {most} for one call"]
        served = [call.attempts for call in calls if call.failed is None]
        if served:
            lines.append(f"{sum(served) / len(served):.2f} for each call served")
        return lines

    def _circuit_lines(self) -> list[str]:
        if not self.progress.circuit:
            return ["stayed closed"]
        lines = []
        width = len(f"{self.progress.circuit[-1].at:.1f}")
        for first, last, times in _folded(self.progress.circuit):
            probes = f"{_count(times, 'probe')} in vain until {last.at:.1f} s"
            what = probes if times else f"{first.old} -> {first.new}"
            lines.append(f"{first.at:{width}.1f} s  {what}")
        return lines

    def _recovery_line(self) -> str:
        if self.recovery is None:
            return "not seen: no call was served after the site was back"
        return f"served again {self.recovery:.1f} s after the site was back"


def _folded(changes: list[Change]) -> Iterator[tuple[Change, Change, int]]:
    """
    Yield each change, but open -> half_open -> open again and again as one, with how often.
    """
    place = 0
    while place < len(changes):
        first, times = place, 0
        while [change.new for change in changes[place : place + 2]] == ["half_open", "open"]:
            place, times = place + 2, times + 1
        place += not times
        yield changes[first], changes[place - 1], times


def _titled(title: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    for place, line in enumerate(lines):
        yield "" if place else title, line


def _served(calls: list[Ended]) -> int:
    return sum(call.failed is None for call in calls)


def _share(part: int, whole: int) -> str:
    if not whole:
        return "none of 0"
    # Rounded down: 999 of 1,000 are not 100 %.
    return f"{part} of {whole} ({math.floor(part / whole * 1000) / 10:g} %)"


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
