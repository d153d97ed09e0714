"""
When to try again, and how often all calls together may.
"""

from __future__ import annotations

from random import Random

import pytest

from seedcore import Policy
from seedcore.contract.retry import Budget, Delays


def delays(count: int, *, seed: int = 1, **limits: object) -> list[float]:
    """
    Return the first *count* delays of a call.
    """
    of_call = Delays(Policy(**limits), Random(seed))
    return [of_call.next() for _ in range(count)]


def test_without_jitter_they_are_exactly_one_and_two_seconds() -> None:
    """
    The two delays between three attempts.
    """
    assert [1.0, 2.0] == delays(2, retry_jitter=False)


def test_they_double_up_to_the_longest() -> None:
    """
    1, 2, 4 ... and then a minute each time.
    """
    expected = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]

    assert expected == delays(8, retry_jitter=False)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"retry_base_delay": 0.5}, [0.5, 1.0, 2.0]),
        ({"retry_exponential_base": 3.0}, [1.0, 3.0, 9.0]),
        ({"retry_exponential_base": 1.0}, [1.0, 1.0, 1.0]),
        ({"retry_max_delay": 1.5}, [1.0, 1.5, 1.5]),
        ({"retry_max_delay": 0.5}, [0.5, 0.5, 0.5]),
        ({"retry_base_delay": 0.0}, [0.0, 0.0, 0.0]),
    ],
    ids=str,
)
def test_each_number_can_be_set(limits: dict[str, float], expected: list[float]) -> None:
    """
    The first delay, its growth and its limit.
    """
    assert expected == delays(3, retry_jitter=False, **limits)


def test_full_jitter_is_anything_between_nothing_and_the_delay() -> None:
    """
    Two hundred calls spread over the whole range, and never beyond it.
    """
    for place, longest in enumerate([1.0, 2.0, 4.0]):
        drawn = [delays(3, seed=seed)[place] for seed in range(200)]
        assert 0 <= min(drawn) < longest * 0.05
        assert longest * 0.95 < max(drawn) <= longest
        assert abs(sum(drawn) / 200 - longest / 2) < longest * 0.1


def test_chance_comes_from_the_runners_rng() -> None:
    """
    The same seed gives the same delays.
    """
    assert delays(5, seed=9) == delays(5, seed=9) != delays(5, seed=10)


def test_a_hundred_attempts_are_no_trouble() -> None:
    """
    The most that can be set, with the fastest growth.
    """
    waited = delays(99, retry_jitter=False, retry_exponential_base=10.0, retry_max_attempts=100)

    assert 60.0 == waited[-1]


def test_each_call_begins_anew() -> None:
    """
    What one call waited is nothing to the next.
    """
    policy = Policy(retry_jitter=False)
    first = Delays(policy, Random(1))
    first.next()

    assert 1.0 == Delays(policy, Random(1)).next()


# ---------------------------------------------------------------------------- budget


def spent(budget: Budget, now: float) -> int:
    """
    Take retries until none is left, and return how many there were.
    """
    count = 0
    while budget.take(now):
        count += 1
    return count


def test_a_fresh_budget_has_a_reserve_of_ten() -> None:
    """
    Enough for a provider that is hardly ever called.
    """
    assert 10 == spent(Budget(0.0), 0.0)


def test_calls_add_half_a_retry_each() -> None:
    """
    Retries may add 50 % to the load.
    """
    budget = Budget(0.0)
    spent(budget, 0.0)

    for _ in range(30):
        budget.call()

    assert 15 == spent(budget, 0.0)


def test_time_adds_one_a_second() -> None:
    """
    It recovers while nothing is asked.
    """
    budget = Budget(0.0)
    spent(budget, 0.0)

    assert [0, 1, 3] == [spent(budget, now) for now in (0.9, 1.0, 4.5)]


def test_it_never_holds_more_than_fifty() -> None:
    """
    Neither by calls nor by time.
    """
    by_calls, by_time = Budget(0.0), Budget(0.0)
    for _ in range(1_000):
        by_calls.call()

    assert 50 == spent(by_calls, 0.0)
    assert 50 == spent(by_time, 1e6)


def test_half_a_retry_is_none() -> None:
    """
    A whole one is taken, or none.
    """
    budget = Budget(0.0)
    spent(budget, 0.0)

    budget.call()

    assert not budget.take(0.0)
    assert 0.5 == budget.left(0.0)


def test_looking_takes_nothing() -> None:
    """
    ``left`` says what could be taken.
    """
    budget = Budget(0.0)

    assert [10.0, 10.0, 13.0] == [budget.left(now) for now in (0.0, 0.0, 3.0)]


def test_a_clock_that_stands_still_or_goes_back_takes_nothing_away() -> None:
    """
    Only time that has passed counts.
    """
    budget = Budget(100.0)

    assert [10.0, 10.0] == [budget.left(now) for now in (100.0, 50.0)]


def test_a_steady_outage_is_retried_at_half_its_load() -> None:
    """
    At ten failing calls a second that would all be tried three times, one in two is repeated.
    """
    budget = Budget(0.0)
    repeated = 0
    for call in range(6_000):
        budget.call()
        repeated += sum(budget.take(call / 10) for _ in range(2))

    assert 0.58 < repeated / 6_000 < 0.62
