"""
What is wrong, for programs: problem details (RFC 9457), with one status for each error class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import attrs
from aiohttp import web

import seedcore
from seedcore import SeedcoreError
from seedcore.surface.plain import plain
from seedcore.surface.shown import ShownError, seconds_until, shown_error

STATUS: Mapping[type[SeedcoreError], int] = {
    seedcore.SeedcoreError: 500,
    seedcore.SettingsError: 400,
    seedcore.PluginError: 503,
    seedcore.UnknownProviderError: 404,
    seedcore.UnknownOperationError: 404,
    seedcore.BrokenPluginError: 503,
    seedcore.IncompatiblePluginError: 503,
    seedcore.ProviderClashError: 503,
    seedcore.DisabledProviderError: 503,
    seedcore.UnconfiguredProviderError: 503,
    seedcore.DatabaseError: 503,
    # The draft of Idempotency-Key: the same key with another body can't be processed.
    seedcore.DuplicateCallError: 422,
    seedcore.RevealError: 404,
    seedcore.ProviderError: 502,
    seedcore.ProviderTimeoutError: 504,
    seedcore.ProviderUnavailableError: 503,
    seedcore.CircuitOpenError: 503,
    seedcore.QueueFullError: 503,
    seedcore.DrainingError: 503,
    seedcore.ProviderRateLimitError: 429,
    seedcore.ProviderInvalidRequestError: 422,
    # Our credentials, not those of whoever asks.
    seedcore.ProviderAuthenticationError: 502,
    seedcore.PresetNotFoundError: 404,
    seedcore.InvalidPresetError: 422,
    seedcore.ProviderCapabilityError: 501,
    seedcore.ProviderResponseFormatError: 502,
    seedcore.SpoilerLeakError: 502,
    seedcore.PartialFailureError: 502,
}
"""The status of each class; a plugin's own class has that of what it is made from."""

NOT_DUE = 403
"""A spoiler log that may be seen later."""

RETRY_AFTER = {429: 5, 503: 5}
"""Seconds to wait where nothing says how long it takes."""

REFUSED: Mapping[str, str] = {
    "BadRequest": "What was sent can't be read, or names what doesn't exist.",
    "KeyNeeded": "A key is needed, or the one that was sent opens nothing.",
    "NotAllowed": "Whoever asks may not do this.",
    "NotFound": "There is nothing at this address.",
    "MethodNotAllowed": "This address doesn't know the method.",
    "TooLarge": "What was sent is too large.",
    "TooSlow": "What was sent took too long to arrive.",
    "TooManyRequests": "Too many requests; Retry-After says when to ask again.",
    "UnsupportedMediaType": "What was sent is not JSON, or is compressed.",
    "Unavailable": "This server can't do that right now.",
    "InternalError": "Something unexpected went wrong. This is a bug.",
}
"""What this server itself refuses, and each in a sentence."""


class Refusal(Exception):  # noqa: N818 - it is an answer
    """
    This server refuses a request: nobody else was asked.
    """

    def __init__(
        self, status: int, error: str, message: str, *, wait: float = 0, **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.wait = wait
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}


@attrs.frozen(kw_only=True)
class Problem:
    """
    What is answered in place of what was asked for.
    """

    status: int
    kind: str
    shown: ShownError
    headers: Mapping[str, str] = attrs.Factory(dict)

    def to_json(self) -> dict[str, Any]:
        """
        Return the problem details; what isn't known is left out.
        """
        facts = {
            "provider": self.shown.provider,
            "operation": self.shown.operation,
            "provider_message": self.shown.provider_message or None,
            "provider_status": self.shown.status_code,
            "attempts": None if self.kind in REFUSED else self.shown.attempts,
            "call_id": self.shown.call_id,
            "retry_at": self.shown.retry_at,
            "in_doubt": None if self.kind in REFUSED else self.shown.in_doubt,
            "stopped_by": self.shown.stopped_by,
        }
        known = {name: fact for name, fact in facts.items() if fact is not None}
        return {
            "type": f"/problems/{slug_of(self.kind)}",
            "title": title_of(self.kind),
            "status": self.status,
            "detail": self.shown.message,
            "error": self.shown.type,
            **plain(known),
        }


def problem_of(error: Exception) -> Problem:
    """
    Return what to answer for *error*, whatever it is.
    """
    if isinstance(error, Refusal):
        return _of_refusal(error)
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    shown = shown_error(error)
    if not isinstance(error, SeedcoreError):
        return Problem(status=500, kind="InternalError", shown=shown)
    kind = next(each for each in type(error).__mro__ if each in STATUS)
    status, due = STATUS[kind], getattr(error, "due_at", None)
    if due is not None:
        status = NOT_DUE
    wait = seconds_until(shown.retry_at or due) or RETRY_AFTER.get(status)
    headers = {"Retry-After": str(wait)} if wait else {}
    return Problem(status=status, kind=kind.__name__, shown=shown, headers=headers)


def _of_refusal(error: Refusal) -> Problem:
    headers = dict(error.headers)
    if error.wait or error.status in RETRY_AFTER:
        wait = error.wait or RETRY_AFTER[error.status]
        headers["Retry-After"] = str(max(1, int(-(-wait // 1))))
    shown = ShownError(type=error.error, message=error.message)
    return Problem(status=error.status, kind=error.error, shown=shown, headers=headers)


_OF_HTTP: Mapping[int, tuple[str, str]] = {
    404: ("NotFound", "There is nothing at this address."),
    405: ("MethodNotAllowed", "This address doesn't know the method."),
    413: ("TooLarge", "The body is too large; 1 MiB is the most."),
}


def _of_http(error: web.HTTPException) -> Problem:
    kind, message = _OF_HTTP.get(
        error.status, ("BadRequest", f"{HTTPStatus(error.status).phrase}.")
    )
    kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    if "Allow" in kept:
        message = f"This address takes {kept['Allow'].replace(',', ', ')} only."
    shown = ShownError(type=kind, message=message)
    return Problem(status=error.status, kind=kind, shown=shown, headers=kept)


def answer_of(problem: Problem) -> web.Response:
    """
    Return *problem* as ``application/problem+json``.
    """
    return web.json_response(
        problem.to_json(),
        status=problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def slug_of(kind: str) -> str:
    """
    Return how *kind* is written in an address: ``ProviderTimeoutError`` is provider-timeout.
    """
    return _CAPITAL.sub("-", kind.removesuffix("Error") or kind).lower()


def title_of(kind: str) -> str:
    """
    Return what *kind* means, in a sentence.
    """
    if kind in REFUSED:
        return REFUSED[kind]
    documented = {each.__name__: each for each in STATUS}[kind].__doc__ or ""
    return " ".join(documented.strip().partition("\n\n")[0].split())


def kinds() -> dict[str, str]:
    """
    Return every kind of problem by how it is written in an address.
    """
    return {slug_of(kind): kind for kind in (*(each.__name__ for each in STATUS), *REFUSED)}
