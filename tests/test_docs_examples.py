"""
The examples of the documentation do what the pages say, each run for real.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from packaging.requirements import Requirement

import seedcore
import seedcore.testing
from seedcore import Registry, Runner
from seedcore.hookspecs import Declaration
from seedcore.model import kind_of as presets_of
from seedcore.settings import Settings
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import json_reply, status, typed
from seedcore.testing.upstream import FaultUpstream, Received, Reply
from support.documents import ROOT, Block, page, pages
from support.examples import (
    BLOCKS,
    FOLLOWED,
    PLUGINS,
    SHOWN,
    UNRUN,
    code_outside_blocks,
    commands,
    filled_in,
    kind_of,
    of_kind,
    signature_in,
    unrun,
)
from support.installed import environment, make_plugin
from support.plugin_sites import as_in_contracts, played, providers_in, site_in, variables_of
from support.reader import QUIET, Reader, imported

SMDASH = '''
from seedcore import PresetNotFoundError, Seed, hookimpl, operation

class Smdash:
    @hookimpl
    async def generate(self, request):
        """Make a seed of a preset."""
        if request.preset != "classic_mm":
            raise PresetNotFoundError("Valid presets are: classic_mm", status_code=422)
        return Seed(url="https://www.dashrando.net/seed/puq3831hemtn", id="puq3831hemtn")

    @operation(effect="read")
    async def presets(self):
        """Return the names of all presets."""
        return ["classic_mm", "mystery"]
'''
"""A stand-in for the plugin that the pages call."""

PROVIDERS = ("example", "Example", "coin", "Dungeon", "weekly", "Rooms", "generate", "dungeon")
"""What providers on the pages are called."""


def only(name: str, containing: str) -> Block:
    """
    Return the one Python block of page *name* that has a text in it.
    """
    blocks = [each for each in page(name).blocks if each.language == "python"]
    (found,) = [each for each in blocks if containing in each.text]
    return found


def loaded(block: Block, **changes: str) -> dict[str, Any]:
    """
    Run *block* as a module, with each key of *changes* replaced, and return its names.
    """
    text = block.text
    for old, new in changes.items():
        text = text.replace(old, new)
    names: dict[str, Any] = {"__name__": "example_plugin"}
    exec(compile(text, block.place, "exec"), names)
    return names


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """
    Run a Python command in *folder*, with what is installed in its ``installed``.
    """
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder / "installed", folder, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    A folder with the stand-in for seedcore-smdash installed in it.
    """
    make_plugin(
        tmp_path / "installed",
        "seedcore-smdash",
        entry_points={"smdash": "seedcore_smdash:Smdash"},
        files={"seedcore_smdash.py": SMDASH},
    )
    return tmp_path


# ------------------------------------------------------------------- nothing is left out


def test_every_block_is_run_by_something() -> None:
    """
    A block in a language, or of a form, that no test here knows is one that nobody runs.
    """
    assert [] == [block.place for block in BLOCKS if kind_of(block) is None]
    assert 150 < len(BLOCKS)


@pytest.mark.parametrize("each", pages(), ids=lambda each: each.name)
def test_all_code_stands_in_a_block_that_is_found(each: Any) -> None:
    """
    No block is indented, fenced in another way or written in HTML, where nothing looks.
    """
    assert [] == code_outside_blocks(each.text)
    assert [] == [block.place for block in each.blocks if not block.language]


def test_a_block_that_nothing_runs_is_noticed() -> None:
    """
    Languages and forms that aren't known, and commands on a page that nobody follows.
    """

    def block(language: str, text: str) -> Block:
        return Block(page="README.md", line=1, language=language, text=text, before="")

    assert kind_of(block("yaml", "on: push\n")) is None
    assert kind_of(block("", "seedcore list\n")) is None
    assert kind_of(block("sh", "seedcore list\n")) is None
    assert kind_of(block("text", "some output\n")) is None
    assert "commands" == kind_of(block("sh", "python3 noxfile.py\n"))
    assert ["    code"] == code_outside_blocks("Text:\n\n    code\n")
    assert ["~~~python"] == code_outside_blocks("~~~python\n")
    assert ["  ```python", "  ```"] == code_outside_blocks("- item\n\n  ```python\n  x\n  ```\n")
    assert [] == code_outside_blocks("- item\n\n    more of it\n\n```python\n    x\n```\n")


def test_whatever_is_not_run_is_somewhere() -> None:
    """
    Each exception with its reason belongs to a block that is there.
    """
    typed = [
        command
        for block in BLOCKS
        if block.language in ("console", "sh")
        for command, _ in commands(block)
    ]

    assert {*UNRUN} == {reason for each in typed if (reason := unrun(each))}
    for name, start in SHOWN:
        assert 1 == sum(block.text.startswith(start) for block in page(name).blocks), start


# --------------------------------------------------------------------- the README


def test_the_surface_example_rolls_a_seed_and_lists_presets(folder: Path) -> None:
    """
    The README's program prints the permalink, one attempt and a call_id, and the presets.
    """
    (folder / "example.py").write_text(only("README.md", "surface=").text, encoding="utf-8")
    ended = run(folder, "-W", "error", "example.py", SEEDCORE_LOG="off")

    printed = r"https://www\.dashrando\.net/seed/puq3831hemtn 1 [0-9a-f]{15}-1\n"
    printed += r"\['classic_mm', 'mystery'\]\n"
    assert re.fullmatch(printed, ended.stdout), ended.stdout
    assert (folder / "seedcore.sqlite3").exists()


@pytest.mark.parametrize("name", ["README.md", "docs/reference/hooks.md"])
async def test_the_plugin_example_gets_the_contract(
    name: str, upstream: FaultUpstream, events: CapturedEvents
) -> None:
    """
    The function of the README, also shown with the hooks, sends its options and is retried.
    """
    example = loaded(only(name, "async def example("))["example"]
    made = {"permalink": "https://seeds.example/1", "hash": "1"}
    upstream.script(status(503), json_reply(made))
    seed, _ = await roll(example, upstream, events, options={"mode": "open"})

    assert ("https://seeds.example/1", "1", 2) == (seed.url, seed.id, seed.meta.attempts)
    assert [{"mode": "open"}] * 2 == [each.query for each in upstream.requests]
    assert ["/generate"] * 2 == [each.path for each in upstream.requests]


async def roll(
    target: Any, upstream: FaultUpstream, events: CapturedEvents, **asked: Any
) -> tuple[Any, list[str]]:
    """
    Roll a seed of *target*, whose site is *upstream*, and ask for the presets if it has them.
    """
    registry = Registry(discover=False)
    registry.add("example", target)
    settings = {"retry_base_delay": 0, "providers": {"example": {"base_url": upstream.url}}}
    async with Runner(
        registry=registry, settings=settings, database=None, sinks=[events]
    ) as runner:
        presets: list[str] = []
        if "presets" in registry.load("example").operations:
            presets = await runner.call("example", "presets", surface="test")
        seed = await runner.generate("example", surface="test", **asked)
    return seed, presets


# ------------------------------------------------------------------- by their kind


@pytest.mark.parametrize("block", of_kind("program"), ids=lambda block: block.place)
def test_every_program_runs(block: Block, folder: Path) -> None:
    """
    Each complete program of a page ends well, without a warning.
    """
    (folder / "example.py").write_text(block.text, encoding="utf-8")
    ended = run(folder, "-W", "error", "example.py")

    assert 0 == ended.returncode, ended.stdout


@pytest.mark.parametrize("block", of_kind("module"), ids=lambda block: block.place)
def test_every_module_can_be_imported(block: Block) -> None:
    """
    Each other piece of Python is a module that defines what it shows; a provider loads.
    """
    names = loaded(block)
    assert len(names) > 2

    for name in {*PROVIDERS} & {*names}:
        Registry(discover=False).add("example", names[name])
    assert "provider(" not in block.text or {*PROVIDERS} & {*names}, block.place


@pytest.mark.parametrize("exempt", [False, True])
def test_every_test_that_is_shown_passes(exempt: bool, folder: Path) -> None:
    """
    The tests of the pages pass, against the provider that their text speaks of.
    """
    shown = [block for block in of_kind("test") if ("exempt = " in block.text) is exempt]
    for number, block in enumerate(shown):
        text = f"# {block.place}\n{block.text}"
        (folder / f"test_shown_{number}.py").write_text(text, encoding="utf-8")
    wrong, right = page("docs/reference/rules/effect-true.md").blocks
    plugin = wrong if exempt else right
    (folder / "example_plugin.py").write_text(plugin.text, encoding="utf-8")
    ended = run(folder, "-m", "pytest", "-q", **QUIET)

    assert shown
    assert 0 == ended.returncode, ended.stdout
    assert len(shown) * exempt == int(re.search(r"(\d+) xfailed|$", ended.stdout)[1] or 0)


@pytest.mark.parametrize("block", of_kind("settings"), ids=lambda block: block.place)
def test_every_settings_file_shown_is_valid(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It is read without complaint, its provider's table too, with the settings of its plugin.
    """
    (tmp_path / "seedcore.toml").write_text(block.text, encoding="utf-8")
    declaration, own = Declaration(), {}
    for each in page(block.page).blocks:
        if each.language == "python" and "settings=Settings" in each.text:
            declaration = imported(each, tmp_path).example.__seedcore_provider__
            own = {"api_key": "for tests"}
    names = tomllib.loads(block.text).get("providers", {})
    given = {"providers": dict.fromkeys(names, own)}
    settings = Settings.load(given, directory=tmp_path, environ={})
    ours = providers_on(block.page, monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    make_files(settings_in(block.text), ROOT / Path(block.page).parent, tmp_path)

    for name in names:
        found = getattr(ours.get(name), "__seedcore_provider__", declaration)
        settings.provider(name, found)
    assert tmp_path / "seedcore.toml" == settings.path


def settings_in(text: str) -> Iterator[str]:
    """
    Yield the texts among the settings of providers.
    """
    for table in tomllib.loads(text).get("providers", {}).values():
        yield from (value for value in table.values() if isinstance(value, str))


def make_files(settings: Iterator[str], folder: Path, home: Path) -> None:
    """
    Let what settings name below "~" be there: programs, and checkouts that the plugin brings.
    """
    for value in settings:
        name = value.removeprefix("~/")
        if name == value:
            continue
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if (
            stand_in := next(folder.glob("*/stand_in"), None)
            if not path.suffix and "/" not in name
            else None
        ):
            path.symlink_to(stand_in)
        else:
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)


def providers_on(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """
    Return the providers that page *name* is about: those of the plugin whose README it is.
    """
    if name not in PLUGINS:
        return {}
    folder = (ROOT / name).parent
    monkeypatch.syspath_prepend(folder)
    return providers_in(folder)


@pytest.mark.parametrize("block", of_kind("preset"), ids=lambda block: block.place)
def test_every_preset_shown_can_be_rolled(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One of the plugin's providers takes it, and ignores nothing in it.
    """
    registry = Registry(discover=False)
    for name, target in providers_on(block.page, monkeypatch).items():
        registry.add(name, target)
    presets = Runner(registry=registry, database=None, settings={"log": "off"}).presets
    kinds = [
        presets_of(name, each) for name in registry.names for each in registry.load(name).rolling
    ]
    refused = []
    for kind in kinds:
        try:
            notes = presets.check(kind, "shown", block.text)
        except seedcore.InvalidPresetError as error:
            refused.append(error.user_message)
        else:
            refused += notes[:1]

    assert len(refused) < len(kinds), refused


@pytest.mark.parametrize("block", of_kind("pyproject"), ids=lambda block: block.place)
def test_every_pyproject_shown_fits_this_core(block: Block) -> None:
    """
    Its requirements allow the installed core, its groups exist, and it names what it offers.
    """
    document = tomllib.loads(filled_in(block.text))
    project = document.get("project", {})
    groups = {f"seedcore.{name}" for name in ("providers", "sinks", "commands", "contracts")}

    for requirement in map(Requirement, project.get("dependencies", ())):
        assert requirement.name != "seedcore" or seedcore.__version__ in requirement.specifier
    entry_points = project.get("entry-points", {})
    assert {*entry_points} <= groups
    for names in entry_points.values():
        for value in names.values():
            assert re.fullmatch(r"[\w.]+(:\w+)?", value), value
    if "build-system" in document:
        ours = tomllib.loads((ROOT / "plugins/smdash/pyproject.toml").read_text("utf-8"))
        assert ours["build-system"] == document["build-system"]
        assert {"name", "version", "requires-python", "dependencies"} <= {*project}


@pytest.mark.parametrize("block", of_kind("signature"), ids=lambda block: block.place)
def test_every_signature_shown_is_that_of_the_code(block: Block) -> None:
    """
    It has the parameters of the function, in their order, with their defaults.
    """
    found = signature_in(block)
    assert found
    name, shown = found
    homes = (
        seedcore.testing,
        seedcore,
        {f"runner.{name}": getattr(Runner, name) for name in ("generate", "call", "reveal")},
    )
    function = homes[2].get(name) or getattr(homes[0], name, None) or getattr(homes[1], name)
    parameters = {
        each: None if value.default is value.empty else value.default
        for each, value in inspect.signature(function).parameters.items()
        if each != "self"
    }

    assert [*parameters] == [*shown]
    for each, default in shown.items():
        if default not in (None, "..."):
            assert repr(parameters[each]) == default, each


def test_every_json_shown_can_be_read() -> None:
    """
    What is shown as JSON is an object, or an array of them.
    """
    for block in of_kind("json"):
        document = json.loads(block.text)
        assert document, block.place
        assert isinstance(document, dict) or all(isinstance(each, dict) for each in document)


# ------------------------------------------------------------------- single examples


async def test_the_class_with_everything_works(
    upstream: FaultUpstream, events: CapturedEvents
) -> None:
    """
    Start, generate, map_error and a further operation of the example do what they say.
    """
    example = loaded(only("docs/reference/hooks.md", "class Example"))["Example"]
    made = {"permalink": "https://seeds.example/1", "hash": "1"}
    upstream.script(json_reply(["open"]), path="/presets")
    upstream.script(status(418), json_reply(made), path="/seeds")

    with pytest.raises(Exception, match="retired") as caught:
        await roll(example, upstream, events, preset="open")
    seed, presets = await roll(example, upstream, events, preset="open", options={"players": 2})
    assert ("PresetNotFoundError", 1) == (type(caught.value).__name__, caught.value.attempts)
    assert (["open"], "https://seeds.example/1") == (presets, seed.url)
    assert b'{"preset": "open", "players": 2}' == upstream.requests[-1].body


@pytest.mark.parametrize("client", ["requests", "httpx"])
async def test_providers_with_other_clients_are_retried(
    client: str, upstream: FaultUpstream, events: CapturedEvents
) -> None:
    """
    The examples with requests and httpx survive an outage and a connection that breaks.
    """
    block = only("docs/how-to/other-http-clients.md", f"import {client}")
    names = loaded(block, **{"https://seeds.example": upstream.url})
    made = {"permalink": "https://seeds.example/1", "hash": "1"}
    broken = json_reply(made, cut="in_body")
    upstream.script(status(503), broken, json_reply(made), path="/generate")
    upstream.script(json_reply(["open"]), path="/presets")
    seed, presets = await roll(names.get("Example", names.get("example")), upstream, events)

    assert ("https://seeds.example/1", 3) == (seed.url, seed.meta.attempts)
    assert (["open"] if client == "httpx" else []) == presets


@pytest.mark.parametrize(
    ("containing", "answer", "expected"),
    [
        ("can't be raced", status(200), ("PresetNotFoundError", "Presets are: classic, advanced")),
        ("def map_error", status(409), ("ProviderUnavailableError", "all its generators are busy")),
        (
            "Unknown preset",
            typed("text/plain", "Unknown preset: x", 422),
            ("PresetNotFoundError", "Unknown preset: x"),
        ),
        (
            "Unknown preset",
            json_reply({"error": "players must be 1"}, 422),
            ("ProviderInvalidRequestError", "players must be 1"),
        ),
    ],
)
async def test_the_errors_that_authors_raise_reach_the_caller(
    containing: str,
    answer: Reply,
    expected: tuple[str, str],
    upstream: FaultUpstream,
    events: CapturedEvents,
) -> None:
    """
    Each example on the page about errors turns an answer into the error that it names.
    """
    names = loaded(only("docs/plugins/errors.md", containing))
    upstream.script(answer)

    with pytest.raises(seedcore.ProviderError) as caught:
        await roll(names.get("Example", names.get("example")), upstream, events, preset="x")
    assert expected == (type(caught.value).__name__, caught.value.provider_message)


async def test_a_part_that_is_done_is_told(upstream: FaultUpstream) -> None:
    """
    The room that was opened is in the error, and what failed behind it is not tried again.
    """
    registry = Registry(discover=False)
    registry.add("rooms", loaded(only("docs/plugins/errors.md", "class Rooms"))["Rooms"])
    settings = {"log": "off", "providers": {"rooms": {"base_url": upstream.url}}}
    upstream.script(json_reply({"id": "7"}, 201), path="/rooms")
    upstream.script(status(503), path="/rooms/7/players")

    async with Runner(registry=registry, settings=settings, database=None) as runner:
        with pytest.raises(seedcore.PartialFailureError) as caught:
            await runner.call("rooms", "open_room", surface="test", name="Sunday", players=["a"])
    assert ("7", ("open",)) == (caught.value.created, caught.value.completed_steps)
    assert 1 == caught.value.attempts


# ------------------------------------------------------------------- pages that are followed


@pytest.fixture
def reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Reader]:
    """
    A reader in an empty folder, who stops the site in the end.
    """
    (tmp_path / "installed").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "installed"), *sys.path])
    forget_modules_in(ROOT / "plugins")  # a stand-in may have the name of one of them
    someone = Reader(tmp_path, capsys)
    yield someone
    someone.stop()
    forget_modules_in(tmp_path)


def forget_modules_in(folder: Path) -> None:
    """
    Let the modules below *folder* be imported anew, or others of their names.
    """
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", "")).startswith(f"{folder}/"):
            del sys.modules[name]


def test_whoever_follows_the_tutorial_sees_what_it_shows(reader: Reader) -> None:
    """
    Every file is saved and every command typed in order; each prints what the page says.
    """
    for block in page("docs/tutorial.md").blocks:
        reader.follow(block)

    assert 10 <= sum(command.startswith("seedcore ") for command in reader.followed)


@pytest.mark.parametrize("name", sorted(FOLLOWED - {"docs/tutorial.md"}))
def test_whoever_follows_a_page_sees_what_it_shows(name: str, reader: Reader) -> None:
    """
    The same for every other page with commands; what it needs is installed before.
    """
    needed = {
        "docs/how-to/settings-file.md": ("seedcore-smdash", {"smdash": "seedcore_smdash:Smdash"}),
        "docs/plugins/settings.md": ("example-plugin", {"example": "example_plugin:example"}),
        "docs/how-to/presets.md": ("seedcore-dungeon", {"dungeon": "seedcore_dungeon:dungeon"}),
    }
    contents = {"seedcore-smdash": {"seedcore_smdash.py": SMDASH}}
    if name in needed:
        distribution, entry_points = needed[name]
        files = contents.get(distribution, {})
        make_plugin(reader.installed, distribution, entry_points=entry_points, files=files)
        sys.path.append(str(reader.folder))
    for block in page(name).blocks:
        reader.follow(block)

    for file in (each for each in reader.saved if each.endswith(".py")):
        others = [block.text for block in page(name).blocks if block.file != file]
        used = re.search(rf"\b{Path(file).stem}\b|\b{Path(file).parent.name}\b", "".join(others))
        assert used, f"nothing uses {file}"


def test_a_difference_from_the_tutorial_is_noticed(reader: Reader) -> None:
    """
    What is masked are times and ids, not what a command says.
    """
    block = Block(
        page="a page",
        line=1,
        language="console",
        text="$ seedcore generate dungen\nNo provider is called 'dungeon'.\n",
        before="",
    )

    with pytest.raises(AssertionError, match="seedcore-dungen"):
        reader.follow(block)


# ------------------------------------------------------------------- READMEs of plugins


def answer_of_dash(received: Received) -> Reply:
    """
    Answer as dashrando.net does.
    """
    if received.path == "/api/presets":
        return json_reply({"data": [{"tags": ["classic_mm", "standard_mm"]}]})
    if received.path.endswith("/spoiler"):
        return status(404)
    seed = "https://www.dashrando.net/seed/6nkv3t4x7my0"
    return Reply(status=307, headers={"Location": seed}, body=seed.encode())


def readmes() -> Iterator[Any]:
    """
    Yield the README of each plugin; of one that needs more than the core, where all is installed.
    """
    for name in sorted(PLUGINS):
        project = tomllib.loads((ROOT / name).with_name("pyproject.toml").read_text("utf-8"))
        needs = [each for each in project["project"]["dependencies"] if "seedcore" not in each]
        yield pytest.param(name, marks=[pytest.mark.together] if needs else [], id=name)


@pytest.mark.parametrize("name", [*readmes()])
def test_a_plugins_readme_does_what_it_shows(name: str, reader: Reader) -> None:
    """
    Its commands and its program run with the plugin of this checkout; its site is played.
    """
    folder = (ROOT / name).parent
    reader.install_from(folder)
    with (
        played(site_in(folder) or answer_of_dash) as url,
        # Whoever waits for a site that works at a seed has it at once.
        mock.patch("seedcore.lifetime.Clock", LeapingClock),
    ):
        reader.variables |= variables_of([*providers_in(folder)], url)
        with as_in_contracts(folder):
            for block in page(name).blocks:
                reader.follow(block)

    assert 3 <= sum(command.startswith("seedcore ") for command in reader.followed)
