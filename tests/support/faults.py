"""
The table of what went wrong and what that means.

It is written down from the contract ("Classification", "Effects", "Gate"), not from the code:
where the two differ one of them is wrong.
"""

from __future__ import annotations

import itertools
from email.utils import formatdate
from typing import Literal

import attrs

from seedcore import (
    Effect,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)

ATTEMPTS, PATIENCE, HOUR = 3, 5.0, 3600.0
BODILESS = (204, 304)
GUESSES = (2.0, 4.0, 8.0)
"""Pauses of a gate that nobody told how long."""

Retried = Literal["yes", "by effect", "no"]
Phase = Literal[
    "refused",  # nobody listens
    "reset before",  # the request is read and the connection reset
    "closed before",
    "reset on a kept connection",
    "reset in the head",
    "closed in the head",
    "reset in the body",
    "endless chunks",  # the connection is closed before the last
    "truncated",  # a shorter body than Content-Length says
    "hang",
    "hang in the body",
    "complete",
    "reset after",
    "raised",  # by the plugin, which has a client of its own or none
]


@attrs.frozen
class Row:
    """
    One line of the table. *doubtful*: it may have been done all the same.
    """

    what: str
    error: type[ProviderError]
    retried: Retried
    counts: bool
    gate: bool = False
    doubtful: bool = False


TIMEOUT = Row("timeout", ProviderTimeoutError, "by effect", counts=True, doubtful=True)
UNREACHED = Row("refused, DNS, TLS", ProviderUnavailableError, "yes", counts=True)
BROKEN = Row("reset, truncated", ProviderUnavailableError, "by effect", counts=True, doubtful=True)
PAUSE = Row("429", ProviderRateLimitError, "yes", counts=False, gate=True)
PAUSE_503 = Row(
    "503 with Retry-After",
    ProviderRateLimitError,
    "by effect",
    counts=False,
    gate=True,
    doubtful=True,
)
DOWN = Row("5xx", ProviderUnavailableError, "by effect", counts=True, doubtful=True)
UNABLE = Row("missing ability", ProviderCapabilityError, "no", counts=False)
UNKNOWN = Row("credentials", ProviderAuthenticationError, "no", counts=False)
INVALID = Row("other 3xx, 4xx", ProviderInvalidRequestError, "no", counts=False)
UNPROMISED = Row("not promised", ProviderResponseFormatError, "no", counts=True, doubtful=True)
BUG = Row("a bug", ProviderResponseFormatError, "no", counts=False, doubtful=True)

BY_STATUS: dict[int, Row] = {
    408: Row("408", ProviderTimeoutError, "by effect", counts=False, doubtful=True),
    425: Row("425", ProviderUnavailableError, "yes", counts=False),
    429: PAUSE,
    **dict.fromkeys((501, 505, 405, 415), UNABLE),
    **dict.fromkeys((401, 403, 407), UNKNOWN),
    **dict.fromkeys((500, 502, 503, 504, *range(520, 530)), DOWN),
    **dict.fromkeys((300, 301, 302, 303, 304, 305, 307, 308, 399), INVALID),
    **dict.fromkeys((400, 402, 404, 406, *range(409, 415), 416, 417, 418), INVALID),
    **dict.fromkeys((419, 420, 421, 422, 423, 424, 426, 428, 431, 444, 451, 460, 499), INVALID),
    # The table is silent about these: a server that failed in a way of its own is down.
    **dict.fromkeys((506, 507, 508, 510, 511, 530, 555, 598, 599), DOWN),
}

# ----------------------------------------------------------------- Retry-After


@attrs.frozen(kw_only=True)
class Form:
    """
    A way to write Retry-After; *seconds* are what it asks for, ``None`` for nothing at all.
    """

    name: str
    text: str | None = None
    date: str | None = None
    seconds: float | None = None

    @property
    def headers(self) -> dict[str, str]:
        """
        The headers of an answer that asks this way.
        """
        headers = {"Retry-After": self.text, "Date": self.date}
        return {name: text for name, text in headers.items() if text is not None}


_THEN = 1_000_000_000
_DATE = formatdate(_THEN, usegmt=True)

NONE = Form(name="none")
SECONDS = Form(name="seconds", text="2", seconds=2.0)
DATE = Form(name="date", text=formatdate(_THEN + 2, usegmt=True), date=_DATE, seconds=2.0)
JUNK = Form(name="junk", text="soon")
FORMS = (
    *(NONE, SECONDS, DATE, JUNK),
    Form(name="decimals", text="1.5", seconds=1.5),
    Form(name="more than the patience", text="30", seconds=30.0),
    Form(name="a later date", text="Sun, 09 Sep 2001 01:48:20 GMT", date=_DATE, seconds=100.0),
    Form(name="a date of long ago", text=_DATE),
    Form(name="negative", text="-5"),
    Form(name="zero", text="0"),
    Form(name="huge", text="999999999", seconds=HOUR),
    Form(name="a date in no year", text="Fri, 31 Feb 9999 23:59:59 GMT"),
)

# ----------------------------------------------------------------------- cases


@attrs.frozen(kw_only=True)
class Case:
    """
    One fault for one effect.

    The upstream goes on like this for ever, or answers well after it has done so *once*. An
    exception is *carried* where a client of another kind keeps its status.
    """

    phase: Phase
    effect: Effect
    status: int = 200
    form: Form = NONE
    content: str = "a page"
    once: bool = False
    carried: str | None = None
    raised: Exception | None = attrs.field(default=None, eq=False)
    row: Row | None = None

    def __str__(self) -> str:
        words = [self.phase, str(self.status), self.effect.value, self.form.name]
        words += [self.content] if self.status < 300 else []
        words += ["once"] if self.once else []
        return ", ".join([*words, *filter(None, (self.carried, repr(self.raised)))])


def row_of(case: Case) -> Row:
    """
    Return the line of the table that *case* falls under.
    """
    if case.row is not None:
        return case.row
    if case.phase == "refused":
        return UNREACHED
    if case.phase in ("hang", "hang in the body"):
        return TIMEOUT
    if "before" in case.phase or "head" in case.phase or "kept" in case.phase:
        return BROKEN
    if case.status < 400 and case.phase in ("reset in the body", "endless chunks", "truncated"):
        return BROKEN
    # The status of an error is what was to be said; a rest of its page that is missing is not.
    if case.status == 503 and case.form.seconds is not None:
        return PAUSE_503
    if case.status < 300:
        return BUG if case.content in ("another document", "a list") else UNPROMISED
    return BY_STATUS[case.status]


def pauses_of(case: Case) -> list[float]:
    """
    Return the pauses of a gate that fit into the patience, or one 0 per plain repetition.
    """
    row = row_of(case)
    if row.retried == "no" or (row.retried == "by effect" and case.effect is Effect.UNSAFE):
        return []
    if not row.gate:
        return [0.0] * (ATTEMPTS - 1)
    asked = case.form.seconds
    pauses = GUESSES if asked is None else (asked,) * 10
    fitting = [
        pause
        for pause, total in zip(pauses, itertools.accumulate(pauses), strict=True)
        if total <= PATIENCE
    ]
    # A 429 uses up no attempt.
    return fitting if row is PAUSE else fitting[: ATTEMPTS - 1]
