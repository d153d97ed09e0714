"""
Dry runs: everything is checked, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from seedcore import (
    Context,
    ProviderInvalidRequestError,
    Registry,
    Runner,
    Seed,
    SeedRequest,
    UnconfiguredProviderError,
    hookimpl,
    operation,
    provider,
    secret,
    setting,
)
from seedcore.store import Store
from seedcore.testing.events import CapturedEvents


@attrs.frozen
class Settings:
    """
    What it can't work without.
    """

    key: str = secret(help="the key of the account")


@attrs.frozen
class Options:
    """
    What can be asked.
    """

    goal: Literal["ganon", "pedestal"] = setting("ganon", help="the goal")


@provider(base_url="http://127.0.0.1:1", settings=Settings, options=Options)
class Site:
    """
    A provider that must not be asked.
    """

    @hookimpl
    def check(self, request: SeedRequest) -> None:
        if request.operation == "generate" and request.branch not in (None, "live"):
            text = "branch is one of live"
            raise ProviderInvalidRequestError(text)

    @hookimpl
    async def start(self, context: Context) -> None:
        raise AssertionError

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Seed:
        raise AssertionError

    @operation(effect="read")
    async def presets(self) -> list[str]:
        raise AssertionError

    @operation(effect="read", placeholder=["open"])
    async def names(self) -> list[str]:
        raise AssertionError

    @operation(effect="read")
    async def catalogue(self) -> Mapping[str, Any]:
        raise AssertionError

    @operation(effect="read")
    async def game(self, name: str) -> Seed:
        raise AssertionError

    @operation(effect="unsafe", audited=True)
    async def post(self) -> None:
        raise AssertionError


@pytest.fixture
def registry() -> Registry:
    """
    A registry with the provider.
    """
    registry = Registry(discover=False)
    registry.add("site", Site)
    return registry


@pytest.fixture
def runner(registry: Registry, events: CapturedEvents, database_url: str) -> Runner:
    """
    A runner with a database, still to be entered.
    """
    return Runner(registry=registry, database=database_url, sinks=[events])


@pytest.mark.dialects
async def test_nothing_is_asked_and_no_credentials_are_needed(
    runner: Runner, events: CapturedEvents
) -> None:
    """
    A placeholder with every field comes back, the same for the same request.
    """
    async with runner:
        with pytest.raises(UnconfiguredProviderError):
            await runner.generate("site", surface="tests")
        one = await runner.generate("site", surface="tests", dry_run=True)
        same = await runner.generate("site", surface="tests", dry_run=True)
        other = await runner.generate(
            "site", surface="tests", dry_run=True, options={"goal": "pedestal"}
        )

    assert one.url == same.url != other.url
    assert one.url == f"https://dry-run.invalid/site/{one.id}"
    assert ("Dry/Run", "dry-run", None) == (one.code, one.version, one.spoiler_url)
    assert {"goal": "pedestal"} == other.settings
    assert (True, 0, "durable") == (one.meta.dry, one.meta.attempts, one.meta.audit)
    assert [{"dry": True}] * 3 == [event.extra for event in events if event.event == "call"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"options": {"goal": "gannon"}}, "goal must be one of ganon, pedestal"),
        ({"options": {"gaol": "ganon"}}, "Did you mean 'goal'?"),
        ({"branch": "beta"}, "branch is one of live"),
        ({"race": True, "spoilers": "on"}, "a race seed has no spoilers"),
        ({"preset": ""}, "preset must be a printable text"),
    ],
)
async def test_everything_is_checked(
    runner: Runner, registry: Registry, asked: dict[str, Any], words: str
) -> None:
    """
    Exactly as it would be for a real one, and no row of a failure is written.
    """
    async with runner:
        for dry_run in (True, False):
            settings = {"providers": {"site": {"key": "a-secret"}}}
            async with Runner(registry=registry, database=None, settings=settings) as real:
                with pytest.raises(ProviderInvalidRequestError) as caught:
                    await (runner if dry_run else real).generate(
                        "site", surface="tests", dry_run=dry_run, **asked
                    )
                assert words in caught.value.user_message
        assert runner._runtime is not None
        assert runner._runtime.store is not None
        assert [] == await runner._runtime.store.queries.failures()


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [("presets", {}, []), ("names", {}, ["open"]), ("catalogue", {}, {}), ("post", {}, None)],
)
async def test_reads_have_placeholders_too(
    runner: Runner, name: str, arguments: dict[str, Any], value: Any
) -> None:
    """
    The one that was declared, else something empty of the type that is promised.
    """
    async with runner:
        found = await runner.call("site", name, surface="tests", dry_run=True, **arguments)

    assert value == found


async def test_a_placeholder_is_a_copy_for_each_call(runner: Runner) -> None:
    """
    Whoever changes it changes it for nobody else.
    """
    async with runner:
        first = await runner.call("site", "names", surface="tests", dry_run=True)
        first.append("mine")
        assert ["open"] == await runner.call("site", "names", surface="tests", dry_run=True)


async def test_an_operation_that_promises_a_seed_gives_one(runner: Runner) -> None:
    """
    A different one for different arguments, which are checked.
    """
    async with runner:
        one = await runner.call("site", "game", surface="tests", dry_run=True, name="a")
        other = await runner.call("site", "game", surface="tests", dry_run=True, name="b")
        with pytest.raises(ProviderInvalidRequestError, match="game needs name"):
            await runner.call("site", "game", surface="tests", dry_run=True)

    assert one.url != other.url


@pytest.mark.dialects
async def test_rows_of_dry_runs_are_left_out_unless_asked_for(
    runner: Runner, database_url: str
) -> None:
    """
    They say that they are dry, in lists and in exports.
    """
    async with runner:
        await runner.generate("site", surface="tests", dry_run=True)
        await runner.call("site", "post", surface="tests", dry_run=True)
        await runner.call("site", "presets", surface="tests", dry_run=True)  # isn't audited
    store = await Store.open(database_url)
    try:
        assert [] == await store.queries.calls()
        assert [] == [row async for row in store.queries.export()]
        rows = await store.queries.calls(dry=True)
        exported = [row async for row in store.queries.export(dry=True)]
    finally:
        await store.close()

    assert ["post", "generate"] == [row["operation"] for row in rows]
    assert [True, True] == [bool(row["dry"]) for row in rows]
    assert 2 == len(exported)


async def test_a_dry_run_leaves_its_call_id_free(events: CapturedEvents, tmp_path: Path) -> None:
    """
    The real call with the same id is made, and has its own row.
    """
    made: list[str] = []

    def demo(request: SeedRequest) -> Seed:
        made.append(request.call_id)
        return Seed(id="real")

    registry = Registry(discover=False)
    registry.add("demo", demo)
    url = f"sqlite://{tmp_path}/audit.sqlite3"
    async with Runner(registry=registry, database=url, sinks=[events]) as runner:
        for _ in range(2):
            await runner.generate("demo", surface="tests", call_id="mine", dry_run=True)
        seed = await runner.generate("demo", surface="tests", call_id="mine")
        assert runner._runtime is not None
        assert runner._runtime.store is not None
        rows = await runner._runtime.store.queries.calls(dry=True)

    assert ("real", ["mine"]) == (seed.id, made)
    assert ["mine"] == [row["call_id"] for row in rows if not row["dry"]]
    assert 2 == len({row["call_id"] for row in rows if row["dry"]})
