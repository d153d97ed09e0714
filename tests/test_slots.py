"""
How many attempts run at a time, and who waits.
"""

from __future__ import annotations

import asyncio

import pytest

from seedcore.contract.slots import Share, Slots


def taken(share: Share, count: int) -> None:
    """
    Take *count* slots.
    """
    for _ in range(count):
        assert share.try_take()


def test_as_many_as_the_limit_and_no_more() -> None:
    """
    The next one is refused until one is given back.
    """
    slots = Slots(3, 10)
    share = slots.share()
    taken(share, 3)

    assert not share.try_take()
    assert (3, 3, 0) == (slots.in_use, slots.open, slots.queued)

    share.give_back()
    assert share.try_take()


async def test_who_came_first_is_served_first() -> None:
    """
    A freed slot goes to the head of the queue, and nobody overtakes.
    """
    slots = Slots(1, 10)
    share = slots.share()
    taken(share, 1)
    first, second = share.queue(), share.queue()

    share.give_back()

    assert (True, False) == (first.done(), second.done())
    assert True is first.result()
    assert not share.try_take()
    share.give_back()
    assert True is second.result()
    assert 1 == slots.in_use


async def test_the_queue_has_an_end() -> None:
    """
    Beyond max_queued nobody waits.
    """
    slots = Slots(1, 2)
    share = slots.share()
    taken(share, 1)

    assert [True, True, False] == [share.queue() is not None for _ in range(3)]
    assert 2 == slots.queued


async def test_no_queue_at_all() -> None:
    """
    ``max_queued = 0`` means: now or never.
    """
    slots = Slots(1, 0)
    share = slots.share()

    assert share.try_take()
    assert None is share.queue()


async def test_whoever_leaves_makes_room() -> None:
    """
    A caller that gave up counts no more.
    """
    slots = Slots(1, 1)
    share = slots.share()
    taken(share, 1)
    waiter = share.queue()

    share.leave(waiter)

    assert 0 == slots.queued
    assert None is not share.queue()


async def test_whoever_leaves_is_not_served_any_more() -> None:
    """
    Whatever still holds its future sees that it was given up.
    """
    share = Slots(1, 10).share()
    taken(share, 1)
    waiter = share.queue()

    share.leave(waiter)

    assert waiter.cancelled()
    share.give_back()
    assert 0 == share.in_use


async def test_a_slot_given_at_the_last_moment_goes_on_to_the_next() -> None:
    """
    The slot was handed over, but its taker has gone: it isn't lost.
    """
    slots = Slots(1, 10)
    share = slots.share()
    taken(share, 1)
    gone, next_one = share.queue(), share.queue()
    share.give_back()

    share.leave(gone)

    assert True is next_one.result()
    assert 1 == slots.in_use


async def test_who_was_woken_without_a_slot_leaves_none_behind() -> None:
    """
    A waiter that ran out of time, or was woken by a shutdown, holds nothing.
    """
    slots = Slots(1, 10)
    share = slots.share()
    taken(share, 1)
    woken, next_one = share.queue(), share.queue()
    woken.set_result(False)

    share.give_back()
    share.leave(woken)

    assert True is next_one.result()
    assert 1 == slots.in_use


async def test_a_cancelled_waiter_is_passed_over() -> None:
    """
    Cancelling a caller cancels the future it waits for.
    """
    slots = Slots(1, 10)
    share = slots.share()
    taken(share, 1)
    cancelled, next_one = share.queue(), share.queue()
    cancelled.cancel()

    share.give_back()
    share.leave(cancelled)

    assert True is next_one.result()
    share.give_back()
    assert 0 == slots.in_use


async def test_a_free_slot_is_not_taken_past_the_queue() -> None:
    """
    Whoever asks while others wait queues up behind them.
    """
    slots = Slots(2, 10)
    share = slots.share()
    taken(share, 2)
    waiter = share.queue()
    slots.ramp()
    share.give_back()

    assert True is waiter.result()
    assert not share.try_take()


async def test_queueing_while_one_is_free_gets_it_at_once() -> None:
    """
    There may have been a change between asking and queueing.
    """
    slots = Slots(1, 10)
    share = slots.share()

    assert True is share.queue().result()
    assert 1 == slots.in_use


def test_it_ramps_up_from_two_with_each_success() -> None:
    """
    After a pause or an outage the provider isn't met by everybody at once.
    """
    slots = Slots(5, 10)
    share = slots.share()
    slots.ramp()
    seen = [slots.open]

    for _ in range(5):
        assert share.try_take()
        share.give_back(success=True)
        seen.append(slots.open)

    assert [2, 3, 4, 5, 5, 5] == seen


def test_a_failure_does_not_ramp_up() -> None:
    """
    Only a success opens one more.
    """
    slots = Slots(5, 10)
    share = slots.share()
    slots.ramp()
    taken(share, 1)

    share.give_back()

    assert 2 == slots.open


def test_a_ramp_never_opens_more_than_the_limit() -> None:
    """
    A limit of one stays one.
    """
    slots = Slots(1, 10)

    slots.ramp()

    assert 1 == slots.open


def test_what_runs_when_the_ramp_begins_keeps_nobody_out() -> None:
    """
    It may hang for long yet: two slots are free beside those that are in use.
    """
    slots = Slots(9, 10)
    share = slots.share()
    taken(share, 4)
    slots.ramp()

    assert (4, 6) == (slots.in_use, slots.open)
    taken(share, 2)
    assert not share.try_take()


def test_what_ran_before_a_ramp_closes_its_slots_when_it_ends_in_vain() -> None:
    """
    Else everybody would be let in at once as soon as what hung has ended.
    """
    slots = Slots(40, 10)
    share = slots.share()
    taken(share, 31)
    slots.ramp()

    for _ in range(31):
        share.give_back()
    assert (0, 2) == (slots.in_use, slots.open)
    taken(share, 2)
    share.give_back(success=True)
    assert 3 == slots.open
    share.give_back()
    assert 3 == slots.open


def test_a_ramp_in_a_full_house_lets_two_in_and_then_waits() -> None:
    """
    The first two that end make room; those after them close their slots.
    """
    slots = Slots(6, 10)
    share = slots.share()
    taken(share, 6)
    slots.ramp()
    assert not share.try_take()

    for _ in range(2):
        share.give_back()
        assert share.try_take()
        assert not share.try_take()
    for _ in range(4):
        share.give_back()
        assert not share.try_take()
    share.give_back(success=True)
    assert (1, 3) == (slots.in_use, slots.open)


def test_a_ramp_that_has_ended_closes_nothing_any_more() -> None:
    """
    With all slots open it is over, whatever ran before it began.
    """
    slots = Slots(6, 10)
    share = slots.share()
    taken(share, 3)
    slots.ramp()
    share.give_back(success=True)
    assert 6 == slots.open

    share.give_back()
    share.give_back()
    assert 6 == slots.open


async def test_a_ramp_serves_who_waits_already() -> None:
    """
    A later ramp may open more slots than the one before it.
    """
    slots = Slots(9, 10)
    share = slots.share()
    slots.ramp()
    taken(share, 2)
    waiter = share.queue()

    slots.ramp()
    assert True is waiter.result()


def test_a_ramp_beside_what_runs_never_opens_more_than_the_limit() -> None:
    """
    The limit holds, whatever hangs.
    """
    slots = Slots(5, 10)
    taken(slots.share(), 4)
    slots.ramp()

    assert 5 == slots.open


# ---------------------------------------------------------------- several operations


@pytest.mark.parametrize(("limit", "most"), [(64, 56), (16, 14), (8, 7), (7, 7), (1, 1)])
def test_one_operation_of_several_leaves_an_eighth_to_the_others(limit: int, most: int) -> None:
    """
    A limit too small to be shared is not.
    """
    slots = Slots(limit, 10)
    hanging, other = slots.share(), slots.share()
    taken(hanging, most)

    assert not hanging.try_take()
    assert (limit > most) is other.try_take()


def test_an_operation_has_all_slots_until_another_is_used() -> None:
    """
    What nobody uses needs no room.
    """
    slots = Slots(8, 10)
    taken(slots.share(), 8)

    assert not slots.share().try_take()


async def test_an_operation_at_its_end_holds_no_other_up() -> None:
    """
    Its calls wait for its own slots; those of others pass them by.
    """
    slots = Slots(8, 10)
    hanging, other = slots.share(), slots.share()
    taken(hanging, 7)
    waiter = hanging.queue()

    assert not waiter.done()
    assert other.try_take()
    other.give_back()
    assert not waiter.done()
    hanging.give_back()
    assert True is waiter.result()
    assert (7, 0) == (slots.in_use, slots.queued)


async def test_a_slot_that_was_handed_over_counts_like_one_that_was_taken() -> None:
    """
    However often that happens, the operation has its seven eighths and not one more.
    """
    slots = Slots(16, 10)
    share, _ = slots.share(), slots.share()
    taken(share, 14)

    for _ in range(3):
        waiters = [share.queue(), share.queue()]
        for waiter in waiters:
            share.give_back()
            assert True is waiter.result()
        assert (14, 14) == (share.in_use, slots.in_use)
        assert not share.try_take()


async def test_who_came_first_is_served_first_whatever_the_operation() -> None:
    """
    Operations that have room take turns by the time their calls came.
    """
    slots = Slots(8, 10)
    full, one, two = slots.share(), slots.share(), slots.share()
    taken(full, 7)
    taken(one, 1)
    waiters = [share.queue() for share in (full, two, one, two)]

    one.give_back()
    assert [False, True, False, False] == [waiter.done() for waiter in waiters]
    two.give_back()
    assert [False, True, True, False] == [waiter.done() for waiter in waiters]
    full.give_back()
    assert [True, True, True, False] == [waiter.done() for waiter in waiters]


async def test_a_success_lets_two_in() -> None:
    """
    While ramping up, the slot that is freed and the one that opens are both handed out.
    """
    slots = Slots(5, 10)
    share = slots.share()
    slots.ramp()
    taken(share, 2)
    waiters = [share.queue() for _ in range(3)]

    share.give_back(success=True)

    assert [True, True, False] == [waiter.done() for waiter in waiters]
    assert 3 == slots.in_use


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_a_crowd_is_served_in_turn_and_nothing_is_lost(limit: int) -> None:
    """
    Two hundred callers, a third of whom give up: never too many at once, and none left over.
    """
    slots = Slots(limit, 1_000)
    share = slots.share()
    most = served = 0

    async def caller(number: int) -> None:
        nonlocal most, served
        if not share.try_take():
            waiter = share.queue()
            try:
                await waiter
            except asyncio.CancelledError:
                share.leave(waiter)
                raise
        try:
            most = max(most, slots.in_use)
            await asyncio.sleep(0)
            served += 1
        finally:
            share.give_back(success=number % 2 == 0)

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
