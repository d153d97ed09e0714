"""
Looks at every rule, one after another, and never hangs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import attrs

from seedcore.errors import (
    BrokenPluginError,
    ProviderTimeoutError,
    SeedcoreError,
    SettingsError,
    SpoilerLeakError,
    UnconfiguredProviderError,
    UnknownOperationError,
)
from seedcore.testing.conformance.case import Case, ContractError, case_of
from seedcore.testing.conformance.limited import Stuck, in_a_thread
from seedcore.testing.conformance.rules import (
    RULES,
    Broken,
    Limits,
    NotApplicable,
    Rule,
    Subject,
    rule,
)
from seedcore.testing.conformance.trial import Trial, first_call, run

Status = Literal["passed", "failed", "exempt", "not applicable", "not run"]


@attrs.frozen(kw_only=True)
class Finding:
    """
    What came of one rule; ``reason`` says what is wrong, or why it was not looked at.
    """

    rule: str
    status: Status
    reason: str = ""
    seconds: float = 0.0


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
        self._later: Trial | None = None
        self._unusable = ""
        self._stuck: Stuck | None = None
        self._culprit = ""
        """The rule that the first call breaks, if that never ends or shows a spoiler."""
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
            return ("failed" if one.id == self._culprit else "not run"), str(self._stuck)
        if one.needs == "a success" and self._unusable:
            return ("failed" if one.id == self._culprit else "not run"), self._unusable
        first = self._first
        if one.needs != "nothing" and first is None:
            return "not run", self._unusable
        later = self._later or first
        subject = Subject(
            case=self._case,
            limits=self.limits,
            first=first,  # type: ignore[arg-type]
            later=later,  # type: ignore[arg-type]
        )
        try:
            in_a_thread(lambda: one.check(subject), self._limit, one.id)
        except Broken as error:
            return "failed", str(error)
        except NotApplicable as error:
            return "not applicable", str(error)
        except Stuck as error:
            self._stuck = error
            return "failed", str(error)
        except Exception as error:  # noqa: BLE001 - nothing may become a traceback
            return "failed", f"it could not be looked at: {type(error).__name__}: {error}"
        return "passed", ""

    def _begin(self, case: Case) -> None:
        """
        Make the call once, as it is meant to succeed.
        """
        try:
            first = self._first = in_a_thread(
                lambda: first_call(case), self.limits.rule, "the first call"
            )
            if first.succeeded and first.requests:
                self._later = in_a_thread(lambda: run(case), self.limits.rule, "the second call")
        except BrokenPluginError as error:
            self._unusable = f"it can't be loaded: {error}"  # hashable or hooks-valid say why
            return
        except SeedcoreError as error:
            msg = f"The call of the contract could not be made: {error}"
            raise ContractError(msg) from error
        except Stuck as error:
            # Who hangs without blocking has outlived the limit of its attempt, too.
            self._stuck, self._culprit = error, "never-blocks" if error.blocked else "cancellable"
            return
        if first.succeeded:
            if self._later and not self._later.succeeded:
                msg = f"The call succeeds once, and then gives {self._later.outcome}."
                raise ContractError(msg)
            return
        self._unusable = f"the call of its contract gives {first.outcome}"
        if isinstance(first.error, SpoilerLeakError):
            self._culprit = "race-no-spoiler"
            self._unusable += ". Show a spoiler only where request.spoilers is 'on'."
            return
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
    if isinstance(error, UnconfiguredProviderError) and error.missing:
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
