"""
Presets and documents on their way through a runner to a provider.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from seedcore import (
    DuplicateCallError,
    InvalidPresetError,
    PresetNotFoundError,
    ProviderInvalidRequestError,
    Registry,
    Runner,
    Seed,
    SeedRequest,
    SettingsError,
    provider,
    setting,
)
from seedcore.options import is_unchangeable
from seedcore.testing.events import CapturedEvents


@attrs.frozen(kw_only=True)
class Items:
    """
    The items.
    """

    pool: Literal["normal", "hard"] = setting("normal", help="how many")
    lamp: bool = setting(False, help="whether there is a lamp")


@attrs.frozen(kw_only=True)
class Options:
    """
    What can be asked.
    """

    goal: Literal["ganon", "pedestal"] = setting("ganon", help="the goal")
    crystals: Literal["0", "7"] = setting("7", help="how many")
    hints: Literal["on", "off"] = setting("on", help="whether there are any")
    item: Items = setting(attrs.Factory(Items), help="the items")
    customizer: bool = setting(False, help="whether it is custom")
    placed: dict[str, Any] = setting(attrs.Factory(dict), help="what is where")


@attrs.frozen(kw_only=True)
class Open:
    """
    Options with a document that may hold anything.
    """

    version: str = setting("1", help="the version")
    document: dict[str, Any] = setting(attrs.Factory(dict), help="everything else")


@pytest.fixture
def asked() -> list[SeedRequest]:
    """
    What the providers were asked for.
    """
    return []


@pytest.fixture
def registry(asked: list[SeedRequest]) -> Registry:
    """
    Three providers: with presets, with an open document, and with names of its own.
    """

    def taking() -> Callable[[SeedRequest], Seed]:
        def take(request: SeedRequest) -> Seed:
            asked.append(request)
            return Seed(id="1")

        return take

    registry = Registry(discover=False)
    ignored = ("spoilers", "tournament")
    one = provider(options=Options, presets="presets", ignored_options=ignored)
    registry.add("alttpr", one(taking()))
    two = provider(options=Open, presets="presets", upstream_presets=True, open_options="document")
    registry.add("avianart", two(taking()))
    registry.add("plain", taking())
    return registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    A folder with presets as bots have them.
    """
    for name, text in {
        "open": "goal_name: open\nsettings: {goal: pedestal, crystals: 7, hints: off}\n",
        "custom": "customizer: true\nbranch: beeta\nsettings: {placed: {a: lamp}}\n",
        "doors": "avianart: true\nsettings: {preset: crosskeys}\n",
        "race": "settings: {goal: ganon, spoilers: false, tournament: true}\n",
        "wrong": "settings: {goal: gannon}\n",
    }.items():
        path = tmp_path / "presets" / "alttpr" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "presets"


@pytest.fixture
def runner(registry: Registry, folder: Path, events: CapturedEvents, database_url: str) -> Runner:
    """
    A runner that knows the folder, still to be entered.
    """
    return Runner(
        registry=registry,
        database=database_url,
        settings={"preset_directories": [str(folder)]},
        sinks=[events],
    )


async def rolled(runner: Runner, name: str = "alttpr", **arguments: Any) -> Seed:
    """
    Roll one seed.
    """
    return await runner.generate(name, surface="tests", **arguments)


async def test_a_preset_becomes_options(runner: Runner, asked: list[SeedRequest]) -> None:
    """
    Validated, with what YAML makes of a bare 7 and a bare off understood.
    """
    async with runner:
        await rolled(runner, preset="open")

    assert Options(goal="pedestal", crystals="7", hints="off") == asked[0].options
    assert "open" == asked[0].preset


async def test_each_call_has_a_copy_of_its_own(runner: Runner, asked: list[SeedRequest]) -> None:
    """
    What a provider changes in it, the next call doesn't see.
    """
    async with runner:
        await rolled(runner, preset="custom")
        asked[0].options.placed["b"] = "bow"
        await rolled(runner, preset="custom")

    assert {"a": "lamp"} == asked[1].options.placed


async def test_what_the_caller_gives_lies_over_the_preset(
    runner: Runner, asked: list[SeedRequest]
) -> None:
    """
    A document over the preset, options over both, each as far as it goes; dotted names too.
    """
    async with runner:
        await rolled(
            runner,
            preset="open",
            settings={"goal": "ganon", "item": {"pool": "hard", "lamp": True}},
            options={"item.lamp": False, "crystals": "0"},
        )

    expected = Options(crystals="0", hints="off", item=Items(pool="hard"))
    assert expected == asked[0].options


async def test_a_document_alone_is_enough(runner: Runner, asked: list[SeedRequest]) -> None:
    """
    What the call decides itself is dropped from it.
    """
    async with runner:
        seed = await rolled(runner, settings={"goal": "pedestal", "spoilers": True})
        assert runner._runtime is not None
        assert runner._runtime.store is not None
        [row] = await runner._runtime.store.queries.calls()

    assert "pedestal" == asked[0].options.goal
    assert ("settings", None) == (row["gentype"], row["genoption"])
    assert "1" == seed.id


async def test_a_preset_may_decide_about_branch_and_top_level_options(
    runner: Runner, asked: list[SeedRequest]
) -> None:
    """
    Its branch wins over the caller's.
    """
    async with runner:
        await rolled(runner, preset="custom", branch="live")

    assert ("beeta", True) == (asked[0].branch, asked[0].options.customizer)


async def test_a_preset_may_lead_to_another_provider(
    runner: Runner, asked: list[SeedRequest]
) -> None:
    """
    Whose seed it is, while the row has the preset as it was asked for.
    """
    async with runner:
        seed = await rolled(runner, preset="doors")
        assert runner._runtime is not None
        assert runner._runtime.store is not None
        [row] = await runner._runtime.store.queries.calls()

    assert ("avianart", "doors") == (asked[0].provider, asked[0].preset)
    assert Open(document={"preset": "crosskeys"}) == asked[0].options
    assert "avianart" == seed.meta.provider
    assert ("avianart", "preset", "doors") == (row["provider"], row["gentype"], row["genoption"])


async def test_an_unknown_preset_is_the_upstreams_own_where_it_has_some(
    runner: Runner, asked: list[SeedRequest]
) -> None:
    """
    Elsewhere it isn't found, with the one that may be meant, and nothing is asked.
    """
    async with runner:
        await rolled(runner, "avianart", preset="crosskeys")
        await rolled(runner, "plain", preset="../anything")
        with pytest.raises(PresetNotFoundError, match="Did you mean 'open'") as caught:
            await rolled(runner, preset="opne")

    assert ["crosskeys", "../anything"] == [request.preset for request in asked]
    assert ("alttpr", "generate", 0) == (
        caught.value.provider,
        caught.value.operation,
        caught.value.attempts,
    )


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"preset": "wrong"}, InvalidPresetError, "goal must be one of ganon, pedestal"),
        ({"preset": "open", "options": {"goal": "x"}}, ProviderInvalidRequestError, "ganon"),
        ({"preset": "open", "options": Options()}, ProviderInvalidRequestError, "a mapping"),
        ({"preset": "../alttpr/open"}, PresetNotFoundError, "preset"),
        ({"preset": "a/b/c"}, PresetNotFoundError, "preset"),
        ({"preset": 7}, ProviderInvalidRequestError, "preset must be"),
        ({"settings": ["goal"]}, ProviderInvalidRequestError, "settings must be a mapping"),
        ({"settings": {"gaol": "ganon"}}, ProviderInvalidRequestError, "Did you mean 'goal'"),
        ({"options": {"item.pol": "hard"}}, ProviderInvalidRequestError, "Did you mean 'pool'"),
    ],
)
async def test_what_does_not_fit_is_refused_before_anybody_is_asked(
    *,
    runner: Runner,
    asked: list[SeedRequest],
    events: CapturedEvents,
    arguments: dict[str, Any],
    kind: type[ProviderInvalidRequestError],
    words: str,
) -> None:
    """
    With one event and one row of a failure, like any other refusal.
    """
    async with runner:
        with pytest.raises(kind, match=words) as caught:
            await rolled(runner, **arguments)
        assert runner._runtime is not None
        assert runner._runtime.store is not None
    assert kind is type(caught.value)
    assert [] == asked
    assert ["call"] == [event.event for event in events if event.level == "ERROR"]


async def test_a_saved_preset_is_rolled_by_its_namespace(
    runner: Runner, asked: list[SeedRequest]
) -> None:
    """
    As it was saved last.
    """
    async with runner:
        for goal in ("ganon", "pedestal"):
            text = f"settings: {{goal: {goal}}}"
            await runner.presets.save("alttpr", "red/Mine", text, by="tests:1")
        await rolled(runner, preset="Red/mine")

    assert ("pedestal", "red/mine") == (asked[0].options.goal, asked[0].preset)


async def test_presets_work_in_nested_calls_and_dry_runs(
    runner: Runner, registry: Registry, asked: list[SeedRequest]
) -> None:
    """
    There is one way, whoever calls.
    """

    async def outer(request: SeedRequest, context: Any) -> Seed:
        return await context.generate("alttpr", preset="open")

    registry.add("outer", outer)
    async with runner:
        await rolled(runner, "outer")
        dry = await rolled(runner, preset="doors", dry_run=True)
        same = await runner.call(
            "alttpr", "generate", surface="tests", preset="doors", dry_run=True
        )

    assert ["pedestal"] == [request.options.goal for request in asked]
    assert "avianart" == dry.meta.provider
    assert dry.url == same.url


async def test_race_means_no_spoilers_and_a_setting_turns_them_on_elsewhere(
    registry: Registry, asked: list[SeedRequest]
) -> None:
    """
    Off by default; the setting is for casual seeds, and a call has the last word.
    """
    settings = {"providers": {"alttpr": {"spoilers": "on"}}}
    async with Runner(registry=registry, database=None, settings=settings) as runner:
        await rolled(runner)
        await rolled(runner, race=True)
        await rolled(runner, spoilers="off")
        await rolled(runner, "plain")
        await rolled(runner, "plain", spoilers="on")
        with pytest.raises(ProviderInvalidRequestError, match="a race seed has no spoilers"):
            await rolled(runner, race=True, spoilers="on")

    assert ["on", "off", "off", "off", "on"] == [request.spoilers for request in asked]


async def test_a_call_that_is_made_once_is_the_same_after_its_preset_changed(
    runner: Runner, asked: list[SeedRequest]
) -> None:
    """
    What was asked for is the name; other options of the caller's are another call.
    """
    async with runner:
        await runner.presets.save("alttpr", "red/a", "settings: {goal: ganon}", by="tests:1")
        first = await rolled(runner, preset="red/a", call_id="mine")
        await runner.presets.save("alttpr", "red/a", "settings: {goal: pedestal}", by="tests:1")
        again = await rolled(runner, preset="red/a", call_id="mine")
        with pytest.raises(DuplicateCallError):
            await rolled(runner, preset="red/a", options={"hints": "off"}, call_id="mine")

    assert 1 == len(asked)
    assert first == again


async def test_complete_options_and_a_document_are_refused_together(runner: Runner) -> None:
    """
    Nobody could say which of them counts.
    """
    async with runner:
        with pytest.raises(ProviderInvalidRequestError, match="options are complete already"):
            await rolled(runner, settings={"goal": "pedestal"}, options=Options())
        await rolled(runner, options=Options(goal="pedestal"))


async def test_what_a_provider_without_presets_changes_stays_its_own(registry: Registry) -> None:
    """
    The caller's mappings are copied, and dotted names are understood.
    """

    @provider(options=Options)
    def changing(request: SeedRequest) -> Seed:
        request.options.placed["b"] = request.options.item.pool
        return Seed(extra={"placed": dict(request.options.placed)})

    registry.add("changing", changing)
    given = {"placed": {"a": "lamp"}, "item.pool": "hard"}
    async with Runner(registry=registry, database=None) as runner:
        seed = await rolled(runner, "changing", options=given)

    assert {"placed": {"a": "lamp"}, "item.pool": "hard"} == given
    assert {"placed": {"a": "lamp", "b": "hard"}} == seed.extra


def test_only_what_nobody_can_change_is_shared() -> None:
    """
    A class that checks what is set isn't frozen, though it looks alike.
    """

    @attrs.define
    class Checked:
        goal: str = attrs.field(default="ganon", validator=attrs.validators.instance_of(str))

    @attrs.frozen
    class Frozen:
        goal: str = "ganon"
        inner: Any = ()

    assert is_unchangeable(Frozen(inner=(1, "a", Frozen())))
    for inside in ({}, [], Checked(), ([],)):
        assert not is_unchangeable(Frozen(inner=inside))


@pytest.mark.parametrize("value", [None, "no", 1])
async def test_a_dry_run_is_asked_for_with_true(runner: Runner, value: Any) -> None:
    """
    Anything else might roll a real seed, or none, and nobody would know which.
    """
    async with runner:
        with pytest.raises(SettingsError, match="dry_run must be true or false"):
            await rolled(runner, dry_run=value)
        with pytest.raises(SettingsError, match="dry_run must be true or false"):
            await runner.call("alttpr", "generate", surface="tests", dry_run=value)


async def test_a_document_that_contains_itself_is_refused(runner: Runner) -> None:
    """
    With a sentence.
    """
    loop: dict[str, Any] = {}
    loop["placed"] = loop
    async with runner:
        for given in ({"settings": loop}, {"options": {"placed": loop}}):
            with pytest.raises(ProviderInvalidRequestError, match="nested too deeply"):
                await rolled(runner, **given)


async def test_a_fault_of_the_preset_is_told_as_one_whatever_else_is_given(runner: Runner) -> None:
    """
    Bots always give something, and the author of the preset must know.
    """
    async with runner:
        with pytest.raises(InvalidPresetError, match="the preset 'wrong' doesn't fit: .*ganon"):
            await rolled(runner, preset="wrong", options={"hints": "off"})
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await rolled(runner, preset="open", options={"goal": "gannon"})

    assert InvalidPresetError is not type(caught.value)


async def test_what_the_check_refuses_of_a_preset_alone_names_it(
    registry: Registry, folder: Path
) -> None:
    """
    With options of the caller's it may be those.
    """

    def check(request: SeedRequest) -> None:
        if request.options.goal == "pedestal":
            text = "there is no pedestal today"
            raise ProviderInvalidRequestError(text)

    @provider(options=Options, presets="presets", check=check)
    def demo(request: SeedRequest) -> Seed:
        raise AssertionError

    registry.add("alttpr", demo)
    settings = {"preset_directories": [str(folder)]}
    async with Runner(registry=registry, database=None, settings=settings) as runner:
        with pytest.raises(InvalidPresetError, match="the preset 'open' doesn't fit: there is no"):
            await rolled(runner, preset="open")
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await rolled(runner, preset="open", options={"hints": "on"})

    assert InvalidPresetError is not type(caught.value)


async def test_a_provider_can_tell_a_document_from_a_name_of_the_sites(
    runner: Runner, asked: list[SeedRequest]
) -> None:
    """
    Only what nobody has a document for is a name that the site may know.
    """
    async with runner:
        await rolled(runner, preset="doors")
        await rolled(runner, "avianart", preset="crosskeys")

    assert [True, False] == [request.documented for request in asked]
