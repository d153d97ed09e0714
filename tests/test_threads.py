"""
Plain functions in threads of their own.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from seedcore.contract.threads import Worker, run


async def test_a_plain_function_runs_in_a_thread() -> None:
    """
    With its arguments, and its result comes back.
    """

    def add(one: int, two: int) -> tuple[int, str]:
        return one + two, threading.current_thread().name

    assert (5, "seedcore:add") == await Worker(add, 2, 3).result


async def test_a_thread_is_named_and_never_joined() -> None:
    """
    Also for a callable without a name; only a daemon lets the interpreter end.
    """
    workers = [Worker(function) for function in (int, functools.partial(int))]

    assert [0, 0] == [await worker.result for worker in workers]
    assert ["seedcore:int", "seedcore:provider"] == [worker._thread.name for worker in workers]
    assert all(worker._thread.daemon for worker in workers)


async def test_what_it_raises_comes_back() -> None:
    """
    The very exception, with its traceback.
    """
    raised = KeyError("x")

    def fail() -> None:
        raise raised

    with pytest.raises(KeyError) as caught:
        await Worker(fail).result

    assert raised is caught.value


@pytest.mark.parametrize("raised", [SystemExit(2), KeyboardInterrupt(), StopIteration(1)], ids=repr)
async def test_what_must_not_leave_a_thread_is_wrapped(raised: BaseException) -> None:
    """
    SystemExit would end the host, and no future can carry StopIteration.
    """

    def fail() -> None:
        raise raised

    with pytest.raises(RuntimeError, match=type(raised).__name__) as caught:
        await Worker(fail).result

    assert raised is caught.value.__cause__


async def test_the_context_of_the_caller_is_seen() -> None:
    """
    Context variables are those of the call, and changes stay in the thread.
    """
    variable = contextvars.ContextVar("variable", default="nothing")
    variable.set("the caller's")

    def look() -> str:
        seen = variable.get()
        variable.set("the thread's")
        return seen

    assert "the caller's" == await Worker(look).result
    assert "the caller's" == variable.get()


async def test_the_loop_goes_on_meanwhile() -> None:
    """
    Others are served while the function blocks.
    """
    release = threading.Event()
    worker = Worker(release.wait, 5)

    await asyncio.sleep(0)
    assert worker.running
    release.set()

    assert True is await worker.result
    assert not worker.running


async def test_whoever_waits_may_leave_and_is_told_when_it_ended() -> None:
    """
    The thread goes on; ``on_end`` is called in the loop, once.
    """
    release, ended = threading.Event(), asyncio.Event()
    ends: list[threading.Thread] = []
    worker = Worker(release.wait, 5)

    def end() -> None:
        ends.append(threading.current_thread())
        ended.set()

    worker.on_end(end)
    waiting = asyncio.create_task(_await(worker))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (True, []) == (worker.running, ends)

    release.set()
    await ended.wait()

    assert (False, [threading.current_thread()]) == (worker.running, ends)


async def _await(worker: Worker) -> Any:
    return await worker.result


async def test_a_failure_nobody_waits_for_is_silent() -> None:
    """
    The result of an abandoned thread is dropped without a complaint of the loop.
    """
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    release, ended = threading.Event(), asyncio.Event()

    def fail() -> None:
        release.wait(5)
        raise KeyError

    worker = Worker(fail)
    worker.on_end(ended.set)
    waiting = asyncio.create_task(_await(worker))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    release.set()
    await ended.wait()
    del worker, waiting
    gc.collect()

    assert [] == complaints


async def test_an_end_that_nobody_asked_about_is_silent() -> None:
    """
    Without ``on_end`` there is nobody to call.
    """
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))

    await Worker(lambda: None).result
    await asyncio.sleep(0)

    assert [] == complaints


HANGING = """
import asyncio, threading
from seedcore.contract.threads import Worker

async def main():
    Worker(threading.Event().wait)

asyncio.run(main())
print("done")
"""


async def test_a_thread_that_hangs_does_not_keep_the_process_alive() -> None:
    """
    The interpreter ends although the function never returns.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGING, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(10):
        said, complained = await process.communicate()

    assert (b"done\n", b"", 0) == (said, complained, process.returncode)


def test_a_thread_that_ends_after_its_loop_is_silent() -> None:
    """
    Nobody is left to be told.
    """
    release = threading.Event()
    started: list[Worker] = []
    complaints: list[Any] = []

    async def start() -> None:
        started.append(Worker(release.wait, 5))

    asyncio.run(start())
    hook, threading.excepthook = threading.excepthook, complaints.append
    try:
        release.set()
        started[0]._thread.join(5)
    finally:
        threading.excepthook = hook

    assert [] == complaints
    assert not started[0]._thread.is_alive()


# ------------------------------------------------------------------------------- run


async def _async_double(number: int) -> int:
    return 2 * number


def _double(number: int) -> int:
    return 2 * number


def _hidden(number: int) -> Any:
    return _async_double(number)


@pytest.mark.parametrize(
    "function",
    [_async_double, _double, _hidden, functools.partial(_double), functools.partial(_async_double)],
    ids=["async", "plain", "plain that returns a coroutine", "partial", "partial of async"],
)
async def test_any_function_is_run(function: Callable[[int], Any]) -> None:
    """
    Async ones are awaited, plain ones run in a thread, and a coroutine is awaited either way.
    """
    assert 8 == await run(function, 4)


async def test_an_async_function_stays_in_the_loop() -> None:
    """
    It needs no thread.
    """

    async def where() -> threading.Thread:
        return threading.current_thread()

    assert threading.current_thread() is await run(where)


async def test_an_async_function_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Not even for the call that only makes its coroutine.
    """
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)

    assert 8 == await run(_async_double, 4)
    assert [] == started


async def test_an_async_function_that_exits_does_not_end_the_host() -> None:
    """
    Its SystemExit is named in what comes out, and is its cause.
    """
    raised = SystemExit(2)

    async def leave() -> None:
        raise raised

    with pytest.raises(RuntimeError, match="the function raised SystemExit") as caught:
        await run(leave)

    assert raised is caught.value.__cause__
