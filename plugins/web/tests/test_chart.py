"""
Failures over time by kind.
"""

from __future__ import annotations

from seedcore_web.pages.chart import KINDS, OTHERS, chart_of, first_bar

HOUR = 3_600.0


def row(start, kind, count):
    """
    Return a count as the database gives it.
    """
    return {"start": start, "error_type": kind, "count": count}


def test_the_last_bar_has_now_in_it():
    """
    Bars begin at whole hours, as the database counts them.
    """
    assert first_bar(10 * HOUR + 5, HOUR, 3) == 8 * HOUR


def test_bars_are_stacked_by_kind():
    """
    The most frequent kind is at the bottom, and the table says the same as the picture.
    """
    counted = [row(0, "A", 1), row(0, "B", 3), row(HOUR, "B", 2), row(9 * HOUR, "B", 50)]

    chart = chart_of(counted, start=0, step=HOUR, bars=2)

    assert (("B", 5), ("A", 1)) == chart.kinds
    assert ((0, (3, 1)), (HOUR, (2, 0))) == chart.rows
    bottom, top = chart.parts[:2]
    assert (bottom.name, top.name) == ("B", "A")
    assert abs(top.y + top.height - bottom.y) <= 0.11
    assert 6 == chart.total
    assert [value for _, value in chart.lines] == [0, 2, 4]


def test_rare_kinds_are_one_together():
    """
    There are only so many patterns that people can tell apart.
    """
    counted = [row(0, f"kind {number}", 20 - number) for number in range(9)]

    chart = chart_of(counted, start=0, step=HOUR, bars=24)

    assert KINDS + 1 == len(chart.kinds)
    assert (OTHERS, 15 + 14 + 13 + 12) == chart.kinds[-1]
    assert sum(20 - number for number in range(9)) == chart.total


def test_nothing_has_failed():
    """
    That is a chart, too.
    """
    chart = chart_of([], start=0, step=HOUR, bars=24)

    assert (0, (), ()) == (chart.total, chart.kinds, chart.parts)
