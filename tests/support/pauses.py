"""
Retry-After headers as services send them, and as no service should.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random

import attrs

NOW = 1_700_000_000.25
"""Tue, 14 Nov 2023 22:13:20 GMT and a quarter: most dates are near it."""


@attrs.frozen
class Header:
    """
    One Retry-After, and the Date of the same answer, if it has one.
    """

    text: str
    date: str | None = None


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPACES = ("", "", "", " ", "  ", "\t", " \t ", "\r\n", "\x0b", "\u00a0", "\u2003")
_SIGNS = ("", "", "", "+", "-", "--", "+-", "\u2212")
_DIGITS = ("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")
_ODD = "0159.-+eE_x:,; \t\x00\u0665\uff11\u00b2\u202eGMTueNov"
_WORDS = (
    *("nan", "inf", "-inf", "Infinity", "1e3", "1_000", "0x10", "soon", "never", "null", "true"),
    *("5s", "PT30S", "1,5", "1:30", "60;q=1"),
)


def _whole(rng: Random) -> str:
    return str(rng.choice((0, rng.randrange(10), rng.randrange(4000), rng.randrange(30_000))))


def _huge(rng: Random) -> str:
    length = rng.choice((rng.randint(5, 12), rng.randint(60, 70), 400, 5000))
    return str(rng.randint(1, 9)) + "".join(rng.choices(_DIGITS[0], k=length - 1))


def _zeros(rng: Random) -> str:
    return "0" * rng.choice((1, 2, 5, 62, 70)) + _whole(rng)


def _decimal(rng: Random) -> str:
    whole, broken = rng.choice(("", _whole(rng))), rng.choice(("", _whole(rng)))
    return rng.choice((f"{whole}.{broken}", f"{rng.uniform(0, 5000):.3f}", f"{whole}.{broken}.1"))


def _signed(rng: Random) -> str:
    return rng.choice(_SIGNS) + rng.choice((_whole, _decimal))(rng)


def _foreign(rng: Random) -> str:
    translated = _whole(rng).translate(str.maketrans(*_DIGITS))
    return rng.choice((translated, _whole(rng) + translated, _whole(rng) + "\u00b2", "\u00bd"))


def _junk(rng: Random) -> str:
    return rng.choice((rng.choice(_WORDS), "".join(rng.choices(_ODD, k=rng.randrange(70)))))


def _date(rng: Random) -> str:
    """
    Return a date in one of the three forms of HTTP, mostly near now.
    """
    spread = rng.choice((10, 5_000, 10**6, 10**9))
    moment = time.gmtime(max(0.0, NOW + rng.uniform(-spread, spread)))
    form = rng.choice(("%a, %d %b %Y %H:%M:%S GMT", "long", "%a %b %d %H:%M:%S %Y"))
    if form == "long":
        form = f"{_WEEKDAYS[moment.tm_wday]}, %d-%b-%y %H:%M:%S GMT"
    return time.strftime(form, moment)


def _zoned(rng: Random) -> str:
    zone = rng.choice(("+0000", "-0000", "+0100", "-1130", "EST", "UT", "Z", "", "+2359", "+9930"))
    return _date(rng).replace("GMT", zone)


def _off_the_calendar(rng: Random) -> str:
    day = rng.choice(("30 Feb", "31 Nov", "00 Nov", "32 Nov", "14 Nov"))
    year = rng.choice(("2023", "2023", "0000", "10000", "99999"))
    clock = rng.choice(("22:13:60", "24:00:00", "22:60:00", "22:13:99", "22:13:50"))
    return f"Tue, {day} {year} {clock} GMT"


def _broken_date(rng: Random) -> str:
    characters = list(rng.choice((_date, _off_the_calendar))(rng))
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(characters))
        characters[place] = rng.choice(("", " ", rng.choice(_ODD), characters[place] * 2))
    return "".join(characters)


_KINDS: tuple[Callable[[Random], str], ...] = (
    *(_whole, _huge, _zeros, _decimal, _signed, _foreign, _junk),
    *(_date, _date, _zoned, _off_the_calendar, _broken_date),
)


def headers(count: int) -> Iterator[Header]:
    """
    Yield *count* values, the same in every run: each kind in turn.
    """
    rng = Random(20_260_101)
    for number in range(count):
        text = rng.choice(_SPACES) + _KINDS[number % len(_KINDS)](rng) + rng.choice(_SPACES)
        date = rng.choice((None, None, _date, _broken_date))
        yield Header(text, date(rng) if date else None)
