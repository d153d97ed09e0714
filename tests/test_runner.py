"""
The path of a call: retries, limits, circuit, gate, slots, budget, in virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from seedcore import (
    CircuitOpenError,
    DuplicateCallError,
    Effect,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    QueueFullError,
    Registry,
    Runner,
    Seed,
    SeedcoreError,
    SettingsError,
    UnknownOperationError,
    UnknownProviderError,
    hookimpl,
    operation,
    provider,
)
from seedcore.testing.clocks import VirtualClock, virtual_time
from seedcore.testing.events import CapturedEvents

GOOD = Seed(id="1")


class Scripted:
    """
    A provider that does what its script says, one step per attempt, and then succeeds.

    A step is an exception to raise, or seconds to take. ``began`` are the loop times.
    """

    def __init__(self, *script: Exception | float) -> None:
        self.script = list(script)
        self.began: list[float] = []
        self.running = self.most = 0

    async def __call__(self, request: Any, context: Any) -> Seed:
        loop = asyncio.get_running_loop()
        self.began.append(loop.time())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            step = self.script.pop(0) if self.script else 0.0
            if isinstance(step, Exception):
                raise step
            await asyncio.sleep(step)
        finally:
            self.running -= 1
        return GOOD

    @property
    def pauses(self) -> list[float]:
        return [round(b - a, 6) for a, b in zip(self.began, self.began[1:], strict=False)]


@asynccontextmanager
async def runner_of(
    target: Any, settings: Mapping[str, Any] | None = None, **arguments: Any
) -> AsyncIterator[tuple[Runner, CapturedEvents]]:
    """
    A runner in virtual time with one provider, ``demo``, and its events.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    events = CapturedEvents()
    runner = Runner(
        registry=registry,
        database=None,
        sinks=[events],
        clock=VirtualClock(),
        rng=Random(3),
        settings={"retry_jitter": False, **(settings or {})},
        **arguments,
    )
    async with runner:
        yield runner, events


async def failure_of(call: Any) -> ProviderError:
    """
    The error that *call* raises.
    """
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value


def with_effect(effect: Effect, target: Any) -> Any:
    """
    Declare what repeating *target* does.
    """
    return provider(effect=effect)(target)


@virtual_time
async def test_a_failed_attempt_is_repeated_after_one_and_two_seconds() -> None:
    """
    Without jitter the delays are exactly 1 s and 2 s, and the result is marked.
    """
    demo = Scripted(ConnectionResetError(), ConnectionResetError())
    async with runner_of(demo) as (runner, events):
        seed = await runner.generate("demo", surface="test")
    assert [1.0, 2.0] == demo.pauses
    assert (3, True) == (seed.meta.attempts, seed.meta.possible_duplicate)
    assert ["retry", "retry", "success"] == [e.outcome for e in events.named("attempt")]
    assert [1.0, 2.0, None] == [e.retry_in_s for e in events.named("attempt")]
    assert ["WARNING", "WARNING", "DEBUG"] == [e.level for e in events.named("attempt")]
    assert ["INFO"] == [e.level for e in events.named("call")]


@virtual_time
async def test_a_refused_connection_leaves_no_possible_duplicate() -> None:
    """
    What was provably not processed can't have made another seed.
    """
    async with runner_of(Scripted(ConnectionRefusedError())) as (runner, _):
        seed = await runner.generate("demo", surface="test")
    assert (2, False) == (seed.meta.attempts, seed.meta.possible_duplicate)


@virtual_time
async def test_a_call_that_fails_three_times_fails_with_one_error_event() -> None:
    """
    Its error is the last attempt's, with the provider's own exception as its cause.
    """
    last = ConnectionResetError("last")
    demo = Scripted(ConnectionResetError(), ConnectionResetError(), last)
    async with runner_of(demo) as (runner, events):
        error = await failure_of(runner.generate("demo", surface="test"))
    assert ("demo", "generate", 3, "attempts") == (
        error.provider,
        error.operation,
        error.attempts,
        error.stopped_by,
    )
    assert last is error.__cause__
    assert ["ERROR"] == [e.level for e in events if e.level == "ERROR"]
    assert "ProviderUnavailableError" == events.named("call")[0].error_type


@virtual_time
async def test_an_attempt_ends_at_its_timeout() -> None:
    """
    60 s by default; the response body and everything else the provider does are included.
    """
    demo = Scripted(1e6)
    async with runner_of(demo) as (runner, _):
        seed = await runner.generate("demo", surface="test")
    assert [61.0] == demo.pauses
    assert seed.meta.possible_duplicate


@virtual_time
async def test_a_request_that_hangs_while_others_succeed_is_not_tried_on_and_on() -> None:
    """
    Its first timeout may be chance; the next one, after a success of another, is the last.
    """

    async def choosy(request: Any, context: Any) -> Seed:
        await asyncio.sleep(1e6 if request.preset == "poison" else 1)
        return GOOD

    async def others(runner: Runner) -> None:
        while True:
            await runner.generate("demo", surface="test", preset="good")

    async with runner_of(choosy) as (runner, _):
        alone = await failure_of(runner.generate("demo", surface="test", preset="poison"))
        assert (3, "attempts") == (alone.attempts, alone.stopped_by)
        among = asyncio.create_task(others(runner))
        for attempts in (1, 1):
            error = await failure_of(runner.generate("demo", surface="test", preset="poison"))
            assert (attempts, "attempts") == (error.attempts, error.stopped_by)
        fresh = runner.generate("demo", surface="test", preset="poison", branch="other")
        assert 2 == (await failure_of(fresh)).attempts
        among.cancel()


@virtual_time
async def test_an_operation_that_hangs_leaves_slots_to_the_others() -> None:
    """
    An eighth of them, before its circuit has learned anything.
    """

    class Several:
        @hookimpl
        async def generate(self, request: Any) -> Seed:
            await asyncio.sleep(1e6)
            return GOOD

        @operation(effect="read")
        async def presets(self) -> list[str]:
            return ["open"]

    async with runner_of(Several(), {"patience": 0, "max_concurrent": 8}) as (runner, _):
        assert ["open"] == await runner.call("demo", "presets", surface="test")
        hanging = [asyncio.create_task(roll(runner)) for _ in range(20)]
        await asyncio.sleep(1)
        assert 7 == runner._lanes["demo"].slots.in_use
        assert ["open"] == await runner.call("demo", "presets", surface="test")
        for task in hanging:
            task.cancel()


async def roll(runner: Runner) -> Seed:
    """
    Roll a seed.
    """
    return await runner.generate("demo", surface="test")


@virtual_time
async def test_the_deadline_ends_a_call_in_the_middle_of_an_attempt() -> None:
    """
    The last attempt is cut short, and no attempt starts after the deadline.
    """
    demo = Scripted(1e6, 1e6)
    async with runner_of(demo) as (runner, _):
        started = asyncio.get_running_loop().time()
        error = await failure_of(runner.generate("demo", surface="test", deadline=70))
        took = asyncio.get_running_loop().time() - started
    assert isinstance(error, ProviderTimeoutError)
    assert ("deadline", 2) == (error.stopped_by, error.attempts)
    assert pytest.approx(70.0) == took


@virtual_time
async def test_no_pause_is_begun_that_ends_after_the_deadline() -> None:
    """
    Sleeping to fail afterwards would only waste the caller's time.
    """
    demo = Scripted(ConnectionResetError(), ConnectionResetError())
    async with runner_of(demo) as (runner, _):
        started = asyncio.get_running_loop().time()
        error = await failure_of(runner.generate("demo", surface="test", deadline=2.5))
        took = asyncio.get_running_loop().time() - started
    assert ("deadline", 2, 1.0) == (error.stopped_by, error.attempts, took)


@virtual_time
async def test_attempts_cut_short_by_deadlines_never_open_a_circuit() -> None:
    """
    A hurried caller says nothing about the provider.
    """
    demo = Scripted(*[1e6] * 40)
    async with runner_of(demo) as (runner, events):
        for _ in range(40):
            await failure_of(runner.generate("demo", surface="test", deadline=0.1))
    assert [] == events.named("breaker")


@pytest.mark.parametrize(
    ("step", "attempts", "in_doubt"),
    [
        (ConnectionRefusedError(), 2, False),
        (ProviderRateLimitError(status_code=429, retry_after=1.0), 2, False),
        (ConnectionResetError(), 1, True),
        (TimeoutError(), 1, True),
        (ProviderUnavailableError(status_code=503), 1, True),
        (ProviderResponseFormatError("junk"), 1, True),
        (ProviderInvalidRequestError("no"), 1, False),
    ],
)
def test_an_unsafe_operation_is_repeated_only_if_it_was_not_processed(
    step: Exception, attempts: int, in_doubt: bool
) -> None:
    """
    Everything else raises, in doubt where the upstream may have done it.
    """

    @virtual_time
    async def check() -> None:
        demo = Scripted(step)
        async with runner_of(with_effect(Effect.UNSAFE, demo)) as (runner, _):
            if attempts == 2:
                assert 2 == (await runner.generate("demo", surface="test")).meta.attempts
            else:
                error = await failure_of(runner.generate("demo", surface="test"))
                assert (1, in_doubt) == (error.attempts, error.in_doubt)

    check()


@virtual_time
async def test_in_doubt_is_kept_by_a_later_error_of_the_same_call() -> None:
    """
    A reading error of an unsafe call that mapped to retryable stays in doubt to the end.
    """

    class Demo:
        @hookimpl
        async def generate(self, request: Any, context: Any) -> Seed:
            raise ConnectionResetError

    async with runner_of(provider(effect="unsafe")(Demo())) as (runner, _):
        error = await failure_of(runner.generate("demo", surface="test"))
    assert (True, "in_doubt") == (error.in_doubt, error.stopped_by)


@virtual_time
async def test_every_attempt_of_a_keyed_call_has_the_same_key() -> None:
    """
    One key per call, another for the next call.
    """
    keys: list[str] = []

    @provider(effect="keyed")
    async def demo(request: Any, context: Any) -> Seed:
        keys.append(context.idempotency_key)
        if len(keys) == 1:
            raise ConnectionResetError
        return GOOD

    async with runner_of(demo) as (runner, _):
        await runner.generate("demo", surface="test")
        await runner.generate("demo", surface="test")
    assert keys[0] == keys[1] != keys[2]


@virtual_time
async def test_a_429_waits_as_long_as_asked_and_uses_up_no_attempt() -> None:
    """
    Five 429s in a row are no failure for a patient caller; they are counted in attempts.
    """
    limited = [ProviderRateLimitError(status_code=429, retry_after=2.0) for _ in range(5)]
    demo = Scripted(*limited)
    async with runner_of(demo) as (runner, events):
        seed = await runner.generate("demo", surface="test", profile="batch")
    assert 6 == seed.meta.attempts
    assert all(2.0 <= pause <= 2.2 for pause in demo.pauses)
    assert ["closed", "open"] * 5 == [event.extra["state"] for event in events.named("gate")]


@virtual_time
async def test_a_pause_longer_than_the_patience_is_reported_at_once() -> None:
    """
    The 429's own error says when to come back, and later callers get it without asking.
    """
    demo = Scripted(ProviderRateLimitError("slow down", status_code=429, retry_after=30.0))
    async with runner_of(demo) as (runner, events):
        now = VirtualClock().time()
        first = await failure_of(runner.generate("demo", surface="test"))
        second = await failure_of(runner.generate("demo", surface="test"))
    for error in (first, second):
        assert isinstance(error, ProviderRateLimitError)
        assert ("slow down", "patience") == (error.provider_message, error.stopped_by)
        assert error.retry_at is not None
        assert 30.0 <= error.retry_at - now <= 31.0
    assert (1, 0) == (first.attempts, second.attempts)
    assert 1 == len(demo.began)
    assert [] == events.named("attempt", outcome="retry")


@virtual_time
async def test_after_a_pause_two_slots_open_and_each_success_opens_another() -> None:
    """
    Everyone who waited does not come at once.
    """
    demo = Scripted(ProviderRateLimitError(status_code=429, retry_after=1.0), *[1.0] * 40)
    async with runner_of(demo) as (runner, _):
        first = asyncio.create_task(runner.generate("demo", surface="test", profile="batch"))
        await asyncio.sleep(0.5)
        calls = [runner.generate("demo", surface="test", profile="batch") for _ in range(20)]
        await asyncio.gather(first, *calls)
    together = [demo.began.count(moment) for moment in dict.fromkeys(demo.began)]
    assert [1, 2, 4, 8] == together[:4]


@virtual_time
async def test_an_open_circuit_refuses_who_has_no_patience() -> None:
    """
    Without asking the provider, and with the moment from when on asking makes sense.
    """
    demo = Scripted(*[ConnectionRefusedError()] * 100)
    settings = {"circuit_breaker_timeout": 60.0, "retry_enabled": False}
    async with runner_of(demo, settings) as (runner, events):
        for _ in range(5):
            await failure_of(runner.generate("demo", surface="test"))
        error = await failure_of(runner.generate("demo", surface="test"))
    assert isinstance(error, CircuitOpenError)
    assert (0, "patience", 5) == (error.attempts, error.stopped_by, len(demo.began))
    assert error.retry_at == pytest.approx(VirtualClock.time(VirtualClock()) + 60, abs=1e9)
    assert ["open"] == events.circuit()
    assert "WARNING" == events.named("breaker")[0].level


@virtual_time
async def test_callers_wait_for_a_circuit_that_closes_within_their_patience() -> None:
    """
    A short outage costs a pause, not a failure.
    """
    demo = Scripted(*[ConnectionRefusedError()] * 5)
    async with runner_of(demo, {"retry_max_attempts": 1}) as (runner, events):
        calls = [runner.generate("demo", surface="test") for _ in range(5)]
        await asyncio.gather(*calls, return_exceptions=True)
        assert ["open"] == events.circuit()
        seed = await runner.generate("demo", surface="test")
        assert 1 == seed.meta.attempts
        await runner.generate("demo", surface="test")
    assert ["open", "half_open", "closed"] == events.circuit()


@virtual_time
async def test_a_half_open_circuit_sends_one_probe_and_lets_the_others_wait() -> None:
    """
    100 callers at once: one attempt, then one more, then everybody.
    """
    demo = Scripted(*[ConnectionRefusedError()] * 5, 1.0, 1.0, *[0.1] * 98)
    async with runner_of(demo, {"retry_max_attempts": 1}) as (runner, _):
        calls = [runner.generate("demo", surface="test") for _ in range(5)]
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0.25)
        began = len(demo.began)
        seeds = await asyncio.gather(*(runner.generate("demo", surface="test") for _ in range(100)))
    assert 100 == len(seeds)
    probes = demo.began[began:]
    assert 1 == probes.count(probes[0])
    assert probes[0] + 1.0 == probes[1]
    assert 1 == probes.count(probes[1])


@virtual_time
async def test_a_dead_operation_does_not_close_the_others() -> None:
    """
    One breaker per operation.
    """

    class Demo:
        @hookimpl
        async def generate(self, request: Any, context: Any) -> Seed:
            raise ConnectionRefusedError

        @operation(effect="read")
        async def presets(self) -> list[str]:
            return ["open"]

    async with runner_of(Demo(), {"retry_enabled": False}) as (runner, events):
        for _ in range(30):
            await failure_of(runner.generate("demo", surface="test", patience=0))
            assert ["open"] == await runner.call("demo", "presets", surface="test")
    assert {"generate"} == {event.operation for event in events.named("breaker")}


@virtual_time
async def test_a_poisonous_request_never_closes_a_provider() -> None:
    """
    One input that always fails, among good ones, opens nothing.
    """

    async def demo(request: Any, context: Any) -> Seed:
        if request.options.get("poison"):
            raise ConnectionResetError
        return GOOD

    async with runner_of(demo) as (runner, events):
        await failure_of(runner.generate("demo", surface="test", options={"poison": 1}))
        await runner.generate("demo", surface="test")
        for _ in range(30):
            await failure_of(runner.generate("demo", surface="test", options={"poison": 1}))
    assert 2 > len(events.named("breaker"))


@virtual_time
async def test_at_most_64_attempts_run_at_a_time() -> None:
    """
    The others queue, each for as long as its patience.
    """
    demo = Scripted(*[1.0] * 200)
    async with runner_of(demo) as (runner, _):
        calls = [runner.generate("demo", surface="test") for _ in range(200)]
        await asyncio.gather(*calls)
    assert 64 == demo.most


@virtual_time
async def test_a_full_queue_refuses_at_once() -> None:
    """
    The sentence names the limit.
    """
    demo = Scripted(*[1.0] * 3)
    async with runner_of(demo, {"max_concurrent": 1, "max_queued": 1}) as (runner, _):
        calls = [runner.generate("demo", surface="test") for _ in range(3)]
        results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result for result in results if isinstance(result, QueueFullError)]
    assert 1 == len(refused)
    assert "1 run at a time" in str(refused[0])


@virtual_time
async def test_a_call_leaves_the_queue_when_its_patience_ends() -> None:
    """
    5 s for a person, up to the deadline for a batch.
    """
    demo = Scripted(*[20.0] * 3)
    async with runner_of(demo, {"max_concurrent": 1}) as (runner, _):
        calls = [
            runner.generate("demo", surface="test"),
            runner.generate("demo", surface="test"),
            runner.generate("demo", surface="test", profile="batch"),
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert ["Seed", "QueueFullError", "Seed"] == [type(result).__name__ for result in results]


@virtual_time
async def test_no_slot_is_held_while_a_call_waits_to_try_again() -> None:
    """
    With one slot, another call runs during the pause of the first.
    """
    demo = Scripted(ConnectionResetError(), 0.1, 0.1)
    async with runner_of(demo, {"max_concurrent": 1}) as (runner, _):
        calls = [runner.generate("demo", surface="test") for _ in range(2)]
        await asyncio.gather(*calls)
    assert [0.0, 1.0] == demo.pauses


@virtual_time
async def test_retries_stop_when_the_budget_is_empty() -> None:
    """
    The original error is raised, and says why there was no further attempt.
    """
    demo = Scripted(*[ConnectionResetError()] * 1000)
    settings = {"circuit_breaker_enabled": False, "retry_base_delay": 0.0}
    async with runner_of(demo, settings) as (runner, _):
        calls = [runner.generate("demo", surface="test") for _ in range(60)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
    stopped = [error.stopped_by for error in errors if isinstance(error, ProviderError)]
    assert 60 == len(stopped)
    assert "budget" in stopped
    assert 60 + 10 + 30 >= len(demo.began)


@virtual_time
async def test_with_resilience_off_there_is_one_attempt_and_no_circuit() -> None:
    """
    Timeouts and errors stay, and it is said once.
    """
    demo = Scripted(*[ConnectionRefusedError()] * 30, 1e6)
    async with runner_of(demo, {"resilience_enabled": False}) as (runner, events):
        for _ in range(30):
            assert 1 == (await failure_of(runner.generate("demo", surface="test"))).attempts
        timeout = await failure_of(runner.generate("demo", surface="test"))
    assert isinstance(timeout, ProviderTimeoutError)
    assert [] == events.named("breaker")
    assert 1 == len(events.named("resilience_disabled"))


@virtual_time
async def test_start_runs_once_for_many_first_calls() -> None:
    """
    Single-flight, and its value is context.state.
    """
    starts: list[str] = []

    class Demo:
        @hookimpl
        async def start(self, context: Any) -> str:
            starts.append("start")
            await asyncio.sleep(1)
            return "ready"

        @hookimpl
        async def generate(self, context: Any) -> Seed:
            return Seed(id=context.state)

        @hookimpl
        async def stop(self, state: str) -> None:
            starts.append(f"stop {state}")

    async with runner_of(Demo()) as (runner, _):
        seeds = await asyncio.gather(*(runner.generate("demo", surface="test") for _ in range(20)))
    assert {"ready"} == {seed.id for seed in seeds}
    assert ["start", "stop ready"] == starts


@virtual_time
async def test_a_start_that_fails_is_tried_again_but_not_a_missing_ability() -> None:
    """
    The second attempt starts anew; ProviderCapabilityError stays.
    """
    outcomes: list[Exception] = [ConnectionRefusedError()]

    class Demo:
        @hookimpl
        async def start(self) -> None:
            if outcomes:
                raise outcomes.pop(0)

        @hookimpl
        async def generate(self) -> Seed:
            return GOOD

    async with runner_of(Demo()) as (runner, _):
        assert 2 == (await runner.generate("demo", surface="test")).meta.attempts
    outcomes[:] = [ProviderCapabilityError("no such server version")]
    async with runner_of(Demo()) as (runner, _):
        for _ in range(2):
            error = await failure_of(runner.generate("demo", surface="test"))
            assert isinstance(error, ProviderCapabilityError)
    assert [] == outcomes


@pytest.mark.parametrize("hook", ["start", "generate"])
def test_a_plugin_that_exits_does_not_end_the_host(hook: str) -> None:
    """
    SystemExit is a bug of the plugin like any other.
    """

    @virtual_time
    async def check() -> None:
        class Demo:
            @hookimpl
            async def start(self) -> None:
                if hook == "start":
                    raise SystemExit(3)

            @hookimpl
            async def generate(self) -> Seed:
                raise SystemExit(3)

        async with runner_of(Demo()) as (runner, _):
            error = await failure_of(runner.generate("demo", surface="test"))
        assert ("plugin_error", 1) == (error.reason, error.attempts)

    check()


@virtual_time
async def test_a_nested_call_shares_the_deadline_and_is_not_retried_twice() -> None:
    """
    The inner provider's error ends the outer call: it had its attempts already.
    """
    inner = Scripted(*[ConnectionResetError()] * 9)

    async def outer(request: Any, context: Any) -> Seed:
        return await context.generate("demo")

    async with runner_of(inner) as (runner, events):
        runner.registry.add("outer", outer)
        error = await failure_of(runner.generate("outer", surface="test"))
    assert ("demo", 1, 3) == (error.provider, error.attempts, len(inner.began))
    inner_ids = {e.call_id for e in events.named("call") if e.provider == "demo"}
    assert {f"{error.call_id}/1"} == inner_ids


@virtual_time
async def test_further_operations_take_their_arguments_by_name() -> None:
    """
    Checked before the provider is asked, with a suggestion.
    """

    class Demo:
        @operation(effect="read")
        async def find(self, context: Any, title: str, limit: int = 10) -> str:
            return f"{title} {limit} {context.surface}"

    async with runner_of(Demo()) as (runner, _):
        assert "x 10 test" == await runner.call("demo", "find", surface="test", title="x")
        wrong = await failure_of(runner.call("demo", "find", surface="test", titel="x"))
        missing = await failure_of(runner.call("demo", "find", surface="test"))
    assert "Did you mean 'title'?" in str(wrong)
    assert "needs title" in str(missing)
    assert (0, 0) == (wrong.attempts, missing.attempts)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"race": True, "spoilers": "on"}, "a race seed has no spoilers"),
        ({"spoilers": "later"}, "spoilers is one of off, on, delayed"),
        ({"spoilers": "delayed"}, "revealed later"),
        ({"race": "yes"}, "race must be true or false"),
        ({"preset": ""}, "preset must be a printable text"),
        ({"preset": "x" * 201}, "preset must be a printable text"),
        ({"settings": [1]}, "settings must be a mapping"),
        ({"options": "fast"}, "options must be a mapping"),
    ],
)
def test_what_can_never_work_is_refused_before_the_provider_is_asked(
    arguments: dict[str, Any], words: str
) -> None:
    """
    One sentence, no attempt, one ERROR event.
    """

    @virtual_time
    async def check() -> None:
        demo = Scripted()
        async with runner_of(demo) as (runner, events):
            error = await failure_of(runner.generate("demo", surface="test", **arguments))
        assert words in str(error)
        assert (0, []) == (error.attempts, demo.began)
        assert 1 == len(events.named("call", outcome="failure"))

    check()


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"surface": ""}, SettingsError, "surface"),
        ({"surface": "test", "call_id": "a\nb"}, SettingsError, "call_id"),
        ({"surface": "test", "deadline": -1}, SettingsError, "deadline"),
        ({"surface": "test", "deadline": float("nan")}, SettingsError, "deadline"),
        ({"surface": "test", "policy": {"patiense": 1}}, SettingsError, "Did you mean 'patience'"),
        ({"surface": "test", "patience": -1}, SettingsError, "patience must be between"),
    ],
)
def test_mistakes_of_the_calling_program_are_settings_errors(
    arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    """
    They name the argument.
    """

    @virtual_time
    async def check() -> None:
        async with runner_of(Scripted()) as (runner, _):
            with pytest.raises(kind, match=words):
                await runner.generate("demo", **arguments)

    check()


@virtual_time
async def test_unknown_names_are_suggested() -> None:
    """
    Providers with the pip line, operations with what there is.
    """
    async with runner_of(Scripted()) as (runner, _):
        with pytest.raises(
            UnknownProviderError, match="Did you mean 'demo'.*pip install seedcore-demmo"
        ):
            await runner.generate("demmo", surface="test")
        with pytest.raises(UnknownOperationError, match="It has: generate"):
            await runner.call("demo", "presets", surface="test")


async def test_a_runner_that_was_not_opened_says_how_to_open_it() -> None:
    """
    The sentence is the line to write.
    """
    with pytest.raises(SeedcoreError, match="async with seedcore.Runner"):
        await Runner(registry=Registry(discover=False), database=None).generate(
            "demo", surface="test"
        )


async def test_a_runner_belongs_to_the_loop_it_was_opened_in() -> None:
    """
    Another loop is told so, before anything is asked.
    """
    demo = Scripted()
    registry = Registry(discover=False)
    registry.add("demo", demo)
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        await runner.generate("demo", surface="test")

        def elsewhere() -> None:
            with pytest.raises(SeedcoreError, match="another event loop"):
                asyncio.run(runner.generate("demo", surface="test"))

        await asyncio.to_thread(elsewhere)
    assert 1 == len(demo.began)


@virtual_time
async def test_a_call_id_in_use_is_shared() -> None:
    """
    Two calls at the same time can't both be "this once": the second gets what the first gets.
    """
    demo = Scripted(1.0)
    async with runner_of(demo) as (runner, _):
        first = asyncio.create_task(runner.generate("demo", surface="test", call_id="once"))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(runner.generate("demo", surface="test", call_id="once"))
        with pytest.raises(DuplicateCallError, match="with different arguments"):
            await runner.generate("demo", surface="test", call_id="once", preset="another")
        assert await first is await second
        assert "once" == (await first).meta.call_id
        assert 1 == len(demo.began)


def as_function() -> Any:
    """
    An async function.
    """

    async def demo(request: Any, context: Any) -> Seed:
        return _roll(request)

    return demo


def as_class() -> Any:
    """
    A class with hooks.
    """

    class Demo:
        @hookimpl
        async def generate(self, request: Any) -> Seed:
            return _roll(request)

    return Demo


def as_module() -> Any:
    """
    A module with hooks.
    """
    import types

    module = types.ModuleType("demo_module")

    @hookimpl
    async def generate(request: Any, context: Any) -> Seed:
        return _roll(request)

    module.generate = generate  # type: ignore[attr-defined]
    return module


def as_plain_function() -> Any:
    """
    A function that isn't async.
    """

    def demo(request: Any) -> Seed:
        return _roll(request)

    return demo


def _roll(request: Any) -> Seed:
    if request.preset == "broken":
        raise ConnectionResetError
    if request.preset == "wrong":
        text = "no such preset"
        raise ProviderInvalidRequestError(text)
    return Seed(url="https://seeds.example/1", id="1")


def test_one_provider_in_four_forms_gives_the_same_events_and_errors() -> None:
    """
    Function, class, module and plain function differ in nothing a surface can see.
    """

    @virtual_time
    async def observe(target: Any) -> list[Any]:
        seen: list[Any] = []
        async with runner_of(target) as (runner, events):
            for preset in ("fine", "broken", "wrong"):
                try:
                    seed = await runner.generate("demo", surface="test", preset=preset)
                    seen.append((seed.url, seed.meta.attempts))
                except ProviderError as error:
                    seen.append(error.to_json())
            for event in events:
                fields = event.fields()
                fields.pop("duration_ms", None)
                seen.append((event.level, fields))
        return seen

    forms: list[Callable[[], Any]] = [as_function, as_class, as_module, as_plain_function]
    first, *others = [observe(form()) for form in forms]
    assert 3 + 8 == len(first)
    for other in others:
        assert first == other
