"""
The condition of a circuit and its steps, which every process takes alike.
"""

from __future__ import annotations

from random import Random

import attrs
import pytest

from seedcore import Policy
from seedcore.contract import circuit
from seedcore.contract.circuit import Condition, Probe, State, Step

NOW = 10_000.0
POLICY = Policy()
HOUR = 3_600.0


def opened(**changes: object) -> Condition:
    """
    Return a circuit that was opened just now, for a quarter of a second.
    """
    known = Condition(state=State.OPEN, generation=5, open_until=NOW + 0.25)
    return attrs.evolve(known, **changes)


def half_open(*probes: Probe, **changes: object) -> Condition:
    """
    Return a half-open circuit with some *probes* under way.
    """
    known = Condition(state=State.HALF_OPEN, generation=6, open_until=NOW - 1, probes=probes)
    return attrs.evolve(known, **changes)


def test_a_new_circuit_is_closed() -> None:
    """
    Nobody waits for it.
    """
    assert State.CLOSED is Condition().state
    assert 0.0 == circuit.wait(Condition(), POLICY, NOW)


def test_a_shifted_condition_means_the_same_in_another_clock() -> None:
    """
    All three times move, and nothing else does.
    """
    known = half_open(Probe("a", NOW), reopened=2, successes=1, succeeded_at=NOW - 3)
    moved = known.shifted(-400.0)

    assert (NOW - 401, NOW - 403) == (moved.open_until, moved.succeeded_at)
    assert (Probe("a", NOW - 400),) == moved.probes
    assert known == moved.shifted(400.0)
    assert circuit.wait(known, POLICY, NOW) == circuit.wait(moved, POLICY, NOW - 400)


def test_an_open_circuit_is_waited_for_until_its_time() -> None:
    """
    Neither longer nor shorter.
    """
    assert pytest.approx(0.25) == circuit.wait(opened(), POLICY, NOW)
    assert 0.0 == circuit.wait(opened(), POLICY, NOW + 0.25)


@pytest.mark.parametrize(("at_a_time", "waits"), [(1, [5, 5, 5]), (2, [0, 5, 5])])
def test_half_open_waits_for_the_first_of_the_fresh_probes(
    at_a_time: int, waits: list[float]
) -> None:
    """
    HALF_OPEN_MAX_CALLS of them may be younger than five seconds.
    """
    policy = Policy(circuit_breaker_half_open_max_calls=at_a_time)
    known = [half_open(*(Probe(str(n), NOW) for n in range(count))) for count in (1, 2, 3)]

    assert waits == [circuit.wait(condition, policy, NOW) for condition in known]
    older = half_open(Probe("0", NOW - 4), *(Probe(str(n), NOW) for n in range(1, at_a_time)))
    assert pytest.approx(1.0) == circuit.wait(older, policy, NOW)


def test_half_open_lets_no_more_through_than_cover_one_attempt() -> None:
    """
    Twelve unanswered probes are enough for an attempt of 60 s, six for one of 30 s.
    """
    unanswered = tuple(Probe(str(n), NOW - 5 * n) for n in range(1, 13))

    assert 5.0 == circuit.wait(half_open(*unanswered), POLICY, NOW)
    assert 0.0 == circuit.wait(half_open(*unanswered[:11]), POLICY, NOW)
    assert 5.0 == circuit.wait(half_open(*unanswered[:6]), Policy(attempt_timeout=30.0), NOW)


def test_nobody_waits_for_a_probe_that_is_lost() -> None:
    """
    Whoever sees no turn takes no step: one that is forgotten only in a step would stay for ever.
    """
    policy = Policy(attempt_timeout=4.0)
    known = half_open(Probe("a", NOW - 9))

    assert 5.0 == circuit.wait(known, policy, NOW)
    assert 0.0 == circuit.wait(known, policy, NOW + 0.001)


class TestOpening:
    """
    Too much has failed.
    """

    def test_it_opens_for_a_quarter_of_a_second(self) -> None:
        """
        And the generation grows.
        """
        after = circuit.opening(4)(Condition(generation=4), POLICY, NOW)

        assert opened() == after

    def test_a_set_timeout_is_the_open_time(self) -> None:
        """
        CIRCUIT_BREAKER_TIMEOUT stands for all the rules.
        """
        policy = Policy(circuit_breaker_timeout=60.0)
        after = circuit.opening(4)(Condition(generation=4), policy, NOW)

        assert NOW + 60 == after.open_until

    @pytest.mark.parametrize(
        "known", [Condition(generation=5), opened(generation=4), half_open(generation=4)]
    )
    def test_it_comes_too_late_when_another_process_was_quicker(self, known: Condition) -> None:
        """
        What it counted was of a generation that is over, or has opened it already.
        """
        assert known is circuit.opening(4)(known, POLICY, NOW)


class TestProbing:
    """
    One attempt finds out.
    """

    def test_nothing_goes_through_before_its_time(self) -> None:
        """
        The condition is the same one, so that nobody writes it.
        """
        known = opened()

        assert known is circuit.probing("a")(known, POLICY, NOW + 0.24)

    def test_the_first_probe_makes_it_half_open(self) -> None:
        """
        A new generation begins, without successes.
        """
        after = circuit.probing("a")(opened(successes=1, reopened=3), POLICY, NOW + 0.25)

        assert (State.HALF_OPEN, 6, 0, 3) == (
            after.state,
            after.generation,
            after.successes,
            after.reopened,
        )
        assert (Probe("a", NOW + 0.25),) == after.probes

    def test_the_next_one_waits_for_five_seconds(self) -> None:
        """
        Then both are under way, in the same generation.
        """
        known = half_open(Probe("a", NOW))

        assert known is circuit.probing("b")(known, POLICY, NOW + 4.9)
        after = circuit.probing("b")(known, POLICY, NOW + 5)
        assert (Probe("a", NOW), Probe("b", NOW + 5)) == after.probes
        assert known.generation == after.generation

    def test_who_is_under_way_is_not_let_through_again(self) -> None:
        """
        Also where there is room for another one: a step may be taken twice.
        """
        policy = Policy(circuit_breaker_half_open_max_calls=2)
        known = half_open(Probe("a", NOW))

        assert 0.0 == circuit.wait(known, policy, NOW + 1)
        assert known is circuit.probing("a")(known, policy, NOW + 1)

    def test_a_closed_circuit_needs_none(self) -> None:
        """
        It was closed by another process while this one asked.
        """
        known = Condition(generation=7)

        assert known is circuit.probing("a")(known, POLICY, NOW)

    def test_who_is_lost_makes_room(self) -> None:
        """
        A process that was killed holds the probe of no other for longer than an attempt lasts.
        """
        policy = Policy(attempt_timeout=5.0)
        known = half_open(Probe("lost", NOW - 10.1))
        after = circuit.probing("a")(known, policy, NOW)

        assert (Probe("a", NOW),) == after.probes

    def test_a_clock_that_was_put_back_keeps_it_open_for_seconds_only(self) -> None:
        """
        What is cut comes out even where it is nobody's turn yet.
        """
        after = circuit.probing("a")(opened(open_until=NOW + HOUR), POLICY, NOW)

        assert opened(open_until=NOW + 5) == after


class TestProbeSucceeded:
    """
    The provider is alive.
    """

    def test_two_close_it(self) -> None:
        """
        The first frees its place and is counted, the second begins a new generation.
        """
        known = half_open(Probe("a", NOW), Probe("b", NOW), reopened=4)
        once = circuit.probe_succeeded("a")(known, POLICY, NOW + 1)

        assert half_open(Probe("b", NOW), reopened=4, successes=1, succeeded_at=NOW + 1) == once
        twice = circuit.probe_succeeded("b")(once, POLICY, NOW + 2)
        assert (State.CLOSED, 7, 0, 0, ()) == (
            twice.state,
            twice.generation,
            twice.successes,
            twice.reopened,
            twice.probes,
        )

    def test_a_set_threshold_says_how_many(self) -> None:
        """
        SUCCESS_THRESHOLD of one closes it at once.
        """
        policy = Policy(circuit_breaker_success_threshold=1)
        after = circuit.probe_succeeded("a")(half_open(Probe("a", NOW)), policy, NOW)

        assert State.CLOSED is after.state

    @pytest.mark.parametrize("known", [Condition(), opened(), half_open(Probe("b", NOW))])
    def test_one_that_is_not_known_any_more_is_ignored(self, known: Condition) -> None:
        """
        The circuit has changed since, or it was lost.
        """
        assert known is circuit.probe_succeeded("a")(known, POLICY, NOW)


class TestProbeFailed:
    """
    The provider is still down.
    """

    @pytest.mark.parametrize(
        ("reopened", "took", "expected"),
        [
            (0, 0.1, 0.375),
            (1, 0.1, 0.5625),
            (9, 0.1, 2.0),
            (10**6, 0.1, 2.0),
            (0, 3.0, 3.0),
            (0, 60.0, 5.0),
            (0, -HOUR, 0.375),
        ],
    )
    def test_it_opens_again_for_longer(self, reopened: int, took: float, expected: float) -> None:
        """
        1.5 times longer each time, not shorter than the probe took, and never over 5 s.
        """
        known = half_open(Probe("a", NOW - took), reopened=reopened, successes=1)
        after = circuit.probe_failed("a")(known, POLICY, NOW)

        assert (State.OPEN, 7, 0, reopened + 1, ()) == (
            after.state,
            after.generation,
            after.successes,
            after.reopened,
            after.probes,
        )
        assert pytest.approx(expected) == circuit.wait(after, POLICY, NOW)

    def test_one_from_before_the_last_success_frees_its_place_only(self) -> None:
        """
        It says nothing about now.
        """
        known = half_open(Probe("hung", NOW - 9), successes=1, succeeded_at=NOW)
        after = circuit.probe_failed("hung")(known, POLICY, NOW + 1)

        assert attrs.evolve(known, probes=()) == after

    def test_one_that_began_with_the_last_success_counts(self) -> None:
        """
        It asked no earlier than the one that found the provider alive was answered.
        """
        known = half_open(Probe("a", NOW), successes=1, succeeded_at=NOW)

        assert State.OPEN is circuit.probe_failed("a")(known, POLICY, NOW + 1).state

    @pytest.mark.parametrize("known", [Condition(), opened(), half_open(Probe("b", NOW))])
    def test_one_that_is_not_known_any_more_is_ignored(self, known: Condition) -> None:
        """
        Another one has failed meanwhile, or it was lost.
        """
        assert known is circuit.probe_failed("a")(known, POLICY, NOW)


def test_a_released_probe_frees_its_place() -> None:
    """
    Nothing else changes, and a name that nobody has changes nothing at all.
    """
    known = half_open(Probe("a", NOW), Probe("b", NOW), successes=1)
    after = circuit.probe_released("a")(known, POLICY, NOW)

    assert attrs.evolve(known, probes=(Probe("b", NOW),)) == after
    assert attrs.evolve(known, probes=(Probe("a", NOW),)) == known.without("b")
    assert known is circuit.probe_released("c")(known, POLICY, NOW)


def test_the_step_that_is_none_leaves_everything() -> None:
    """
    It is taken where a row has to be written anew.
    """
    known = half_open(Probe("a", NOW))

    assert known is circuit.unchanged(known, POLICY, NOW)


class TestRestating:
    """
    What a process tells that was alone for a while.
    """

    def test_its_times_are_moved_to_the_clock_of_the_others(self) -> None:
        """
        What was left of an opening when it was told is left there too.
        """
        ours = opened(reopened=3, generation=90)
        step = circuit.restating(ours, NOW)
        after = step(Condition(generation=7), POLICY, 50_000.0)

        assert (State.OPEN, 8, 3) == (after.state, after.generation, after.reopened)
        assert pytest.approx(0.25) == circuit.wait(after, POLICY, 50_000.0)

    def test_its_probes_are_its_own(self) -> None:
        """
        Their results were never promised to anybody else.
        """
        ours = half_open(Probe("a", NOW), successes=1, succeeded_at=NOW - 1)
        after = circuit.restating(ours, NOW)(half_open(Probe("b", NOW)), POLICY, NOW + 100)

        assert (State.HALF_OPEN, 7, 1, NOW + 99, ()) == (
            after.state,
            after.generation,
            after.successes,
            after.succeeded_at,
            after.probes,
        )

    def test_closed_here_closes_it_there(self) -> None:
        """
        Probes have succeeded meanwhile.
        """
        after = circuit.restating(Condition(generation=4), NOW)(opened(), POLICY, NOW)

        assert (State.CLOSED, 6) == (after.state, after.generation)

    def test_closed_on_both_sides_is_no_news(self) -> None:
        """
        The others would count from zero for nothing.
        """
        known = Condition(generation=7)

        assert known is circuit.restating(Condition(generation=4), NOW)(known, POLICY, NOW)

    def test_taken_twice_it_says_the_same(self) -> None:
        """
        The generation grows once more, which voids nobody's result: there are no probes.
        """
        step = circuit.restating(opened(), NOW)
        once = step(Condition(), POLICY, NOW)
        twice = step(once, POLICY, NOW)

        assert attrs.evolve(once, generation=2) == twice


class TestSane:
    """
    A clock that jumped, a process that died.
    """

    @pytest.mark.parametrize(
        "known",
        [
            Condition(),
            Condition(generation=3, open_until=NOW - 5, succeeded_at=NOW - 1),
            Condition(generation=3, open_until=NOW + HOUR),
            opened(),
            opened(open_until=NOW + 5),
            half_open(Probe("a", NOW - 1), succeeded_at=NOW - 2, successes=1),
        ],
    )
    def test_what_may_be_is_left_alone(self, known: Condition) -> None:
        """
        The same condition comes out, so that nobody takes it for a change.
        """
        assert known is circuit.sane(known, POLICY, NOW)

    def test_a_clock_that_was_put_back_by_an_hour(self) -> None:
        """
        No opening is longer than the rules make it, and nothing happened in the future.
        """
        now = NOW - HOUR
        known = opened(succeeded_at=now)
        assert attrs.evolve(known, open_until=now + 5) == circuit.sane(known, POLICY, now)
        known = half_open(Probe("a", NOW), successes=1, succeeded_at=NOW)
        mended = circuit.sane(known, POLICY, now)
        assert (now, (Probe("a", now),)) == (mended.succeeded_at, mended.probes)
        assert pytest.approx(5.0) == circuit.wait(mended, POLICY, now)

    def test_a_set_timeout_is_the_longest_opening(self) -> None:
        """
        An operator's minute is not cut to five seconds.
        """
        policy = Policy(circuit_breaker_timeout=60.0)
        known = opened(open_until=NOW + 59)

        assert known is circuit.sane(known, policy, NOW)
        assert opened(open_until=NOW + 60) == circuit.sane(
            opened(open_until=NOW + HOUR), policy, NOW
        )

    def test_a_clock_that_was_put_forward_by_an_hour(self) -> None:
        """
        An opening is over, and probes of an hour ago are lost.
        """
        now = NOW + HOUR
        assert 0.0 == circuit.wait(circuit.sane(opened(), POLICY, now), POLICY, now)
        mended = circuit.sane(half_open(Probe("a", NOW), successes=1), POLICY, now)
        assert half_open(successes=1) == mended
        assert 0.0 == circuit.wait(mended, POLICY, now)

    def test_a_probe_is_lost_five_seconds_after_its_attempt_was_over(self) -> None:
        """
        Until then its process may still say what became of it.
        """
        policy = Policy(attempt_timeout=30.0)
        known = half_open(Probe("old", NOW - 35), Probe("new", NOW))

        assert known is circuit.sane(known, policy, NOW)
        assert half_open(Probe("new", NOW)) == circuit.sane(known, policy, NOW + 0.001)

    def test_mended_once_it_stays_as_it_is(self) -> None:
        """
        For the same time there is nothing left to do.
        """
        for now in (NOW - HOUR, NOW, NOW + HOUR):
            for known in (opened(), half_open(Probe("a", NOW), succeeded_at=NOW)):
                mended = circuit.sane(known, POLICY, now)
                assert mended is circuit.sane(mended, POLICY, now)


def some_step(rng: Random, known: Condition) -> Step:
    """
    Return a step that some process might take.
    """
    name = rng.choice("abcd")
    choices = (
        circuit.opening(known.generation - rng.randrange(2)),
        circuit.probing(name),
        circuit.probe_succeeded(name),
        circuit.probe_failed(name),
        circuit.probe_released(name),
        circuit.unchanged,
    )
    return rng.choice(choices)


def test_a_step_taken_twice_is_taken_once() -> None:
    """
    A connection that broke leaves open whether the row was changed, so it's tried again.
    """
    rng = Random(1)
    known, now, states = Condition(), NOW, set()
    for _ in range(5_000):
        now += rng.choice((0.0, 0.1, 1.0, 5.0, 40.0, -HOUR if rng.random() < 0.01 else 0.2))
        step = some_step(rng, known)
        known = step(known, POLICY, now)
        states.add(known.state)
        assert known is step(known, POLICY, now)

    assert set(State) == states


def test_the_generation_grows_with_every_change_of_the_state() -> None:
    """
    So it tells of two conditions which is the newer, and never twice the same of two states.
    """
    rng = Random(2)
    known, now = Condition(), NOW
    for _ in range(5_000):
        now += rng.choice((0.0, 0.1, 1.0, 5.0, 40.0))
        after = some_step(rng, known)(known, POLICY, now)
        assert (after.state is not known.state) == (after.generation == known.generation + 1)
        assert after.generation - known.generation in (0, 1)
        known = after
