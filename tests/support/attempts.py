"""
What a provider answers, and the calls and attempts of processes as it sees them.
"""

from __future__ import annotations

import asyncio
import errno
import math
from collections.abc import Callable

import attrs

from seedcore import (
    ProviderAuthenticationError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    Seed,
)
from seedcore.events import Event
from support.expected import Lesson, Purse, Tally
from support.processes import Process


@attrs.frozen(kw_only=True)
class Answer:
    """
    What the provider answers, and what that teaches.
    """

    lesson: Lesson
    error: Callable[[], Exception] | None = None
    here: bool = False
    pause: float | None = None
    """Seconds of the pause it asks for; 0 for one without a length."""


def limited(seconds: float) -> Answer:
    """
    Return a 429 that asks for a pause.
    """

    def error() -> Exception:
        asked = seconds or None
        return ProviderRateLimitError("slow down", status_code=429, retry_after=asked)

    return Answer(lesson="neutral", error=error, pause=seconds)


SUCCESS = Answer(lesson="success")
FAILURE = Answer(lesson="failure", error=lambda: ConnectionResetError("gone"))
OFFLINE = Answer(
    lesson="failure",
    error=lambda: OSError(errno.ENETUNREACH, "Network is unreachable"),
    here=True,
)
GARBAGE = Answer(
    lesson="failure", error=lambda: ProviderResponseFormatError("a page instead of a seed")
)
"""Not what was promised: it is not asked for again."""
REFUSED = Answer(
    lesson="answered",
    error=lambda: ProviderInvalidRequestError("no such preset", status_code=404),
)
FORBIDDEN = Answer(
    lesson="neutral",
    error=lambda: ProviderAuthenticationError("who are you", status_code=401),
)
HELD = Answer(lesson="neutral")
"""None, until somebody gives one."""
ANSWERS = {
    "success": SUCCESS,
    "failure": FAILURE,
    "offline": OFFLINE,
    "garbage": GARBAGE,
    "404": REFUSED,
    "401": FORBIDDEN,
    "429": limited(0),
    "429 for 3 s": limited(3),
    "429 for 40 s": limited(40),
    "429 for days": limited(1e9),
    "held": HELD,
}


@attrs.define(eq=False)
class Attempt:
    """
    An attempt as the provider sees it, and what its process knew when it began.
    """

    call: Call
    began: float
    epoch: tuple[int, int]
    state: str
    answer: asyncio.Future[Answer]


@attrs.define(eq=False)
class Call:
    """
    One call of a process.
    """

    number: int
    process: Process
    patience: float
    plan: Answer
    made: float
    task: asyncio.Task[Seed] | None = None
    attempts: list[Attempt] = attrs.Factory(list)
    cancelled: bool = False
    successes_before: int | None = None
    """How many calls of its process had succeeded when it failed first."""

    @property
    def error(self) -> ProviderError | None:
        """
        Return what it ended with, if it has failed.
        """
        done = self.task is not None and self.task.done() and not self.task.cancelled()
        return self.task.exception() if done else None


@attrs.define(eq=False)
class Watched:
    """
    What is expected of one process, and what it was seen to do.
    """

    process: Process
    tally: Tally
    counted: tuple[int, int] = (0, 0)
    """The epoch that the tally is about."""
    purse: Purse | None = None
    changed: float = -math.inf
    changes: int = 0
    """Changes of its circuit so far: with its generation an epoch."""
    successes: int = 0
    informed_since: float = math.inf
    used_since: float = math.inf
    resumed: float = -math.inf
    ended: float = -math.inf
    """When the last of its attempts ended."""
    back: float = -math.inf
    lost: bool = False
    pause_until: float = 0.0
    expected: dict[str, int] = attrs.Factory(lambda: {"open": 0, "apart": 0})
    opened: int = 0
    knew: set[int] = attrs.Factory(set)
    """The generations in which it has opened the circuit."""
    apart: int | None = None
    """The revision of the shared row when it opened for itself alone."""
    owes: tuple[float, float] = (math.inf, 0.0)
    """When it was asked for its longest pause, and until when: the others have to hear that."""
    told: float = math.inf
    """When it opened for all."""
    failed_probes: int = 0
    log: list[tuple[Attempt, Answer, tuple[int, int]] | Event] = attrs.Factory(list)
