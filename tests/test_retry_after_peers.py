"""
What a Retry-After header asks for, next to what urllib3 makes of it.

Nearly every Python program that honours the header does it with urllib3's parser. Both read the
same 100,000 generated values, and every difference has a name and a reason here.
"""

from __future__ import annotations

import calendar
import email.utils
import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import attrs
import pytest
import urllib3.util.retry
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from seedcore.contract.classify import retry_after
from support.pauses import NOW, Header, headers

VALUES = 100_000
CRASH = "crash"
"""What urllib3 says where it raises something else than its own InvalidHeader."""


# ----------------------------------------------------------------- differences

Pause = float | str | None
"""Seconds, ``None`` for a value that asks for nothing, or ``CRASH``."""


def _moment(text: str) -> float | None:
    """
    Return the epoch seconds of a date whose every part exists, ``None`` for any other text.
    """
    parts = email.utils.parsedate_tz(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second = parts[:6]
    exists = (
        1 <= year <= 9999
        and 1 <= month <= 12
        and 1 <= day <= calendar.monthrange(year, month)[1]
        and (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59)
        and abs(parts[9] or 0) < 86_400
    )
    return float(email.utils.mktime_tz(parts)) if exists else None


def _is_date(header: Header) -> bool:
    return email.utils.parsedate_tz(header.text) is not None


def _crashed(header: Header, pause: Pause) -> Pause:
    return None if pause == CRASH else pause


def _with_decimals(header: Header, pause: Pause) -> Pause:
    number = re.fullmatch(r"[0-9]+\.[0-9]*|\.[0-9]+", header.text.strip())
    return float(number[0]) if number else pause


def _too_long(header: Header, pause: Pause) -> Pause:
    return None if len(header.text.strip()) > 64 else pause


def _no_such_date(header: Header, pause: Pause) -> Pause:
    return None if _is_date(header) and _moment(header.text) is None else pause


def _by_its_own_clock(header: Header, pause: Pause) -> Pause:
    then, now = _moment(header.text), _moment(header.date or "")
    if pause is None or then is None or now is None:
        return pause
    return max(0.0, then - now)


def _at_most_an_hour(header: Header, pause: Pause) -> Pause:
    return min(pause, 3600.0) if isinstance(pause, (int, float)) else pause


def _no_pause_at_all(header: Header, pause: Pause) -> Pause:
    return None if pause == 0 else pause


@attrs.frozen(kw_only=True)
class Difference:
    """
    One way in which we mean something else than urllib3, and what that makes of its pause.
    """

    name: str
    why: str
    change: Callable[[Header, Pause], Pause]


DIFFERENCES = (
    Difference(
        name="crash",
        why="urllib3 lets ValueError and OverflowError of int and calendar out: more digits than "
        "Python converts, years that no date has. A header must not fail a call: it is junk here.",
        change=_crashed,
    ),
    Difference(
        name="decimals",
        why="urllib3 takes whole seconds only, as the standard has it, and refuses the rest. "
        "Several services send decimals, and what they mean is clear.",
        change=_with_decimals,
    ),
    Difference(
        name="too long",
        why="No number of seconds and no date needs more than 64 characters. urllib3 makes a "
        "pause of them, mostly its longest.",
        change=_too_long,
    ),
    Difference(
        name="no such date",
        why="urllib3 makes 2 March of 30 February and the next minute of a 99th second. A date "
        "that doesn't exist says nothing here, a leap second included.",
        change=_no_such_date,
    ),
    Difference(
        name="own Date",
        why="urllib3 compares a date with the clock of this machine. Here it counts from the "
        "answer's own Date, so that a wrong clock on either side does no harm.",
        change=_by_its_own_clock,
    ),
    Difference(
        name="at most an hour",
        why="urllib3 waits up to six hours. Some services send days or timestamps, and nobody "
        "waits for those.",
        change=_at_most_an_hour,
    ),
    Difference(
        name="no pause at all",
        why="Zero and dates that have passed are a pause of 0 s for urllib3, which asks again at "
        "once. Here they ask for nothing, and the gate makes its own guess.",
        change=_no_pause_at_all,
    ),
)
"""They apply in this order."""


@pytest.fixture(autouse=True)
def _same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let urllib3's clock show what ours is told.
    """
    monkeypatch.setattr(urllib3.util.retry, "time", SimpleNamespace(time=lambda: NOW))


def _theirs(header: Header) -> Pause:
    try:
        return float(Retry().parse_retry_after(header.text))
    except InvalidHeader:
        return None
    except (ValueError, OverflowError):
        return CRASH


def _ours(header: Header) -> float | None:
    headers = {"Retry-After": header.text}
    return retry_after(headers if header.date is None else {**headers, "Date": header.date}, NOW)


def test_every_difference_to_urllib3_is_one_that_is_explained() -> None:
    """
    Of 100,000 values: urllib3's pause, changed by the named differences, is ours to the digit.

    Each difference really occurs, and so do values of which both make the same.
    """
    unexplained: list[tuple[Header, Pause, Pause]] = []
    seen: Counter[str] = Counter()
    for header in headers(VALUES):
        theirs, ours = _theirs(header), _ours(header)
        seen["the same pause" if theirs is not None else "both junk"] += theirs == ours
        explained = theirs
        for difference in DIFFERENCES:
            before, explained = explained, difference.change(header, explained)
            seen[difference.name] += before != explained
        if explained != ours:
            unexplained.append((header, theirs, ours))

    assert [] == unexplained[:20]
    names = (*(difference.name for difference in DIFFERENCES), "the same pause", "both junk")
    assert {} == {name: seen[name] for name in names if seen[name] < 1_000}


@pytest.mark.parametrize(
    ("text", "date", "theirs", "ours"),
    [
        pytest.param("120", None, 120.0, 120.0, id="the same"),
        pytest.param("soon", None, None, None, id="junk for both"),
        pytest.param("9" * 5000, None, CRASH, None, id="crash"),
        pytest.param("1.5", None, None, 1.5, id="decimals"),
        pytest.param("0" * 64 + "5", None, 5.0, None, id="too long"),
        pytest.param("Tue, 14 Nov 2023 22:13:99 GMT", None, 78.75, None, id="no such date"),
        pytest.param(
            "Tue, 14 Nov 2023 22:13:50 GMT",
            "Tue, 14 Nov 2023 22:13:40 GMT",
            29.75,
            10.0,
            id="own Date",
        ),
        pytest.param("86400", None, 21600.0, 3600.0, id="at most an hour"),
        pytest.param("0", None, 0.0, None, id="no pause at all"),
    ],
)
def test_one_example_of_each(text: str, date: str | None, theirs: Pause, ours: Pause) -> None:
    """
    What either parser makes of it.
    """
    header = Header(text, date)

    assert (theirs, ours) == (_theirs(header), _ours(header))
