"""
How many attempts run at a time, and who waits.
"""

from __future__ import annotations

import asyncio

import pytest

from seedcore.contract.slots import Slots


def taken(slots: Slots, count: int) -> None:
    """
    Take *count* slots.
    """
    for _ in range(count):
        assert slots.try_take()


def test_as_many_as_the_limit_and_no_more() -> None:
    """
    The next one is refused until one is given back.
    """
    slots = Slots(3, 10)
    taken(slots, 3)

    assert not slots.try_take()
    assert (3, 3, 0) == (slots.in_use, slots.open, slots.queued)

    slots.give_back()
    assert slots.try_take()


async def test_who_came_first_is_served_first() -> None:
    """
    A freed slot goes to the head of the queue, and nobody overtakes.
    """
    slots = Slots(1, 10)
    taken(slots, 1)
    first, second = slots.queue(), slots.queue()

    slots.give_back()

    assert (True, False) == (first.done(), second.done())
    assert True is first.result()
    assert not slots.try_take()
    slots.give_back()
    assert True is second.result()
    assert 1 == slots.in_use


async def test_the_queue_has_an_end() -> None:
    """
    Beyond max_queued nobody waits.
    """
    slots = Slots(1, 2)
    taken(slots, 1)

    assert [True, True, False] == [slots.queue() is not None for _ in range(3)]
    assert 2 == slots.queued


async def test_no_queue_at_all() -> None:
    """
    ``max_queued = 0`` means: now or never.
    """
    slots = Slots(1, 0)

    assert slots.try_take()
    assert None is slots.queue()


async def test_whoever_leaves_makes_room() -> None:
    """
    A caller that gave up counts no more.
    """
    slots = Slots(1, 1)
    taken(slots, 1)
    waiter = slots.queue()

    slots.leave(waiter)

    assert 0 == slots.queued
    assert None is not slots.queue()


async def test_a_slot_given_at_the_last_moment_goes_on_to_the_next() -> None:
    """
    The slot was handed over, but its taker has gone: it isn't lost.
    """
    slots = Slots(1, 10)
    taken(slots, 1)
    gone, next_one = slots.queue(), slots.queue()
    slots.give_back()

    slots.leave(gone)

    assert True is next_one.result()
    assert 1 == slots.in_use


async def test_who_was_woken_without_a_slot_leaves_none_behind() -> None:
    """
    A waiter that ran out of time, or was woken by a shutdown, holds nothing.
    """
    slots = Slots(1, 10)
    taken(slots, 1)
    woken, next_one = slots.queue(), slots.queue()
    woken.set_result(False)

    slots.give_back()
    slots.leave(woken)

    assert True is next_one.result()
    assert 1 == slots.in_use


async def test_a_cancelled_waiter_is_passed_over() -> None:
    """
    Cancelling a caller cancels the future it waits for.
    """
    slots = Slots(1, 10)
    taken(slots, 1)
    cancelled, next_one = slots.queue(), slots.queue()
    cancelled.cancel()

    slots.give_back()
    slots.leave(cancelled)

    assert True is next_one.result()
    slots.give_back()
    assert 0 == slots.in_use


async def test_a_free_slot_is_not_taken_past_the_queue() -> None:
    """
    Whoever asks while others wait queues up behind them.
    """
    slots = Slots(2, 10)
    taken(slots, 2)
    waiter = slots.queue()
    slots.ramp()
    slots.give_back()

    assert True is waiter.result()
    assert not slots.try_take()


async def test_queueing_while_one_is_free_gets_it_at_once() -> None:
    """
    There may have been a change between asking and queueing.
    """
    slots = Slots(1, 10)

    assert True is slots.queue().result()
    assert 1 == slots.in_use


def test_it_ramps_up_from_two_with_each_success() -> None:
    """
    After a pause or an outage the provider isn't met by everybody at once.
    """
    slots = Slots(5, 10)
    slots.ramp()
    seen = [slots.open]

    for _ in range(5):
        assert slots.try_take()
        slots.give_back(success=True)
        seen.append(slots.open)

    assert [2, 3, 4, 5, 5, 5] == seen


def test_a_failure_does_not_ramp_up() -> None:
    """
    Only a success opens one more.
    """
    slots = Slots(5, 10)
    slots.ramp()
    taken(slots, 1)

    slots.give_back()

    assert 2 == slots.open


def test_a_ramp_never_opens_more_than_the_limit() -> None:
    """
    A limit of one stays one.
    """
    slots = Slots(1, 10)

    slots.ramp()

    assert 1 == slots.open


def test_what_runs_when_the_ramp_begins_goes_on() -> None:
    """
    More may be in use than are open; new ones wait until that has settled.
    """
    slots = Slots(5, 10)
    taken(slots, 4)
    slots.ramp()

    slots.give_back()
    slots.give_back()
    assert not slots.try_take()
    slots.give_back()
    assert slots.try_take()


async def test_a_success_lets_two_in() -> None:
    """
    While ramping up, the slot that is freed and the one that opens are both handed out.
    """
    slots = Slots(5, 10)
    slots.ramp()
    taken(slots, 2)
    waiters = [slots.queue() for _ in range(3)]

    slots.give_back(success=True)

    assert [True, True, False] == [waiter.done() for waiter in waiters]
    assert 3 == slots.in_use


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_a_crowd_is_served_in_turn_and_nothing_is_lost(limit: int) -> None:
    """
    Two hundred callers, a third of whom give up: never too many at once, and none left over.
    """
    slots = Slots(limit, 1_000)
    most = served = 0

    async def caller(number: int) -> None:
        nonlocal most, served
        if not slots.try_take():
            waiter = slots.queue()
            try:
                await waiter
            except asyncio.CancelledError:
                slots.leave(waiter)
                raise
        try:
            most = max(most, slots.in_use)
            await asyncio.sleep(0)
            served += 1
        finally:
            slots.give_back(success=number % 2 == 0)

    callers = [asyncio.create_task(caller(number)) for number in range(200)]
    for turn, task in enumerate(callers):
        if turn % 3 == 0:
            await asyncio.sleep(0)
            task.cancel()
    done = await asyncio.gather(*callers, return_exceptions=True)

    assert {None, asyncio.CancelledError} == {
        outcome if outcome is None else type(outcome) for outcome in done
    }
    assert limit == most
    assert served >= 133
    assert (0, 0) == (slots.in_use, slots.queued)
