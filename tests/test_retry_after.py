"""
What a Retry-After header asks for.
"""

from __future__ import annotations

import email.utils
import math
import time

import pytest
from hypothesis import given, settings, strategies
from multidict import CIMultiDict, CIMultiDictProxy

from seedcore.contract.classify import LONGEST_PAUSE, retry_after

NOW = 1_700_000_000.0
"""Tue, 14 Nov 2023 22:13:20 GMT"""


def asked(text: str, **headers: str) -> float | None:
    """
    Return the pause that a header with *text* asks for.
    """
    return retry_after({"Retry-After": text, **headers}, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 1.0),
        ("120", 120.0),
        ("007", 7.0),
        ("  30 ", 30.0),
        ("0.5", 0.5),
        ("1.75", 1.75),
        ("2.", 2.0),
        (".25", 0.25),
        ("3600", 3600.0),
    ],
)
def test_seconds_may_have_decimals(text: str, seconds: float) -> None:
    """
    Whole and broken numbers of seconds are taken as they are.
    """
    assert seconds == asked(text)


@pytest.mark.parametrize("text", ["3601", "86400", "1700000000", "9" * 60])
def test_more_than_an_hour_is_an_hour(text: str) -> None:
    """
    Some services send days, timestamps or nonsense.
    """
    assert LONGEST_PAUSE == 3600.0 == asked(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "0.0",
        "-1",
        "-0.5",
        "+5",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e3",
        "1_000",
        "0x10",
        "1,5",
        "1.2.3",
        ".",
        "5 seconds",
        "soon",
        "\u0661\u0662\u0660",
        "\uff11\uff12",
        "1\u00b2",
        "5\x00",
        "Tue",
        "Tue, 99 Foo 2023 99:99:99 GMT",
        "Tue, 14 Nov 99999999999999999999 22:13:50 GMT",
        pytest.param("x" * 10_000, id="long"),
        pytest.param("1" * 10_000, id="long number"),
    ],
)
def test_junk_is_ignored(text: str) -> None:
    """
    What is no number above zero and no date asks for nothing.
    """
    assert None is asked(text)


def test_no_header_asks_for_nothing() -> None:
    """
    The gate guesses then.
    """
    assert None is retry_after({}, NOW)


@pytest.mark.parametrize(
    "date",
    [
        "Tue, 14 Nov 2023 22:13:50 GMT",
        "Tuesday, 14-Nov-23 22:13:50 GMT",
        "Tue Nov 14 22:13:50 2023",
        "Tue, 14 Nov 2023 23:13:50 +0100",
        "Tue, 14 Nov 2023 22:13:50 -0000",
    ],
)
def test_a_date_is_taken_in_every_form_http_knows(date: str) -> None:
    """
    The form of today, the two obsolete ones, and those of e-mail.
    """
    assert 30.0 == asked(date)


@pytest.mark.parametrize(
    "date",
    [
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "Tue, 14 Nov 2023 22:13:19 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
def test_a_date_that_has_passed_asks_for_nothing(date: str) -> None:
    """
    Now and earlier are no pause.
    """
    assert None is asked(date)


def test_a_date_far_away_is_an_hour() -> None:
    """
    The limit holds for dates too.
    """
    assert LONGEST_PAUSE == asked("Fri, 31 Dec 9999 23:59:59 GMT")


def test_the_answers_own_clock_counts() -> None:
    """
    A server whose clock is years off means the seconds between its two dates.
    """
    pause = asked("Sat, 01 Jan 2000 00:00:45 GMT", Date="Sat, 01 Jan 2000 00:00:00 GMT")

    assert 45.0 == pause


def test_a_date_header_that_is_junk_is_ignored() -> None:
    """
    Our own clock has to do.
    """
    assert 30.0 == asked("Tue, 14 Nov 2023 22:13:50 GMT", Date="yesterday")


def test_seconds_need_no_date() -> None:
    """
    Only a date is compared with the answer's Date.
    """
    assert 5.0 == asked("5", Date="Sat, 01 Jan 2000 00:00:00 GMT")


@pytest.mark.parametrize("name", ["Retry-After", "retry-after"])
def test_its_case_does_not_matter(name: str) -> None:
    """
    In a plain mapping of another client, and in aiohttp's own.
    """
    assert 5.0 == retry_after({name: "5"}, NOW)
    assert 5.0 == retry_after(CIMultiDictProxy(CIMultiDict({name.upper(): "5"})), NOW)


ODD = "0159.-+eE_x:,; \t\x00\u0665\uff11\u00b2\u202e\ud800GMTueNov"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    strategies.one_of(
        strategies.text(ODD, max_size=70),
        strategies.text("0123456789.-+eE :,GMTuenovNOV", max_size=70),
        strategies.floats().map(str),
        strategies.floats(-1e6, 2**34).map(
            lambda moment: email.utils.formatdate(moment, usegmt=True)
        ),
    ),
    strategies.text("0123456789: GMTueNov,", max_size=40),
)
def test_whatever_comes_is_a_sane_pause_or_none(text: str, date: str) -> None:
    """
    Nothing raises, and no pause is negative, infinite or longer than an hour.
    """
    pause = asked(text, Date=date)

    assert pause is None or (math.isfinite(pause) and 0 < pause <= LONGEST_PAUSE)


def test_no_header_is_longer_than_64_characters() -> None:
    """
    What is longer is not even looked at.
    """
    assert 5.0 == retry_after({"Retry-After": f"{5:064}"}, 0.0)
    assert None is retry_after({"Retry-After": f"{5:065}"}, 0.0)


def test_a_date_without_a_zone_is_utc_wherever_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is not the zone of this machine.
    """
    monkeypatch.setenv("TZ", "XYZ-9")
    time.tzset()
    try:
        seconds = retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:07 -0000"}, 0.0)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert 7.0 == seconds
