"""
However a call ends, nothing of its run goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from seedcore import ProviderTimeoutError, Registry
from seedcore.contract.deadline import Clock
from seedcore_alttprdoor import alttprdoor
from seedcore_alttprdoor.program import KEPT, in_thread, run, settled

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def is_running(pid: int) -> bool:
    """
    Whether a process is there; one that nobody has collected is not.
    """
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(*pids: int) -> bool:
    """
    Whether all processes end: a killed one takes a moment.
    """
    for _ in range(500):
        if not any(map(is_running, pids)):
            return True
        await asyncio.sleep(0.01)
    return False


async def started(checkout) -> list[int]:
    """
    Wait until the run tells its processes, and return them.
    """
    while not checkout.pids:
        await asyncio.sleep(0.01)
    return checkout.pids


async def test_who_gives_up_ends_the_run_and_its_children(runner, checkout, temporary):
    """
    It ignores polite signals, and so does its child; both are gone, and so is the folder.
    """
    checkout.course("hang")
    calling = asyncio.create_task(runner.generate("alttprdoor", surface="test"))
    pids = await started(checkout)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling

    assert 2 == len(pids)
    assert await gone(*pids)
    assert [] == [*temporary.iterdir()]


async def test_a_run_that_never_ends_is_ended(runner_for, checkout, temporary):
    """
    The limit of the attempt kills it with its children.
    """
    checkout.course("hang")
    limits = {"attempt_timeout": 1.0, "retry_max_attempts": 1}
    async with runner_for(**limits) as runner:
        with pytest.raises(ProviderTimeoutError):
            await runner.generate("alttprdoor", surface="test")

    assert await gone(*checkout.pids)
    assert [] == [*temporary.iterdir()]


@pytest.mark.parametrize("course", ["left_behind", "regrouped"])
async def test_a_child_that_is_left_behind_is_ended(runner, checkout, course):
    """
    The run is over, and so is what it began, in its group or in another one.
    """
    checkout.course(course)
    await runner.generate("alttprdoor", surface="test")

    assert await gone(*checkout.pids)


async def test_a_child_that_got_away_holds_nobody_up(runner, checkout, monkeypatch):
    """
    It has a session of its own and keeps stderr open; the seed is made all the same.
    """
    monkeypatch.setattr("seedcore_alttprdoor.program.SILENCE", 0.01)
    checkout.course("orphan")
    try:
        await runner.generate("alttprdoor", surface="test")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(checkout.pids[0], signal.SIGKILL)


async def test_only_the_end_of_what_is_said_is_kept(tmp_path):
    """
    The rest is read, so that nobody waits for a reader.
    """
    said = "import sys; sys.stderr.write('a' * 1_000_000 + 'end'); print('out' * 100_000)"
    command = [sys.executable, "-c", said]
    ended = await run(command, cwd=tmp_path, environment=ENVIRONMENT)

    assert 0 == ended.status
    assert KEPT == len(ended.stderr) == len(ended.stdout)
    assert ended.stderr.endswith("aend")


async def test_everybody_else_comes_first(tmp_path):
    """
    A run that keeps a core busy leaves it to the loop where that has something to do.
    """
    code = "import os, time\nwhile os.getpriority(0, 0) < 10: time.sleep(0.001)"
    ended = await run([sys.executable, "-c", code], cwd=tmp_path, environment=ENVIRONMENT)

    assert 0 == ended.status


async def test_no_image_of_its_memory_is_written(tmp_path):
    """
    It would fill the disk, and may hold what nobody should read.
    """
    code = (
        "import resource as r, sys, time\n"
        "for _ in range(5000):\n"
        "    r.getrlimit(r.RLIMIT_CORE) != (0, 0) or sys.exit(0)\n"
        "    time.sleep(0.001)\n"
        "sys.exit(1)"
    )
    ended = await run([sys.executable, "-c", code], cwd=tmp_path, environment=ENVIRONMENT)

    assert 0 == ended.status


async def test_what_is_no_text_is_read_as_some(tmp_path):
    """
    A program may say anything.
    """
    command = [sys.executable, "-c", "import os; os.write(2, b'\\xff\\xfe')"]
    ended = await run(command, cwd=tmp_path, environment=ENVIRONMENT)

    assert "\ufffd\ufffd" == ended.stderr


async def test_a_program_that_is_not_there(tmp_path):
    """
    It is for the caller to say what is missing.
    """
    with pytest.raises(FileNotFoundError):
        await run([str(tmp_path / "nothing")], cwd=tmp_path, environment=ENVIRONMENT)


async def test_who_gives_up_while_it_starts_leaves_no_process(tmp_path, monkeypatch):
    """
    The process is there before anybody has it in hand.
    """
    begun = asyncio.Event()
    go_on = asyncio.Event()
    pids = []
    create = asyncio.create_subprocess_exec

    async def slowly(*command, **how):
        process = await create(*command, **how)
        pids.append(process.pid)
        begun.set()
        await go_on.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    running = asyncio.create_task(run(command, cwd=tmp_path, environment=ENVIRONMENT))
    await begun.wait()
    running.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await gone(*pids)


async def test_what_must_not_be_left_half_done_is_done(tmp_path):
    """
    Whoever gives up, more than once even, waits for its end.
    """
    done = []

    async def work():
        await asyncio.sleep(0)
        await asyncio.sleep(0.005)
        done.append("done")

    waiting = asyncio.create_task(settled(work()))
    for _ in range(2):
        await asyncio.sleep(0)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert ["done"] == done


async def test_a_failure_in_a_thread_is_the_callers():
    """
    It comes out as it is.
    """
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 / 0)


def test_there_is_a_slot_for_each_core():
    """
    50 games wait their turn on two cores, where each takes 53 s; a run may take 120 s.
    """
    registry = Registry(discover=False)
    registry.add("alttprdoor", alttprdoor)
    declared = registry.load("alttprdoor").declaration

    assert len(os.sched_getaffinity(0)) == declared.max_concurrent
    assert 120 == declared.policy["attempt_timeout"]
    assert declared.policy["queue_timeout"] > 50 * 53 / 2
    assert declared.policy["total_timeout"] > 50 * 53 / 2 + 4 * 120


async def test_many_wait_for_the_cores(runner_for, checkout):
    """
    No more runs at a time than there are slots, and all get their turn.
    """
    async with runner_for(max_concurrent=2, clock=Clock()) as runner:
        seeds = await asyncio.gather(
            *(runner.generate("alttprdoor", surface="test") for _ in range(6))
        )

    assert 6 == len({seed.id for seed in seeds})
