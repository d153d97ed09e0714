"""
Looks at every rule, one after another, and never hangs.

Each rule runs in a thread with an event loop of its own: a provider that blocks its loop for
ever blocks only that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import attrs

from seedcore.errors import (
    BrokenPluginError,
    ProviderTimeoutError,
    SeedcoreError,
    SettingsError,
    UnconfiguredProviderError,
    UnknownOperationError,
)
from seedcore.testing.conformance import guard
from seedcore.testing.conformance.case import Case, ContractError, case_of
from seedcore.testing.conformance.rules import (
    RULES,
    Broken,
    Limits,
    NotApplicable,
    Rule,
    Subject,
    rule,
)
from seedcore.testing.conformance.trial import Trial, first_call

Status = Literal["passed", "failed", "exempt", "not applicable", "not run"]
Result = TypeVar("Result")

BEAT = 0.05
"""Seconds between two signs of life of a rule's loop."""


class Stuck(Exception):  # noqa: N818 - a finding
    """
    A rule hit its limit; ``blocked`` says whether its event loop stood still.
    """

    def __init__(self, text: str, *, blocked: bool) -> None:
        super().__init__(text)
        self.blocked = blocked


@attrs.frozen(kw_only=True)
class Finding:
    """
    What came of one rule; ``reason`` says what is wrong, or why it was not looked at.
    """

    rule: str
    status: Status
    reason: str = ""
    seconds: float = 0.0

    @property
    def bad(self) -> bool:
        """
        Whether this is something to mend.
        """
        return self.status == "failed"


class Conformance:
    """
    One contract under examination, of the provider called *name* if that is known.

    ``problem`` is what keeps it from being examined at all.
    """

    def __init__(
        self, contract: type[Any], *, name: str | None = None, limits: Limits | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.problem: str | None = None
        self._case: Case | None = None
        self._first: Trial | None = None
        self._unusable = ""
        self._stuck: Stuck | None = None
        try:
            case = case_of(contract, tuple(RULES))
            self._case = attrs.evolve(case, name=name) if name else case
            self._begin(self._case)
        except ContractError as error:
            self.problem = str(error)

    @property
    def name(self) -> str | None:
        """
        The provider's name, where it is known.
        """
        return self._case.name if self._case else None

    @property
    def _limit(self) -> float:
        """
        Seconds that a rule may take: a provider that takes its time is called some twenty times.
        """
        return self.limits.rule + 20 * (self._first.seconds if self._first else 0.0)

    def findings(self, names: Sequence[str] = tuple(RULES)) -> Iterator[Finding]:
        """
        Yield what comes of each rule, as soon as it is known.
        """
        for name in names:
            yield self.finding(name)

    def finding(self, name: str) -> Finding:
        """
        Look at one rule.
        """
        started = time.perf_counter()
        status, reason = self._examine(rule(name))
        seconds = round(time.perf_counter() - started, 3)
        exempt = self._case.exempt.get(name) if self._case else None
        if exempt and status == "failed" and self._stuck is None:
            status, reason = "exempt", exempt
        elif exempt and status == "passed":
            status = "failed"
            reason = f"it is exempt ({exempt!r}), and holds. Take it out of exempt."
        return Finding(rule=name, status=status, reason=reason, seconds=seconds)

    def _examine(self, one: Rule) -> tuple[Status, str]:
        if self.problem or self._case is None:
            return "not run", self.problem or ""
        if self._stuck is not None and one.needs != "nothing":
            # Who hangs without blocking has outlived the limit of its attempt, too.
            culprit = "never-blocks" if self._stuck.blocked else "cancellable"
            return ("failed" if one.id == culprit else "not run"), str(self._stuck)
        if one.needs == "a success" and self._unusable:
            return "not run", self._unusable
        first = self._first
        if one.needs != "nothing" and first is None:
            return "not run", self._unusable
        subject = Subject(case=self._case, limits=self.limits, first=first)  # type: ignore[arg-type]
        try:
            in_a_thread(lambda: one.check(subject), self._limit, one.id)
        except Broken as error:
            return "failed", str(error)
        except NotApplicable as error:
            return "not applicable", str(error)
        except Stuck as error:
            self._stuck = error
            return "failed", str(error)
        return "passed", ""

    def _begin(self, case: Case) -> None:
        """
        Make the call once, as it is meant to succeed.
        """
        try:
            first = self._first = in_a_thread(
                lambda: first_call(case), self.limits.rule, "the first call"
            )
        except BrokenPluginError as error:
            self._unusable = f"it can't be loaded: {error}"  # hashable or hooks-valid say why
            return
        except SeedcoreError as error:
            msg = f"The call of the contract could not be made: {error}"
            raise ContractError(msg) from error
        except Stuck as error:
            self._stuck = error
            return
        if first.succeeded:
            return
        self._unusable = f"the call of its contract gives {first.outcome}"
        fault = _fault_of(case, first, self.limits)
        if fault is not None:
            raise ContractError(fault)


def _fault_of(case: Case, first: Trial, limits: Limits) -> str | None:
    """
    Return what the author must change so that the first call succeeds; ``None`` if a rule tells.
    """
    error = first.error
    if isinstance(error, UnknownOperationError):
        return str(error)
    if isinstance(error, UnconfiguredProviderError):
        needed = ", ".join(f"{name!r}: ..." for name in error.missing)
        return f"The provider needs settings. Add settings = {{{needed}}} to the contract."
    if isinstance(error, SettingsError):
        return f"The provider can't be called: {error}"
    if first.script_error is not None:
        said = f"{type(first.script_error).__name__}: {first.script_error}"
        return f"The contract's upstream failed: {said}."
    blocked = first.blocked > limits.block and isinstance(error, ProviderTimeoutError)
    if blocked or first.guard.elsewhere or any(ran.returned for ran in first.ran):
        return None
    if first.unanswered and isinstance(error, ProviderTimeoutError):
        return (
            f"The contract's upstream never answers {first.unanswered}. Its reply or upstream "
            "must be an answer with which the call succeeds."
        )
    advice = (
        "Give what the upstream answers on success as reply or upstream."
        if first.requests and not case.scripted
        else "Change request, settings, reply or upstream until the call succeeds."
    )
    return f"The call of the contract must succeed, and gives {first.outcome}. {advice}"


def in_a_thread(work: Callable[[], Awaitable[Result]], limit: float, what: str) -> Result:
    """
    Return what *work* returns, run in a thread with a loop of its own.

    Raises Stuck after *limit* seconds. What can be cancelled is; a thread whose loop is blocked
    is left behind.
    """
    life = _Life(work, f"conformance:{what}")
    try:
        value, error = life.outcome.get(timeout=limit)
    except queue.Empty:
        blocked = life.silent_for() > min(1.0, limit / 2)
        stuck = Stuck(_why(life.thread, limit, what, blocked=blocked), blocked=blocked)
        life.give_up()
        raise stuck from None
    life.thread.join(timeout=1.0)  # it closes its loop; what can't be closed stays behind
    if error is not None:
        raise error
    return value  # type: ignore[no-any-return]


class _Life:
    """
    A thread with an event loop, which does some work and shows that it still turns.
    """

    def __init__(self, work: Callable[[], Awaitable[Any]], name: str) -> None:
        self.outcome: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._work = work
        self._beat = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._working: asyncio.Task[None] | None = None
        root = logging.getLogger()
        self._before = sys.stdout, sys.stderr, root.handlers, root.level
        self.thread.start()

    def silent_for(self) -> float:
        """
        Return the seconds since the loop has last shown that it turns.
        """
        return time.monotonic() - self._beat

    def give_up(self) -> None:
        """
        Cancel the work, and let the guard of a thread that goes on be about that thread alone.
        """
        if self._loop is not None and self._working is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self._working.cancel)
        self.thread.join(timeout=0.2)
        if self.thread.is_alive():
            guard.confine(self.thread)
            root = logging.getLogger()
            sys.stdout, sys.stderr, root.handlers, level = self._before
            root.setLevel(level)

    def _live(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._working = asyncio.get_running_loop(), asyncio.current_task()
        # What a provider leaves open is told by a rule, not by the loop.
        self._loop.set_exception_handler(lambda *_: None)
        beating = asyncio.create_task(self._beat_on())
        try:
            self.outcome.put((await self._work(), None))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for it
            self.outcome.put((None, error))
        finally:
            beating.cancel()

    async def _beat_on(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(BEAT)


def _why(thread: threading.Thread, limit: float, what: str, *, blocked: bool) -> str:
    if not blocked:
        return f"{what} hasn't ended after its limit of {limit:.3g} s."
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented way
    place = ""
    if frame is not None:
        last = traceback.extract_stack(frame)[-1]
        place = f" in {last.name}, {last.filename}:{last.lineno}"
    return (
        f"{what} hit its limit of {limit:.3g} s: the event loop is blocked{place}. Await what "
        "takes long, or make the function plain ('def'): it gets a thread then."
    )
