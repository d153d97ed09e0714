"""
The reference is complete and says what the code says, and no link is dead.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import attrs
import click
import pytest

import seedcore
import seedcore.testing
from seedcore import Clock
from seedcore.cli.group import root
from seedcore.contract import circuit
from seedcore.contract.breaker import Suspects
from seedcore.contract.gate import Gate
from seedcore.contract.retry import Budget
from seedcore.contract.slots import Slots
from seedcore.errors import PROVIDER_MESSAGE_LIMIT, StoppedBy, environment_name, error_classes
from seedcore.hookspecs import Declaration, Hooks
from seedcore.model import AuditRecord, Effect, FailureRecord, Request, Seed, SeedMeta, SeedRequest
from seedcore.plugins import COMMANDS, PROVIDERS, SINKS, Status
from seedcore.policy import PROFILES, Policy
from seedcore.settings.keys import (
    CONFIG_VARIABLE,
    LIMIT_KEYS,
    RESERVED_PROVIDER_NAMES,
    CoreSettings,
    SiteSettings,
)
from seedcore.testing import (
    CapturedEvents,
    FaultUpstream,
    LeapingClock,
    ProviderContract,
    Received,
    Reply,
    replies,
)
from seedcore.testing.conformance.find import CONTRACTS
from support.documents import ROOT, Block, Page, page, pages, reference, rows_in

ERRORS = [kind for kind in error_classes() if kind.__module__ == "seedcore.errors"]
SETTINGS = [
    *attrs.fields(CoreSettings),
    *attrs.fields(SiteSettings),
    *attrs.fields(Policy),
]


def names_of(record: type[Any]) -> list[str]:
    """
    Return the names of an attrs class's fields.
    """
    return [field.name for field in attrs.fields(record)]


def parameters_of(function: Any) -> list[str]:
    """
    Return the names of a function's parameters.
    """
    return [name for name in inspect.signature(function).parameters if name != "self"]


# ------------------------------------------------------------------------ names


def test_every_public_name_is_in_the_reference() -> None:
    """
    Whatever ``seedcore`` exports has a heading or a row on a page under docs/reference.
    """
    explained = reference()

    assert [] == [name for name in seedcore.__all__ if name not in explained]


def test_every_argument_of_a_runner_is_explained() -> None:
    """
    Runner and generate have a row for each argument; call has those of its own, by name.
    """
    calls = page("docs/reference/calls.md")
    runner = seedcore.Runner

    for title, function in {"Runner": runner, "generate": runner.generate}.items():
        rows = {row[0] for row in rows_in(calls.section(title))}
        assert [] == [name for name in parameters_of(function) if f"`{name}`" not in rows]
    text = calls.section("call")
    assert [] == [name for name in parameters_of(runner.call) if not word_in(name, text)]


@pytest.mark.parametrize("record", [Seed, SeedMeta], ids=lambda record: record.__name__)
def test_every_field_of_a_seed_is_explained(record: type[Any]) -> None:
    """
    The section of the class names each field.
    """
    text = page("docs/reference/calls.md").section(record.__name__)

    assert [] == [name for name in names_of(record) if f"`{name}`" not in text]


def test_every_status_is_explained() -> None:
    """
    Each status of ``seedcore list`` has a row.
    """
    calls = page("docs/reference/calls.md")

    assert all(calls.row_of(status) for status in get_args(Status))


def word_in(name: str, text: str) -> bool:
    """
    Whether *name* stands in *text* as a word of its own.
    """
    return bool(re.search(rf"\b{re.escape(name)}\b", text))


# ----------------------------------------------------------------------- errors


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_row_with_its_own_fields(kind: type[Exception]) -> None:
    """
    Each class stands in the tree and in a table, which names what its constructor takes.
    """
    errors = page("docs/reference/errors.md")
    row = " ".join(errors.row_of(kind.__name__))

    assert word_in(kind.__name__, errors.blocks[0].text)
    if not issubclass(kind, seedcore.ProviderError) and "__init__" in vars(kind):
        fields = vars(kind("a", "b", "c")) if len(parameters_of(kind)) == 3 else parameters_of(kind)
        assert [] == [name for name in fields if f"`{name}`" not in row]


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    """
    Each class stands one step to the right of its parent, below it.
    """
    parents: dict[int, str] = {}
    drawn: dict[str, str] = {}
    for line in page("docs/reference/errors.md").blocks[0].text.splitlines():
        found = re.match(r"([│├└─ ]*)(\w+)", line)
        assert found, line
        depth = len(found[1]) // 4
        parents[depth] = found[2]
        drawn[found[2]] = parents[depth - 1] if depth else ""
    first_bases = {kind.__name__: kind.__bases__[0].__name__ for kind in ERRORS}

    assert {**first_bases, "SeedcoreError": ""} == drawn


def test_every_field_of_a_provider_error_is_explained() -> None:
    """
    ProviderError and PartialFailureError have each field in the section about them.
    """
    errors = page("docs/reference/errors.md")
    text = errors.section("ProviderError")
    rows = " ".join(row[0] for row in rows_in(text) if len(row) == 3)
    partial = {*vars(seedcore.PartialFailureError())} - {*vars(seedcore.ProviderError())}

    assert [] == [name for name in vars(seedcore.ProviderError()) if f"`{name}`" not in rows]
    assert [] == [name for name in partial if f"`{name}`" not in errors.text]
    assert f"{PROVIDER_MESSAGE_LIMIT:,} characters" in text
    assert all(errors.row_of(why) for why in get_args(StoppedBy))


# ----------------------------------------------------------------------- events


def sources() -> Iterator[ast.Module]:
    """
    Yield the syntax tree of each module of the installed core.
    """
    for path in sorted(Path(seedcore.__file__).parent.rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.AST) -> str:
    """
    Return the last part of the name that *node* calls, nothing for anything but a call.
    """
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", None) or getattr(function, "id", "")


def emitted() -> Iterator[tuple[str, str | None]]:
    """
    Yield name and level (``None`` where it is computed) of each event that the core sends.
    """
    for tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or called(node) not in ("emit", "Event"):
                continue
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            level, event = [*node.args[:2], named.get("level"), named.get("event")][:2]
            if isinstance(event, ast.Constant):
                yield event.value, level.value if isinstance(level, ast.Constant) else None


def extras() -> set[str]:
    """
    Return the keys that the core puts into ``extra``, there or in a variable before.
    """
    keys: set[str] = set()
    functions = [node for tree in sources() for node in ast.walk(tree)]
    for function in functions:
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        inside = list(ast.walk(function))
        given = [node.value for node in inside if isinstance(node, ast.keyword | ast.Assign)]
        if not {"emit", "Event"} & {called(node) for node in inside}:
            continue
        for value in given:
            named = value.keys if isinstance(value, ast.Dict) else []
            keys |= {key.value for key in named if isinstance(key, ast.Constant)}
    return keys


def test_the_events_are_those_that_the_code_sends() -> None:
    """
    No event is missing from the table, and none is in it that nobody sends.
    """
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    table = [row for row in page("docs/reference/events.md").rows if row[1] in levels]
    known = {(row[0].strip("`"), row[1]) for row in table}
    sent = set(emitted())

    assert {name for name, _ in sent} == {name for name, _ in known}
    assert [] == [each for each in sorted(sent, key=str) if each[1] and each not in known]


def test_every_field_of_an_event_is_explained() -> None:
    """
    Each field has a row, and each key of ``extra`` is named.
    """
    events = page("docs/reference/events.md")
    found = extras()

    assert all(events.row_of(name) for name in names_of(seedcore.Event))
    assert {"old", "new", "pause_s", "row", "sink", "reason"} <= found
    assert [] == [key for key in found if key not in events.named]


# --------------------------------------------------------------------- settings


def shown(value: Any) -> str:
    """
    Return a default as the page writes it.
    """
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:,.10g}"
    return f'`"{value!s}"`' if value else "`[]`"


@pytest.mark.parametrize("field", SETTINGS, ids=lambda field: field.name)
def test_every_setting_is_explained(field: attrs.Attribute[Any]) -> None:
    """
    Each key has a row with its variable, its range, and its defaults of both profiles.
    """
    settings = page("docs/reference/settings.md")
    _, variable, kind, *cells = settings.row_of(field.name)
    in_batch = PROFILES["batch"].get(field.name, field.default)
    profiles = [field.default, in_batch] if field in attrs.fields(Policy) else [field.default]
    of_one = f"SEEDCORE_<PROVIDER>_{field.name.upper()}"
    of_all = environment_name(None, field.name)

    assert variable == f"`{of_one if field in attrs.fields(SiteSettings) else of_all}`"
    assert field.name not in LIMIT_KEYS or f"`{of_all}`" in settings.text
    assert [shown(value) for value in profiles] == cells[: len(profiles)]
    for bound in range_of(field):
        assert re.search(rf"(?<![\d,.]){re.escape(bound)}(?![\d,]|\.\d)", kind), bound


def range_of(field: attrs.Attribute[Any]) -> list[str]:
    """
    Return the bounds that the field's own check names, as the page writes them.
    """
    try:
        if field.validator is not None:
            field.validator(None, field, float("nan"))
    except seedcore.SettingsError as error:
        numbers = re.findall(r"\d+(?:\.\d+)?", str(error).partition("between")[2])
        return [f"{float(bound):,.10g}" for bound in numbers]
    except Exception:  # noqa: BLE001 - a check that has no range
        pass
    return []


def test_ranges_are_read_from_the_checks() -> None:
    """
    The bounds compared above are really found.
    """
    fields = attrs.fields_dict(Policy)

    assert ["0.01", "3,600"] == range_of(fields["attempt_timeout"])
    assert ["0", "1,000,000"] == range_of(fields["max_queued"])


def test_the_other_words_of_settings_are_explained() -> None:
    """
    The file's variable, the profiles and examples of reserved names are on the page.
    """
    settings = page("docs/reference/settings.md")

    assert CONFIG_VARIABLE in settings.named
    assert {*PROFILES} <= settings.named
    assert {"retry", "log", "circuit-breaker"} <= settings.named & RESERVED_PROVIDER_NAMES


# ------------------------------------------------------------------------ hooks


def test_every_hook_is_explained() -> None:
    """
    Each hook has a heading, followed by its parameters.
    """
    hooks = page("docs/reference/hooks.md")
    names = [name for name in vars(Hooks) if not name.startswith("_")]

    assert names
    for name in names:
        text = hooks.section(name)
        parameters = parameters_of(getattr(Hooks, name))
        assert f"`{name}({', '.join(parameters)})" in text


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("@provider", names_of(Declaration)),
        ("@operation", inspect.signature(seedcore.operation).parameters),
        ("setting and secret", ["default", "help", "secret"]),
        ("Effect", [effect.name for effect in Effect]),
        ("Request and SeedRequest", {*names_of(Request), *names_of(SeedRequest)}),
        ("Context", [name for name in dir(seedcore.Context) if not name.startswith("_")]),
        ("Entry points", [PROVIDERS, SINKS, COMMANDS, CONTRACTS]),
    ],
)
def test_what_plugins_use_is_explained(title: str, names: list[str]) -> None:
    """
    Each declaration, field and method that authors use is in its section.
    """
    hooks = page("docs/reference/hooks.md")
    text = hooks.section(title)

    assert names
    assert [] == [name for name in names if not word_in(name, text)]


# ---------------------------------------------------------------------- testing


def test_every_name_for_tests_is_explained() -> None:
    """
    Whatever ``seedcore.testing`` exports has a heading of its own.
    """
    titles = re.findall(r"^## (.+)$", page("docs/reference/testing.md").text, re.MULTILINE)

    assert [] == [name for name in seedcore.testing.__all__ if name not in titles]


@pytest.mark.parametrize(
    "kind",
    [ProviderContract, FaultUpstream, Received, Reply, LeapingClock, CapturedEvents],
    ids=lambda kind: kind.__name__,
)
def test_what_tests_use_is_explained(kind: type[Any]) -> None:
    """
    Each attribute and method of its own stands in code marks in its section.
    """
    text = page("docs/reference/testing.md").section(kind.__name__)
    own = {*vars(kind), *inspect.get_annotations(kind)} - {*dir(Clock), *dir(list)}
    names = {name for name in own if not name.startswith(("_", "test_"))}
    if kind is FaultUpstream:
        names |= {name for name in vars(FaultUpstream()) if not name.startswith("_")}

    assert names
    pieces = " ".join(re.findall(r"`([^`\n]+)`", text))
    assert [] == [name for name in sorted(names) if not word_in(name, pieces)]


def test_every_maker_of_replies_is_explained() -> None:
    """
    Each has a row with its parameters, in their order.
    """
    rows = [row[0] for row in rows_in(page("docs/reference/testing.md").section("replies"))]
    makers = {
        name: function
        for name, function in inspect.getmembers(replies, inspect.isfunction)
        if function.__module__ == replies.__name__
    }

    assert 11 <= len(makers)
    for name, function in makers.items():
        (row,) = [row for row in rows if row.startswith(f"`{name}(")]
        assert parameters_of(function) == re.findall(r"[(,] ?\**(\w+)", row), row


# ---------------------------------------------------------------- compatibility


def test_what_stays_compatible_is_what_there_is() -> None:
    """
    The page lists each hook with its parameters, each field of a seed, each group and effect.
    """
    promises = page("docs/plugins/compatibility.md")
    hooks = [name for name in vars(Hooks) if not name.startswith("_")]

    for name in hooks:
        assert [f"`{name}`", f"`{', '.join(parameters_of(getattr(Hooks, name)))}`"] in promises.rows
    assert [] == [name for name in names_of(Seed) if f"`{name}`" not in promises.section("Records")]
    for group in (PROVIDERS, SINKS, COMMANDS, CONTRACTS):
        assert f"`{group}`" in promises.section("Entry points")
        assert group in page("docs/plugins/publish.md").section("Entry points")


# ----------------------------------------------------------------- the contract


@pytest.mark.parametrize("record", [AuditRecord, FailureRecord], ids=lambda kind: kind.__name__)
def test_every_column_of_the_audit_is_explained(record: type[Any]) -> None:
    """
    The columns of both tables are named.
    """
    text = page("docs/reference/contract.md").section("Audit")

    assert [] == [name for name in names_of(record) if f"`{name}`" not in text]


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("One call", f"{Policy().total_timeout:g} s"),
        ("One call", f"at most {Policy().attempt_timeout:g} s"),
        ("One call", f"one of {Policy().max_concurrent} slots"),
        ("Retry budget", f"begins with {Budget.RESERVE:g} retries"),
        ("Retry budget", f"up to {Budget.CAP:g}"),
        ("Circuit breaker", f"{circuit.FIRST_OPEN:g} s at first, {circuit.OPEN_GROWTH:g} times"),
        ("Circuit breaker", f"at most {circuit.LONGEST_OPEN:g} s"),
        ("Circuit breaker", f"up to {circuit.LONGEST_OPEN_AFTER_SLOW_PROBE:g} s"),
        ("Circuit breaker", f"within {circuit.NEXT_PROBE:g} s"),
        ("Circuit breaker", f"{Suspects.MOST} requests"),
        ("Circuit breaker", f"{Slots.RAMP_START} slots are open"),
        ("Gate", f"{Gate.FIRST_PAUSE:g} s, doubling"),
        ("Gate", f"to {Gate.LONGEST_GUESS:g} s"),
        ("Gate", f"up to {Gate.JITTER:.0%}".replace("%", " %")),
        ("Shutdown", f"{CoreSettings().drain_timeout:g} s (`drain_timeout`)"),
    ],
)
def test_the_numbers_of_the_contract_are_those_of_the_code(title: str, sentence: str) -> None:
    """
    Numbers that are no settings, and the defaults named beside them, are as the code has them.
    """
    text = " ".join(page("docs/reference/contract.md").section(title).split())

    assert sentence in text


# ------------------------------------------------------------- the command line


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """
    Yield every command below *command*, with what is typed to call it.
    """
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, f"{path} {name}")


COMMAND_LINE = dict(commands(root, "seedcore"))


@pytest.mark.parametrize("path", COMMAND_LINE)
def test_every_command_and_option_is_explained(path: str) -> None:
    """
    Each command has a section that names its arguments and options.
    """
    line = page("docs/reference/command-line.md")
    text = line.text if path == "seedcore" else line.section(path)
    around = line.section(path.rpartition(" ")[0]) if path.count(" ") == 2 else ""
    for parameter in COMMAND_LINE[path].params:
        if isinstance(parameter, click.Argument):
            assert word_in(parameter.make_metavar(click.Context(root)).strip("[]."), text)
        else:
            known = text + around
            assert [] == [name for name in parameter.opts if not re.search(rf"{name}\b", known)]


@pytest.mark.parametrize(
    "block", page("docs/reference/command-line.md").blocks, ids=lambda block: block.place
)
def test_every_usage_shown_is_that_of_a_command(block: Block) -> None:
    """
    A line of usage names a command, its arguments, and options that it has.
    """
    if block.language != "text":
        return
    words = " ".join(block.text.split())
    path = " ".join(re.match(r"[a-z ]*[a-z]", words)[0].split())
    command = COMMAND_LINE[path]
    context = click.Context(command)
    options = {name for each in command.get_params(context) for name in each.opts}
    arguments = [
        each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)
    ]

    assert {*re.findall(r"--[a-z-]+", words)} <= options
    assert [] == [each for each in arguments if not word_in(each.strip("[]."), words)]


def test_every_exit_status_is_explained() -> None:
    """
    Each status has a row.
    """
    statuses = {row[0] for row in page("docs/reference/command-line.md").rows}

    assert {"0", "1", "2", "3", "130", "141"} <= statuses


# ------------------------------------------------------------------------ links


@pytest.mark.parametrize("each", pages(), ids=lambda each: each.name)
def test_no_link_is_dead(each: Page) -> None:
    """
    Every link within the checkout leads to a file and a heading that are there.
    """
    for link in each.links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / each.name).parent / path if path else ROOT / each.name
        assert target.exists(), link
        if anchor:
            name = target.resolve().relative_to(ROOT).as_posix()
            assert anchor in page(name).anchors, link


@pytest.mark.parametrize("each", pages(), ids=lambda each: each.name)
def test_json_and_toml_on_a_page_are_valid(each: Page) -> None:
    """
    What is shown as JSON or TOML can be read as such.
    """
    readers = {"json": json.loads, "toml": tomllib.loads}
    for block in each.blocks:
        if block.language in readers:
            text = block.text.replace("<name>", "name")
            assert readers[block.language](text), block.place


def test_every_page_can_be_reached() -> None:
    """
    From the README a reader gets to every page under docs.
    """
    reached: set[str] = set()
    waiting = ["README.md"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        for link in page(name).links:
            target = ((ROOT / name).parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_relative_to(ROOT):
                found = target.relative_to(ROOT).as_posix()
                waiting += [found] if found not in reached else []

    assert [] == [each.name for each in pages() if each.name not in reached | PLUGIN_PAGES]


PLUGIN_PAGES = {each.name for each in pages() if each.name.startswith("plugins/")}
