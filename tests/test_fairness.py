"""
What a provider returned for a seed: whose spoiler must be hidden and isn't, nobody gets.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from seedcore import (
    BrokenPluginError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    Registry,
    Rolled,
    Runner,
    Seed,
    SeedRequest,
    SpoilerLeakError,
    hookimpl,
    operation,
    provider,
)
from seedcore.testing.events import CapturedEvents

SEED = Seed(url="https://seeds.example/h/1", id="1")
SECRET = "Lamp in the Sanctuary"
Roll = Callable[..., Any]


def leak(shown: Any, request: SeedRequest) -> str | None:
    """
    Name the items that are shown.
    """
    assert request.spoilers != "on"
    return "the locations of its items" if "items" in shown else None


@pytest.fixture
def roll(events: CapturedEvents, tmp_path: Any) -> Roll:
    """
    Roll a seed of a provider that returns what it is told to.
    """

    async def rolled(returned: Any, *, declared: Any = None, **arguments: Any) -> Any:
        registry = Registry(discover=False)
        mark = provider(leak=leak, delayed=True) if declared is None else declared
        registry.add("demo", mark(lambda: returned))
        database = f"sqlite://{tmp_path}/audit.sqlite3"
        async with Runner(
            registry=registry,
            database=database,
            sinks=[events],
            settings={"storage_directory": str(tmp_path / "files")},
        ) as runner:
            try:
                return await runner.generate("demo", surface="tests", **arguments)
            except ProviderError as error:
                rows = await runner._runtime.store.queries.calls()
                assert [] == rows
                return error

    return rolled


async def test_a_seed_that_shows_nothing_is_handed_out(roll: Roll) -> None:
    """
    What the site shows is looked at, and goes nowhere.
    """
    seed = await roll(Rolled(SEED, shown={"meta": SECRET}), race=True)

    assert SEED.url == seed.url
    assert SECRET not in repr(seed)


@pytest.mark.parametrize("arguments", [{"race": True}, {}, {"spoilers": "delayed"}])
async def test_a_leak_is_named_and_nobody_gets_the_seed(
    roll: Roll, events: CapturedEvents, arguments: dict[str, Any]
) -> None:
    """
    For races, for seeds without spoilers, and for spoiler races before their time.
    """
    shown = Rolled(SEED, shown={"items": SECRET}, logs={"spoiler": SECRET})
    error = await roll(shown, **arguments)

    assert isinstance(error, SpoilerLeakError)
    assert "it shows the locations of its items. The seed was thrown away" == (
        error.provider_message
    )
    assert (1, False) == (error.attempts, error.retryable)
    [alert] = events.named("leak_refused")
    assert ("ERROR", {"leak": "the locations of its items"}) == (alert.level, alert.extra)
    everything = f"{events} {pickle.dumps(error)!r}"
    assert SECRET not in everything
    assert SEED.url not in everything


async def test_with_spoilers_on_nobody_looks(roll: Roll) -> None:
    """
    Then everything may be shown, and a bare seed is enough.
    """
    assert SEED.url == (await roll(Rolled(SEED, shown={"items": 1}), spoilers="on")).url
    assert SEED.url == (await roll(SEED, spoilers="on")).url


@pytest.mark.parametrize("returned", [SEED, Rolled(SEED)])
async def test_who_can_tell_a_leak_must_say_what_is_shown(roll: Roll, returned: object) -> None:
    """
    A seed that nobody has judged could show anything.
    """
    error = await roll(returned, race=True)

    assert isinstance(error, ProviderResponseFormatError)
    assert "plugin_error" == error.reason
    assert "doesn't say what the site shows" in error.provider_message


async def test_who_has_no_hook_returns_seeds_as_ever(roll: Roll) -> None:
    """
    Logs of a seed that is no spoiler race are dropped.
    """
    plain = provider()
    assert SEED.url == (await roll(SEED, declared=plain, race=True)).url
    rolled = Rolled(SEED, shown={"items": 1}, logs={"spoiler": SECRET})
    assert SEED.url == (await roll(rolled, declared=plain, race=True)).url


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (lambda: 1 / 0, "can't tell whether a spoiler is hidden (ZeroDivisionError)"),
        (lambda: True, "said bool of a spoiler that must be hidden"),
    ],
)
async def test_a_hook_that_fails_lets_nothing_through(
    roll: Roll, answers: Callable[[], Any], words: str
) -> None:
    """
    It is the plugin's bug, and says so.
    """
    declared = provider(leak=lambda shown: answers())
    error = await roll(Rolled(SEED, shown={}), declared=declared, race=True)

    assert isinstance(error, ProviderResponseFormatError)
    assert words in error.provider_message


async def test_what_a_hook_says_is_cleaned_and_short(roll: Roll) -> None:
    """
    It may quote the site after all.
    """
    declared = provider(leak=lambda shown: "\x1b[31m" + "x" * 5_000)
    error = await roll(Rolled(SEED, shown={}), declared=declared, race=True)

    assert "\x1b" not in error.provider_message
    assert len(error.provider_message) < 400


async def test_the_address_of_a_spoiler_is_a_leak(roll: Roll, events: CapturedEvents) -> None:
    """
    Whatever its provider can tell or not; with spoilers on it is handed out.
    """
    shown = attrs.evolve(SEED, spoiler_url="https://seeds.example/spoiler/1")
    for asked in ({"race": True}, {}):
        error = await roll(shown, declared=provider(), **asked)
        assert isinstance(error, SpoilerLeakError)
        assert "it shows the address of its spoiler" in error.provider_message
    assert 2 == len(events.named("leak_refused"))
    assert (await roll(shown, declared=provider(), spoilers="on")).spoiler_url


async def test_an_operation_that_makes_no_seeds_returns_none(events: CapturedEvents) -> None:
    """
    Nobody would judge it, nor keep its logs.
    """

    class Demo:
        @hookimpl
        def generate(self) -> Seed:
            """
            Roll one.
            """
            return SEED

        @operation(effect="read")
        def other(self) -> Rolled:
            """
            Return what it must not.
            """
            return Rolled(SEED, logs={"spoiler": SECRET})

    registry = Registry(discover=False)
    registry.add("demo", Demo)
    async with Runner(registry=registry, database=None, sinks=[events]) as runner:
        with pytest.raises(ProviderResponseFormatError, match="a Rolled where no seed is made"):
            await runner.call("demo", "other", surface="tests")


async def test_a_spoiler_race_without_its_log_is_a_bug(roll: Roll) -> None:
    """
    There would be nothing to reveal.
    """
    error = await roll(Rolled(SEED, shown={}), spoilers="delayed")

    assert isinstance(error, ProviderResponseFormatError)
    assert "without its log" in error.provider_message


async def test_only_who_declares_it_makes_spoiler_races(roll: Roll) -> None:
    """
    Others are not asked.
    """
    error = await roll(SEED, declared=provider(), spoilers="delayed")

    assert isinstance(error, ProviderCapabilityError)
    assert "use spoilers off" in error.provider_message
    assert 0 == error.attempts


@pytest.mark.parametrize("when", ["soon", True, 5, float("nan"), float("inf"), -1, 1e18], ids=repr)
async def test_a_time_that_is_none(roll: Roll, when: Any) -> None:
    """
    Nobody learns by an early reveal that a time was mistyped.
    """
    rolled = Rolled(SEED, shown={}, logs={"spoiler": "x"})
    error = await roll(rolled, spoilers="delayed", reveal_at=when)

    assert isinstance(error, ProviderInvalidRequestError)
    assert "reveal_at must be a time to come" in error.provider_message


async def test_a_time_without_a_spoiler_race(roll: Roll) -> None:
    """
    There is nothing to reveal.
    """
    error = await roll(SEED, spoilers="off", reveal_at=9e9)

    assert "reveal_at is for spoiler races" in error.provider_message


@pytest.mark.parametrize("kind", ["", "Spoiler", "a b", "../x", 7])
def test_a_kind_of_log_is_a_short_name(kind: Any) -> None:
    """
    It is part of a file's name.
    """
    with pytest.raises(ValueError, match="a kind of spoiler log"):
        Rolled(SEED, logs={kind: "x"})


def test_it_takes_a_seed() -> None:
    """
    And shows neither what it was given beside it.
    """
    with pytest.raises(TypeError):
        Rolled("https://seeds.example")
    assert SECRET not in repr(Rolled(SEED, shown=SECRET, logs={"spoiler": SECRET}))


def test_the_hook_is_a_plain_function() -> None:
    """
    Nobody would await it.
    """

    class Late:
        @hookimpl
        def generate(self) -> Seed:
            """
            Roll nothing.
            """
            return SEED

        @hookimpl
        async def leak(self, shown: object) -> str | None:
            """
            Never be asked.
            """
            return str(shown)

    with pytest.raises(BrokenPluginError, match="leak must be a plain function"):
        Registry(discover=False).add("demo", Late())
