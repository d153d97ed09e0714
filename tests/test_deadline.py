"""
Limits of attempts, and waits that can be cut short.
"""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from typing import Any

import pytest

from seedcore import Clock
from seedcore.contract.deadline import Limit, Limits, Waits, left
from seedcore.testing.clocks import EPOCH, START, Hung, VirtualClock, run, virtual_time


def now() -> float:
    """
    Return the seconds that have passed in this test's loop.
    """
    return asyncio.get_running_loop().time() - START


def starting(limits: Limits, seconds: float, *, shared: bool = True) -> Limit:
    """
    Limit the current task.
    """
    return limits.start(seconds, asyncio.current_task(), shared=shared)


async def limited(limits: Limits, seconds: float, work: float, *, shared: bool = True) -> float:
    """
    Sleep for *work* seconds under a limit, as an attempt does; return when that ended.

    Raises TimeoutError if it was the limit that ended it.
    """
    limit = starting(limits, seconds, shared=shared)
    try:
        await asyncio.sleep(work)
    except asyncio.CancelledError:
        if not limit.fired:
            raise
    finally:
        limit.end()
    if limit.fired and asyncio.current_task().uncancel() == 0:
        raise TimeoutError(now())
    return now()


SHARED = pytest.mark.parametrize("shared", [True, False], ids=["shared", "single"])


# ------------------------------------------------------------------------ the clock


def test_the_clock_is_that_of_the_machine() -> None:
    """
    Monotonic seconds and epoch seconds.
    """
    clock = Clock()

    assert abs(time.monotonic() - clock.monotonic()) < 5
    assert abs(time.time() - clock.time()) < 5


@pytest.mark.parametrize(
    ("until", "expected"),
    [(15.0, 5.0), (10.0, 0.0), (9.0, 0.0), (10.0000001, 0.0), (10.001, pytest.approx(0.001))],
)
def test_what_is_left_of_a_time(until: float, expected: float) -> None:
    """
    Never less than nothing; and less than a millionth of a second is nothing.
    """
    assert expected == left(until, 10.0)


def test_a_millionth_of_a_second_is_nothing_either() -> None:
    """
    That is as near as a timer comes.
    """
    assert (0.0, 1.1e-6) == (left(1e-6, 0.0), left(1.1e-6, 0.0))


@virtual_time
async def test_virtual_wall_time_moves_with_the_loop() -> None:
    """
    A test sees both kinds of time pass alike.
    """
    clock = VirtualClock()

    await asyncio.sleep(90)

    assert (EPOCH + 90, START + 90) == (clock.time(), clock.monotonic())


def test_a_loop_in_which_nothing_will_ever_happen_says_so() -> None:
    """
    A test that would hang for ever fails with a sentence, after waiting for threads in real time.
    """
    from seedcore.testing import clocks as module

    async def wait_for_nothing() -> None:
        await asyncio.get_running_loop().create_future()

    patience, module.LONGEST_REAL_WAIT = module.LONGEST_REAL_WAIT, 0.0
    try:
        with pytest.raises(Hung, match="no timer is set"):
            run(wait_for_nothing())
    finally:
        module.LONGEST_REAL_WAIT = patience


# --------------------------------------------------------------------------- limits


@SHARED
@virtual_time
async def test_it_fires_on_time(*, shared: bool) -> None:
    """
    What takes longer is cancelled at the limit, to the moment.
    """
    limits = Limits()

    with pytest.raises(TimeoutError) as caught:
        await limited(limits, 5, 60, shared=shared)

    assert 5.0 == caught.value.args[0]
    assert 0 == asyncio.current_task().cancelling()


@SHARED
@virtual_time
async def test_what_ends_in_time_is_left_alone(*, shared: bool) -> None:
    """
    After ``end`` nothing is cancelled any more.
    """
    limits = Limits()

    assert 4.0 == await limited(limits, 5, 4, shared=shared)
    await asyncio.sleep(100)
    assert 104.0 == now()


@virtual_time
async def test_limits_of_one_duration_share_a_timer() -> None:
    """
    A thousand of them are one entry in the loop's queue.
    """
    limits, loop = Limits(), asyncio.get_running_loop()
    before = len(loop._scheduled)

    tasks = [asyncio.create_task(limited(limits, 60, 1)) for _ in range(1_000)]
    await asyncio.sleep(0)

    sleeping = 1_000
    assert before + sleeping + 1 == len(loop._scheduled)
    await asyncio.gather(*tasks)


@virtual_time
async def test_a_limit_is_shared_unless_it_is_said_to_be_rare() -> None:
    """
    The cheap kind is the one that nobody has to ask for.
    """
    limits = Limits()

    for _ in range(3):
        limits.start(5, asyncio.current_task()).end()

    assert ([5], []) == (list(limits._timers), list(limits._singles))


@virtual_time
async def test_a_rare_limit_leaves_nothing_behind() -> None:
    """
    Neither a timer in the loop nor an entry of its own, which would stay until the shutdown.
    """
    limits, loop = Limits(), asyncio.get_running_loop()
    limit = starting(limits, 5, shared=False)
    [timer] = limits._singles.values()

    limit.end()

    assert {} == limits._singles
    assert timer.cancelled()
    assert loop.time() < limit.at


@SHARED
@virtual_time
async def test_a_limit_may_end_twice(*, shared: bool) -> None:
    """
    The second end changes nothing, whoever it was that ended it first.
    """
    limit = starting(Limits(), 5, shared=shared)
    limit.end()
    limit.end()

    await asyncio.sleep(9)
    assert (False, False) == (limit.fired, limit.running)


@virtual_time
async def test_each_fires_at_its_own_time() -> None:
    """
    Tasks that began one after the other end one after the other, in that order.
    """
    limits = Limits()
    ended: list[tuple[int, float]] = []

    async def attempt(number: int) -> None:
        with pytest.raises(TimeoutError):
            await limited(limits, 10, 99)
        ended.append((number, now()))

    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(attempt(number)))
        await asyncio.sleep(2)
    await asyncio.gather(*tasks)

    assert [(number, 10.0 + 2 * number) for number in range(5)] == ended


@virtual_time
async def test_ended_ones_do_not_delay_the_rest() -> None:
    """
    The head of the queue has ended long since when the timer rings.
    """
    limits = Limits()
    early = [asyncio.create_task(limited(limits, 10, 1)) for _ in range(3)]
    await asyncio.sleep(3)
    late = asyncio.create_task(limited(limits, 10, 99))
    early_ends = await asyncio.gather(*early)

    with pytest.raises(TimeoutError) as caught:
        await late

    assert [1.0] * 3 == early_ends
    assert 13.0 == caught.value.args[0]


@virtual_time
async def test_different_durations_do_not_disturb_each_other() -> None:
    """
    Each has its own queue and timer.
    """
    limits = Limits()

    async def fires_at(seconds: float) -> float:
        with pytest.raises(TimeoutError) as caught:
            await limited(limits, seconds, 99)
        return caught.value.args[0]

    assert [7.0, 3.0, 5.0] == await asyncio.gather(fires_at(7), fires_at(3), fires_at(5))


@virtual_time
async def test_a_duration_can_be_used_again_after_it_was_idle() -> None:
    """
    The queue and the timer that were dropped come back.
    """
    limits = Limits()

    for expected in (5.0, 110.0):
        with pytest.raises(TimeoutError) as caught:
            await limited(limits, 5, 99)
        assert expected == caught.value.args[0]
        await asyncio.sleep(100)


@virtual_time
async def test_a_limit_of_nothing_fires_at_the_first_chance() -> None:
    """
    An attempt that begins at its deadline ends there.
    """
    with pytest.raises(TimeoutError) as caught:
        await limited(Limits(), 0.0, 99, shared=False)

    assert 0.0 == caught.value.args[0]


@SHARED
@virtual_time
async def test_it_fires_once(*, shared: bool) -> None:
    """
    Whoever swallows the cancellation isn't cancelled again by the same limit.
    """
    limits = Limits()
    limit = starting(limits, 5, shared=shared)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(99)
    asyncio.current_task().uncancel()

    limits.fire_all()
    await asyncio.sleep(99)

    assert limit.fired
    assert 0 == asyncio.current_task().cancelling()


@SHARED
@virtual_time
async def test_a_caller_who_gives_up_at_the_same_moment_is_heard(*, shared: bool) -> None:
    """
    Limit and caller cancel in one turn of the loop: one cancellation is left over, the caller's.
    """
    limits = Limits()
    left: list[int] = []

    async def attempt() -> None:
        limit = starting(limits, 5, shared=shared)
        try:
            await asyncio.sleep(99)
        finally:
            limit.end()
            assert limit.fired
            left.append(asyncio.current_task().uncancel())

    for first in ("caller", "limit"):
        task = asyncio.create_task(attempt())
        if first == "caller":
            asyncio.get_running_loop().call_at(asyncio.get_running_loop().time() + 5, task.cancel)
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_at(asyncio.get_running_loop().time() + 5, task.cancel)
        await asyncio.wait([task])
        assert task.cancelled()

    assert [1, 1] == left


@SHARED
@virtual_time
async def test_work_that_ends_at_the_very_moment_ends_well_or_late_but_not_both(
    *, shared: bool
) -> None:
    """
    Whatever comes first counts, and no cancellation is left to hit what follows.
    """
    limits = Limits()
    for work in (4.999999, 5.0, 5.000001):
        try:
            await limited(limits, 5, work, shared=shared)
        except TimeoutError:
            assert work >= 5.0
        await asyncio.sleep(1)
        assert 0 == asyncio.current_task().cancelling()


@virtual_time
async def test_nested_limits_end_the_innermost_first() -> None:
    """
    A call within a call has limits of its own, and the task goes on after its timeout.
    """
    limits = Limits()
    outer = starting(limits, 10)

    with pytest.raises(TimeoutError):
        await limited(limits, 3, 99, shared=False)
    await asyncio.sleep(2)
    outer.end()

    assert (False, 5.0) == (outer.fired, now())


@virtual_time
async def test_at_shutdown_all_fire_now() -> None:
    """
    Shared and single ones, and those that have ended are left alone.
    """
    limits = Limits()
    ended = starting(limits, 60)
    ended.end()

    async def attempt(shared: bool) -> float:
        with pytest.raises(TimeoutError) as caught:
            await limited(limits, 60, 99, shared=shared)
        return caught.value.args[0]

    tasks = [asyncio.create_task(attempt(shared)) for shared in (True, True, False)]
    await asyncio.sleep(1)
    limits.fire_all()

    assert [1.0] * 3 == await asyncio.gather(*tasks)
    assert not ended.fired


@virtual_time
async def test_closing_drops_every_timer() -> None:
    """
    Nothing of a closed runner stays in the loop.
    """
    limits, loop = Limits(), asyncio.get_running_loop()
    for seconds in (60, 90):
        starting(limits, seconds)
    single = starting(limits, 30, shared=False)

    limits.close()
    single.end()
    await asyncio.sleep(120)

    assert 0 == asyncio.current_task().cancelling()
    assert [] == [timer for timer in loop._scheduled if not timer.cancelled()]


@SHARED
@virtual_time
async def test_an_ended_limit_holds_no_task(*, shared: bool) -> None:
    """
    The queue may keep the limit until its time; the task and its result are free at once.
    """
    limits = Limits()
    task = asyncio.create_task(limited(limits, 1_000, 1, shared=shared))
    await task
    reference = weakref.ref(task)

    del task
    await asyncio.sleep(2)  # the loop itself holds it until its turn is over
    gc.collect()

    assert None is reference()


@virtual_time
async def test_busy_durations_stay_small() -> None:
    """
    A hundred attempts after each other leave no hundred entries behind.
    """
    limits = Limits()
    for _ in range(100):
        await limited(limits, 1_000, 1)

    assert 1 == sum(len(queue) for queue in limits._queues.values())


# ----------------------------------------------------------------------------- waits


@virtual_time
async def test_a_wait_takes_its_time() -> None:
    """
    As long as it was told, and no longer.
    """
    waits = Waits(VirtualClock())

    await waits.sleep(7)

    assert 7.0 == now()


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_wait_for_nothing_is_short(seconds: float) -> None:
    """
    The pause may have ended since it was looked at.
    """

    @virtual_time
    async def wait() -> float:
        await Waits(VirtualClock()).sleep(seconds)
        return now()

    assert 0.0 == wait()


@virtual_time
async def test_a_group_is_woken_together_and_nobody_else() -> None:
    """
    A circuit that closes wakes those who waited for it.
    """
    waits = Waits(VirtualClock())
    group: Any = {}
    woken: list[tuple[str, float]] = []

    async def wait(name: str, of: Any) -> None:
        await waits.sleep(60, of)
        woken.append((name, now()))

    tasks = [
        asyncio.create_task(wait(name, of))
        for name, of in (("a", group), ("b", group), ("c", None))
    ]
    await asyncio.sleep(5)
    waits.wake(group)
    await asyncio.gather(*tasks)

    assert [("a", 5.0), ("b", 5.0), ("c", 60.0)] == sorted(woken)
    assert {} == group


@virtual_time
async def test_a_shutdown_wakes_everyone() -> None:
    """
    Members of a group or not.
    """
    waits = Waits(VirtualClock())
    tasks = [asyncio.create_task(waits.sleep(60, of)) for of in ({}, None)]
    await asyncio.sleep(5)

    waits.wake()
    await asyncio.gather(*tasks)

    assert 5.0 == now()


@virtual_time
async def test_a_wait_for_something_ends_with_it() -> None:
    """
    It is ``True`` when it came, ``False`` when the time ran out first.
    """
    waits, loop = Waits(VirtualClock()), asyncio.get_running_loop()
    comes, never = loop.create_future(), loop.create_future()
    loop.call_later(3, comes.set_result, True)

    assert (True, 3.0) == (await waits.until(comes, 10), now())
    assert (False, 13.0) == (await waits.until(never, 10), now())


@virtual_time
async def test_what_came_at_the_last_moment_came() -> None:
    """
    A slot given in the turn in which the time runs out isn't lost.
    """
    waits, loop = Waits(VirtualClock()), asyncio.get_running_loop()
    comes = loop.create_future()
    loop.call_later(10, comes.set_result, True)

    assert True is await waits.until(comes, 10)


@virtual_time
async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    """
    Neither in the group nor as a timer.
    """
    waits, loop = Waits(VirtualClock()), asyncio.get_running_loop()
    group: Any = {}
    task = asyncio.create_task(waits.sleep(60, group))
    await asyncio.sleep(1)

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert {} == group == waits._everyone
    assert [] == [timer for timer in loop._scheduled if not timer.cancelled()]
