"""
The circuit breaker: when it opens, how it probes, and what it does not learn from.
"""

from __future__ import annotations

import attrs
import pytest

from seedcore import Policy
from seedcore.contract.breaker import Breaker, Permit, Suspects
from seedcore.contract.circuit import Condition, Probe, State, Step


@attrs.define(eq=False)
class Bench:
    """
    A breaker with a clock that a test moves, the transitions it made, and what it told others.
    """

    policy: Policy = attrs.Factory(Policy)
    now: float = 100.0
    changes: list[tuple[str, str]] = attrs.Factory(list)
    told: list[Step | None] = attrs.Factory(list)
    breaker: Breaker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.breaker = Breaker(self.policy, self._stepped)

    def _stepped(self, old: State, step: Step | None) -> None:
        self.told.append(step)
        if old is not self.breaker.state:
            self.changes.append((old.value, self.breaker.state.value))

    @property
    def condition(self) -> Condition:
        """
        Return what the breaker knows about its circuit.
        """
        return self.breaker.condition

    def admit(self) -> Permit:
        permit = self.breaker.admit(self.now)
        assert permit is not None
        return permit

    def fail(self, times: int = 1, *, here: bool = False) -> None:
        for _ in range(times):
            self.breaker.failed(self.admit(), self.now, here=here)

    def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            self.breaker.succeeded(self.admit(), self.now)

    def open(self) -> None:
        self.fail(self.policy.circuit_breaker_window_failures)
        assert self.breaker.state is State.OPEN

    def half_open(self) -> Permit:
        self.open()
        self.now += self.breaker.wait(self.now)
        return self.admit()


@pytest.fixture
def bench() -> Bench:
    """
    A breaker with the default policy.
    """
    return Bench()


def test_it_opens_at_the_fourteenth_failure(bench: Bench) -> None:
    """
    14 failures open it even before 20 attempts were counted, and 13 do not.
    """
    bench.fail(13)
    assert State.CLOSED is bench.breaker.state
    bench.fail()
    assert State.OPEN is bench.breaker.state
    assert [("closed", "open")] == bench.changes


def test_only_the_last_twenty_attempts_count(bench: Bench) -> None:
    """
    A failure that is followed by twenty attempts is forgotten.
    """
    for _ in range(50):
        bench.fail(13)
        bench.succeed(7)
    assert State.CLOSED is bench.breaker.state


def test_it_opens_when_fourteen_of_twenty_failed(bench: Bench) -> None:
    """
    Successes in between do not help when 14 of the last 20 attempts failed.
    """
    for _ in range(6):
        bench.fail(2)
        bench.succeed()
    assert State.CLOSED is bench.breaker.state
    bench.fail(2)
    assert State.OPEN is bench.breaker.state


def test_five_failed_calls_in_a_row_open_it(bench: Bench) -> None:
    """
    At low traffic the window never fills, so calls that failed as a whole count too.
    """
    for _ in range(4):
        bench.breaker.call_failed(bench.admit(), bench.now)
    bench.succeed()
    for _ in range(4):
        bench.breaker.call_failed(bench.admit(), bench.now)
    assert State.CLOSED is bench.breaker.state
    bench.breaker.call_failed(bench.admit(), bench.now)
    assert State.OPEN is bench.breaker.state


def test_neutral_outcomes_neither_count_nor_reset(bench: Bench) -> None:
    """
    A refused request changes nothing, not even the row of failed calls.
    """
    for _ in range(4):
        bench.breaker.call_failed(bench.admit(), bench.now)
    bench.fail(9)
    for _ in range(40):
        bench.breaker.answered(bench.admit(), bench.now)
        bench.breaker.released(bench.admit(), bench.now)
    bench.breaker.call_failed(bench.admit(), bench.now)
    assert State.OPEN is bench.breaker.state


def test_an_open_circuit_admits_nobody_until_its_time(bench: Bench) -> None:
    """
    The first opening lasts a quarter of a second.
    """
    bench.open()
    assert pytest.approx(0.25) == bench.breaker.wait(bench.now)
    assert bench.breaker.admit(bench.now + 0.24) is None
    bench.now += 0.25
    assert bench.admit().probe


def test_open_times_grow_by_half_up_to_two_seconds(bench: Bench) -> None:
    """
    Each failed probe makes the next opening 1.5 times longer, at most 2 s.
    """
    bench.open()
    waits = []
    for _ in range(9):
        waits.append(bench.breaker.wait(bench.now))
        bench.now += waits[-1]
        bench.fail()
    assert pytest.approx([0.25 * 1.5**n for n in range(6)] + [2.0] * 3) == waits


@pytest.mark.parametrize(("took", "expected"), [(0.1, 0.375), (3.0, 3.0), (60.0, 5.0)])
def test_a_slow_probe_makes_the_circuit_stay_open_as_long(took: float, expected: float) -> None:
    """
    Not shorter than the failed probe took, but at most 5 s.
    """
    bench = Bench()
    probe = bench.half_open()
    bench.now += took
    bench.breaker.failed(probe, bench.now)
    assert pytest.approx(expected) == bench.breaker.wait(bench.now)


def test_a_set_timeout_is_the_open_time_always() -> None:
    """
    CIRCUIT_BREAKER_TIMEOUT replaces growth and slow probes.
    """
    bench = Bench(Policy(circuit_breaker_timeout=60.0))
    probe = bench.half_open()
    bench.now += 3
    bench.breaker.failed(probe, bench.now)
    assert pytest.approx(60.0) == bench.breaker.wait(bench.now)


def test_half_open_admits_one_probe_at_a_time(bench: Bench) -> None:
    """
    Everyone else waits for the probe, at most five seconds.
    """
    bench.half_open()
    assert bench.breaker.admit(bench.now) is None
    assert pytest.approx(5.0) == bench.breaker.wait(bench.now)


def test_unanswered_probes_let_others_through_up_to_one_attempt_timeout(bench: Bench) -> None:
    """
    A probe every 5 s while none answers, and never more than cover one attempt of 60 s.

    Nobody will say what became of one that began over 65 s ago: its place is free again.
    """
    bench.half_open()
    began = bench.now
    probes = [0.0]
    for _ in range(40):
        bench.now += 5
        if bench.breaker.admit(bench.now) is not None:
            probes.append(bench.now - began)
        assert len(bench.condition.probes) <= 12

    rounds = (range(0, 60, 5), range(70, 130, 5), range(140, 200, 5))
    assert [float(second) for seconds in rounds for second in seconds] == probes


def test_a_lost_probe_is_forgotten_five_seconds_after_its_time_was_up() -> None:
    """
    Its process has died; what it might still say is not listened to.
    """
    bench = Bench(Policy(attempt_timeout=4.0))
    lost = bench.half_open()
    bench.now += 9.0
    assert 5.0 == bench.breaker.wait(bench.now)
    assert bench.breaker.admit(bench.now) is None

    bench.now += 0.001
    assert 0.0 == bench.breaker.wait(bench.now)
    next_one = bench.admit()
    assert [next_one.probe] == [probe.name for probe in bench.condition.probes]
    bench.breaker.failed(lost, bench.now)
    assert State.HALF_OPEN is bench.breaker.state


def test_two_successful_probes_close_it(bench: Bench) -> None:
    """
    One is not enough; the second one starts as soon as the first is back.
    """
    first = bench.half_open()
    bench.breaker.succeeded(first, bench.now)
    assert State.HALF_OPEN is bench.breaker.state
    bench.breaker.succeeded(bench.admit(), bench.now)
    assert State.CLOSED is bench.breaker.state
    assert [("closed", "open"), ("open", "half_open"), ("half_open", "closed")] == bench.changes


def test_a_refusal_by_the_upstream_is_a_successful_probe(bench: Bench) -> None:
    """
    A 4xx proves that the upstream is alive.
    """
    bench.breaker.answered(bench.half_open(), bench.now)
    bench.breaker.answered(bench.admit(), bench.now)
    assert State.CLOSED is bench.breaker.state


def test_a_cancelled_probe_frees_its_place_and_changes_nothing(bench: Bench) -> None:
    """
    The next probe goes out at once.
    """
    probe = bench.half_open()
    bench.breaker.released(probe, bench.now)
    assert State.HALF_OPEN is bench.breaker.state
    assert bench.admit().probe


def test_results_from_before_the_opening_are_ignored(bench: Bench) -> None:
    """
    Late failures do not prolong an opening, late successes do not close a circuit.
    """
    late = [bench.admit() for _ in range(20)]
    bench.open()
    generation = bench.condition.generation
    for permit in late:
        bench.breaker.failed(permit, bench.now)
        bench.breaker.succeeded(permit, bench.now)
        bench.breaker.call_failed(permit, bench.now)
    assert (State.OPEN, generation) == (bench.breaker.state, bench.condition.generation)
    bench.now += 1
    bench.admit()
    for permit in late:
        bench.breaker.succeeded(permit, bench.now)
    assert (State.HALF_OPEN, 0) == (bench.breaker.state, bench.condition.successes)


def test_late_successes_do_not_hide_new_failures(bench: Bench) -> None:
    """
    A success that began before the opening says nothing about what failed after the closing.
    """
    late = bench.admit()
    bench.open()
    bench.now += 1
    bench.succeed(2)
    for _ in range(4):
        bench.breaker.call_failed(bench.admit(), bench.now)

    bench.breaker.succeeded(late, bench.now)
    bench.breaker.call_failed(bench.admit(), bench.now)

    assert State.OPEN is bench.breaker.state


def test_a_late_probe_does_not_speak_for_one_that_has_its_name() -> None:
    """
    What it found was found before the circuit opened again.
    """
    policy = Policy(circuit_breaker_success_threshold=1)
    breaker = Breaker(policy, lambda before, step: None, iter(["a", "b", "a"]))
    for _ in range(14):
        breaker.failed(breaker.admit(0.0), 0.0)
    late = breaker.admit(1.0)
    breaker.failed(breaker.admit(6.0), 6.0)
    again = breaker.admit(12.0)
    assert ("a", "a") == (late.probe, again.probe)

    breaker.succeeded(late, 13.0)
    assert State.HALF_OPEN is breaker.state
    breaker.succeeded(again, 13.0)
    assert State.CLOSED is breaker.state


def test_a_probe_from_before_the_last_success_cannot_reopen(bench: Bench) -> None:
    """
    After an outage that hangs, probes of its time still fail while new ones succeed.
    """
    hung = bench.half_open()
    bench.now += 5
    bench.breaker.succeeded(bench.admit(), bench.now)
    bench.breaker.failed(hung, bench.now)
    assert (State.HALF_OPEN, 1) == (bench.breaker.state, bench.condition.successes)


def test_closing_starts_afresh(bench: Bench) -> None:
    """
    After closing, old failures and the grown open time are forgotten.
    """
    bench.half_open()
    for _ in range(6):
        bench.now += 5
        bench.fail()
        bench.now += bench.breaker.wait(bench.now)
    bench.succeed(2)
    bench.fail(13)
    assert State.CLOSED is bench.breaker.state
    bench.fail()
    assert pytest.approx(0.25) == bench.breaker.wait(bench.now)


def test_an_open_circuit_is_adopted_for_the_rest_of_its_time(bench: Bench) -> None:
    """
    A restart does not shorten an opening, and its generation goes on.
    """
    stored = Condition(state=State.OPEN, generation=7, open_until=bench.now + 1.5)
    assert bench.breaker.adopt(stored, bench.now)
    assert bench.breaker.admit(bench.now + 1.4) is None
    bench.now += 1.5
    assert bench.admit().probe
    assert 8 == bench.condition.generation
    assert bench.breaker.admit(bench.now) is None


@pytest.mark.parametrize(
    ("timeout", "stored", "expected"),
    [(None, 3600.0, 5.0), (60.0, 3600.0, 60.0), (None, -9.0, 0.0)],
)
def test_an_adopted_open_time_is_never_longer_than_one_it_makes(
    timeout: float | None, stored: float, expected: float
) -> None:
    """
    A clock that jumped an hour does not keep a circuit open for an hour.
    """
    bench = Bench(Policy(circuit_breaker_timeout=timeout))
    condition = Condition(state=State.OPEN, generation=1, open_until=bench.now + stored)
    bench.breaker.adopt(condition, bench.now)
    assert pytest.approx(expected) == bench.breaker.wait(bench.now)


class TestAdopting:
    """
    What other processes know about the same circuit.
    """

    def test_what_is_known_already_changes_nothing(self, bench: Bench) -> None:
        """
        A look each second neither forgets what was counted nor voids attempts under way.
        """
        permit = bench.admit()
        bench.fail(13)
        assert not bench.breaker.adopt(Condition(), bench.now)
        bench.breaker.failed(permit, bench.now)
        assert State.OPEN is bench.breaker.state

    def test_it_is_not_told_to_the_others_again(self, bench: Bench) -> None:
        """
        They are where it comes from.
        """
        stored = Condition(state=State.OPEN, generation=1, open_until=bench.now + 1)
        assert bench.breaker.adopt(stored, bench.now)
        assert [] == bench.told

    def test_a_change_elsewhere_starts_the_counting_anew(self, bench: Bench) -> None:
        """
        Failures from before it, and attempts that began before it, teach nothing.
        """
        late = [bench.admit() for _ in range(20)]
        bench.fail(13)
        for _ in range(4):
            bench.breaker.call_failed(bench.admit(), bench.now)
        assert bench.breaker.adopt(Condition(generation=2), bench.now)
        for permit in late:
            bench.breaker.failed(permit, bench.now)
            bench.breaker.call_failed(permit, bench.now)
        bench.fail(13)
        for _ in range(4):
            bench.breaker.call_failed(bench.admit(), bench.now)
        assert State.CLOSED is bench.breaker.state
        bench.fail()
        assert (State.OPEN, 3) == (bench.breaker.state, bench.condition.generation)

    def test_the_probe_of_another_process_is_waited_for(self, bench: Bench) -> None:
        """
        One probe at a time is one of all processes, at most five seconds long.
        """
        theirs = Condition(
            state=State.HALF_OPEN, generation=2, probes=(Probe("theirs", bench.now - 1),)
        )
        bench.breaker.adopt(theirs, bench.now)
        assert pytest.approx(4.0) == bench.breaker.wait(bench.now)
        assert bench.breaker.admit(bench.now) is None

    def test_a_probe_that_all_agreed_on_has_a_permit(self, bench: Bench) -> None:
        """
        The step is taken by the database first, and counts from when its result is adopted.
        """
        bench.open()
        bench.now += 1
        name, step = bench.breaker.next_probe()
        assert bench.breaker.permit(name) is None
        bench.breaker.adopt(step(bench.condition, bench.policy, bench.now), bench.now)
        permit = bench.breaker.permit(name)
        assert permit is not None
        assert name == permit.probe
        bench.breaker.succeeded(permit, bench.now)
        assert (State.HALF_OPEN, 1) == (bench.breaker.state, bench.condition.successes)

    def test_a_probe_stays_valid_while_others_come_and_go(self, bench: Bench) -> None:
        """
        Only a change of the state makes its result one of the past.
        """
        probe = bench.half_open()
        with_theirs = attrs.evolve(
            bench.condition, probes=(*bench.condition.probes, Probe("theirs", bench.now))
        )
        assert bench.breaker.adopt(with_theirs, bench.now)
        bench.breaker.failed(probe, bench.now)
        assert State.OPEN is bench.breaker.state
        assert [("closed", "open"), ("open", "half_open"), ("half_open", "open")] == bench.changes

    def test_a_probe_that_the_others_have_forgotten_says_nothing(self, bench: Bench) -> None:
        """
        Its process was stopped for so long that its place was given away.
        """
        probe = bench.half_open()
        bench.breaker.adopt(bench.condition.without(probe.probe), bench.now)
        told = len(bench.told)
        bench.breaker.failed(probe, bench.now)
        assert State.HALF_OPEN is bench.breaker.state
        assert told == len(bench.told)


class TestApart:
    """
    A circuit that opened through this machine's own fault.
    """

    def test_what_the_provider_did_is_told_to_all(self, bench: Bench) -> None:
        """
        The step that opened it is one that every process takes.
        """
        bench.open()
        [step] = bench.told
        assert step is not None
        assert bench.condition == step(Condition(), bench.policy, bench.now)
        assert not bench.breaker.apart

    @pytest.mark.parametrize(("theirs", "ours"), [(0, 14), (13, 1), (1, 13)])
    def test_local_failures_open_it_for_this_process_alone(
        self, bench: Bench, theirs: int, ours: int
    ) -> None:
        """
        Unless what the provider did would have opened it without them.
        """
        bench.fail(ours, here=True)
        bench.fail(theirs)
        assert State.OPEN is bench.breaker.state
        assert bench.breaker.apart
        assert [None] == bench.told

    @pytest.mark.parametrize(("theirs", "ours"), [(0, 5), (4, 1)])
    def test_so_do_calls_that_failed_locally(self, bench: Bench, theirs: int, ours: int) -> None:
        """
        Five in a row open it, and one local failure among them keeps that here.
        """
        for here in [False] * theirs + [True] * ours:
            bench.breaker.call_failed(bench.admit(), bench.now, here=here)
        assert (State.OPEN, True) == (bench.breaker.state, bench.breaker.apart)
        assert [None] == bench.told

    def test_local_failures_leave_the_window_like_all_others(self, bench: Bench) -> None:
        """
        After twenty more attempts only what the provider did counts.
        """
        bench.fail(13, here=True)
        bench.succeed(20)
        for _ in range(4):
            bench.breaker.call_failed(bench.admit(), bench.now, here=True)
        bench.succeed()
        bench.fail(14)
        assert (State.OPEN, False) == (bench.breaker.state, bench.breaker.apart)

    @pytest.mark.parametrize("here", [False, True])
    def test_a_success_moves_both_kinds_of_failures_alike(self, bench: Bench, here: bool) -> None:
        """
        Whose fault the failure before it was is still known at the fourteenth.
        """
        bench.fail(here=here)
        bench.succeed()
        bench.fail(13)
        assert (State.OPEN, here) == (bench.breaker.state, bench.breaker.apart)

    def test_closing_ends_it(self, bench: Bench) -> None:
        """
        From then on it is a circuit like all others, as it was when it was new.
        """
        new = (bench.breaker.state, bench.breaker.apart, bench.condition.generation)
        bench.fail(14, here=True)
        bench.now += 1
        bench.succeed(2)
        closed = (bench.breaker.state, bench.breaker.apart, bench.condition.generation)
        assert (State.CLOSED, False, 0) == new == closed

    def test_a_failure_is_the_providers_unless_it_is_said_not_to_be(self) -> None:
        """
        What is known to be this machine's own fault is told apart, and nothing else.
        """
        attempts, calls = Bench(), Bench()
        for _ in range(14):
            attempts.breaker.failed(attempts.admit(), attempts.now)
        for _ in range(5):
            calls.breaker.call_failed(calls.admit(), calls.now)
        for bench in (attempts, calls):
            assert (State.OPEN, False) == (bench.breaker.state, bench.breaker.apart)

    def test_one_local_failure_anywhere_in_the_row_is_remembered(self, bench: Bench) -> None:
        """
        Not only if it was the last of the five calls.
        """
        for here in (False, True, False, True, False):
            bench.breaker.call_failed(bench.admit(), bench.now, here=here)
        assert (State.OPEN, True) == (bench.breaker.state, bench.breaker.apart)

    def test_none_of_its_steps_is_told(self, bench: Bench) -> None:
        """
        Probes of a machine without a network say nothing about the provider.
        """
        bench.fail(14, here=True)
        bench.now += 1
        bench.fail()
        bench.now += 1
        bench.breaker.released(bench.admit(), bench.now)
        bench.succeed(2)
        assert State.CLOSED is bench.breaker.state
        assert [None] * len(bench.told) == bench.told
        assert ("half_open", "closed") == bench.changes[-1]

    def test_it_stays_open_while_the_others_are_closed(self, bench: Bench) -> None:
        """
        Their network works, which is no reason to send attempts into nowhere.
        """
        bench.fail(14, here=True)
        known = bench.condition
        assert not bench.breaker.adopt(Condition(generation=9), bench.now)
        assert (known, True) == (bench.condition, bench.breaker.apart)

    def test_it_follows_the_others_once_they_open_too(self, bench: Bench) -> None:
        """
        From then on its steps are theirs again.
        """
        bench.fail(14, here=True)
        theirs = Condition(state=State.OPEN, generation=9, open_until=bench.now + 1)
        assert bench.breaker.adopt(theirs, bench.now)
        assert (theirs, False) == (bench.condition, bench.breaker.apart)
        bench.now += 1
        bench.admit()
        assert bench.told[-1] is not None

    @pytest.mark.parametrize("agreed", [0, 9])
    def test_closing_apart_returns_to_the_generation_of_the_others(
        self, bench: Bench, agreed: int
    ) -> None:
        """
        Else the next opening would be of a generation that they don't know.
        """
        bench.breaker.adopt(Condition(generation=agreed), bench.now)
        bench.fail(14, here=True)
        bench.now += 1
        bench.succeed(2)
        assert Condition(generation=agreed) == attrs.evolve(
            bench.condition, open_until=0.0, succeeded_at=0.0
        )
        assert not bench.breaker.apart
        bench.fail(14)
        step = bench.told[-1]
        assert step is not None
        others = step(Condition(generation=agreed), bench.policy, bench.now)
        assert (State.OPEN, agreed + 1) == (others.state, others.generation)

    def test_results_from_before_an_opening_apart_are_ignored(self, bench: Bench) -> None:
        """
        Also when it has returned to the generation in which they began.
        """
        late = [bench.admit() for _ in range(14)]
        bench.fail(14, here=True)
        bench.now += 1
        bench.succeed(2)
        for permit in late:
            bench.breaker.failed(permit, bench.now)
        assert State.CLOSED is bench.breaker.state


@attrs.frozen
class asking:  # noqa: N801 - reads as a verb
    """
    A request whose fingerprint is its name.
    """

    name: str
    outline: str = "all alike"

    def fingerprint(self) -> str:
        """
        What the breaker knows it by.
        """
        return self.name


class TestSuspects:
    """
    Requests that fail alone.
    """

    def test_a_request_that_fails_while_others_succeed_is_a_suspect(self) -> None:
        """
        From its first failed call on, until it succeeds.
        """
        suspects = Suspects()
        assert not suspects.failed(asking("poison"), 0.0)
        suspects.succeeded(asking("good"))
        assert suspects.call_failed(asking("poison"))
        assert suspects.failed(asking("poison"), 1.0)
        suspects.succeeded(asking("poison"))
        assert not suspects.failed(asking("poison"), 2.0)

    def test_nobody_is_a_suspect_while_nothing_succeeds(self) -> None:
        """
        A real outage under one request opens the circuit all the same.
        """
        suspects = Suspects()
        for request in ("one", "two") * 5:
            assert not suspects.failed(asking(request), 0.0)
            assert not suspects.call_failed(asking(request))

    def test_a_success_from_before_the_first_failure_proves_nothing(self) -> None:
        """
        It says that the provider was well then, not that the request is bad.
        """
        suspects = Suspects()
        suspects.succeeded(asking("other"))
        suspects.failed(asking("request"), 0.0)
        assert not suspects.call_failed(asking("request"))

    def test_a_request_is_hopeless_once_others_succeed(self) -> None:
        """
        From the first success after its first failure on; whoever never failed is not.
        """
        suspects = Suspects()
        suspects.succeeded(asking("other"))
        suspects.failed(asking("poison"), 0.0)
        assert not suspects.hopeless(asking("poison"))
        suspects.succeeded(asking("other"))
        assert suspects.hopeless(asking("poison"))
        assert not suspects.hopeless(asking("another"))

    def test_every_success_after_the_first_failure_is_a_proof(self) -> None:
        """
        Also where there were others before it.
        """
        suspects = Suspects()
        suspects.succeeded(asking("other"))
        suspects.failed(asking("request"), 0.0)
        suspects.succeeded(asking("other"))
        assert suspects.call_failed(asking("request"))

    def test_a_failure_is_forgotten_after_an_hour(self) -> None:
        """
        So that one bad moment does not make a request neutral for ever.
        """
        suspects = Suspects()
        suspects.failed(asking("request"), 0.0)
        suspects.succeeded(asking("other"))
        suspects.call_failed(asking("request"))
        assert suspects.failed(asking("request"), 3600.0)
        assert not suspects.failed(asking("request"), 3601.0)

    def test_an_hour_is_one_since_the_first_failure(self) -> None:
        """
        However long the process has been running.
        """
        suspects = Suspects()
        suspects.failed(asking("request"), 9e6)
        suspects.succeeded(asking("other"))
        suspects.call_failed(asking("request"))
        assert suspects.failed(asking("request"), 9e6 + 3600.0)
        assert not suspects.failed(asking("request"), 9e6 + 3601.0)

    def test_it_remembers_at_most_256_requests(self) -> None:
        """
        The one that failed least recently is forgotten first.
        """
        suspects = Suspects()
        for number in range(257):
            suspects.failed(asking(f"request {number}"), 0.0)
        suspects.succeeded(asking("other"))
        assert not suspects.call_failed(asking("request 0"))
        assert suspects.call_failed(asking("request 1"))
