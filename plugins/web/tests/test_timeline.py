"""
The picture of one call: places, labels and axis.
"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from seedcore_web.pages.timeline import BAR, LEFT, RIGHT, WIDTH, timeline_of


def attempt(start, length, outcome="retry", error="ProviderTimeoutError", status=None):
    """
    Return an attempt as a report has it.
    """
    return {"start_ms": start, "ms": length, "outcome": outcome, "error": error, "status": status}


def test_bars_are_where_their_times_are():
    """
    The axis covers the whole call, and half of the time is half of the width.
    """
    report = {
        "attempts": [attempt(0, 500), attempt(500, 500, "success", None)],
        "waited_ms": {},
    }

    line = timeline_of(report, 1_000)

    first, second = line.bars
    half = (WIDTH - LEFT - RIGHT) / 2
    assert (first.x, second.x) == (LEFT, LEFT + half)
    assert first.width == second.width == half
    assert (first.words, second.words) == ("ProviderTimeoutError", "success")
    assert ("0", "0.2") == tuple(text for _, text in line.ticks[:2])
    assert line.unit == "s"


def test_words_stand_beside_their_bar_or_under_it():
    """
    Over a hatched wait nobody could read them; a row that has them below is higher.
    """
    attempts = [attempt(0, 50), attempt(950, 50, "success", None)]

    line = timeline_of({"attempts": attempts, "waited_ms": {"backoff": 900}}, 1_000)

    first, wait, last = line.bars
    assert first.words_x > first.x + first.width
    assert (wait.words_x, wait.words_y > wait.y + 14) == (wait.x, True)
    assert (last.words_end, last.words_x < last.x) == (True, True)
    assert first.height == last.height < wait.height
    assert last.y == wait.y + wait.height


def test_a_short_call_is_measured_in_milliseconds():
    """
    The unit is the one that people read best.
    """
    line = timeline_of({"attempts": [attempt(0, 42, "success", None)]}, 42)

    assert line.unit == "ms"
    assert [text for _, text in line.ticks] == ["0", "10", "20", "30", "40"]


@pytest.mark.parametrize(
    ("waited", "error", "expected"),
    [
        ({"backoff": 900}, "ProviderTimeoutError", ["pause before a retry"]),
        ({"circuit": 900}, "ProviderUnavailableError", ["open circuit"]),
        ({"backoff": 1, "gate": 900}, "ProviderRateLimitError", ["rate-limit pause"]),
        ({"backoff": 900, "gate": 1}, "ProviderTimeoutError", ["pause before a retry"]),
        ({"backoff": 400, "queue": 500}, "ProviderTimeoutError", ["waiting"]),
        ({"poll": 400}, "ProviderTimeoutError", []),
        ({}, "ProviderTimeoutError", []),
    ],
)
def test_a_wait_is_named_where_the_report_tells(waited, error, expected):
    """
    The report has only sums, so that some are just waiting; our own work is no wait.
    """
    attempts = [attempt(0, 50, error=error), attempt(950, 50, "success", None)]

    line = timeline_of({"attempts": attempts, "waited_ms": waited}, 1_000)

    assert expected == [bar.what for bar in line.bars if not bar.number]


def test_a_call_that_queued_before_its_first_attempt():
    """
    A pause before a retry can't be what it waited for.
    """
    report = {"attempts": [attempt(300, 50)], "waited_ms": {"queue": 300, "backoff": 9}}

    line = timeline_of(report, 350)

    assert "queue" == line.bars[0].what


def test_a_call_that_gave_up_while_waiting():
    """
    What it waited for last is in the picture, too.
    """
    report = {"attempts": [attempt(0, 50, "failure")], "waited_ms": {"circuit": 950}}

    line = timeline_of(report, 1_000)

    assert (line.bars[-1].what, line.bars[-1].start) == ("open circuit", 50)


def test_attempts_that_the_report_leaves_out_are_counted():
    """
    The numbers after the gap are right.
    """
    attempts = [attempt(100 * number, 50) for number in range(20)]

    line = timeline_of({"attempts": attempts, "omitted": 5, "waited_ms": {"backoff": 1}}, 2_000)

    assert 25 == line.attempts
    [gap] = [bar for bar in line.bars if "more attempts" in bar.what]
    assert gap.what == "5 more attempts"
    assert [1, 10, 16, 25] == [
        bar.number for bar in line.bars if bar.number in (1, 10, 11, 15, 16, 25)
    ]


@pytest.mark.parametrize("report", [{}, {"attempts": []}, {"attempts": None, "waited_ms": None}])
def test_a_report_without_attempts_has_no_picture(report):
    """
    Imported rows have none.
    """
    assert timeline_of(report, 5) is None


times = strategies.floats(min_value=0, max_value=1e7, allow_nan=False)


@given(strategies.lists(strategies.tuples(times, times), min_size=1, max_size=20), times)
def test_everything_is_inside_the_picture(attempts, latency):
    """
    Whatever the times are, even those that can't be, nothing sticks out.
    """
    report = {"attempts": [attempt(*each) for each in attempts], "waited_ms": {"backoff": 1.0}}

    line = timeline_of(report, latency)

    for bar in line.bars:
        beside = bar.words_x >= bar.x + bar.width or (bar.words_end and bar.words_x <= bar.x)
        assert beside or bar.words_y >= bar.y + BAR + 8
        assert bar.words_y < bar.y + bar.height <= line.bottom
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
        assert 0 <= bar.words_x <= WIDTH
    assert len(line.ticks) <= 12
