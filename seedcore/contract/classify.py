"""
What an exception means: its error class, whether to retry, what the breaker learns.
"""

from __future__ import annotations

import datetime
import email.utils
import json
import math
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import attrs

from seedcore.contract import clients
from seedcore.contract.clients import Answer, Fault
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
from seedcore.policy import Effect

LONGEST_PAUSE = 3600.0
"""A Retry-After beyond one hour is cut to it: some services send timestamps or days."""

MOST_ITEMS = 10
"""Messages of a list that are shown."""
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
    here: bool = False
    """It failed on this machine, which says nothing about the provider to any other."""
    forbidden: bool = False
    """Its plugin says that asking again is useless; that leaves the other facts as they are."""

    def may_retry(self, effect: Effect) -> bool:
        """
        Whether an operation of *effect* may be attempted again.
        """
        if self.forbidden:
            return False
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
        return self.retry is Retry.BY_EFFECT or isinstance(self.error, ProviderResponseFormatError)


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


def classify(error: Exception, wall: float) -> Verdict:
    """
    Say what *error*, raised by a provider, means; *wall* is the time in epoch seconds.

    A ``ProviderError`` keeps its class. Otherwise what the exception of an HTTP client or of
    the standard library says decides. Everything else is a bug of the plugin.
    """
    error = _leaf(error)
    if isinstance(error, ProviderError):
        return _own_verdict(error, wall)
    reading = clients.read(error)
    if isinstance(reading, Answer):
        return status_verdict(reading, wall)
    if reading is not None:
        return fault_verdict(reading)
    return bug(error)


def bug(error: Exception) -> Verdict:
    """
    Classify a mistake of the plugin, which is no outage.
    """
    text = f"its plugin failed with {type(error).__name__}; this is a bug of the plugin"
    mistake = ProviderResponseFormatError(text, reason=PLUGIN_ERROR)
    return Verdict(mistake, Retry.NEVER, Lesson.NEUTRAL)


def _leaf(error: Exception) -> Exception:
    """
    Return what a TaskGroup failed with: a ProviderError if there is one, else the first.
    """
    while isinstance(error, ExceptionGroup):
        inner = error.exceptions
        error = next((each for each in inner if isinstance(each, ProviderError)), inner[0])
    return error


def fault_verdict(fault: Fault) -> Verdict:
    """
    Classify an exchange that broke.
    """
    if issubclass(fault.error, ProviderResponseFormatError):
        return Verdict(fault.error(fault.words), Retry.NEVER, Lesson.FAILURE)
    retry = Retry.ALWAYS if fault.never_sent else Retry.BY_EFFECT
    return Verdict(fault.error(fault.words), retry, Lesson.FAILURE, here=fault.here)


_BY_CLASS: tuple[tuple[type[ProviderError], Retry, Lesson], ...] = (
    (CircuitOpenError, Retry.NEVER, Lesson.NEUTRAL),
    (QueueFullError, Retry.NEVER, Lesson.NEUTRAL),
    (DrainingError, Retry.BY_EFFECT, Lesson.NEUTRAL),
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
    if (
        error.retryable
        and retry is Retry.NEVER
        and not isinstance(error, (CircuitOpenError, QueueFullError))
    ):
        retry = Retry.BY_EFFECT
    if below:
        known = {"status_code": status, "retry_after": below.error.retry_after}
        missing: dict[str, Any] = {
            key: fact for key, fact in known.items() if getattr(error, key) is None
        }
        if below.error.provider_message and not error.provider_message:
            missing["provider_message"] = below.error.provider_message
        error = error.filled(**missing) if missing else error
    return Verdict(
        error,
        retry,
        lesson,
        closes_gate=isinstance(error, ProviderRateLimitError),
        here=below is not None and below.here,
        forbidden=not error.retryable,
    )


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
    text = body.strip().lstrip("\ufeff").strip()
    if text[:1] in "{[":
        try:
            return _json_message(json.loads(text)) or ""
        except ValueError:
            return "" if text[:1] == "{" else text
        except RecursionError:
            return ""
    return "" if text[:1] == "<" else text


def _json_message(document: object) -> str | None:
    if isinstance(document, str):
        return document
    if isinstance(document, Mapping):
        for key in ("message", "error", "detail", "msg"):
            found = _json_message(document.get(key))
            if found:
                return found
    if isinstance(document, list):
        texts = [text for item in document[:MOST_ITEMS] if (text := _json_message(item))]
        return "; ".join(texts) or None
    return None
