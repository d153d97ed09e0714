"""
Operations that make seeds as ``generate`` does, with options and presets of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from seedcore import (
    BrokenPluginError,
    InvalidPresetError,
    PresetNotFoundError,
    ProviderClashError,
    ProviderInvalidRequestError,
    Registry,
    Runner,
    Seed,
    SeedRequest,
    UnknownOperationError,
    hookimpl,
    operation,
    provider,
    setting,
)
from seedcore.presets import OPERATOR
from seedcore.testing.events import CapturedEvents


@attrs.frozen(kw_only=True)
class Options:
    """
    Of generate.
    """

    goal: Literal["ganon", "pedestal"] = setting("ganon", help="the goal")


@attrs.frozen(kw_only=True)
class Weights:
    """
    Of mystery.
    """

    weights: dict[str, Any] = setting(attrs.Factory(dict), help="what is drawn")


@provider(options=Options, presets="presets")
class Dice:
    """
    Rolls what is asked, or what is drawn.
    """

    def __init__(self) -> None:
        self.asked: list[SeedRequest] = []

    @hookimpl
    def check(self, request: Any) -> None:
        """
        Refuse weights that are none.
        """
        if request.operation == "mystery" and "goals" not in request.options.weights:
            raise ProviderInvalidRequestError("weights.goals is missing")

    @hookimpl
    def generate(self, request: SeedRequest) -> Seed:
        """
        Roll what is asked.
        """
        self.asked.append(request)
        return Seed(id="1")

    @operation(
        effect="repeatable",
        rolls=True,
        options=Weights,
        presets="weightsets",
        open_options="weights",
        whole_documents=True,
    )
    async def mystery(self, request: SeedRequest, context: Any) -> Seed:
        """
        Roll what is drawn.
        """
        self.asked.append(request)
        preset = await context.preset("dice", "open")
        return Seed(id="2", extra={"from": preset.options["goal"]})

    @operation(effect="read")
    async def rules(self) -> list[str]:
        """
        Tell the rules.
        """
        return ["none"]


WEIGHTSET = "description: a mystery\ndoors: true\ngoals: {ganon: 1, pedestal: 2}\n"


@pytest.fixture
def dice() -> Dice:
    """
    The provider.
    """
    return Dice()


@pytest.fixture
def runner(dice: Dice, tmp_path: Path, events: CapturedEvents, database_url: str) -> Runner:
    """
    A runner with a preset and a weightset, still to be entered.
    """
    for name, text in {
        "dice/open": "settings: {goal: pedestal}\n",
        "dicemystery/weighted": WEIGHTSET,
        "dicemystery/empty": "description: nothing\n",
    }.items():
        path = tmp_path / "presets" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    registry = Registry(discover=False)
    registry.add("dice", dice)
    return Runner(
        registry=registry,
        database=database_url,
        settings={"preset_directories": [str(tmp_path / "presets")]},
        sinks=[events],
    )


async def test_it_gets_what_generate_gets(runner: Runner, dice: Dice) -> None:
    """
    A whole document is its options; race policy and row are the same.
    """
    async with runner:
        seed = await runner.generate(
            "dice", operation="mystery", preset="weighted", race=True, surface="tests"
        )
        [row] = await runner._runtime.store.queries.calls()

    [request] = dice.asked
    assert {"goals": {"ganon": 1, "pedestal": 2}, "doors": True} == request.options.weights
    assert ("mystery", "weighted", True, "off") == (
        request.operation,
        request.preset,
        request.race,
        request.spoilers,
    )
    assert ("2", "pedestal", "mystery") == (seed.id, seed.extra["from"], seed.meta.operation)
    assert ("mystery", "mystery", "weighted", True, "off") == tuple(
        row[name] for name in ("operation", "gentype", "genoption", "race", "spoilers")
    )


async def test_call_reaches_it_too(runner: Runner, dice: Dice) -> None:
    """
    With the same arguments, and the same refusals.
    """
    async with runner:
        seed = await runner.call("dice", "mystery", surface="tests", preset="weighted", race=True)
        with pytest.raises(ProviderInvalidRequestError, match="a race seed has no spoilers"):
            await runner.call(
                "dice", "mystery", surface="tests", preset="weighted", race=True, spoilers="on"
            )
        with pytest.raises(ProviderInvalidRequestError, match="mystery has no argument 'weight'"):
            await runner.call("dice", "mystery", surface="tests", weight=1)

    assert "2" == seed.id
    assert 1 == len(dice.asked)


async def test_its_presets_are_its_own(runner: Runner) -> None:
    """
    They go by both names, in files and in the database, and are judged by its own check.
    """
    async with runner:
        assert ["empty", "weighted"] == await runner.presets.names("dicemystery")
        saved = await runner.presets.save("dicemystery", "me/one", WEIGHTSET, by="discord:1")
        assert () == saved.notes
        notes = runner.presets.check("dicemystery", "x", "goal: {ganon: 1}")
        assert ("a call with nothing else is refused: weights.goals is missing",) == notes
        found = await runner.presets.find("dicemystery", "me/one")
        assert ("dice", "mystery") == (found.provider, found.operation)
        seed = await runner.generate("dice", operation="mystery", preset="me/one", surface="tests")
        with pytest.raises(PresetNotFoundError):
            await runner.generate("dice", preset="weighted", surface="tests")
        with pytest.raises(InvalidPresetError, match="weights.goals is missing"):
            await runner.generate("dice", operation="mystery", preset="empty", surface="tests")
        await runner.presets.delete("dicemystery", "me/one", by=OPERATOR)

    assert "2" == seed.id


async def test_options_of_a_call_go_over_the_document(runner: Runner, dice: Dice) -> None:
    """
    What is no option of its class goes to the open one.
    """
    async with runner:
        await runner.generate(
            "dice",
            operation="mystery",
            preset="weighted",
            options={"goals": {"ganon": 7}, "weapons": "assured"},
            surface="tests",
        )

    assert {"doors": True, "goals": {"ganon": 7, "pedestal": 2}, "weapons": "assured"} == (
        dice.asked[0].options.weights
    )


async def test_generate_is_for_those_that_roll(runner: Runner) -> None:
    """
    Another operation is named, with those that do.
    """
    async with runner:
        with pytest.raises(UnknownOperationError, match="It has: generate, mystery"):
            await runner.generate("dice", operation="rules", surface="tests")
        with pytest.raises(UnknownOperationError, match="Did you mean 'mystery'"):
            await runner.generate("dice", operation="mistery", surface="tests")


async def test_a_dry_run(runner: Runner, dice: Dice) -> None:
    """
    It is checked, and a placeholder comes back.
    """
    async with runner:
        seed = await runner.generate(
            "dice", operation="mystery", preset="weighted", dry_run=True, surface="tests"
        )
        with pytest.raises(InvalidPresetError):
            await runner.generate(
                "dice", operation="mystery", preset="empty", dry_run=True, surface="tests"
            )

    assert seed.meta.dry
    assert [] == dice.asked


async def test_it_is_made_once_under_a_call_id(runner: Runner, dice: Dice) -> None:
    """
    Who asks again gets the first one.
    """
    asked: dict[str, Any] = {"operation": "mystery", "preset": "weighted", "surface": "tests"}
    async with runner:
        first = await runner.generate("dice", call_id="c-1", **asked)
        again = await runner.generate("dice", call_id="c-1", **asked)

    assert first.id == again.id
    assert 1 == len(dice.asked)


async def test_what_it_returns_must_be_a_seed(tmp_path: Path) -> None:
    """
    As of generate.
    """

    class Wrong:
        @operation(effect="repeatable", rolls=True)
        async def mystery(self) -> str:
            """
            Return a text.
            """
            return "https://seeds.example"

    registry = Registry(discover=False)
    registry.add("wrong", Wrong())
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        with pytest.raises(Exception, match="returned str instead of a Seed"):
            await runner.generate("wrong", operation="mystery", surface="tests")


def test_its_own_arguments_are_refused() -> None:
    """
    What a caller passes is in the request.
    """

    class Wrong:
        @operation(effect="repeatable", rolls=True)
        async def mystery(self, weightset: str) -> Seed:
            """
            Roll.
            """
            return Seed(id=weightset)

    with pytest.raises(BrokenPluginError, match="mystery takes request and context"):
        Registry(discover=False).add("wrong", Wrong())


def test_only_who_rolls_takes_documents() -> None:
    """
    Of another operation they would never be read.
    """
    with pytest.raises(TypeError, match="add rolls=True"):
        operation(effect="read", presets="presets")


async def test_presets_that_go_by_the_name_of_another_provider(runner: Runner) -> None:
    """
    They would be that one's too, so that nobody gets any of them.
    """
    runner.registry.add("dicemystery", lambda: Seed(id="1"))
    async with runner:
        with pytest.raises(ProviderClashError, match="the name of another provider"):
            await runner.generate("dice", operation="mystery", preset="weighted", surface="tests")
