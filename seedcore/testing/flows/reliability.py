"""
The gate Reliability: each operation again, with faults before what the site answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from seedcore.errors import (
    PartialFailureError,
    ProviderError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    SeedcoreError,
)
from seedcore.events import Event
from seedcore.policy import Effect
from seedcore.testing.events import CapturedEvents
from seedcore.testing.flows.acts import Act, Overdue
from seedcore.testing.flows.bad_input import refuses
from seedcore.testing.flows.compared import between
from seedcore.testing.flows.faults import REFUSED, Fault, Faults
from seedcore.testing.flows.files import Flow
from seedcore.testing.flows.records import Noted, Subject
from seedcore.testing.flows.replay import Replayed
from seedcore.testing.flows.stage import Stage, staged
from seedcore.testing.replies import Reply, hanging, rate_limited, typed

PAUSE = 2.0
"""Seconds that the site asks to wait: fewer than the patience of any caller."""
SOON = 1.5
"""Seconds by which a call may end too late: a hanging answer leaps over whole ones."""
LOOK = ".poll"
"""What the name of an operation ends with where it is one look of a poll."""
DOWN = typed("text/html", "<!doctype html><title>503</title><h1>Service Unavailable</h1>", 503)


@attrs.frozen(kw_only=True)
class Trouble:
    """
    One way to fail; ``never_done`` says that the site provably did nothing.

    ``ends_in`` is what the caller gets of one that doesn't end; the others happen once.
    """

    what: str
    fault: Fault
    never_done: bool = False
    ends_in: type[ProviderError] | None = None


ONCE = (
    Trouble(what="a 503", fault=DOWN),
    Trouble(what="a refused connection", fault=REFUSED, never_done=True),
    Trouble(what="a connection that is reset", fault=Reply(cut="at_once")),
    Trouble(what=f"a 429 that asks for {PAUSE:g} s", fault=rate_limited(PAUSE), never_done=True),
    Trouble(what="an answer that never comes", fault=hanging()),
)
OUTAGES = (
    Trouble(what="503 for ever", fault=DOWN, ends_in=ProviderUnavailableError),
    Trouble(
        what="nobody listens, for ever",
        fault=REFUSED,
        never_done=True,
        ends_in=ProviderUnavailableError,
    ),
    Trouble(
        what="429 for ever",
        fault=rate_limited(PAUSE),
        never_done=True,
        ends_in=ProviderRateLimitError,
    ),
    Trouble(what="answers never come", fault=hanging(), ends_in=ProviderTimeoutError),
)

Tell = Callable[[Any, str, int, int], None]


async def reliability(
    subject: Subject, played: Mapping[str, Replayed], noted: Noted, tell: Tell
) -> str | None:
    """
    Look at each operation once per fault; return what was looked at, or ``None`` for nothing.

    *played* are the replays without faults, by file.
    """
    remote, local = _chosen(subject, played)
    for flow in [flow for flow in local if flow.today.get("sends")]:
        local.remove(flow)
        noted.find(flow, flow.operation, "no flow of it gets as far as the site, see Behaviour")
    trials = [(flow, trouble) for flow in remote for trouble in (*ONCE, *OUTAGES)]
    steps = len(trials) + len(local)
    looked: list[str] = []
    if remote:
        names = ", ".join(flow.operation for flow in remote)
        looked.append(f"{names} under {len(ONCE)} faults and {len(OUTAGES)} outages")
    for number, (flow, trouble) in enumerate(trials, 1):
        if flow.file in noted.overdue:
            continue
        tell("Reliability", f"{flow.file}, {trouble.what}", number, steps)
        if trouble.ends_in is not None:
            await _gives_up(subject, flow, trouble, noted)
        elif await _survives(subject, flow, played[flow.file], trouble, noted):
            looked.append(f"{flow.operation} fails at its own deadline after {trouble.what}")
    for number, flow in enumerate(local, len(trials) + 1):
        tell("Reliability", f"{flow.file}, bad input", number, steps)
        if await refuses(subject, flow, noted):
            looked.append(f"{flow.operation}, which asks no site, with bad input")
    return "; ".join(looked) or None


def _chosen(subject: Subject, played: Mapping[str, Replayed]) -> tuple[list[Flow], list[Flow]]:
    """
    Return a flow for each operation that asks a site, and for each that asks none.

    It is one that succeeds, at best at once, and sends the least; or one that should have asked.
    """
    by_operation: dict[str, list[Flow]] = {}
    for flow in subject.flows:
        if flow.file in played:
            by_operation.setdefault(flow.operation, []).append(flow)
    remote: list[Flow] = []
    local: list[Flow] = []
    for flows in by_operation.values():
        asking = [flow for flow in flows if played[flow.file].sends]

        def rank(flow: Flow) -> tuple[bool, int, int]:
            replay = played[flow.file]
            return replay.act.error is not None, len(_retries(replay.events)), len(replay.sends)

        meant = [flow for flow in flows if flow.today.get("sends")]
        (remote if asking else local).append(min(asking or meant or flows, key=rank))
    return remote, local


async def _survives(
    subject: Subject, flow: Flow, before: Replayed, trouble: Trouble, noted: Noted
) -> bool:
    """
    Replay *flow* after one fault, and compare with what came *before*, without it.

    Returns whether it rightly failed all the same: a poll may have a deadline of its own that is
    over before a hanging answer is given up.
    """
    place = f"{flow.operation} after {trouble.what}"
    with noted.replaying(flow) as folder:
        subject.check(flow)
        registry = subject.registry()
        async with staged(
            flow, folder, registry, prepare=subject.put_in_place, as_set=True
        ) as stage:
            act = await stage.act(faults=Faults(first=(trouble.fault,)))
        failed = _failed(stage.events)
        if isinstance(act.error, Overdue):
            noted.overdue.add(flow.file)
            noted.find(flow, place, f"{act.error}. Let the failure out: the runner tries again.")
        elif act.error is not None and not isinstance(act.error, SeedcoreError):
            noted.find(flow, place, f"a call raises {act.outcome}, which is no SeedcoreError")
        elif not failed:
            text = (
                f"the runner never saw it fail, and the caller got {act.outcome}: the provider "
                "hides it, or tries again by itself. Let the failure out: the runner tries again."
            )
            noted.find(flow, place, text)
        elif _effect(stage, failed[0]) is Effect.UNSAFE and not trouble.never_done:
            if _retries(stage.events) or not getattr(act.error, "in_doubt", False):
                text = (
                    f"it is unsafe and may have been done, so it must end in doubt: {act.outcome}"
                )
                noted.find(flow, place, text)
        elif _own_deadline_is_over(act, trouble):
            return True
        else:
            for where, problem in _as_before(stage, act, before, trouble):
                noted.find(flow, f"{place}: {where}", problem)
    return False


def _own_deadline_is_over(act: Act, trouble: Trouble) -> bool:
    error = act.error
    hangs = isinstance(trouble.fault, Reply) and trouble.fault.delay > 0
    return hangs and isinstance(error, ProviderTimeoutError) and error.stopped_by == "deadline"


def _as_before(
    stage: Stage, act: Act, before: Replayed, trouble: Trouble
) -> Iterator[tuple[str, str]]:
    """
    Yield how a call whose first attempt failed differs from one that had no such trouble.
    """
    if (act.error is None) != (before.act.error is None):
        yield "outcome", f"without it {before.act.outcome}, now {act.outcome}"
        return
    retries = len(_retries(stage.events)) - len(_retries(before.events))
    if retries != 1:
        yield "attempts", f"1 more attempt was to be made, and {retries} were"
    yield from between("gets", before.act.gets, act.gets)
    waited = sum(stage.clock.slept)
    if isinstance(trouble.fault, Reply) and trouble.fault.status == 429 and waited < PAUSE:
        yield "pause", f"the site asks for {PAUSE:g} s, and {waited:.1f} s were waited"


async def _gives_up(subject: Subject, flow: Flow, outage: Trouble, noted: Noted) -> None:
    """
    Replay *flow* while the site is down, and look at what the caller gets.
    """
    place = f"{flow.operation}, {outage.what}"
    with noted.replaying(flow) as folder:
        subject.check(flow)
        registry = subject.registry()
        async with staged(
            flow, folder, registry, prepare=subject.put_in_place, as_set=True
        ) as stage:
            act = await stage.act(faults=Faults(first=(outage.fault,), for_ever=True))
        for problem in _wrong_end(stage, act, outage):
            noted.find(flow, place, problem)


def _wrong_end(stage: Stage, act: Act, outage: Trouble) -> Iterator[str]:
    """
    Yield what is wrong with how a call ended; a poll may go on until its deadline.
    """
    error, expected = act.error, outage.ends_in
    assert expected is not None
    if not isinstance(error, ProviderError):
        yield f"{expected.__name__} was to come, and {act.outcome} did"
        return
    patient = isinstance(error, ProviderTimeoutError) and error.stopped_by == "deadline"
    if not patient and not isinstance(error, (expected, PartialFailureError)):
        yield f"{expected.__name__} was to come, and {act.outcome} did"
    names = {stage.flow.provider, *(event.provider for event in _failed(stage.events))}
    if not error.user_message.startswith(tuple(name for name in names if name)):
        yield f"the sentence must begin with who failed: {error.user_message[:100]!r}"
    provider = stage.runner.registry.load(stage.flow.provider)
    settings = stage.runner.settings.provider(provider.name, provider.declaration)
    total = settings.policy("interactive", stage.flow.operation).total_timeout
    if act.seconds > total + SOON:
        yield f"it took {act.seconds:.0f} s, and may take {total:g} s"
    failed = _failed(stage.events)
    unsafe = bool(failed) and _effect(stage, failed[0]) is Effect.UNSAFE
    if unsafe and error.in_doubt is outage.never_done:
        doubt = "nothing was done" if outage.never_done else "it may have been done"
        yield f"it is unsafe and {doubt}, and in_doubt is {error.in_doubt}: {act.outcome}"


def _effect(stage: Stage, event: Event) -> Effect:
    """
    Return the effect of the operation whose attempt an event is about.
    """
    name, operation = str(event.provider), str(event.operation)
    if operation.endswith(LOOK):
        return Effect.READ
    provider = stage.runner.registry.load(name)
    if operation == "generate":
        return stage.runner.settings.provider(name, provider.declaration).effect
    return provider.operations[operation].effect


def _failed(events: CapturedEvents) -> list[Event]:
    """
    Return the attempts that failed, in order.
    """
    return [event for event in events.named("attempt") if event.outcome != "success"]


def _retries(events: CapturedEvents) -> list[Event]:
    return events.named("attempt", outcome="retry")
