"""
Calls that go on whether or not whoever asked still listens.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar

import attrs
from aiohttp import web

from seedcore import DuplicateCallError
from seedcore_web.limits import JOBS as MOST, REMEMBERED
from seedcore_web.problems import Problem, Refusal, problem_of

Result = TypeVar("Result")

CLOSING = "This server is shutting down."


@attrs.define(kw_only=True, eq=False)
class Job:
    """
    A call that nobody waits for: *asked* by *key_id*; ``result`` is for nobody else.
    """

    call_id: str
    key_id: str
    asked: Any
    status: Literal["running", "done", "failed"] = "running"
    result: Any = None
    problem: Problem | None = None


class Jobs:
    """
    The calls of this server that are under way, and what came of those nobody waits for.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._running = 0
        self.draining = False

    async def run(self, act: Coroutine[Any, Any, Result]) -> Result:
        """
        Return what *act* returns; it goes on if whoever waits for it is gone.
        """
        return await asyncio.shield(self._start(act))

    def begin(
        self, call_id: str, key_id: str, asked: Any, act: Callable[[], Awaitable[Any]]
    ) -> Job:
        """
        Start a call that nobody waits for, or return the one that was started with this id.

        Raises DuplicateCallError if something else was *asked* then, and Refusal if too many run.
        """
        job = self._jobs.get(call_id)
        if job is not None and job.status != "failed":
            if job.asked != asked:
                raise DuplicateCallError(call_id, "with different arguments")
            return job
        if self.draining or self._running >= MOST:
            message = f"{MOST} calls that nobody waits for run already. Ask again in a moment."
            raise Refusal(503, "Unavailable", CLOSING if self.draining else message)
        job = self._jobs[call_id] = Job(call_id=call_id, key_id=key_id, asked=asked)
        self._jobs.move_to_end(call_id)
        self._running += 1
        self._start(self._follow(job, act))
        return job

    def find(self, call_id: str) -> Job | None:
        """
        Return the job with this id, if it was started here.
        """
        return self._jobs.get(call_id)

    async def close(self) -> None:
        """
        Wait for all calls under way; the runner's own limits end them.
        """
        self.draining = True
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _follow(self, job: Job, act: Callable[[], Awaitable[Any]]) -> None:
        try:
            job.result = await act()
            job.status = "done"
        except Exception as error:  # noqa: BLE001 - it is told to whoever looks
            job.problem = problem_of(error)
            job.status = "failed"
        finally:
            self._running -= 1
            self._forget()

    def _forget(self) -> None:
        while len(self._jobs) > REMEMBERED + self._running:
            ended = next(job for job in self._jobs.values() if job.status != "running")
            del self._jobs[ended.call_id]

    def _start(self, act: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.get_running_loop().create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio complains where nobody waits any more


JOBS: web.AppKey[Jobs] = web.AppKey("jobs", Jobs)
