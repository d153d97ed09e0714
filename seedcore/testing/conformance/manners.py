"""
Rules about how a provider behaves in its caller's event loop.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any

from seedcore.model import Operation, Seed
from seedcore.testing.conformance.rules import Broken, NotApplicable, Subject
from seedcore.testing.conformance.trial import call, loaded, trial_of
from seedcore.testing.conformance.watching import longest_stop

TRIES = 3
"""Runs of which the best counts: a busy machine stops any of them for a while."""


async def promised_type(subject: Subject) -> None:
    """
    A Seed that shows something, or what the operation's annotation says.
    """
    first = subject.first
    ran = first.ran[-1] if first.ran else None
    if ran is None or not ran.returned:
        text = f"the call gives {first.outcome}"
        raise NotApplicable(text)
    value = first.value if first.succeeded else ran.value
    operation = operation_of(subject)
    if operation.rolls:
        _check_seed(value)
    else:
        method = getattr(subject.case.target, operation.name, operation.function)
        _check_annotation(method, value)


def operation_of(subject: Subject) -> Operation:
    """
    Return the operation under test.
    """
    return loaded(subject.case).operations[subject.case.operation]


def _check_seed(value: Any) -> None:
    if not isinstance(value, Seed):
        text = f"generate returns {type(value).__name__}, not a seedcore.Seed."
        raise Broken(text)
    if not value.text:
        text = "its Seed shows nothing. Set url, id or extra['text']: what a surface posts."
        raise Broken(text)


def _check_annotation(function: Callable[..., Any], value: Any) -> None:
    promised = _promised_by(function)
    if not _fits(value, promised):
        name = promised.__name__ if isinstance(promised, type) else promised
        text = f"it returns {type(value).__name__}, and its annotation says {name}."
        raise Broken(text)


def _promised_by(function: Callable[..., Any]) -> Any:
    """
    Return the type that *function* is annotated to return, ``None`` where that can't be told.
    """

    def alone() -> None:
        """
        Has that annotation only: others may name what is there for type checkers alone.
        """

    annotations = getattr(function, "__annotations__", {})
    alone.__annotations__ = {name: one for name, one in annotations.items() if name == "return"}
    try:
        hints = typing.get_type_hints(alone, getattr(function, "__globals__", {}))
    except Exception:  # noqa: BLE001 - its module doesn't define the name at run time
        return None
    return hints.get("return")


def _fits(value: Any, promised: Any) -> bool:
    """
    Whether *value* may be what an annotation says; what can't be told at run time may be.
    """
    origin = typing.get_origin(promised) or promised
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(promised))
    if origin in (None, types.NoneType):
        return promised is None or value is None
    try:
        return not isinstance(origin, type) or isinstance(value, origin)
    except TypeError:  # Any, a TypedDict, a protocol
        return True


# ------------------------------------------------------------------- the event loop


async def never_blocks(subject: Subject) -> None:
    """
    While a provider holds the loop, every other call of the process stands still.
    """
    shortest = float("inf") if subject.first.succeeded else subject.first.blocked
    for _ in range(TRIES if subject.first.succeeded else 0):
        async with trial_of(subject.case) as (trial, runner):
            with longest_stop() as stops:
                await call(subject.case, trial, runner, {})
        shortest = min(shortest, max(stops))
        if shortest <= subject.limits.block:
            return
    if shortest <= subject.limits.block:
        text = f"the call gives {subject.first.outcome}"
        raise NotApplicable(text)
    text = (
        f"it held the event loop for {shortest * 1e3:.0f} ms, more than "
        f"{subject.limits.block * 1e3:g} ms. Await what takes long, or make the function plain "
        "('def'): it gets a thread then."
    )
    raise Broken(text)


async def sync_off_loop(subject: Subject) -> None:
    """
    A plain function that hands back a coroutine works in the loop after all.
    """
    if not operation_of(subject).sync:
        text = "the operation is async"
        raise NotApplicable(text)
    for ran in subject.first.ran:
        if ran.in_loop or ran.handed_back_awaitable:
            text = (
                "it is a plain function that hands back a coroutine, which costs a thread and "
                "then runs in the event loop. Make it 'async def'."
            )
            raise Broken(text)
