"""
The pause that all calls of a provider share.
"""

from __future__ import annotations

from random import Random

import pytest

from seedcore import ProviderRateLimitError
from seedcore.contract.gate import Gate

ASKS = ProviderRateLimitError(retry_after=10.0)
GUESS = ProviderRateLimitError()


@pytest.fixture
def gate() -> Gate:
    """
    A gate that is open.
    """
    return Gate(Random(3))


def test_it_begins_open(gate: Gate) -> None:
    """
    Nothing is waited for before anybody asked for a pause.
    """
    assert 0.0 == gate.wait(0.0) == gate.wait(1e9)
    assert not gate.opened(5.0)


def test_it_closes_for_what_was_asked_and_a_little_more(gate: Gate) -> None:
    """
    Never a moment earlier, and at most a tenth later.
    """
    seconds = gate.close(ASKS, 100.0)

    assert 10.0 <= seconds <= 11.0
    assert seconds == gate.wait(100.0)
    assert 0 < gate.wait(109.999)
    assert 0.0 == gate.wait(100.0 + seconds)


@pytest.mark.parametrize(
    ("asked", "most"), [(0.01, 0.001), (5.0, 0.5), (600.0, 1.0), (3600.0, 1.0)]
)
def test_the_jitter_is_small_and_never_shortens(asked: float, most: float) -> None:
    """
    A tenth of the pause, at most a second, so that not everybody comes back at once.
    """
    pauses = [
        Gate(Random(seed)).close(ProviderRateLimitError(retry_after=asked), 0.0)
        for seed in range(200)
    ]

    assert asked <= min(pauses)
    assert max(pauses) <= asked + most
    assert len(set(pauses)) > 100
    assert max(pauses) - min(pauses) > most / 2


def test_a_later_request_extends_the_pause_but_never_cuts_it(gate: Gate) -> None:
    """
    Whichever ends last counts.
    """
    gate.close(ASKS, 0.0)
    end = gate.wait(0.0)

    gate.close(ProviderRateLimitError(retry_after=1.0), 0.0)
    assert end == gate.wait(0.0)

    gate.close(ProviderRateLimitError(retry_after=30.0), 5.0)
    assert 30.0 <= gate.wait(5.0) <= 31.0


def test_without_a_time_the_pause_doubles_up_to_a_minute(gate: Gate) -> None:
    """
    2, 4, 8, 16, 32 and then 60 seconds.
    """
    pauses = []
    now = 0.0
    for _ in range(7):
        pauses.append(gate.close(GUESS, now))
        now += pauses[-1]

    for least, pause in zip([2, 4, 8, 16, 32, 60, 60], pauses, strict=True):
        assert least <= pause <= least * 1.1


def test_a_success_begins_the_doubling_anew(gate: Gate) -> None:
    """
    The provider serves again: the next pause is a short one.
    """
    for now in (0.0, 10.0, 20.0):
        gate.close(GUESS, now)

    gate.succeeded()

    assert 2.0 <= gate.close(GUESS, 100.0) <= 2.2


def test_a_success_does_not_open_it(gate: Gate) -> None:
    """
    An answer to a request sent before the pause changes nothing about it.
    """
    gate.close(ASKS, 0.0)

    gate.succeeded()

    assert gate.wait(5.0) >= 5.0


def test_a_time_that_was_asked_for_leaves_the_guess_alone(gate: Gate) -> None:
    """
    Only guessed pauses double.
    """
    for now in (0.0, 20.0):
        gate.close(ASKS, now)

    assert 2.0 <= gate.close(GUESS, 100.0) <= 2.2


@pytest.mark.parametrize("asked", [0.0, 0, -5.0, float("nan"), "10"])
def test_what_asks_for_no_time_is_guessed(gate: Gate, asked: object) -> None:
    """
    Nothing, the past and a plugin's junk pause as long as no Retry-After at all.
    """
    junk = ProviderRateLimitError(retry_after=asked)

    assert 2.0 <= gate.close(junk, 100.0) <= 2.2
    assert 4.0 == gate.guess


@pytest.mark.parametrize("asked", [7200.0, 1e9, float("inf")])
def test_no_pause_is_longer_than_an_hour(gate: Gate, asked: float) -> None:
    """
    Whatever a plugin says; the jitter of a second comes on top.
    """
    assert 3600.0 <= gate.close(ProviderRateLimitError(retry_after=asked), 0.0) <= 3601.0


def test_the_end_of_a_pause_is_told_once(gate: Gate) -> None:
    """
    So that the slots start to ramp up once per pause.
    """
    gate.close(ASKS, 0.0)

    assert [False, True, False] == [gate.opened(now) for now in (5.0, 12.0, 12.0)]

    gate.close(ASKS, 20.0)
    assert gate.opened(40.0)


def test_it_keeps_the_answer_that_closed_it(gate: Gate) -> None:
    """
    Whoever is refused at the gate gets the provider's own words.
    """
    gate.close(GUESS, 0.0)
    gate.close(ASKS, 0.0)

    assert ASKS is gate.error


def test_a_success_on_its_way_does_not_take_the_answer_away(gate: Gate) -> None:
    """
    Whoever is refused while it is closed still gets the provider's words, not a guess.
    """
    gate.close(ASKS, 0.0)

    gate.succeeded()

    assert 0 < gate.wait(1.0)
    assert ASKS is gate.error


def test_answers_that_were_on_their_way_count_once(gate: Gate) -> None:
    """
    Ten requests in flight that are all answered 429 are one wish for a pause, not ten.
    """
    for _ in range(10):
        gate.close(GUESS, 0.0)

    assert 2.0 <= gate.wait(0.0) <= 2.2


def test_an_answer_just_before_the_end_of_a_pause_is_the_same_wish_again(gate: Gate) -> None:
    """
    However little is left of it, neither the pause nor the next guess grows.
    """
    end = gate.close(GUESS, 0.0)

    left = gate.close(GUESS, end - 0.25)

    assert pytest.approx(0.25) == left == gate.wait(end - 0.25)
    assert 4.0 == gate.guess


def test_a_pause_in_the_past_is_nobodys_answer(gate: Gate) -> None:
    """
    Once the provider serves again, its old words are forgotten.
    """
    gate.close(ASKS, 0.0)
    assert gate.opened(20.0)

    gate.succeeded()

    assert gate.error is None


class TestAdopting:
    """
    A pause that another process was asked for.
    """

    def test_it_is_kept_as_if_it_had_been_asked_for_here(self, gate: Gate) -> None:
        """
        Without more jitter, with the answer that closed it, and with the next guess.
        """
        assert gate.adopt(30.0, 8.0, ASKS, 100.0)
        assert (30.0, ASKS, 8.0) == (gate.wait(100.0), gate.error, gate.guess)
        assert gate.close(GUESS, 131.0) >= 8.0
        assert 16.0 == gate.guess

    @pytest.mark.parametrize("seconds", [5.0, 0.0, -3.0])
    def test_a_shorter_one_is_no_news(self, gate: Gate, seconds: float) -> None:
        """
        The longer pause stands, with its answer.
        """
        pause = gate.close(ASKS, 100.0)

        assert not gate.adopt(seconds, 2.0, GUESS, 100.0)
        assert (pause, ASKS) == (gate.wait(100.0), gate.error)

    def test_one_that_is_over_closes_nothing(self, gate: Gate) -> None:
        """
        What is left of it is a guess.
        """
        assert not gate.adopt(-1.0, 8.0, ASKS, 100.0)
        assert not gate.opened(100.0)
        assert (0.0, None, 8.0) == (gate.wait(100.0), gate.error, gate.guess)

    def test_the_same_one_is_news_once(self, gate: Gate) -> None:
        """
        It is looked at each second.
        """
        assert gate.adopt(30.0, 2.0, ASKS, 100.0)
        assert not gate.adopt(29.0, 2.0, ASKS, 101.0)
        assert 29.0 == gate.wait(101.0)

    @pytest.mark.parametrize(
        ("seconds", "guess", "wait", "kept"),
        [(1e9, 1e9, 3601.0, 60.0), (30.0, 0.0, 30.0, 2.0), (30.0, -5.0, 30.0, 2.0)],
    )
    def test_what_no_process_would_ask_for_is_cut(
        self, gate: Gate, seconds: float, guess: float, wait: float, kept: float
    ) -> None:
        """
        A damaged row pauses nobody for ever, nor makes pauses of nothing.
        """
        gate.adopt(seconds, guess, ASKS, 100.0)

        assert (wait, kept) == (gate.wait(100.0), gate.guess)

    def test_a_success_says_whether_the_others_have_to_know(self, gate: Gate) -> None:
        """
        Only if pauses had grown.
        """
        assert not gate.succeeded()
        gate.adopt(-1.0, 8.0, ASKS, 100.0)
        assert gate.succeeded()
        assert not gate.succeeded()
