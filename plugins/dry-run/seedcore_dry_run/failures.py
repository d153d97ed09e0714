"""
Every error that a surface must be able to show, by a name that a person can type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import attrs

from seedcore import (
    CircuitOpenError,
    DrainingError,
    InvalidPresetError,
    PartialFailureError,
    PresetNotFoundError,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    QueueFullError,
    SpoilerLeakError,
)

Failure = Literal[
    "unavailable",
    "timeout",
    "rate-limit",
    "invalid-request",
    "invalid-preset",
    "preset-not-found",
    "authentication",
    "capability",
    "format",
    "spoiler-leak",
    "partial",
    "plugin-bug",
    "circuit-open",
    "queue-full",
    "draining",
]


@attrs.frozen
class Wish:
    """
    How an attempt is to fail: the site's words, and the pause it asks for in seconds.
    """

    message: str
    retry_after: float


def _partial(wish: Wish) -> Exception:
    text = wish.message or "the room is open, its players are not invited"
    return PartialFailureError(text, created="dry-run-room", completed_steps=["open"])


FAILURES: Mapping[str, Callable[[Wish], Exception]] = {
    "unavailable": lambda wish: ProviderUnavailableError(
        wish.message or "down for maintenance", status_code=503
    ),
    "timeout": lambda wish: ProviderTimeoutError(wish.message or "no answer came"),
    "rate-limit": lambda wish: ProviderRateLimitError(
        wish.message or "too many requests", status_code=429, retry_after=wish.retry_after
    ),
    "invalid-request": lambda wish: ProviderInvalidRequestError(
        wish.message or "these settings contradict each other", status_code=422
    ),
    "invalid-preset": lambda wish: InvalidPresetError(
        wish.message or "goal must be one of ganon, dungeons, pedestal"
    ),
    "preset-not-found": lambda wish: PresetNotFoundError(
        wish.message or "'seedcore call dry-run presets' lists them", status_code=404
    ),
    "authentication": lambda wish: ProviderAuthenticationError(
        wish.message or "the key is not known here", status_code=403
    ),
    "capability": lambda wish: ProviderCapabilityError(
        wish.message or "it makes no seeds for more than 8 players", status_code=501
    ),
    "format": lambda wish: ProviderResponseFormatError(
        wish.message or "its answer names no seed", status_code=200
    ),
    "spoiler-leak": lambda wish: SpoilerLeakError(
        wish.message or "it shows the locations of its items. The seed was thrown away"
    ),
    "partial": _partial,
    # Whatever a plugin raises by mistake: its words are not shown to anybody.
    "plugin-bug": lambda wish: KeyError(wish.message or "permalink"),
    # These are the runner's own. A surface that shows them needs no hundred calls to see one.
    "circuit-open": lambda wish: CircuitOpenError(wish.message),
    "queue-full": lambda wish: QueueFullError(wish.message),
    "draining": lambda wish: DrainingError(wish.message, retryable=False),
}
"""What each failure raises."""


def failure(name: Failure, wish: Wish) -> Exception:
    """
    Return what an attempt that fails as *name* raises.
    """
    return FAILURES[name](wish)
