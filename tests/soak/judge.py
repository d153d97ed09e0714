"""
What the upstream saw, held against what the circuit allows.

The counting. A worker has ``NOTICE`` seconds to hear of an opening, and time in which it was
frozen is not among them; what it sends after them, it knew better about or has a probe's
leave for. Who was born after the opening has no such time: it reads the stored state first.

A probe is in flight at the upstream from its arrival until the first of these: it is
answered; its worker hangs up; its worker is killed, since it can't be waiting any more; its
lease is over (attempt timeout and ``LEASE_GRACE``), after which others may take it for dead,
even if its worker was only frozen and its connection is still open.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import attrs

from soak.crew import Crew
from soak.upstream import Asked

NOTICE = 2.0
LEASE_GRACE = 5.0

Span = tuple[float, float]


@attrs.frozen
class Phase:
    """
    A time in which the upstream was in one mode.
    """

    mode: str
    begin: float
    end: float


def first_opening(crew: Crew, since: float, before: float = math.inf) -> float | None:
    """
    Return when the circuit opened first in that time, as any worker said, dead or alive.
    """
    told = (
        line["at"]
        for worker in list(crew.everyone.values())
        for line in worker.said("event")
        if line["event"] == "breaker" and line["breaker"] == "open"
    )
    return min((at for at in told if since <= at < before), default=None)


def knowing(crew: Crew, requests: Iterable[Asked], opened: float, before: float) -> list[Asked]:
    """
    Return the requests that were sent by workers that had to know of the opening.
    """
    return [
        asked
        for asked in requests
        if opened + NOTICE <= asked.arrived < before
        and (
            crew.everyone[asked.worker].born > opened
            or crew.everyone[asked.worker].ran(opened, asked.arrived) >= NOTICE
        )
    ]


def in_flight(crew: Crew, requests: Iterable[Asked], attempt_timeout: float) -> list[Span]:
    """
    Return from when to when each request counts as in flight.
    """
    spans = []
    for asked in requests:
        killed = crew.everyone[asked.worker].killed
        ends = (asked.ended, killed, asked.arrived + attempt_timeout + LEASE_GRACE)
        end = min(end for end in ends if end is not None)
        spans.append((asked.arrived, max(end, asked.arrived)))
    return spans


def most_at_once(spans: Sequence[Span]) -> int:
    """
    Return how many spans overlap at most; one that begins where another ends doesn't.
    """
    changes = sorted(
        change for begin, end in spans if end > begin for change in ((begin, 1), (end, -1))
    )
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def allowed_at_once(attempt_timeout: float, next_probe: float = 5.0) -> int:
    """
    Return how many probes may be in flight: each unanswered one lets in another after 5 s.
    """
    return math.ceil(attempt_timeout / next_probe)


def seconds_after(requests: Iterable[Asked], start: float) -> list[str]:
    """
    Return who asked when, for an assertion's message.
    """
    return [f"{asked.worker} {asked.arrived - start:+.2f} s ({asked.mode})" for asked in requests]
