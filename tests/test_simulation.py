"""
A short version of the simulation of all fault rows; ``nox -s simulate`` is the long one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from simulation import judge
from simulation.play import Called, play
from simulation.rows import PROMISED, ROWS, SEEDS, UNPROMISED, Row
from simulation.run import main
from simulation.table import Line

LONG = {"refuses-600", "refuses-600-alike", "hangs-20"}
"""Rows of which one seed takes seconds."""


def missed(line: Line) -> bool:
    """
    Whether *line* missed its promise by more than so few cases may by chance.

    A mean needs all seeds, but what it is the mean of has an upper bound as well.
    """
    if line.held or line.over is None or line.limit is None:
        return not line.held
    if line.unit == "s":
        return line.over >= len(SEEDS)
    deviation = math.sqrt(line.limit * (1 - line.limit) / line.over)
    return line.reached < line.limit - 3 * deviation


@pytest.mark.parametrize("row", PROMISED, ids=lambda row: row.name)
def test_every_promise_is_held(row: Row) -> None:
    """
    With one or two seeds instead of twenty.
    """
    lines = row.lines(SEEDS[:1] if row.name in LONG else SEEDS[:2])

    assert lines
    assert all(line.limit is not None or "closed" in line.what for line in lines)
    assert [] == [line for line in lines if missed(line)]


@pytest.mark.parametrize("row", UNPROMISED, ids=lambda row: row.name)
def test_what_is_not_promised_is_measured(row: Row) -> None:
    """
    Nothing can be missed there, but figures come out.
    """
    lines = row.lines(SEEDS[:1])

    assert lines
    assert [] == [line for line in lines if line.limit is not None]
    assert all(math.isfinite(line.reached) for line in lines)


@pytest.mark.parametrize(
    ("name", "settings", "what"),
    [
        ("random-15", {"retry_enabled": False}, "calls served"),
        ("random-15", {"circuit_breaker_window_failures": 8}, "false openings"),
        ("random-30", {"retry_max_attempts": 2}, "calls served"),
        ("refuses-30", {"circuit_breaker_timeout": 60.0}, "first success after, at most"),
        ("refuses-30", {"circuit_breaker_enabled": False}, "attempts in 30 s of outage"),
        ("hangs-2", {"circuit_breaker_timeout": 600.0}, "first success after, at most"),
        (
            "poison",
            {
                "circuit_breaker_window": 1,
                "circuit_breaker_window_failures": 1,
                "circuit_breaker_timeout": 60.0,
            },
            "good calls served",
        ),
        ("dead-operation", {"max_concurrent": 1}, "calls of the others served"),
        ("limit-window", {"retry_enabled": False}, "calls served"),
        ("slow", {"attempt_timeout": 30.0}, "calls served"),
        ("flapping", {"circuit_breaker_timeout": 10.0}, "calls served that could be"),
        ("flapping", {"circuit_breaker_timeout": 10.0}, "circuit closed after"),
        ("rare", {"circuit_breaker_timeout": 600.0}, "first call that is served"),
    ],
)
def test_a_worse_policy_misses_its_promise(
    name: str, settings: Mapping[str, Any], what: str
) -> None:
    """
    The judge can fail: each promise is broken by settings that are wrong for it.
    """
    lines = ROWS[name].lines(SEEDS[:1], settings)

    assert what in " ".join(line.what for line in lines if missed(line))


@pytest.mark.parametrize("name", ["refuses-30", "hangs-2", "limit-window"])
def test_a_seed_takes_the_same_course_each_time(name: str) -> None:
    """
    Every call, attempt and change of the circuit at the same moment.
    """
    first, second = (play(ROWS[name].scenario, 3) for _ in range(2))

    assert first.calls == second.calls
    assert first.circuit == second.circuit
    assert first.site.asked == second.site.asked


def test_other_seeds_take_other_courses() -> None:
    """
    Else twenty of them would prove no more than one.
    """
    first, second = (play(ROWS["refuses-30"].scenario, seed) for seed in (1, 2))

    assert first.calls != second.calls


def test_calls_arrive_whatever_became_of_earlier_ones() -> None:
    """
    As many in an outage as outside, at the stated rate.
    """
    played = play(ROWS["refuses-30"].scenario, 1)
    ((down, up),) = played.site.outages
    during = sum(down <= call.arrived < up for call in played.calls)

    assert 20 == pytest.approx(during / (up - down), rel=0.15)
    assert any(not call.served for call in played.calls)


def test_no_promise_is_held_by_nothing() -> None:
    """
    A share of no calls at all is missed.
    """
    assert missed(judge.served("calls served", [], 0.97))


def test_a_share_counts_every_call() -> None:
    """
    One of four was not served.
    """
    calls = [Called("generate", "x", 0.0, 1.0, error) for error in (None, None, None, "Error")]
    line = judge.served("calls served", calls, 0.8)

    assert (0.75, 4, False) == (line.reached, line.over, line.held)


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Rows as chosen, with what was promised; a word on each while it runs goes elsewhere.
    """
    assert 0 == main(["--rows", "slow", "limit-strict", "--seeds", "1"])

    said = capsys.readouterr()
    rows = [line.split("|") for line in said.out.splitlines() if line.startswith("| slow")]
    assert [[">= 100.00 %", "yes"], ["<= 0", "yes"]] == [
        [cell.strip() for cell in row[4:6]] for row in rows
    ]
    assert "| limit-strict" in said.out
    assert "Every row was held." in said.out
    assert "1/2 slow: answers after 5 to 40 s, 2/s: held" in said.err
    assert "2/2 limit-strict: 50 at once, 1 each second served: measured" in said.err


def test_the_command_names_what_was_missed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    And fails.
    """
    impossible = attrs.evolve(ROWS["slow"], judge=judge.faults(1.1))
    monkeypatch.setitem(ROWS, "slow", impossible)

    assert 1 == main(["--rows", "slow", "rare", "--seeds", "1"])
    said = capsys.readouterr()
    assert "Missed: slow." in said.out
    assert "**no**" in said.out
    assert "MISSED" in said.err


def test_the_command_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    """
    The same figures as plain data.
    """
    assert 0 == main(["--rows", "slow", "--seeds", "1", "--json"])

    said = json.loads(capsys.readouterr().out)
    assert (1, True) == (said["seeds"], said["held"])
    assert [1.0, 0] == [line["reached"] for line in said["lines"]]


@pytest.mark.parametrize("arguments", [["--rows", "slwo"], ["--seeds", "0"], ["--seeds", "x"]])
def test_what_can_not_be_played_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    With a sentence, before anything runs.
    """
    with pytest.raises(SystemExit) as left:
        main(arguments)

    assert 2 == left.value.code
    assert "error: argument" in capsys.readouterr().err
