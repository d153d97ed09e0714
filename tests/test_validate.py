"""
What a surface may ask, checked before the provider is.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from seedcore import (
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    Seed,
    SeedcoreError,
    SettingsError,
    operation,
    provider,
    setting,
)
from seedcore.testing.events import CapturedEvents
from support.calling import call, rolls, runner_of


class Asked:
    """
    A provider that keeps the requests it got.
    """

    def __init__(self, options: type | None = None) -> None:
        self.requests: list[Any] = []
        self.target = provider(options=options)(self._roll) if options else self.roll

    def roll(self, request: Any) -> Seed:
        """
        Keep the request.
        """
        self.requests.append(request)
        return Seed()

    @property
    def _roll(self) -> Any:
        async def demo(request):
            return self.roll(request)

        return demo


async def refused(*, options_class: type | None = None, **arguments: Any) -> ProviderError:
    """
    Return the error of a call that must not reach the provider.
    """
    asked, events = Asked(options_class), CapturedEvents()

    async with runner_of(asked.target, events) as runner:
        with pytest.raises(ProviderError) as caught:
            await runner.generate("demo", surface="test", **arguments)

    error = caught.value
    assert [] == asked.requests == events.named("attempt")
    assert (0, "permanent", False) == (error.attempts, error.stopped_by, error.in_doubt)
    assert ["ERROR"] == [event.level for event in events.named("call")]
    return error


async def given(*, options_class: type | None = None, **arguments: Any) -> Any:
    """
    Return the request that reached the provider.
    """
    asked = Asked(options_class)
    async with runner_of(asked.target, CapturedEvents()) as runner:
        await runner.generate("demo", surface="test", **arguments)
    return asked.requests[0]


# ------------------------------------------------------------------------- a seed


async def test_everything_asked_reaches_the_provider() -> None:
    """
    As it was asked, in mappings that can't be changed.
    """
    request = await given(
        preset="swordless",
        settings={"mode": "open"},
        race=True,
        branch="dev",
        options={"luck": 7},
        sealed=True,
        call_id="given-1",
    )

    assert ("demo", "generate", "test", "given-1") == (
        request.provider,
        request.operation,
        request.surface,
        request.call_id,
    )
    assert ("swordless", {"mode": "open"}, True, "off", "dev", {"luck": 7}, True) == (
        request.preset,
        request.settings,
        request.race,
        request.spoilers,
        request.branch,
        request.options,
        request.sealed,
    )
    for mapping in (request.settings, request.options):
        with pytest.raises(TypeError):
            mapping["x"] = 1


async def test_nothing_asked_is_nothing_given() -> None:
    """
    The defaults.
    """
    request = await given()

    assert (None, {}, False, "off", None, {}, False) == (
        request.preset,
        request.settings,
        request.race,
        request.spoilers,
        request.branch,
        request.options,
        request.sealed,
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"preset": ""}, "preset"),
        ({"preset": 7}, "preset"),
        ({"preset": "x" * 201}, "preset"),
        ({"branch": ""}, "branch"),
        ({"branch": b"dev"}, "branch"),
        ({"race": 1}, "race"),
        ({"race": None}, "race"),
        ({"race": "no"}, "race"),
        ({"sealed": "yes"}, "sealed"),
        ({"settings": [1]}, "settings"),
        ({"settings": "mode=open"}, "settings"),
        ({"options": [("luck", 7)]}, "options"),
        ({"options": 7}, "options"),
        ({"spoilers": "some"}, "off, on, delayed"),
        ({"spoilers": True}, "off, on, delayed"),
        ({"spoilers": []}, "off, on, delayed"),
        ({"race": True, "spoilers": "on"}, "race"),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], word: str) -> None:
    """
    With a sentence for the person who asked, without asking the provider.
    """
    error = await refused(**arguments)

    assert ProviderInvalidRequestError is type(error)
    assert word in error.provider_message


@pytest.mark.parametrize("preset", ["x" * 200, "überfall", "a preset with blanks", "../etc"])
async def test_a_preset_is_any_short_text(preset: str) -> None:
    """
    What it means is the provider's business.
    """
    assert preset == (await given(preset=preset)).preset


@pytest.mark.parametrize("race", [True, False])
async def test_spoilers_that_are_revealed_later_need_a_provider_that_can(*, race: bool) -> None:
    """
    Nobody has declared that yet.
    """
    error = await refused(race=race, spoilers="delayed")

    assert ProviderCapabilityError is type(error)


async def test_a_casual_seed_may_have_spoilers() -> None:
    """
    Without a race nobody is cheated.
    """
    assert "on" == (await given(spoilers="on")).spoilers


# ----------------------------------------------------------------- declared options


@attrs.frozen
class Options:
    """
    What a provider takes.
    """

    weapon: str = setting(help="what to begin with")
    luck: int = setting(7, validator=attrs.validators.in_(range(10)), help="how much")


async def test_declared_options_arrive_as_an_instance() -> None:
    """
    Converted and with defaults.
    """
    request = await given(options_class=Options, options={"weapon": "bow", "luck": "3"})

    assert Options(weapon="bow", luck=3) == request.options


async def test_an_instance_is_taken_as_it_is() -> None:
    """
    A surface may make one itself.
    """
    options = Options(weapon="bow")

    assert options is (await given(options_class=Options, options=options)).options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (None, "weapon"),
        ({}, "weapon"),
        ({"weapn": "bow"}, "Did you mean 'weapon'?"),
        ({"weapon": "bow", "luck": "canary"}, "luck"),
        ({"weapon": "bow", "luck": 12345}, "luck"),
        ({"weapon": ["canary"]}, "weapon"),
        ([("weapon", "bow")], "options"),
        (7, "options"),
    ],
    ids=str,
)
async def test_wrong_options_are_refused(options: Any, words: str) -> None:
    """
    Named, with a suggestion where there is one, and never with the value.
    """
    error = await refused(options_class=Options, options=options)

    assert ProviderInvalidRequestError is type(error)
    assert words in error.provider_message
    for value in ("canary", "12345"):
        assert value not in str(error)


# ------------------------------------------------------------------ other operations


class Tracker:
    """
    A provider with two operations.
    """

    @operation(effect="read")
    async def items(self, label, limit=3):
        return [label] * limit

    @operation(effect="read")
    async def nothing(self):
        return None


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("items", {}, "items needs label"),
        ("items", {"label": "x", "limt": 3}, "Did you mean 'limit'?"),
        ("items", {"label": "x", "other": 3}, "it takes label, limit"),
        ("nothing", {"label": "x"}, "it takes nothing"),
    ],
)
async def test_wrong_arguments_are_refused(
    name: str, arguments: dict[str, Any], words: str
) -> None:
    """
    What is missing, what is unknown, and what there is.
    """
    events = CapturedEvents()
    async with runner_of(Tracker, events) as runner:
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await runner.call("demo", name, surface="test", **arguments)

    assert words in str(caught.value)
    assert (0, name) == (caught.value.attempts, caught.value.operation)
    assert [] == events.named("attempt")


async def test_generate_through_call_is_checked_the_same() -> None:
    """
    It is an operation like any other.
    """
    asked = Asked()
    async with runner_of(asked.target, CapturedEvents()) as runner:
        await runner.call("demo", "generate", surface="test", preset="swordless")
        with pytest.raises(ProviderInvalidRequestError, match="Did you mean 'preset'"):
            await runner.call("demo", "generate", surface="test", presett="swordless")

    assert ["swordless"] == [request.preset for request in asked.requests]


# -------------------------------------------------------- the calling program's own


@pytest.mark.parametrize(
    "surface", ["", None, 7, "a\nb", "\x1b[31m", "x" * 201, "a\u202eb"], ids=repr
)
async def test_a_surface_is_a_short_printable_name(surface: Any) -> None:
    """
    It goes into every event and row.
    """
    asked = Asked()
    async with runner_of(asked.target, CapturedEvents()) as runner:
        with pytest.raises(SettingsError, match=r"surface.*1 to 200"):
            await runner.generate("demo", surface=surface)

    assert [] == asked.requests


@pytest.mark.parametrize("call_id", ["", 7, "a\nb", "x" * 201], ids=repr)
async def test_a_call_id_is_a_short_printable_name(call_id: Any) -> None:
    """
    So is this.
    """
    asked = Asked()
    async with runner_of(asked.target, CapturedEvents()) as runner:
        with pytest.raises(SettingsError, match="call_id"):
            await runner.generate("demo", surface="test", call_id=call_id)

    assert [] == asked.requests


WRONG_SECONDS = [0, -1, float("nan"), float("inf"), "5", True, 10**400, [5]]


@pytest.mark.parametrize("seconds", WRONG_SECONDS, ids=lambda value: repr(value)[:8])
async def test_a_deadline_is_a_number_of_seconds(seconds: Any) -> None:
    """
    More than nothing, less than for ever.
    """
    with pytest.raises(SettingsError, match="deadline"):
        await call(rolls, deadline=seconds)


@pytest.mark.parametrize(
    "seconds", [value for value in WRONG_SECONDS if value != 0], ids=lambda value: repr(value)[:8]
)
async def test_patience_is_a_number_of_seconds(seconds: Any) -> None:
    """
    None at all is allowed here.
    """
    with pytest.raises(SettingsError, match="patience"):
        await call(rolls, patience=seconds)


@pytest.mark.parametrize(
    "arguments",
    [
        {"policy": {"retry_jitter": "no"}},
        {"policy": {"retry_max_attempts": 0}},
        {"policy": {"retries": 3}},
        {"profile": "hasty"},
    ],
    ids=str,
)
async def test_wrong_limits_are_settings_errors(arguments: dict[str, Any]) -> None:
    """
    A surface catches one root class.
    """
    with pytest.raises(SeedcoreError):
        await call(rolls, **arguments)


@pytest.mark.parametrize("name", ["demi", "", None, "a\nb"], ids=repr)
async def test_a_provider_that_does_not_exist_is_a_seedcore_error(name: Any) -> None:
    """
    Whatever was given for its name.
    """
    async with runner_of(rolls, CapturedEvents()) as runner:
        with pytest.raises(SeedcoreError):
            await runner.generate(name, surface="test")


@pytest.mark.parametrize("name", ["rol", "", None, "a\nb"], ids=repr)
async def test_an_operation_that_does_not_exist_is_a_seedcore_error(name: Any) -> None:
    """
    And whatever was given for the operation's.
    """
    async with runner_of(rolls, CapturedEvents()) as runner:
        with pytest.raises(SeedcoreError):
            await runner.call("demo", name, surface="test")


async def test_a_number_is_a_text_where_one_is_annotated() -> None:
    """
    The command line reads an id of digits alone as a number.
    """

    class Demo:
        @operation(effect="read")
        def game(self, name: str, times: int = 1, other: str | None = None) -> list[Any]:
            return [name, times, other]

    async with runner_of(Demo(), CapturedEvents()) as runner:
        found = await runner.call("demo", "game", surface="test", name=12, times=3, other=True)

    assert ["12", 3, True] == found
