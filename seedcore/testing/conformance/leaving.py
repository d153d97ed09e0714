"""
Rules about how a provider leaves, and what it leaves behind.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

import seedcore
from seedcore.testing.conformance.rules import Broken, NotApplicable, Subject
from seedcore.testing.conformance.scripts import Scripted, failing
from seedcore.testing.conformance.trial import Trial, call, settle, trial_of
from seedcore.testing.replies import hanging, status

OURS = tuple(f"{Path(str(package.__file__)).parent}/" for package in (seedcore, aiohttp))
"""Where the code of tasks lies that are not the provider's."""
ATTEMPT = 0.3
"""Seconds of an attempt that is meant to run into its limit."""


async def cancellable(subject: Subject) -> None:
    """
    A caller who gives up, and a limit that is over, end a call at once.
    """
    sent = len(subject.later.requests)
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
    if subject.later.requests:
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
        if gives_up and subject.later.requests:
            await trial.upstream.until(requests=1)
            calling.cancel()
            await asyncio.wait({calling}, timeout=subject.limits.leave)
        else:
            await asyncio.wait({calling})
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
