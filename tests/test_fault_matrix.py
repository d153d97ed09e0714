"""
Every status in every phase for every effect, with every Retry-After, against the table.

What has to come out is computed from ``support.faults``, which is the table of the contract. Each
case has a provider of its own, so that no gate, circuit or budget knows of the case before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from seedcore import Effect
from seedcore.testing.upstream import FaultUpstream
from support.fault_bench import Bench, Outcome
from support.fault_cases import groups
from support.faults import ATTEMPTS, GUESSES, HOUR, PAUSE, Case, pauses_of, row_of

GROUPS = dict(groups())
LEAST_CASES = 2_000


def expected(case: Case) -> Outcome:
    """
    Return what the table says about *case*.
    """
    row, pauses = row_of(case), pauses_of(case)
    asked = 2 if case.once else len(pauses) + 1
    refused_doubt = row.retried == "by effect" and case.effect is Effect.UNSAFE
    attempts_over = len(pauses) + 1 == ATTEMPTS and row is not PAUSE
    if case.once:
        stopped_by = None
    elif row.retried == "no":
        stopped_by = "permanent"
    elif refused_doubt:
        stopped_by = "in_doubt"
    else:
        stopped_by = "patience" if row.gate and not attempts_over else "attempts"
    failures = (asked - case.once) * row.counts
    history = "1" * (1 + failures) + ("0" if case.once else "")
    fails_its_call = row.counts and not case.once
    return Outcome(
        error="4711" if case.once else row.error.__name__,
        asked=asked,
        attempts=asked,
        stopped_by=stopped_by,
        in_doubt=not case.once and row.doubtful and case.effect is Effect.UNSAFE,
        duplicate=case.once and row.doubtful and case.effect is Effect.REPEATABLE,
        status_code=case.status if _tells_its_status(case) and not case.once else None,
        history=history,
        calls_failed=0 if case.once else 1 + fails_its_call,
        gate_closed=row.gate and not case.once,
        announced=asked - 1,
    )


def _tells_its_status(case: Case) -> bool:
    if case.phase == "raised":
        return case.carried is not None
    if case.phase in ("reset in the body", "endless chunks", "truncated"):
        return case.status >= 400
    # Of a document that can't be read only the reader's own error is left.
    told = case.status >= 300 or case.content in ("a page", "untyped")
    return case.phase in ("complete", "reset after") and told


def retry_at_is_right(case: Case, outcome: Outcome) -> bool:
    """
    Whether ``retry_at`` is there if waiting was too long, and never before or long after it.
    """
    row, pauses = row_of(case), pauses_of(case)
    if not row.gate or case.once:
        return outcome.retry_in is None
    if outcome.retry_in is None:
        return outcome.stopped_by != "patience"
    # The gate's first guess is 2 s, and it doubles.
    asked = case.form.seconds or 2.0 ** (len(pauses) + 1)
    # A jitter of a tenth, at most 1 s, is only ever added; what passed meanwhile is real time.
    return asked - 1.0 < outcome.retry_in <= min(asked, HOUR) + min(1.0, asked / 10) + 0.001


def waits_are_right(case: Case, outcome: Outcome) -> bool:
    """
    Whether each repetition came after its second or two, or when the upstream wanted it.

    A jitter of a tenth, at most 1 s, is only ever added.
    """
    pauses = pauses_of(case)[: outcome.asked - 1]
    if not row_of(case).gate:
        return outcome.slept == [1.0, 2.0][: len(pauses)] and not outcome.pauses
    closed = outcome.asked - case.once
    wanted = GUESSES[:closed] if case.form.seconds is None else [case.form.seconds] * closed
    return (
        len(outcome.pauses) == closed
        and all(
            asked <= pause <= asked + min(1.0, asked / 10) + 0.001
            for asked, pause in zip(wanted, outcome.pauses, strict=True)
        )
        # Some of the pause has really passed by the time that somebody waits for the rest.
        and len(outcome.slept) == len(pauses)
        and all(
            pause - 0.5 < slept <= pause + 0.001
            for pause, slept in zip(outcome.pauses, outcome.slept, strict=False)
        )
    )


# -------------------------------------------------------------------- the tests


@pytest.fixture
async def bench(upstream: FaultUpstream) -> AsyncIterator[Bench]:
    """
    A runner and an upstream.
    """
    bench = Bench(upstream)
    async with bench.runner:
        yield bench


@pytest.mark.parametrize("group", GROUPS)
async def test_the_table_holds(group: str, bench: Bench) -> None:
    """
    Error, requests on the wire, doubt, pauses, breaker and reason are those of its line.
    """
    differences = []
    for case in GROUPS[group]:
        outcome = await bench.run(case)
        if wrong := outcome.differences(expected(case)):
            differences.append(f"{case}: {wrong}")
        if not retry_at_is_right(case, outcome):
            differences.append(f"{case}: retry_at in {outcome.retry_in} s, {outcome.stopped_by}")
        if not waits_are_right(case, outcome):
            differences.append(f"{case}: it waited {outcome.slept}, gate {outcome.pauses}")

    assert "" == "\n".join(differences)


def test_the_matrix_is_large_and_has_no_case_twice() -> None:
    """
    More than 2,000 different cases: every effect, phase, line of the table and Retry-After.
    """
    cases = [case for group in GROUPS.values() for case in group]

    assert LEAST_CASES <= len({str(case) for case in cases}) == len(cases)
    assert set(Effect) == {case.effect for case in cases}
    seen = Counter(row_of(case).what for case in cases)
    assert {} == {what: count for what, count in seen.items() if count < 10}
