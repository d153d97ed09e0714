"""
Rules about how a provider behaves in its caller's event loop.
"""

from __future__ import annotations

import asyncio
import gc
import types
import typing
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

import seedcore
from seedcore.model import Operation, Seed
from seedcore.testing.conformance.rules import Broken, NotApplicable, Subject
from seedcore.testing.conformance.trial import (
    Scripted,
    Trial,
    call,
    failing,
    loaded,
    longest_stop,
    settle,
    trial_of,
)
from seedcore.testing.replies import hanging, status

OURS = tuple(f"{Path(str(package.__file__)).parent}/" for package in (seedcore, aiohttp))
"""Where the code of tasks lies that are not the provider's."""
TRIES = 3
"""Runs of which the best counts: a busy machine stops any of them for a while."""
ATTEMPT = 0.3
"""Seconds of an attempt that is meant to run into its limit."""


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
    if operation.name == "generate":
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


# ------------------------------------------------------------------- leaving


async def cancellable(subject: Subject) -> None:
    """
    A caller who gives up, and a limit that is over, end a call at once.
    """
    sent = len(subject.first.requests)
    if not sent:
        text = "it sends no request that could hang"
        raise NotApplicable(text)
    for place in sorted({0, sent - 1}):
        await _leave_when_given_up(subject, place)
        await _leave_at_the_limit(subject, place)


async def _leave_when_given_up(subject: Subject, place: int) -> None:
    async with trial_of(subject.case, failing(hanging(), at=place)) as (trial, runner):
        task = asyncio.create_task(call(subject.case, trial, runner, {}))
        await trial.upstream.until(requests=place + 1)
        task.cancel()
        await _left(subject, trial, task, "its caller gave up")
        if not task.cancelled():
            text = "it swallows its caller's cancellation. Catch Exception, not BaseException."
            raise Broken(text)


async def _leave_at_the_limit(subject: Subject, place: int) -> None:
    limits = {"retry_enabled": False, "attempt_timeout": ATTEMPT}
    async with trial_of(subject.case, failing(hanging(), at=place), limits=limits) as opened:
        trial, runner = opened
        task = asyncio.create_task(call(subject.case, trial, runner, {}))
        await asyncio.wait({task}, timeout=ATTEMPT)
        await _left(subject, trial, task, "its time was over")
        if trial.succeeded or trial.events.named("cancellation_swallowed"):
            text = "it goes on after its time is over. Catch Exception, not BaseException."
            raise Broken(text)


async def _left(subject: Subject, trial: Trial, task: asyncio.Task[None], why: str) -> None:
    await asyncio.wait({task}, timeout=subject.limits.leave)
    if not task.done():
        await trial.upstream.stop()  # what hung breaks off, so that the kit goes on
        text = (
            f"it still held on to a hung upstream {subject.limits.leave:g} s after {why}. "
            "Await the request itself, without asyncio.shield and without catching CancelledError."
        )
        raise Broken(text)


async def nothing_left(subject: Subject) -> None:
    """
    Neither after a success, nor after a failure, nor after a caller gave up.
    """
    scripts = [None, failing(status(503))]
    if subject.first.requests:
        scripts.append(failing(hanging()))
    for script in scripts:
        with _left_behind() as left:
            tasks = await _tasks_left(subject, script, gives_up=script is scripts[-1])
        if tasks:
            names = ", ".join(sorted(_name_of(task) for task in tasks))
            text = f"it leaves a task running: {names}. Await it, or cancel it before returning."
            raise Broken(text)
        if left:
            text = (
                f"it leaves something behind: {left[0]}. Use 'async with' for what it opens, and "
                "await the tasks it starts."
            )
            raise Broken(text)


async def _tasks_left(
    subject: Subject, script: Scripted | None, *, gives_up: bool
) -> set[asyncio.Task[Any]]:
    """
    Make a call whose caller may give up, and return the provider's tasks that still run.
    """
    before = asyncio.all_tasks()
    async with trial_of(subject.case, script) as (trial, runner):
        calling = asyncio.create_task(call(subject.case, trial, runner, {}))
        known = asyncio.all_tasks() | before
        if gives_up and subject.first.requests:
            await trial.upstream.until(requests=1)
            calling.cancel()
        await asyncio.wait({calling}, timeout=subject.limits.leave)
        if not calling.done():  # another rule is about that
            await trial.upstream.stop()
            return set()
        await settle()
        tasks = _tasks_of_provider(known, trial)
        for task in tasks:
            task.cancel()
    return tasks


def _tasks_of_provider(known: set[asyncio.Task[Any]], trial: Trial) -> set[asyncio.Task[Any]]:
    serving = trial.upstream.tasks
    new = asyncio.all_tasks() - known - serving
    return {task for task in new if not _is_ours(task)}


def _is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is None or code.co_filename.startswith(OURS)


def _name_of(task: asyncio.Task[Any]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task.get_name()))


@contextmanager
def _left_behind() -> Iterator[list[str]]:
    """
    Collect what Python and the loop say about things that nobody closed.
    """
    loop = asyncio.get_running_loop()
    left: list[str] = []
    before = loop.get_exception_handler()
    gc.collect()
    loop.set_exception_handler(lambda _, context: left.append(str(context.get("message"))))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        try:
            yield left
        finally:
            gc.collect()
            loop.set_exception_handler(before)
    left += [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)]
