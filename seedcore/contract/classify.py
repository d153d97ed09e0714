"""
What an exception means: its error class, whether to retry, what the breaker learns.
"""

from __future__ import annotations

import datetime
import email.utils
import json
import math
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from typing import Any

import attrs

from seedcore.errors import (
    CircuitOpenError,
    DrainingError,
    PartialFailureError,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    QueueFullError,
)
from seedcore.model import Effect

LONGEST_PAUSE = 3600.0
"""A Retry-After beyond one hour is cut to it: some services send timestamps or days."""

PLUGIN_ERROR = "plugin_error"
SERVICE_UNAVAILABLE = 503


class Retry(Enum):
    """
    Whether another attempt is allowed.
    """

    NEVER = auto()
    BY_EFFECT = auto()
    """The upstream may have processed it: not for an unsafe operation."""
    ALWAYS = auto()
    """The upstream provably did not process it."""


class Lesson(Enum):
    """
    What the breaker learns from an attempt that failed.
    """

    FAILURE = auto()
    NEUTRAL = auto()
    ANSWERED = auto()
    """Neutral for a closed circuit; for a probe proof that the upstream is alive."""


@attrs.frozen
class Verdict:
    """
    A failed attempt, classified.
    """

    error: ProviderError
    retry: Retry
    lesson: Lesson
    closes_gate: bool = False

    def may_retry(self, effect: Effect) -> bool:
        """
        Whether an operation of *effect* may be attempted again.
        """
        if self.retry is Retry.BY_EFFECT:
            return effect is not Effect.UNSAFE
        return self.retry is Retry.ALWAYS

    @property
    def free(self) -> bool:
        """
        Whether it uses up neither an attempt nor the retry budget: a pure request to wait.
        """
        return self.closes_gate and self.error.status_code != SERVICE_UNAVAILABLE

    @property
    def maybe_processed(self) -> bool:
        """
        Whether the upstream may have done the work all the same.
        """
        return self.retry is Retry.BY_EFFECT or (
            isinstance(self.error, ProviderResponseFormatError)
            and self.error.reason != PLUGIN_ERROR
        )


@attrs.frozen(kw_only=True)
class Answer:
    """
    What an exception of an HTTP client says of the upstream's answer.
    """

    status: int
    headers: Mapping[str, str] = attrs.Factory(dict)
    body: str = ""


def status_verdict(answer: Answer, wall: float) -> Verdict:
    """
    Classify an HTTP answer by its status; *wall* is the time in epoch seconds.
    """
    status = answer.status
    pause = retry_after(answer.headers, wall)
    facts: dict[str, Any] = {"status_code": status, "retry_after": pause}
    words = provider_message(answer.body)
    if status == 429:
        limited = ProviderRateLimitError(words, **facts)
        return Verdict(limited, Retry.ALWAYS, Lesson.NEUTRAL, closes_gate=True)
    if status == SERVICE_UNAVAILABLE and pause is not None:
        limited = ProviderRateLimitError(words, **facts)
        return Verdict(limited, Retry.BY_EFFECT, Lesson.NEUTRAL, closes_gate=True)
    if status in (501, 505):
        return Verdict(ProviderCapabilityError(words, **facts), Retry.NEVER, Lesson.NEUTRAL)
    if status >= 500:
        down = ProviderUnavailableError(words, **facts)
        return Verdict(down, Retry.BY_EFFECT, Lesson.FAILURE)
    if status == 408:
        return Verdict(ProviderTimeoutError(words, **facts), Retry.BY_EFFECT, Lesson.ANSWERED)
    if status == 425:
        return Verdict(ProviderUnavailableError(words, **facts), Retry.ALWAYS, Lesson.ANSWERED)
    if status in (401, 403, 407):
        refused = ProviderAuthenticationError(words, **facts)
        return Verdict(refused, Retry.NEVER, Lesson.NEUTRAL)
    if status in (405, 415):
        return Verdict(ProviderCapabilityError(words, **facts), Retry.NEVER, Lesson.ANSWERED)
    if status >= 300:
        invalid = ProviderInvalidRequestError(words, **facts)
        lesson = Lesson.ANSWERED if status >= 400 else Lesson.NEUTRAL
        return Verdict(invalid, Retry.NEVER, lesson)
    unexpected = ProviderResponseFormatError(words, **facts)
    return Verdict(unexpected, Retry.NEVER, Lesson.FAILURE)


Reader = Callable[[BaseException], "Answer | Verdict | None"]
_READERS: list[Reader] = []


def add_reader(reader: Reader) -> None:
    """
    Teach ``classify`` the exceptions of one more HTTP client.
    """
    _READERS.append(reader)


def classify(error: Exception, wall: float) -> Verdict:
    """
    Say what *error*, raised by a provider, means; *wall* is the time in epoch seconds.

    A ``ProviderError`` keeps its class. Otherwise the first of these along the chain of
    causes decides: what a reader knows, an int status as most clients carry it, a transport
    error of the standard library. Everything else is a bug of the plugin.
    """
    if isinstance(error, ProviderError):
        return _own_verdict(error, wall)
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        unreadable = ProviderResponseFormatError("its reply can't be read")
        return Verdict(unreadable, Retry.NEVER, Lesson.FAILURE)
    for exception in _causes(error):
        for reader in _READERS:
            reading = reader(exception)
            if isinstance(reading, Verdict):
                return reading
            if reading is not None:
                return status_verdict(reading, wall)
        answer = _answer_of(exception)
        if answer is not None:
            return status_verdict(answer, wall)
        verdict = _transport_verdict(exception)
        if verdict is not None:
            return verdict
    bug = ProviderResponseFormatError(
        f"its plugin failed with {type(error).__name__}; this is a bug of the plugin",
        reason=PLUGIN_ERROR,
    )
    return Verdict(bug, Retry.NEVER, Lesson.NEUTRAL)


_BY_CLASS: tuple[tuple[type[ProviderError], Retry, Lesson], ...] = (
    (CircuitOpenError, Retry.NEVER, Lesson.NEUTRAL),
    (QueueFullError, Retry.NEVER, Lesson.NEUTRAL),
    (DrainingError, Retry.NEVER, Lesson.NEUTRAL),
    (ProviderTimeoutError, Retry.BY_EFFECT, Lesson.FAILURE),
    (ProviderUnavailableError, Retry.BY_EFFECT, Lesson.FAILURE),
    (ProviderRateLimitError, Retry.ALWAYS, Lesson.NEUTRAL),
    (ProviderInvalidRequestError, Retry.NEVER, Lesson.NEUTRAL),
    (ProviderCapabilityError, Retry.NEVER, Lesson.NEUTRAL),
    (ProviderResponseFormatError, Retry.NEVER, Lesson.FAILURE),
)


def _own_verdict(error: ProviderError, wall: float) -> Verdict:
    """
    Classify an error that a plugin raised itself: its class is final, its cause refines it.
    """
    if error.call_id is not None:
        # Another provider's, called by this one: it had its own attempts and circuit.
        return Verdict(error, Retry.NEVER, Lesson.NEUTRAL)
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else None
    below = classify(cause, wall) if cause else None
    if below and below.error.reason == PLUGIN_ERROR:
        below = None
    if isinstance(error, PartialFailureError):
        retry = below.retry if below else Retry.NEVER
        return Verdict(error, retry, below.lesson if below else Lesson.NEUTRAL)
    retry, lesson = next(
        (rule[1:] for rule in _BY_CLASS if isinstance(error, rule[0])),
        (Retry.NEVER, Lesson.NEUTRAL),
    )
    status = error.status_code or (below.error.status_code if below else None)
    if below and type(below.error) is type(error):
        retry, lesson = below.retry, below.lesson
    elif lesson is Lesson.NEUTRAL and status and 400 <= status < 500:
        lesson = Lesson.NEUTRAL if status in (401, 403, 407, 429) else Lesson.ANSWERED
    if error.reason == PLUGIN_ERROR:
        lesson = Lesson.NEUTRAL
    if not error.retryable:
        retry = Retry.NEVER
    elif retry is Retry.NEVER and not isinstance(error, (CircuitOpenError, QueueFullError)):
        retry = Retry.BY_EFFECT
    if below:
        known = {"status_code": status, "retry_after": below.error.retry_after}
        missing = {key: fact for key, fact in known.items() if getattr(error, key) is None}
        error = error.filled(**missing) if missing else error
    return Verdict(error, retry, lesson, isinstance(error, ProviderRateLimitError))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """
    Yield *error* and what it was raised from, at most eight deep.

    An implicit ``__context__`` counts only below a transport error (requests raises its own
    that way): elsewhere a bug in an except block would pass for an outage.
    """
    exception: BaseException | None = error
    for _ in range(8):
        if exception is None:
            return
        yield exception
        implicit = exception.__context__ if isinstance(exception, OSError) else None
        exception = exception.__cause__ or implicit


def _answer_of(exception: BaseException) -> Answer | None:
    """
    Read the status of another client's exception (requests, httpx, most SDKs), if it has one.
    """
    response = getattr(exception, "response", None)
    for holder, name in (
        (exception, "status_code"),
        (exception, "status"),
        (response, "status_code"),
        (response, "status"),
    ):
        status = getattr(holder, name, None)
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            headers = getattr(holder, "headers", None) or getattr(response, "headers", None)
            body = _text_of(holder) or _text_of(response)
            return Answer(status=int(status), headers=_plain_headers(headers), body=body)
    return None


def _text_of(holder: object) -> str:
    # A response object may read from the network or raise in its ``text``: only a body that
    # is there already counts.
    try:
        text = getattr(holder, "text", None)
    except Exception:  # noqa: BLE001 - any client's property may raise anything
        return ""
    return text[:8192] if isinstance(text, str) else ""


def _plain_headers(headers: object) -> Mapping[str, str]:
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).title(): str(field) for name, field in headers.items()}


def _transport_verdict(exception: BaseException) -> Verdict | None:
    """
    Classify a transport error of the standard library or of a client built on it.
    """
    if isinstance(exception, TimeoutError):
        return Verdict(ProviderTimeoutError(), Retry.BY_EFFECT, Lesson.FAILURE)
    if isinstance(exception, OSError):
        never_sent = any(isinstance(cause, _NEVER_SENT) for cause in _causes(exception))
        retry = Retry.ALWAYS if never_sent else Retry.BY_EFFECT
        kind = ProviderTimeoutError if _says_timeout(exception) else ProviderUnavailableError
        return Verdict(kind(), retry, Lesson.FAILURE)
    return None


_NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


def _says_timeout(exception: BaseException) -> bool:
    # requests.Timeout is an OSError and no TimeoutError.
    return any("Timeout" in kind.__name__ for kind in type(exception).__mro__)


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """
    Return the seconds a Retry-After header asks for, ``None`` for none, zero or junk.

    Seconds may have decimals. A date is taken against the response's own Date header, so a
    wrong clock on either side does no harm, else against *wall*. At most one hour.
    """
    text = str(_header(headers, "Retry-After") or "").strip()
    if not text or len(text) > 64:
        return None
    seconds = _seconds(text)
    if seconds is None:
        moment = _date(text)
        if moment is None:
            return None
        now = _date(str(_header(headers, "Date") or ""))
        seconds = moment - (wall if now is None else now)
    return min(seconds, LONGEST_PAUSE) if seconds > 0 else None


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return headers.get(name) or headers.get(name.lower()) or headers.get(name.title())


def _seconds(text: str) -> float | None:
    # float() alone takes "1e9", "nan", "1_0" and digits of other scripts.
    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        return None
    seconds = float(text)
    return seconds if math.isfinite(seconds) else None


def _date(text: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def provider_message(body: str) -> str:
    """
    Return the upstream's own words: the JSON ``message``, ``error`` or ``detail``, or the text.

    A page of HTML is no message.
    """
    text = body.strip()
    if text[:1] in "{[":
        try:
            found = _json_message(json.loads(text))
        except ValueError:
            found = None
        except RecursionError:
            return ""
        return found if found is not None else ("" if text[:1] == "{" else text)
    return "" if text[:1] == "<" else text


def _json_message(document: object) -> str | None:
    if isinstance(document, str):
        return document
    if isinstance(document, Mapping):
        for key in ("message", "error", "detail"):
            found = _json_message(document.get(key))
            if found:
                return found
    return None
