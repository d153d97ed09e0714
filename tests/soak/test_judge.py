"""
The judge of the chaos counts as it says.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from soak.crew import Crew, Worker
from soak.judge import allowed_at_once, first_opening, in_flight, knowing, most_at_once
from soak.upstream import Asked

pytestmark = pytest.mark.soak


def crew_of(**workers: dict[str, Any]) -> Crew:
    """
    Return a crew of workers without processes.
    """
    everyone = {name: worker_of(name, **facts) for name, facts in workers.items()}
    return cast("Crew", SimpleNamespace(everyone=everyone))


def worker_of(name: str, *, born: float = 0.0, **facts: Any) -> Worker:
    """
    Return a worker that is only remembered.
    """
    worker = object.__new__(Worker)
    kept = {"name": name, "born": born, "lines": [], "pauses": [], "stopped": None, "killed": None}
    for field, value in (kept | facts).items():
        setattr(worker, field, value)
    return worker


def asked(worker: str, arrived: float, ended: float | None = None) -> Asked:
    """
    Return a request.
    """
    return Asked(worker=worker, call_id="c", key="k", mode="hang", arrived=arrived, ended=ended)


def test_a_probe_ends_with_its_answer_its_worker_or_its_lease() -> None:
    """
    A worker that was frozen keeps its connection open, but not its right.
    """
    crew = crew_of(well={}, dead={"killed": 3.0}, frozen={})
    requests = [asked("well", 1, 2), asked("dead", 1), asked("frozen", 1, 30), asked("well", 1)]
    assert [(1, 2), (1, 3), (1, 10), (1, 10)] == in_flight(crew, requests, 4.0)


def test_spans_that_touch_do_not_overlap() -> None:
    """
    The next probe may come in the moment in which the last one is answered.
    """
    assert 1 == most_at_once([(0, 1), (1, 2), (2, 2)])
    assert 2 == most_at_once([(0, 1.5), (1, 2), (3, 4)])
    assert [1, 1, 2, 12] == [allowed_at_once(timeout) for timeout in (2, 5, 6, 60)]


def test_time_in_which_a_worker_is_frozen_is_no_time_to_notice() -> None:
    """
    It has 2 s of its own from the opening on; who is born later has none.
    """
    crew = crew_of(well={}, frozen={"pauses": [(9.0, 14.0)]}, late={"born": 11.0})
    requests = [
        asked("well", 11.9),
        asked("well", 12.1),
        asked("frozen", 15.9),
        asked("frozen", 16.1),
        asked("late", 12.1),
        asked("well", 20),
    ]
    found = knowing(crew, requests, 10.0, 20.0)
    assert [("well", 12.1), ("frozen", 16.1), ("late", 12.1)] == [
        (one.worker, one.arrived) for one in found
    ]


def test_the_first_opening_is_the_first_anyone_tells_of() -> None:
    """
    Closings, and openings of another time, are none.
    """

    def change(at: float, state: str) -> dict[str, Any]:
        return {"kind": "event", "event": "breaker", "breaker": state, "at": at}

    lines = [change(1, "open"), change(2, "closed"), change(9, "open")]
    crew = crew_of(a={"lines": lines}, b={"lines": [change(8, "open")], "killed": 8.5})
    assert 8 == first_opening(crew, 2)
    assert first_opening(crew, 2, 8) is None
