"""
How a function, class, instance or module becomes a provider, and what is refused.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from seedcore import (
    BrokenPluginError,
    Effect,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    Registry,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore.plugins import Provider
from seedcore.testing.events import CapturedEvents
from support.calling import call, rolls, runner_of


def loaded(target: Any) -> Provider:
    """
    Return what *target* becomes.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return registry.load("demo")


def reason_against(target: Any) -> str:
    """
    Return why *target* is no provider.
    """
    with pytest.raises(BrokenPluginError) as caught:
        loaded(target)
    assert str(caught.value).startswith("The plugin 'demo' can't be used: ")
    return caught.value.reason


# ----------------------------------------------------------------------------- forms


async def roll(request, context):
    """
    Rolls one seed.
    """
    return Seed(id=f"{request.provider}:{context.call_id != ''}")


def roll_plainly(request, context):
    """
    Rolls one seed.
    """
    return Seed(id=f"{request.provider}:{context.call_id != ''}")


async def roll_with(request, context, *, luck):
    """
    Rolls one seed.
    """
    return await roll(request, context)


class AsyncCallable:
    """
    Rolls one seed.
    """

    async def __call__(self, request, context):
        return await roll(request, context)


class PlainCallable(AsyncCallable):
    """
    Rolls one seed.
    """

    def __call__(self, request, context):
        return roll_plainly(request, context)


class AsClass:
    """
    A provider that is a class.
    """

    @hookimpl
    async def generate(self, request, context):
        """
        Rolls one seed.
        """
        return await roll(request, context)


class Plainly:
    """
    The same, without async.
    """

    @hookimpl
    def generate(self, request, context):
        """
        Rolls one seed.
        """
        return roll_plainly(request, context)


class WithStaticMethods:
    """
    Methods of other kinds.
    """

    @staticmethod
    @hookimpl
    async def generate(request, context):
        """
        Rolls one seed.
        """
        return await roll(request, context)


class WithClassMethods:
    """
    Methods of yet other kinds.
    """

    @classmethod
    @hookimpl
    async def generate(cls, request, context):
        """
        Rolls one seed.
        """
        return await roll(request, context)


class Inherited(AsClass):
    """
    What it inherited counts.
    """


def module() -> types.ModuleType:
    """
    Return a module that is a provider.
    """

    async def generate(request, context):
        """
        Rolls one seed.
        """
        return await roll(request, context)

    made = types.ModuleType("seedcore_demo")
    made.generate = hookimpl(generate)
    made.declaration = provider(base_url="https://seeds.example")
    return made


FORMS = {
    "async function": (roll, False),
    "plain function": (roll_plainly, True),
    "partial of async": (functools.partial(roll_with, luck=7), False),
    "partial of plain": (functools.partial(roll_plainly), True),
    "partial of a partial": (functools.partial(functools.partial(roll_with), luck=7), False),
    "lambda": (
        lambda request, context: Seed(id=f"{request.provider}:{bool(context.call_id)}"),
        True,
    ),
    "bound method": (AsClass().generate, False),
    "async callable": (AsyncCallable(), False),
    "plain callable": (PlainCallable(), True),
    "class": (AsClass, False),
    "class without async": (Plainly, True),
    "instance": (AsClass(), False),
    "static method": (WithStaticMethods, False),
    "class method": (WithClassMethods, False),
    "inherited": (Inherited, False),
    "module": (module(), False),
    "class of a callable": (AsyncCallable, False),
}


@pytest.mark.parametrize(("target", "sync"), FORMS.values(), ids=FORMS.keys())
async def test_each_form_works(target: Any, *, sync: bool) -> None:
    """
    It offers ``generate``, runs in a thread only if it must, and returns its seed.
    """
    found = loaded(target)
    came = await call(target)

    assert ["generate"] == [*found.operations]
    generate = found.operations["generate"]
    assert (sync, True, Effect.REPEATABLE) == (generate.sync, generate.audited, generate.effect)
    assert "demo:True" == came.value.id


@pytest.mark.parametrize(
    "target",
    [
        lambda: Seed(id="4711"),
        lambda request: Seed(id="4711"),
        lambda context: Seed(id="4711"),
        lambda context, request: Seed(id="4711") if request.preset and context.surface else None,
        lambda *, request, context: Seed(id="4711") if request and context else None,
        lambda request, *, context: Seed(id="4711") if request and context else None,
        lambda *anything: Seed(id="4711"),
        lambda request, context, luck=7: Seed(id="4711") if luck == 7 else None,
        lambda request, context, /: Seed(id="4711") if request and context else None,
    ],
    ids=["none", "request", "context", "swapped", "keywords", "mixed", "star", "default", "places"],
)
async def test_an_author_takes_what_he_uses(target: Any) -> None:
    """
    Request and context in any order, by place or by name, or not at all.
    """
    came = await call(target, preset="x")

    assert "4711" == came.value.id


def test_a_declaration_is_found_in_every_form() -> None:
    """
    On a function, below a partial, on a class, and as a name of a module.
    """
    declare = provider(base_url="https://seeds.example", effect="read")

    @declare
    async def function():
        """
        Nothing.
        """

    @declare
    class Class(AsClass):
        """
        Nothing.
        """

    for target in (function, functools.partial(function), Class, Class(), module()):
        assert "https://seeds.example" == loaded(target).declaration.base_url
    assert Effect.READ is loaded(function).operations["generate"].effect


def test_a_declaration_on_a_partial_is_found() -> None:
    """
    ``provider(...)`` may be applied to the partial itself.
    """
    declared = provider(base_url="https://seeds.example")(functools.partial(roll_with, luck=7))

    assert "https://seeds.example" == loaded(declared).declaration.base_url


def test_a_summary_comes_from_the_docstring() -> None:
    """
    Its first line is what listings show.
    """
    for target in (roll, roll_plainly, AsClass, module()):
        assert "Rolls one seed." == loaded(target).operations["generate"].summary
    assert "" == loaded(lambda request: rolls()).operations["generate"].summary


def test_a_partial_is_summed_up_as_its_function() -> None:
    """
    Not with what Python says about partials.
    """
    summary = loaded(functools.partial(rolls)).operations["generate"].summary

    assert "A provider that always succeeds." == summary


# --------------------------------------------------------------------- more operations


class Tracker:
    """
    A provider with operations of its own.
    """

    @operation(effect="read")
    async def items(self, *, label: str = "all", limit: int = 3) -> list[str]:
        """
        Lists items.
        """
        return [label] * limit

    @operation(effect=Effect.UNSAFE, audited=True)
    def create(self, request, title, context):
        """
        Creates an item.
        """
        return {"title": title, "by": context.surface, "of": request.operation}

    @operation(effect=Effect.READ)
    async def anything(self, request):
        """
        Echoes.
        """
        return dict(request.arguments)

    @operation(effect=Effect.READ)
    async def keywords(self, **options):
        """
        Echoes.
        """
        return options

    def not_an_operation(self):
        """
        Unmarked.
        """


def test_operations_are_found_with_what_they_take() -> None:
    """
    Their effect, whether they are audited, their arguments and which of those they need.
    """
    found = loaded(Tracker).operations

    assert {"items", "create", "anything", "keywords"} == set(found)
    items, create = found["items"], found["create"]
    assert (Effect.READ, False, False) == (items.effect, items.audited, items.sync)
    assert (Effect.UNSAFE, True, True) == (create.effect, create.audited, create.sync)
    assert ({"label", "limit"}, set()) == (items.takes, items.needs)
    assert ({"title"}, {"title"}) == (create.takes, create.needs)
    assert None is found["anything"].takes is found["keywords"].takes


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("items", {"limit": 2}, ["all", "all"]),
        ("create", {"title": "x"}, {"title": "x", "by": "test", "of": "create"}),
        ("anything", {"a": 1}, {"a": 1}),
        ("keywords", {"a": 1}, {"a": 1}),
    ],
)
async def test_operations_are_called_by_name(name: str, arguments: Any, value: Any) -> None:
    """
    With the arguments a call passes, and what the runner gives.
    """
    async with runner_of(Tracker, CapturedEvents()) as runner:
        assert value == await runner.call("demo", name, surface="test", **arguments)


@pytest.mark.parametrize("name", ["request", "context"])
async def test_what_the_runner_gives_can_not_be_passed(name: str) -> None:
    """
    A caller who tries is told so; it's no bug of the plugin.
    """

    class Demo:
        @operation(effect="read")
        async def echo(self, request, context, **options):
            return options

    async with runner_of(Demo, CapturedEvents()) as runner:
        with pytest.raises(ProviderInvalidRequestError, match=name):
            await runner.call("demo", "echo", surface="test", **{name: "x"})


def test_an_operation_has_no_default_effect() -> None:
    """
    Nobody forgets to think about what repeating does.
    """
    with pytest.raises(TypeError, match="effect"):
        operation()  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="sometimes"):
        operation(effect="sometimes")(lambda self: None)


def test_an_argument_that_no_call_can_pass_is_refused() -> None:
    """
    ``runner.call`` keeps some names for itself: an operation that needs one can't be called.
    """

    class Demo:
        @operation(effect="read")
        async def remind(self, deadline):
            return deadline

    assert "deadline" in reason_against(Demo)


async def test_a_partial_of_a_marked_function_is_a_function() -> None:
    """
    What it carries inside is no hook of its own.
    """

    @hookimpl
    async def generate(request, context, *, luck):
        return Seed(id=str(luck))

    came = await call(functools.partial(generate, luck=7))

    assert "7" == came.value.id


# --------------------------------------------------------------------------- refused


def of_methods(**methods: Callable[..., Any]) -> type:
    """
    Return a class with *methods*, and a good ``generate``.
    """
    return type("Demo", (), {"generate": hookimpl(lambda self: Seed()), **methods})


async def _async_mapper(self, error, request):
    return None


class Unhashable:
    """
    Compared by value, as attrs classes are by default.
    """

    __hash__ = None  # type: ignore[assignment]

    @hookimpl
    async def generate(self):
        return Seed()


@attrs.define
class Attrs:
    """
    The usual way to become unhashable.
    """

    @hookimpl
    async def generate(self):
        return Seed()


class Demanding(AsClass):
    """
    It can't be made without arguments.
    """

    def __init__(self, key):
        self.key = key


class Raising(AsClass):
    """
    It fails to be made.
    """

    def __init__(self):
        raise SystemExit(3)


REFUSED = {
    "nothing": (object(), "offers no operation"),
    "a number": (7, "offers no operation"),
    "None": (None, "offers no operation"),
    "an empty class": (type("Empty", (), {}), "offers no operation"),
    "an empty module": (types.ModuleType("empty"), "offers no operation"),
    "unmarked methods": (
        type("Demo", (), {"generate": lambda self: Seed()}),
        "offers no operation",
    ),
    "hook typo": (of_methods(map_eror=hookimpl(lambda self, error: None)), "'map_error'"),
    "hook nobody knows": (of_methods(reload=hookimpl(lambda self: None)), "no hook 'reload'"),
    "wrong parameter": (of_methods(map_error=hookimpl(lambda self, exc: None)), "exc"),
    "wrong parameter of start": (of_methods(start=hookimpl(lambda self, ctx: None)), "ctx"),
    "keyword-only": (
        of_methods(map_error=hookimpl(lambda self, *, error, request: None)),
        "map_error",
    ),
    "async map_error": (of_methods(map_error=hookimpl(_async_mapper)), "map_error"),
    "wrapper": (
        of_methods(audit=hookimpl(wrapper=True)(lambda self, record: (yield))),
        "wrapper",
    ),
    "old wrapper": (
        of_methods(audit=hookimpl(hookwrapper=True)(lambda self, record: (yield))),
        "wrapper",
    ),
    "unhashable": (Unhashable(), "eq=False"),
    "attrs class": (Attrs, "eq=False"),
    "parameters of its own": (lambda preset, weapon: None, "preset, weapon"),
    "any keywords": (lambda request, **options: None, "**keywords"),
    "argument by place": (
        type("Demo", (), {"echo": operation(effect="read")(lambda self, a, /: a)}),
        "'a'",
    ),
    "settings that are no class": (
        provider(settings=dict)(type("A", (AsClass,), {})),
        "attrs class",
    ),
    "options that are no class": (
        provider(options={"a": 1})(type("A", (AsClass,), {})),  # type: ignore[arg-type]
        "attrs class",
    ),
    "class with arguments": (Demanding, "TypeError"),
    "class that exits": (Raising, "SystemExit"),
}


@pytest.mark.parametrize(("target", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_not_work_is_refused_with_the_reason(target: Any, word: str) -> None:
    """
    At load, in a sentence, rather than in the middle of a call.
    """
    assert word in reason_against(target)


@pytest.mark.parametrize("target", [functools.partial(rolls), len, print], ids=repr)
def test_odd_callables_are_loaded_or_refused(target: Any) -> None:
    """
    Never anything but a provider or a BrokenPluginError.
    """
    try:
        found = loaded(target)
    except BrokenPluginError as error:
        found = error

    assert getattr(found, "operations", None) or found.reason


# ------------------------------------------------------------------- nothing else runs


class Watched:
    """
    A provider whose attributes notice being looked at.
    """

    looked: list[str]

    def __init__(self) -> None:
        self.looked = []

    @property
    def connection(self) -> None:
        """
        Connects.
        """
        self.looked.append("property")

    @functools.cached_property
    def presets(self) -> None:
        """
        Downloads presets.
        """
        self.looked.append("cached property")

    @hookimpl
    async def generate(self):
        return Seed()


def test_loading_runs_no_property() -> None:
    """
    Looking for hooks has no side effects.
    """
    watched = Watched()

    loaded(watched)

    assert [] == watched.looked


def test_a_property_that_raises_breaks_nothing() -> None:
    """
    It isn't a hook, so nobody asks for it.
    """

    class Demo(AsClass):
        @property
        def broken(self):
            raise RuntimeError("not now")

        @functools.cached_property
        def broken_too(self):
            raise RuntimeError("not now")

    assert loaded(Demo).operations


def test_looking_at_parameters_is_done_once() -> None:
    """
    A provider given as ``(request, context)`` is called without a layer.
    """
    assert roll is loaded(roll).operations["generate"].function


# -------------------------------------------------------------------------- hooks work


async def test_hooks_take_what_they_use() -> None:
    """
    Each by position, as pluggy has it.
    """
    seen: list[Any] = []

    class Demo:
        @hookimpl
        async def generate(self):
            raise KeyError("x")

        @hookimpl
        def map_error(self, request):
            seen.append(request.preset)

        @hookimpl
        def start(self):
            seen.append("started")
            return "state"

        @hookimpl
        def stop(self, state):
            seen.append(state)

    came = await call(Demo, preset="swordless")

    assert ProviderResponseFormatError is type(came.failure)
    assert ["started", "swordless", "state"] == seen


async def test_what_start_returned_is_the_state() -> None:
    """
    Seen by every call.
    """

    class Demo:
        @hookimpl
        async def start(self, context):
            return {"url": context.settings}

        @hookimpl
        async def generate(self, context):
            return Seed(extra=context.state)

    came = await call(Demo)

    assert {"url": {}} == dict(came.value.extra)


async def test_one_function_may_be_two_providers() -> None:
    """
    A partial with other arguments is another provider.
    """

    def of(name, request, context):
        return Seed(id=name)

    for name in ("z1r", "z2r"):
        came = await call(functools.partial(of, name))
        assert name == came.value.id


@attrs.frozen
class Chosen:
    """
    Options with a document among them.
    """

    version: str = "1"
    document: dict[str, Any] = attrs.field(factory=dict)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"presets": 7, "options": Chosen}, "its presets must be a folder beside its module"),
        ({"presets": "../up", "options": Chosen}, "its presets must be a folder beside"),
        ({"presets": "/etc", "options": Chosen}, "its presets must be a folder beside"),
        ({"presets": "presets"}, "its presets need options"),
        ({"options": Chosen, "open_options": "documnt"}, "Did you mean 'document'?"),
        ({"open_options": "document"}, "its open_options must be one of its options"),
        ({"rate": "many"}, "its rate 'many' is none"),
        ({"rate": 20}, "its rate 20 is none"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused_when_it_is_loaded(
    declared: dict[str, Any], words: str
) -> None:
    """
    And not by the first call that meets it.
    """

    @provider(**declared)
    def demo(request: SeedRequest) -> Seed:
        raise AssertionError

    with pytest.raises(BrokenPluginError, match=re.escape(words)):
        Registry(discover=False).add("demo", demo)


def test_one_ignored_option_is_one_name() -> None:
    """
    A text isn't taken for its letters.
    """
    assert ("tournament",) == provider(ignored_options="tournament").ignored_options
