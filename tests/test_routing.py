"""
Following a route: who is asked next when a provider is out, and when nobody is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from seedcore import (
    CircuitOpenError,
    Clock,
    DuplicateCallError,
    Effect,
    PartialFailureError,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Registry,
    Runner,
    Seed,
    SeedcoreError,
    SettingsError,
    UnknownOperationError,
    hookimpl,
    operation,
    provider,
)
from seedcore.routes.following import point_of
from seedcore.settings import Settings
from seedcore.settings.routes import Route
from seedcore.testing import LeapingClock
from seedcore.testing.events import CapturedEvents
from support.peers import answer

pytestmark = pytest.mark.dialects

FALLBACK = {"demo": {"to": "demo", "fallback": ["spare", "third"]}}


class Site:
    """
    A provider that fails as a test says, and counts.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: Exception | None = None
        self.asked = 0
        self.answer = asyncio.Event()
        self.answer.set()

    @hookimpl
    async def generate(self, request: Any, context: Any) -> Seed:
        """
        Roll a seed, or fail.
        """
        await self._work()
        return Seed(id=self.name, url=f"https://{self.name}.example/{context.idempotency_key}")

    @operation(effect=Effect.READ)
    async def names(self, request: Any) -> list[str]:
        """
        Name it.
        """
        await self._work()
        return [self.name]

    @operation(effect=Effect.KEYED)
    async def create(self, request: Any) -> str:
        """
        Make something, once for each key.
        """
        await self._work()
        return self.name

    @operation(effect=Effect.IDEMPOTENT)
    async def put(self, request: Any) -> str:
        """
        Make it so.
        """
        await self._work()
        return self.name

    @operation(effect=Effect.UNSAFE)
    async def post(self, request: Any) -> str:
        """
        Do what can't be taken back.
        """
        await self._work()
        return self.name

    async def _work(self) -> None:
        self.asked += 1
        await self.answer.wait()
        if self.error is not None:
            raise self.error


@attrs.define(eq=False)
class Street:
    """
    Three sites, and a runner with a route between them.
    """

    runner: Runner
    sites: Mapping[str, Site]
    events: CapturedEvents

    @property
    def asked(self) -> list[int]:
        """
        How often each was asked.
        """
        return [site.asked for site in self.sites.values()]

    async def error(self, **asked: Any) -> SeedcoreError:
        """
        Return what a call fails with.
        """
        with pytest.raises(SeedcoreError) as caught:
            await self.runner.generate("demo", surface="test", **asked)
        return caught.value


def street(
    database: str | None = None,
    routes: Any = FALLBACK,
    clock: Clock | None = None,
    **settings: Any,
) -> Street:
    """
    Return sites and a runner that is not open yet.
    """
    sites = {name: Site(name) for name in ("demo", "spare", "third")}
    registry = Registry(discover=False)
    for name, site in sites.items():
        registry.add(name, site)
    events = CapturedEvents()
    given = {"retry_enabled": False, "routes": routes, **settings}
    runner = Runner(
        settings=Settings.load(given, environ={}),
        registry=registry,
        database=database,
        clock=clock or LeapingClock(),
        sinks=[events],
    )
    return Street(runner, sites, events)


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailableError("down"),
        ProviderTimeoutError("slow"),
        ProviderRateLimitError("busy", retry_after=900),
        ProviderResponseFormatError("odd"),
        ConnectionRefusedError(),
        KeyError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_fallback_serves_when_a_provider_is_out(error: Exception) -> None:
    """
    The seed says who served it, and who was asked for.
    """
    here = street()
    here.sites["demo"].error = error
    async with here.runner as runner:
        seed = await runner.generate("demo", surface="test")

    assert ("spare", "demo") == (seed.meta.provider, seed.meta.route)
    assert [1, 1, 0] == here.asked


@pytest.mark.parametrize(
    "error",
    [
        ProviderInvalidRequestError("no such logic"),
        ProviderAuthenticationError("wrong token"),
        ProviderCapabilityError("no doors"),
        PartialFailureError("half", created="7", completed_steps=["made"]),
        ProviderUnavailableError("cut off", in_doubt=True),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_refused_or_perhaps_done_goes_nowhere_else(error: ProviderError) -> None:
    """
    Asking somebody else changes nothing, or makes it twice.
    """
    here = street()
    here.sites["demo"].error = error
    async with here.runner:
        assert type(error) is type(await here.error())

    assert [1, 0, 0] == here.asked


async def test_without_a_fallback_an_outage_is_an_outage() -> None:
    """
    None is chosen by itself.
    """
    here = street(routes={"demo": {"to": {"spare": 1, "third": 0}}})
    here.sites["spare"].error = ProviderUnavailableError("down")
    async with here.runner:
        error = await here.error()

    assert ("spare", "spare is not available right now: down") == (error.provider, str(error))
    assert [0, 1, 0] == here.asked


async def test_fallbacks_are_asked_in_turn_and_the_first_error_is_told() -> None:
    """
    What a person hears is about the provider that was asked, not about the last spare one.
    """
    here = street()
    here.sites["demo"].error = ProviderUnavailableError("down")
    here.sites["spare"].error = ProviderInvalidRequestError("never heard of it")
    here.sites["third"].error = ProviderTimeoutError("slow")
    async with here.runner:
        error = await here.error()
        here.sites["third"].error = None
        seed = await here.runner.generate("demo", surface="test")

    assert "demo is not available right now: down" == str(error)
    assert "third" == seed.meta.provider


async def test_a_fallback_that_may_have_done_it_ends_the_way() -> None:
    """
    Its own error is told: somebody has to look there.
    """
    here = street()
    here.sites["demo"].error = ProviderUnavailableError("down")
    here.sites["spare"].error = ProviderTimeoutError("slow", in_doubt=True)
    async with here.runner:
        error = await here.error()

    assert ("spare", True) == (error.provider, error.in_doubt)
    assert [1, 1, 0] == here.asked


async def test_an_unsafe_operation_falls_back_only_when_nothing_was_done() -> None:
    """
    A connection that was refused is proof; one that was cut is not.
    """
    here = street()
    async with here.runner as runner:
        here.sites["demo"].error = ConnectionRefusedError()
        assert "spare" == await runner.call("demo", "post", surface="test")
        here.sites["demo"].error = ConnectionResetError()
        with pytest.raises(ProviderUnavailableError) as caught:
            await runner.call("demo", "post", surface="test")

    assert caught.value.in_doubt
    assert [2, 1, 0] == here.asked


async def test_other_operations_follow_the_route_too() -> None:
    """
    One name, one place.
    """
    here = street(routes={"demo": {"to": "third"}})
    async with here.runner as runner:
        assert ["third"] == await runner.call("demo", "names", surface="test")


async def test_a_provider_within_another_follows_the_route_too() -> None:
    """
    With a fallback as well; the row is that of the outer call.
    """
    here = street()

    @provider()
    async def outer(request: Any, context: Any) -> Seed:
        return await context.generate("demo")

    here.runner.registry.add("outer", outer)
    here.sites["demo"].error = ProviderUnavailableError("down")
    async with here.runner as runner:
        seed = await runner.generate("outer", surface="test")

    assert ("spare", "outer") == (seed.id, seed.meta.provider)
    assert [1, 1, 0] == here.asked


async def test_a_provider_within_another_falls_back_from_one_that_is_gone() -> None:
    """
    And without one that is there, whoever needs it can't do it.
    """
    here = street(routes={"demo": {"to": "gone", "fallback": "spare"}, "other": {"to": "gone"}})

    @provider()
    async def outer(request: Any, context: Any) -> Seed:
        return await context.generate(request.options["name"])

    here.runner.registry.add("outer", outer)
    async with here.runner as runner:
        seed = await runner.generate("outer", surface="test", options={"name": "demo"})
        with pytest.raises(ProviderCapabilityError, match="it needs another provider"):
            await runner.generate("outer", surface="test", options={"name": "other"})

    assert "spare" == seed.id


async def test_a_second_seed_within_another_is_told() -> None:
    """
    It is the outer call that its caller hears of.
    """
    here = street()

    @provider()
    async def outer(request: Any, context: Any) -> Seed:
        return await context.generate("demo")

    here.runner.registry.add("outer", outer)
    here.sites["demo"].error = ConnectionResetError()
    async with here.runner as runner:
        seed = await runner.generate("outer", surface="test")

    assert ("spare", True) == (seed.id, seed.meta.possible_duplicate)


async def test_an_open_circuit_lets_the_fallback_serve_at_once() -> None:
    """
    The provider isn't asked any more, and the spare one is.
    """
    here = street(patience=0)
    here.sites["demo"].error = ProviderUnavailableError("down")
    async with here.runner as runner:
        for _ in range(8):
            seed = await runner.generate("demo", surface="test")
    circuit = [event for event in here.events if event.error_type == CircuitOpenError.__name__]

    assert "spare" == seed.meta.provider
    assert [5, 8, 0] == here.asked
    assert circuit


async def test_the_deadline_is_that_of_the_whole_way() -> None:
    """
    A provider that takes all of it leaves nothing for others.
    """
    here = street(attempt_timeout=1)
    for site in here.sites.values():
        site.answer.clear()
    async with here.runner as runner:
        started = runner._clock.monotonic()
        error = await here.error(deadline=1.5)
        took = runner._clock.monotonic() - started

    assert ("demo", "ProviderTimeoutError") == (error.provider, type(error).__name__)
    assert [1, 1, 1] == here.asked
    assert 1.4 <= took <= 1.6


async def test_a_provider_that_hangs_leaves_time_for_others() -> None:
    """
    Half of what is left, whatever the deadline is.
    """
    here = street()
    here.sites["demo"].answer.clear()
    async with here.runner as runner:
        seed = await runner.generate("demo", surface="test", deadline=1.0)

    assert "spare" == seed.meta.provider


async def test_alone_a_provider_has_all_the_time() -> None:
    """
    Where nobody else would be asked.
    """
    here = street(routes={"demo": {"to": "spare"}})
    here.sites["spare"].answer.clear()
    async with here.runner as runner:
        started = runner._clock.monotonic()
        await here.error(deadline=1.0)

        assert 0.9 <= runner._clock.monotonic() - started <= 1.1


async def test_what_may_be_done_once_is_not_done_twice() -> None:
    """
    A key, or being the same again, holds at one provider alone.
    """
    here = street()
    here.sites["demo"].error = ConnectionResetError()
    async with here.runner as runner:
        for name in ("create", "put"):
            with pytest.raises(ProviderUnavailableError):
                await runner.call("demo", name, surface="test")
        assert ["spare"] == await runner.call("demo", "names", surface="test")
        here.sites["demo"].error = ConnectionRefusedError()
        assert "spare" == await runner.call("demo", "create", surface="test")

    assert [4, 2, 0] == here.asked


async def test_a_fallback_without_the_operation_hides_no_outage() -> None:
    """
    And an operation that the provider itself hasn't is nobody else's affair.
    """
    here = street(routes={"demo": {"to": "demo", "fallback": "plain"}})
    here.runner.registry.add("plain", lambda request: Seed(id="1"))
    here.sites["demo"].error = ProviderUnavailableError("down")
    async with here.runner as runner:
        with pytest.raises(ProviderUnavailableError, match="demo is not available"):
            await runner.call("demo", "names", surface="test")
        with pytest.raises(UnknownOperationError, match="demo has no operation"):
            await runner.call("demo", "nmaes", surface="test")


async def test_all_who_are_asked_know_the_call_by_one_id(database_url: str) -> None:
    """
    Whether the caller has given one or not.
    """
    here = street(database_url)
    here.sites["demo"].error = ProviderUnavailableError("down")
    async with here.runner as runner:
        seed = await runner.generate("demo", surface="test")
        await runner.store.flush()
        [failure] = await runner.store.queries.failures_of(seed.meta.call_id)

    assert "demo" == failure["provider"]
    failed = [(e.call_id, e.provider) for e in here.events.named("call")]
    assert [(seed.meta.call_id, "demo"), (seed.meta.call_id, "spare")] == failed


async def test_a_fallback_after_an_attempt_that_may_have_worked_says_so(database_url: str) -> None:
    """
    There may be a seed at the first provider that nobody knows of.
    """
    here = street(database_url)
    async with here.runner as runner:
        here.sites["demo"].error = ConnectionRefusedError()
        refused = await runner.generate("demo", surface="test")
        here.sites["demo"].error = ConnectionResetError()
        cut = await runner.generate("demo", surface="test")
        rows = await runner.store.queries.calls()

    assert (False, True) == (refused.meta.possible_duplicate, cut.meta.possible_duplicate)
    failed = [{"provider": "demo", "error": "ProviderUnavailableError"}]
    assert [{"asked": "demo", "failed": failed}] * 2 == [row["report"]["route"] for row in rows]
    assert ["spare"] * 2 == [row["provider"] for row in rows]


async def test_who_was_out_has_its_failure_row(database_url: str) -> None:
    """
    Under the id of the call that succeeded elsewhere.
    """
    here = street(database_url)
    here.sites["demo"].error = ProviderUnavailableError("down")
    async with here.runner as runner:
        seed = await runner.generate("demo", surface="test", call_id="mine")
        await runner.store.flush()
        [failure] = await runner.store.queries.failures_of("mine")

    assert ("mine", "demo") == (failure["call_id"], failure["provider"])
    assert ("mine", "spare") == (seed.meta.call_id, seed.meta.provider)


# ------------------------------------------------------------------ once, with an id


async def test_the_same_id_gets_the_same_seed_after_the_route_has_changed(
    database_url: str,
) -> None:
    """
    In another process too, and also when the route is gone.
    """
    here, there = street(database_url, routes={}), street(database_url, routes={})
    async with here.runner as one, there.runner as other:
        await one.routes.set("demo", "third", by="operator")
        first = await one.generate("demo", surface="test", call_id="mine")
        await one.routes.rollback("demo", by="operator")
        again = await one.generate("demo", surface="test", call_id="mine")
        elsewhere = await other.generate("demo", surface="test", call_id="mine")
        await one.routes.set("demo", "spare", by="operator")
        later = await one.generate("demo", surface="test", call_id="mine")

    assert first == again == elsewhere == later
    assert "third" == first.meta.provider
    assert ([0, 0, 1], [0, 0, 0]) == (here.asked, there.asked)


async def test_an_id_means_the_same_provider_in_every_process() -> None:
    """
    Two that are asked at once choose the same one of several.
    """
    route = Route(to={"a": 0.5, "b": 0.5})
    chosen = {route.chosen(point_of(f"call-{number}")) for number in range(20)}

    assert {"a", "b"} == chosen
    assert all(0 <= point_of(f"call-{number}") < 1 for number in range(100))
    assert point_of("x") == point_of("x")


async def test_a_call_that_was_cut_off_is_ended_by_who_began_it(database_url: str) -> None:
    """
    Its provider may know the idempotency key; another one can't.
    """
    here, there = street(database_url, routes={}), street(database_url, routes={})
    here.sites["third"].answer.clear()
    async with here.runner as one, there.runner as other:
        await one.routes.set("demo", "third", by="operator")
        cut = asyncio.create_task(one.generate("demo", surface="test", call_id="mine"))
        while not here.sites["third"].asked:
            await asyncio.sleep(0.001)
        answer(database_url, "UPDATE seedcore_claims SET owner = ?, expires_at = 1", "0" * 32)
        await other.routes.set("demo", "spare", by="operator")
        seed = await other.generate("demo", surface="test", call_id="mine")
        here.sites["third"].answer.set()

        assert "third" == seed.meta.provider
        assert seed.url == (await cut).url
    assert ([0, 0, 1], [0, 0, 1]) == (here.asked, there.asked)


async def test_two_with_one_id_end_at_one_provider(database_url: str) -> None:
    """
    One waits for the other, on its way to the fallback too.
    """
    here = street(database_url, clock=Clock())
    here.sites["demo"].error = ProviderUnavailableError("down")
    here.sites["demo"].answer.clear()
    async with here.runner as runner:
        calls = [
            asyncio.create_task(runner.generate("demo", surface="test", call_id="mine"))
            for _ in range(4)
        ]
        while not here.sites["demo"].asked:
            await asyncio.sleep(0.001)
        here.sites["demo"].answer.set()
        seeds = await asyncio.gather(*calls)
        rows = await runner.store.queries.calls()

    assert 1 == len({seed.url for seed in seeds})
    assert {"spare"} == {seed.meta.provider for seed in seeds}
    assert [1, 1, 0] == here.asked
    assert 1 == len(rows)


async def test_many_with_one_id_in_many_processes_end_at_one_provider(database_url: str) -> None:
    """
    The id is claimed for the whole way: who is out isn't asked by each of them again.
    """
    streets = [street(database_url, clock=Clock()) for _ in range(4)]
    for each in streets:
        each.sites["demo"].error = ProviderUnavailableError("down")
    async with contextlib.AsyncExitStack() as stack:
        runners = [await stack.enter_async_context(each.runner) for each in streets]
        seeds = await asyncio.gather(
            *(
                runners[number % 4].generate("demo", surface="test", call_id="mine")
                for number in range(20)
            )
        )

    assert {("spare", "demo")} == {(seed.meta.provider, seed.meta.route) for seed in seeds}
    assert 1 == len({seed.url for seed in seeds})
    assert [1, 1, 0] == [sum(counts) for counts in zip(*(s.asked for s in streets), strict=True)]


async def test_an_id_is_free_when_all_were_out(database_url: str) -> None:
    """
    The next call with it is made.
    """
    here = street(database_url)
    for site in here.sites.values():
        site.error = ProviderUnavailableError("down")
    async with here.runner as runner:
        error = await here.error(call_id="mine")
        here.sites["demo"].error = None
        seed = await runner.generate("demo", surface="test", call_id="mine")

    assert "demo" == error.provider == seed.meta.provider
    assert [] == [task for task in asyncio.all_tasks() if "claims" in task.get_name()]


async def test_an_id_is_free_when_its_caller_gives_up_on_the_way(database_url: str) -> None:
    """
    At whichever provider that was.
    """
    here = street(database_url, clock=Clock())
    here.sites["demo"].error = ProviderUnavailableError("down")
    here.sites["spare"].answer.clear()
    async with here.runner as runner:
        gone = asyncio.create_task(runner.generate("demo", surface="test", call_id="mine"))
        while not here.sites["spare"].asked:
            await asyncio.sleep(0.001)
        gone.cancel()
        await asyncio.wait({gone})
        here.sites["spare"].answer.set()
        seed = await runner.generate("demo", surface="test", call_id="mine")

    assert gone.cancelled()
    assert "spare" == seed.meta.provider


async def test_a_call_whose_provider_is_gone_is_ended_by_another(database_url: str) -> None:
    """
    Who has begun it can't be asked any more.
    """
    here, there = street(database_url, routes={}), street(database_url, routes={})
    here.runner.registry.add("old", here.sites["third"])
    here.sites["third"].answer.clear()
    async with here.runner as one, there.runner as other:
        await one.routes.set("demo", "old", by="operator")
        cut = asyncio.create_task(one.generate("demo", surface="test", call_id="mine"))
        while not here.sites["third"].asked:
            await asyncio.sleep(0.001)
        answer(database_url, "UPDATE seedcore_claims SET owner = ?, expires_at = 1", "0" * 32)
        await other.routes.rollback("demo", by="operator")
        seed = await other.generate("demo", surface="test", call_id="mine")
        cut.cancel()
        await asyncio.wait({cut})

    assert ("demo", True) == (seed.meta.provider, seed.meta.possible_duplicate)


async def test_an_id_of_another_name_is_no_route(database_url: str) -> None:
    """
    Whoever asks two providers under one id has made a mistake, and is told so.
    """
    here = street(database_url, routes={})
    async with here.runner as runner:
        await runner.generate("spare", surface="test", call_id="mine")
        with pytest.raises(DuplicateCallError):
            await runner.generate("demo", surface="test", call_id="mine")

    assert [0, 1, 0] == here.asked


async def test_an_id_is_known_after_the_settings_have_changed(database_url: str) -> None:
    """
    Of a route that nobody has kept the history of, the row tells.
    """
    here, there = street(database_url, routes={"demo": {"to": "third"}}), street(database_url)
    async with here.runner as one:
        first = await one.generate("demo", surface="test", call_id="mine")
    async with there.runner as other:
        again = await other.generate("demo", surface="test", call_id="mine")

    assert first == again
    assert [0, 0, 0] == there.asked


async def test_different_arguments_under_one_id_are_refused(database_url: str) -> None:
    """
    As they are without a route.
    """
    here = street(database_url, routes={"demo": {"to": "spare"}})
    async with here.runner as runner:
        await runner.generate("demo", surface="test", call_id="mine", preset="open")
        with pytest.raises(DuplicateCallError):
            await runner.generate("demo", surface="test", call_id="mine", preset="closed")


# ------------------------------------------------------------------ a legacy function


async def test_a_function_that_a_host_has_serves_beside_the_new_provider(
    database_url: str,
) -> None:
    """
    A synchronous helper of a bot, registered by name, with all that the contract gives.
    """

    def create(request: Any) -> str:
        return f"https://old.example/{request.preset}"

    here = street(database_url, routes={})
    here.runner.registry.add("demo-legacy", lambda request: Seed(url=create(request)))
    async with here.runner as runner:
        await runner.routes.set("demo", "demo-legacy", by="operator")
        old = await runner.generate("demo", surface="discord", preset="open")
        await runner.routes.set("demo", None, by="operator")
        new = await runner.generate("demo", surface="discord", preset="open")
        rows = await runner.store.queries.calls()

    assert ("https://old.example/open", "demo-legacy") == (old.url, old.meta.provider)
    assert ("demo", None) == (new.meta.provider, new.meta.route)
    assert ["demo", "demo-legacy"] == [row["provider"] for row in rows]


async def test_a_target_that_is_gone_lets_the_fallback_serve() -> None:
    """
    A plugin that was uninstalled has done nothing.
    """
    here = street(routes={"demo": {"to": "gone", "fallback": ["spare"]}})
    async with here.runner as runner:
        seed = await runner.generate("demo", surface="test")
        here.sites["spare"].error = ProviderUnavailableError("down")
        error = await here.error()

    assert "spare" == seed.meta.provider
    assert isinstance(error, SettingsError)
    assert "The route of 'demo' leads to 'gone', which can't be used here." in str(error)


async def test_a_form_is_that_of_who_is_asked(database_url: str) -> None:
    """
    Also by a name that only a route has.
    """
    here = street(database_url, routes={"dash": {"to": "third"}})
    async with here.runner as runner:
        assert ["third", "demo"] == [runner.form(name).provider for name in ("dash", "demo")]
        assert "names" == runner.form("dash", "names").operation


async def test_a_dry_run_follows_the_route(database_url: str) -> None:
    """
    It shows who would be asked, and asks nobody.
    """
    here = street(database_url, routes={"demo": {"to": "third"}})
    async with here.runner as runner:
        seed = await runner.generate("demo", surface="test", dry_run=True)

    assert ("third", True) == (seed.meta.provider, seed.meta.dry)
    assert [0, 0, 0] == here.asked
