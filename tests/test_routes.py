"""
Where calls by a name go: set in one process, followed in all, taken back with one call.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from seedcore import DatabaseError, Registry, Runner, Seed, SettingsError
from seedcore.settings import Settings
from seedcore.store.database import Database
from seedcore.testing import LeapingClock
from seedcore.testing.events import CapturedEvents
from support.peers import answer

pytestmark = pytest.mark.dialects


def registry_of(*names: str) -> Registry:
    """
    Return providers that roll seeds with their own name.
    """
    registry = Registry(discover=False)
    for name in names:
        registry.add(name, lambda request, name=name: Seed(id=f"{name}-{request.options}"))
    return registry


def runner_on(
    database: str | None,
    *names: str,
    routes: Mapping[str, Any] | None = None,
    events: CapturedEvents | None = None,
) -> Runner:
    """
    Return a runner whose providers are *names*, on a clock of its own.
    """
    registry = registry_of(*(names or ("old", "new", "third")))
    return Runner(
        settings=Settings.load({"routes": routes or {}}, environ={}),
        registry=registry,
        database=database,
        clock=LeapingClock(),
        sinks=[events] if events is not None else [],
    )


def later(runner: Runner, seconds: float) -> None:
    """
    Let it be *seconds* later for *runner*.
    """
    assert isinstance(runner._clock, LeapingClock)
    runner._clock.leap(seconds)


async def served_by(runner: Runner, name: str = "old", **asked: Any) -> str:
    """
    Return who rolls a seed that *name* is asked for.
    """
    seed = await runner.generate(name, surface="test", **asked)
    return seed.meta.provider


async def test_a_route_is_set_and_rolled_back(database_url: str) -> None:
    """
    Each change counts from the next call on, and the seed says by which name it was asked for.
    """
    async with runner_on(database_url) as runner:
        before = await runner.generate("old", surface="test")
        await runner.routes.set("old", "new", by="operator")
        routed = await runner.generate("old", surface="test")
        direct = await runner.generate("new", surface="test")
        await runner.routes.rollback("old", by="operator")
        after = await runner.generate("old", surface="test")

    assert ("old", None) == (before.meta.provider, before.meta.route)
    assert ("new", "old") == (routed.meta.provider, routed.meta.route)
    assert ("new", None) == (direct.meta.provider, direct.meta.route)
    assert ("old", None) == (after.meta.provider, after.meta.route)


async def test_another_process_takes_a_change_over(database_url: str) -> None:
    """
    Without a restart: with its first call two seconds later at the latest.
    """
    events = CapturedEvents()
    async with (
        runner_on(database_url) as one,
        runner_on(database_url, events=events) as other,
    ):
        assert "old" == await served_by(other)
        await one.routes.set("old", "new", by="discord:1")
        later(other, other.routes.FRESH)
        assert "new" == await served_by(other)
        await one.routes.rollback("old", by="discord:2")
        later(other, other.routes.FRESH)
        assert "old" == await served_by(other)

    changes = [event.extra for event in events.named("route_changed")]
    assert [
        {"route": "old", "to": {"new": 1.0}, "by": "discord:1", "fallback": []},
        {"route": "old", "to": {}, "by": "discord:2", "fallback": []},
    ] == changes


async def test_a_busy_process_doesnt_wait_for_news(database_url: str) -> None:
    """
    What is one second old is asked for beside the calls, which go on with what is known.
    """
    async with runner_on(database_url) as one, runner_on(database_url) as other:
        await one.routes.set("old", "new", by="operator")
        later(other, other.routes.LOOK_EVERY)
        first = await served_by(other)
        if other.routes._looking is not None:
            await other.routes._looking

        assert ("old", "new") == (first, await served_by(other))


async def test_a_new_process_begins_with_what_is_set(database_url: str) -> None:
    """
    What happened before it was there is no event.
    """
    events = CapturedEvents()
    async with runner_on(database_url) as one:
        await one.routes.set("old", {"new": 3, "third": 0}, fallback=["third"], by="operator")
    async with runner_on(database_url, events=events) as other:
        [line] = await other.routes.listing()
        assert "new" == await served_by(other)

    assert ({"new": 1.0}, ("third",)) == (line.to, line.fallback)
    assert ("set", "operator") == (line.origin, line.set_by)
    assert [] == events.named("route_changed")


async def test_rolling_back_goes_through_what_was_there(database_url: str) -> None:
    """
    What was set after going back comes before that, not what was given up.
    """
    async with runner_on(database_url) as runner:
        routes, seen = runner.routes, []
        await routes.set("old", "new", by="operator")
        await routes.set("old", "third", by="operator")
        seen.append((await routes.rollback("old", by="operator")).to)
        await routes.set("old", {"new": 1, "third": 1}, by="operator")
        seen.append((await routes.rollback("old", by="operator")).to)
        seen.append((await routes.rollback("old", by="operator")).to)
        with pytest.raises(SettingsError, match="is back at the beginning, so there is nothing"):
            await routes.rollback("old", by="operator")
        with pytest.raises(SettingsError, match="was never set"):
            await routes.rollback("new", by="operator")
        history = [line.to for line in await routes.history("old")]

    assert [{"new": 1.0}, {"new": 1.0}, {}] == seen
    both = {"new": 0.5, "third": 0.5}
    assert [{}, {"new": 1.0}, both, {"new": 1.0}, {"third": 1.0}, {"new": 1.0}] == history


async def test_two_who_roll_back_at_once_go_back_twice(database_url: str) -> None:
    """
    No change is made on top of one that its author hasn't seen.
    """
    async with runner_on(database_url) as one, runner_on(database_url) as other:
        for name in ("new", "third", "new"):
            await one.routes.set("old", name, by="operator")
        await asyncio.gather(
            one.routes.rollback("old", by="a:1"), other.routes.rollback("old", by="b:1")
        )

        assert {"new": 1.0} == (await one.routes.find("old")).to
        await one.routes.rollback("old", by="a:1")
        with pytest.raises(SettingsError, match="nothing to go back to"):
            await one.routes.rollback("old", by="a:1")


async def test_what_is_set_wins_over_the_settings(database_url: str) -> None:
    """
    And going back to the beginning is going back to the settings.
    """
    async with runner_on(database_url, routes={"old": {"to": "new"}}) as runner:
        in_settings = await served_by(runner)
        await runner.routes.set("old", None, by="operator")
        without = await served_by(runner)
        line = await runner.routes.rollback("old", by="operator")
        back = await served_by(runner)

    assert ("new", "old", "new") == (in_settings, without, back)
    assert ("settings", None) == (line.origin, line.set_by)


async def test_shares_are_kept_to(database_url: str) -> None:
    """
    Nine of ten here, one of ten there, by chance.
    """
    async with runner_on(database_url) as runner:
        await runner.routes.set("old", {"old": 0.9, "new": 0.1}, by="operator")
        served = Counter([await served_by(runner) for _ in range(500)])

    assert {"old", "new"} == set(served)
    assert 20 <= served["new"] <= 85


async def test_a_rollback_under_load_loses_no_call(database_url: str) -> None:
    """
    Two processes, calls all the time, three changes: each call has its seed and its row.
    """
    registry = Registry(discover=False)

    async def slowly() -> Seed:
        await asyncio.sleep(0.005)
        return Seed(id="x")

    registry.add("old", slowly)
    registry.add("new", slowly)
    runners = [Runner(registry=registry, database=database_url, sinks=[]) for _ in range(2)]
    async with runners[0], runners[1]:
        calls = [
            asyncio.create_task(served_by(runners[number % 2], call_id=f"n-{number}"))
            for number in range(60)
        ]
        await runners[0].routes.set("old", "new", by="operator")
        calls += [asyncio.create_task(served_by(runners[0])) for _ in range(60)]
        await runners[0].routes.rollback("old", by="operator")
        calls += [asyncio.create_task(served_by(runners[0])) for _ in range(60)]
        served = Counter(await asyncio.gather(*calls))
        rows = await runners[0].store.queries.calls(limit=1000)

    assert 180 == served.total() == len(rows)
    assert {"old", "new"} == set(served)
    assert served == Counter(row["provider"] for row in rows)
    asked = [row["report"]["route"]["asked"] for row in rows if row["provider"] == "new"]
    assert ["old"] * served["new"] == asked


async def test_calls_go_on_while_the_database_is_gone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With the routes that are known, and without waiting for it each time.
    """
    asked = []

    async def gone(self: Database, *_: Any, **__: Any) -> Any:
        asked.append(1)
        msg = "gone"
        raise DatabaseError(msg)

    async with runner_on(database_url) as runner:
        await runner.routes.set("old", "new", by="operator")
        with monkeypatch.context() as patch:
            patch.setattr(type(runner.store.routes), "newest", gone)
            later(runner, 10)
            served = [await served_by(runner) for _ in range(3)]
            with pytest.raises(DatabaseError):
                await runner.routes.listing()

    assert ["new"] * 3 == served
    assert 1 <= len(asked) <= 3


@pytest.mark.parametrize(
    "text", ["[[", "3", '{"to": {"new": 1e400}}', '{"to": {"new": %s}}' % ("9" * 400), "[" * 9999]
)
async def test_a_damaged_row_changes_nothing(database_url: str, text: str) -> None:
    """
    The route that was there before stays in who knew it, and it is said everywhere.
    """
    events = CapturedEvents()
    async with runner_on(database_url, events=events) as runner:
        await runner.routes.set("old", "new", by="operator")
        answer(
            database_url,
            "INSERT INTO seedcore_routes (name, text, set_by, previous, set_at) "
            "VALUES ('old', ?, 'x', 1, 1)",
            text,
        )
        await runner.routes.listing()
        assert "new" == await served_by(runner)
        assert [{}, {"new": 1.0}] == [line.to for line in await runner.routes.history("old")]
        assert 1 == len(events.named("route_broken"))
        await runner.routes.rollback("old", by="operator")
        assert "new" == await served_by(runner)


async def test_a_row_that_comes_late_is_not_passed_over(database_url: str) -> None:
    """
    PostgreSQL numbers a row before others can see it.
    """
    late = (
        "INSERT INTO seedcore_routes (id, name, text, set_by, previous, set_at) "
        "VALUES (?, ?, ?, 'x', 0, 1)"
    )
    async with runner_on(database_url) as runner:
        answer(database_url, late, 1000, "third", '{"to":{"new":1}}')
        later(runner, runner.routes.FRESH)
        assert "new" == await served_by(runner, "third")
        answer(database_url, late, 999, "old", '{"to":{"new":1}}')
        later(runner, runner.routes.FRESH)
        assert "new" == await served_by(runner)


async def test_without_an_answer_at_the_start_nothing_opens(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A route that was taken back would hold again.
    """

    async def gone(self: Any, *_: Any) -> Any:
        msg = "gone"
        raise DatabaseError(msg)

    monkeypatch.setattr("seedcore.store.routes.StoredRoutes.newest", gone)
    with pytest.raises(DatabaseError, match="gone"):
        async with runner_on(database_url):
            pass


async def test_nothing_looks_after_the_end(database_url: str) -> None:
    """
    A look that is under way is given up.
    """
    runner = runner_on(database_url)
    async with runner:
        later(runner, runner.routes.FRESH)
        assert runner.routes.due()
    later(runner, 100)

    assert not runner.routes.due()
    assert runner.routes._looking is None


async def test_going_back_knows_no_end(database_url: str) -> None:
    """
    However much was set and taken back since.
    """
    async with runner_on(database_url) as runner:
        await runner.routes.set("old", "third", by="operator")
        for _ in range(20):
            await runner.routes.set("old", "new", by="operator")
            line = await runner.routes.rollback("old", by="operator")
            assert {"third": 1.0} == line.to
        for name in ("new", "third") * 10:
            await runner.routes.set("old", name, by="operator")
        seen = [(await runner.routes.rollback("old", by="operator")).to for _ in range(21)]

    assert [{"new": 1.0}, {"third": 1.0}] * 10 + [{}] == seen


@pytest.mark.parametrize("fallback", ["third", ["third"], ("third",)])
async def test_a_fallback_may_be_a_single_name(database_url: str, fallback: Any) -> None:
    """
    And none may be said as none.
    """
    async with runner_on(database_url) as runner:
        line = await runner.routes.set("old", "new", fallback=fallback, by="operator")
        assert ("third",) == line.fallback
        assert () == (await runner.routes.set("old", "new", fallback=None, by="a:1")).fallback


async def test_a_route_to_what_isnt_there_is_refused(database_url: str) -> None:
    """
    Unless it is said that another program has it.
    """
    async with runner_on(database_url) as runner:
        with pytest.raises(SettingsError, match="'nwe' is not installed here. Did you mean 'new'"):
            await runner.routes.set("old", {"old": 1, "nwe": 1}, by="operator")
        with pytest.raises(SettingsError, match="'x' is not installed here. Installed: new, old"):
            await runner.routes.set("old", "new", fallback=["x"], by="operator")
        line = await runner.routes.set("old", "elsewhere", by="operator", unchecked=True)
        assert "'elsewhere' is not installed here" in str(line.problem)
        with pytest.raises(SettingsError) as caught:
            await served_by(runner)
        assert "third" == await served_by(runner, "third")

    assert (
        "The route of 'old' leads to 'elsewhere', which can't be used here. No provider is called "
        "'elsewhere'."
    ) in str(caught.value)
    assert "seedcore route show old" in str(caught.value)


async def test_a_broken_route_is_said_at_the_start() -> None:
    """
    It hurts no other name.
    """
    events = CapturedEvents()
    routes = {"old": {"to": {"new": 1, "gone": 1}}}
    async with runner_on(None, routes=routes, events=events) as runner:
        assert "third" == await served_by(runner, "third")

    [event] = events.named("route_broken")
    assert ("ERROR", "old") == (event.level, event.extra["route"])
    assert "'gone' is not installed here" in event.extra["problem"]


async def test_without_a_database_nothing_can_be_set() -> None:
    """
    The routes of the settings hold all the same.
    """
    async with runner_on(None, routes={"old": {"to": "new"}}) as runner:
        assert "new" == await served_by(runner)
        assert ["old"] == [line.name for line in await runner.routes.listing()]
        with pytest.raises(DatabaseError, match="database_url setting"):
            await runner.routes.set("old", "third", by="operator")


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        ("new", "it must be a table"),
        ({"too": "new"}, "there is no 'too' in a route. Did you mean 'to'?"),
        ({"fallback": ["new"]}, "'to' is missing"),
        ({"to": {}}, "'to' is a provider, or a table"),
        ({"to": ["new"]}, "'to' is a provider, or a table"),
        ({"to": {"new": "a lot"}}, "the share of 'new' must be a number from 0 to 1,000,000"),
        ({"to": {"new": True}}, "the share of 'new' must be a number from 0 to 1,000,000"),
        ({"to": {"new": -1}}, "the share of 'new' must be a number from 0 to 1,000,000"),
        ({"to": {"new": float("nan")}}, "the share of 'new' must be a number from 0 to 1,000,000"),
        ({"to": {"new": float("inf")}}, "the share of 'new' must be a number from 0 to 1,000,000"),
        ({"to": {"new": 0, "old": 0}}, "a share must be above 0"),
        ({"to": "old"}, "it leads to itself alone"),
        ({"to": {"old": 1, "new": 0}}, "it leads to itself alone"),
        ({"to": "new", "fallback": ["new"]}, "'new' is a fallback of itself"),
        ({"to": "new", "fallback": ["third", "third"]}, "a fallback is named twice"),
        ({"to": "new", "fallback": 3}, "'fallback' is a list"),
        ({"to": "new", "fallback": [""]}, "a provider is named by a printable text"),
        ({"to": "new\n"}, "a provider is named by a printable text"),
    ],
)
def test_a_route_that_is_none_is_refused(route: Any, sentence: str) -> None:
    """
    With the place where it stands, before anything is called.
    """
    with pytest.raises(SettingsError) as caught:
        Settings.load({"routes": {"old": route}}, environ={})

    assert str(caught.value).startswith("argument [routes.old]: ")
    assert sentence in str(caught.value)


def test_a_fallback_alone_is_a_route() -> None:
    """
    The provider itself, and another one when it is out.
    """
    settings = Settings.load({"routes": {"old": {"to": "old", "fallback": "new"}}}, environ={})

    assert ("old", "new") == settings.routes["old"].providers
