"""
What an operation takes, for every surface alike, and how what a person gives becomes a call.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import attrs
import pytest

from seedcore import (
    Registry,
    Runner,
    Seed,
    SettingsError,
    UnknownOperationError,
    form_of,
    hookimpl,
    operation,
    provider,
    secret,
    setting,
)
from seedcore.surface.fields import declared_fields
from seedcore.surface.form import Form


class Logic(Enum):
    """
    What may be needed.
    """

    NONE = "none"
    GLITCHED = "glitched"


@attrs.frozen
class Crystals:
    """
    How many are needed.
    """

    ganon: int = setting(7, help="for the last fight")


@attrs.frozen
class Options:
    """
    Options of every kind.
    """

    name: str = setting("", help="what it is called")
    players: int = setting(
        1,
        validator=attrs.validators.and_(attrs.validators.ge(1), attrs.validators.le(8)),
        help="how many play",
    )
    speed: float | None = setting(None)
    hints: bool = setting(False)
    goal: Literal["ganon", "pedestal", 7] = setting("ganon")
    logic: Logic = setting(Logic.NONE)
    items: list[str] = setting(factory=list)
    weights: dict[str, int] = setting(factory=dict)
    either: int | str = setting("x")
    crystals: Crystals = setting(factory=Crystals)
    preset: str | None = setting(None, help="an option with a name that a call has")
    key: str | None = secret(None)


@provider(options=Options, title="Dungeon")
class Dungeon:
    """
    A provider that keeps what it was asked.
    """

    def __init__(self) -> None:
        self.asked: Any = None

    @hookimpl
    def generate(self, request: Any) -> Seed:
        """
        Roll a seed.
        """
        self.asked = request
        return Seed(id="1")

    @operation(effect="read")
    def rooms(self, floor: str, dark: bool = False) -> list[str]:
        """
        List the rooms.
        """
        return [floor, repr(dark)]

    @operation(effect="read")
    def anything(self, **words: Any) -> Any:
        """
        Return what it is given.
        """
        return words


@pytest.fixture
def dungeon() -> Dungeon:
    """
    The provider itself.
    """
    return Dungeon()


@pytest.fixture
def registry(dungeon: Dungeon) -> Registry:
    """
    One provider with declared options, and one without.
    """
    registry = Registry(discover=False)
    registry.add("dungeon", dungeon)
    registry.add("plain", lambda request: Seed(id=repr(dict(request.options))))
    return registry


@pytest.fixture
def form(registry: Registry) -> Form:
    """
    What the provider takes.
    """
    return form_of(registry.load("dungeon"))


def test_each_field_says_how_to_ask_for_it(form: Form) -> None:
    """
    By its kind, with choices and bounds where they are known.
    """
    kinds = {field.name: field.kind for field in form.own}
    fields = {field.name: field for field in form.own}

    assert {
        "name": "text",
        "players": "integer",
        "speed": "number",
        "hints": "switch",
        "goal": "choice",
        "logic": "choice",
        "items": "list",
        "weights": "table",
        "either": "any",
        "crystals.ganon": "integer",
        "preset": "text",
        "key": "text",
    } == kinds
    assert (1, 8) == (fields["players"].least, fields["players"].most)
    assert ("ganon", "pedestal", "7") == fields["goal"].choices
    assert (("none", "glitched"), "none") == (fields["logic"].choices, fields["logic"].default)
    assert (7, "for the last fight") == (
        fields["crystals.ganon"].default,
        fields["crystals.ganon"].help,
    )
    assert fields["key"].secret


def test_names_that_a_call_has_are_written_with_what_they_are(form: Form) -> None:
    """
    So that every name means one thing.
    """
    names = [field.name for field in form.fields]

    assert ["preset", "race", "spoilers", "branch", "settings"] == names[:5]
    assert "options.preset" in names
    assert len(names) == len(set(names))


async def test_texts_become_a_call(form: Form, registry: Registry, dungeon: Dungeon) -> None:
    """
    As a web form, a chat line or a command gives them.
    """
    given = {
        "preset": "",
        "race": "yes",
        "spoilers": "off",
        "branch": "beta",
        "name": "12",
        "players": "3",
        "speed": "1.5",
        "hints": "on",
        "goal": "7",
        "logic": "glitched",
        "items": '["bow", "lamp"]',
        "weights": '{"a": 1}',
        "either": "",
        "crystals.ganon": "5",
        "options.preset": "inner",
        "key": "hush",
    }
    arguments = form.arguments(given)
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        await runner.generate("dungeon", surface="web", **arguments)
    options = dungeon.asked.options

    assert (True, "off", "beta", None) == (
        dungeon.asked.race,
        dungeon.asked.spoilers,
        dungeon.asked.branch,
        dungeon.asked.preset,
    )
    expected = Options(
        name="12",
        players=3,
        speed=1.5,
        hints=True,
        goal=7,
        logic=Logic.GLITCHED,
        items=["bow", "lamp"],
        weights={"a": 1},
        crystals=Crystals(5),
        preset="inner",
        key="hush",
    )
    assert expected == options


async def test_values_stay_what_they_are(form: Form, registry: Registry, dungeon: Dungeon) -> None:
    """
    What JSON or Discord has typed already.
    """
    given = {"race": False, "players": 2, "hints": True, "items": ["bow"], "name": None}
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        await runner.generate("dungeon", surface="web", **form.arguments(given))

    assert Options(players=2, hints=True, items=["bow"]) == dungeon.asked.options


async def test_a_list_may_be_written_with_commas(
    form: Form, registry: Registry, dungeon: Dungeon
) -> None:
    """
    As in the environment.
    """
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        arguments = form.arguments({"items": "bow, lamp"})
        await runner.generate("dungeon", surface="web", **arguments)

    assert ["bow", "lamp"] == list(dungeon.asked.options.items)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"race": "perhaps"}, "race must be true or false."),
        ({"settings": "open"}, "settings must be a JSON object: names and values in braces."),
        ({"settings": "[1]"}, "settings must be a JSON object: names and values in braces."),
    ],
)
def test_what_cant_be_read_is_refused_with_its_name(
    form: Form, given: dict[str, str], sentence: str
) -> None:
    """
    Before anything is called; everything else the call refuses itself.
    """
    with pytest.raises(SettingsError) as caught:
        form.arguments(given)

    assert sentence == str(caught.value)


def test_a_settings_document_may_be_a_text(form: Form) -> None:
    """
    As it is pasted into a form.
    """
    assert {"settings": {"players": 2}} == form.arguments({"settings": '{"players": 2}'})
    assert {"settings": {"players": 2}} == form.arguments({"settings": {"players": 2}})


async def test_without_declared_options_any_name_is_taken(registry: Registry) -> None:
    """
    A value is text unless it is JSON, as on the command line.
    """
    form = form_of(registry.load("plain"))
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        arguments = form.arguments({"flags": "aB3", "seed": "17", "on": "true"})
        seed = await runner.generate("plain", surface="web", **arguments)

    assert form.any
    assert repr({"flags": "aB3", "seed": 17, "on": True}) == seed.id


async def test_other_operations_have_a_form_too(registry: Registry) -> None:
    """
    Of their arguments; a text stays one, even if it is all digits.
    """
    form = form_of(registry.load("dungeon"), "rooms")
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        arguments = form.arguments({"floor": "12", "dark": "true"})
        rooms = await runner.call("dungeon", "rooms", surface="web", **arguments)

    assert (False, False) == (form.rolls, form.any)
    assert [("dark", "any", False), ("floor", "text", True)] == [
        (field.name, field.kind, field.required) for field in form.fields
    ]
    assert ["12", "True"] == rooms
    assert form_of(registry.load("dungeon"), "anything").any


def test_an_operation_that_isnt_there_is_named(registry: Registry) -> None:
    """
    With what there is.
    """
    with pytest.raises(UnknownOperationError, match="Did you mean 'rooms'"):
        form_of(registry.load("dungeon"), "room")


def test_a_class_without_fields_has_none() -> None:
    """
    And so has nothing at all.
    """
    assert [] == list(declared_fields(None))
