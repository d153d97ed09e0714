"""
Rules about what goes over the wire.
"""

from __future__ import annotations

import itertools
import uuid
from collections import Counter

from seedcore.context import NAMESPACE
from seedcore.policy import Effect
from seedcore.testing.conformance.manners import operation_of
from seedcore.testing.conformance.rules import Broken, NotApplicable, Subject
from seedcore.testing.conformance.scripts import Scripted, failing
from seedcore.testing.conformance.trial import Trial, run
from seedcore.testing.replies import Reply, lost, status
from seedcore.testing.upstream import Received

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing, says HTTP."""
IDEMPOTENT = SAFE | {"PUT", "DELETE"}
"""Methods that may be repeated, says HTTP."""
MOST_PLACES = 5
"""Requests of one call at which faults are tried."""
TWO_ATTEMPTS = {"retry_enabled": True, "retry_max_attempts": 2}


async def lent_session(subject: Subject) -> None:
    """
    Only the lent session has the pool, the limits and the redirects of the contract.
    """
    first = subject.first
    if first.guard.elsewhere:
        text = (
            f"it asks {', '.join(first.guard.elsewhere)} with a client of its own. Use "
            "context.http in an 'async def'; a plain function reads its address from a setting, "
            "which the contract sets to '{upstream}'."
        )
        raise Broken(text)
    if not operation_of(subject).sync and len(first.requests) > first.lent:
        text = "it sends requests with a client of its own. Use context.http."
        raise Broken(text)


async def no_own_retries(subject: Subject) -> None:
    """
    Retries are the runner's: it knows the budget, the pause and who waits.
    """
    once = Counter(map(_what, subject.first.requests)) | Counter(map(_what, subject.later.requests))
    for fault in (status(500), status(503), status(429), Reply(cut="at_once")):
        for place in places(subject):
            trial = await run(subject.case, failing(fault, at=place))
            for what, times in Counter(map(_what, trial.requests)).items():
                if times > once[what]:
                    text = (
                        f"it sent {what} {times} times in one attempt. Let the failure out: "
                        "the runner tries again."
                    )
                    raise Broken(text)


def places(subject: Subject) -> list[int]:
    """
    Return the numbers of the requests at which faults are tried: the first few and the last.
    """
    sent = len(subject.later.requests)
    if not sent:
        before = len(subject.first.requests)
        text = "it sends no request" + (" but in its first call" if before else "")
        raise NotApplicable(text)
    return sorted({*range(min(sent, MOST_PLACES - 1)), sent - 1})


def _what(received: Received) -> str:
    return f"{received.method} {received.path}"


async def effect_true(subject: Subject) -> None:
    """
    What the runner may repeat is decided by the effect, so it must be so.
    """
    places(subject)
    effect = operation_of(subject).effect
    allowed = {Effect.READ: SAFE, Effect.IDEMPOTENT: IDEMPOTENT}.get(effect)
    for received in itertools.chain.from_iterable(subject.first.attempts):
        if allowed is not None and received.method not in allowed:
            text = (
                f"its effect is {effect}, and it sends {_what(received)}, which may change "
                "something each time. Declare "
                f"effect={_weaker(effect, received.method)}."
            )
            raise Broken(text)
    if effect in (Effect.IDEMPOTENT, Effect.KEYED):
        _check_same(effect, await _answer_lost(subject))


def _weaker(effect: Effect, method: str) -> str:
    others = ["'repeatable'", "'keyed' or 'unsafe'"]
    fits = effect is Effect.READ and method in IDEMPOTENT
    return ", ".join(["'idempotent'", *others] if fits else others)


def _check_same(effect: Effect, trial: Trial) -> None:
    if len(trial.attempts) < 2:
        return  # other rules say why it wasn't made again
    first, second = map(_by_what, trial.attempts[:2])
    for what, again in second.items():
        # What is sent only once, such as a login, has nothing to be compared with.
        for one, other in zip(first.get(what, ()), again, strict=False):
            if (one.target, one.body) != (other.target, other.body):
                text = (
                    f"its effect is {effect}, and its second attempt sends another {what} than "
                    "the first. Send the same, made of the request and context.idempotency_key."
                )
                raise Broken(text)


def _by_what(requests: list[Received]) -> dict[str, list[Received]]:
    sent: dict[str, list[Received]] = {}
    for received in requests:
        sent.setdefault(_what(received), []).append(received)
    return sent


async def _answer_lost(subject: Subject) -> Trial:
    """
    Make a call whose first answer is lost after the work was done, so that it is made again.
    """
    last = len(subject.later.requests) - 1
    script: Scripted = lambda _, number: lost() if number == last else None  # noqa: E731
    return await run(subject.case, script, limits=TWO_ATTEMPTS)


async def idempotency_key(subject: Subject) -> None:
    """
    With the key the upstream knows a repetition, and does the work once.
    """
    if operation_of(subject).effect is not Effect.KEYED:
        text = "the operation's effect isn't keyed"
        raise NotApplicable(text)
    places(subject)
    trial = await _answer_lost(subject)
    keys = {str(uuid.uuid5(NAMESPACE, call_id)) for call_id in trial.call_ids}
    sent = [*itertools.chain.from_iterable(trial.attempts)]
    bare = [received for received in sent if not any(_carries(received, key) for key in keys)]
    # One that only reads needs none, beside one that has it.
    lacking = bare if len(bare) == len(sent) else [one for one in bare if one.method not in SAFE]
    if lacking:
        text = (
            f"its {_what(lacking[-1])} carries no key. Send context.idempotency_key, in the "
            "header or field where the upstream wants it."
        )
        raise Broken(text)


def _carries(received: Received, key: str) -> bool:
    wanted = (key, key.replace("-", ""))
    texts = (received.target, received.body.decode("utf-8", "replace"), *received.headers.values())
    return any(one in text for one in wanted for text in texts)
