"""
The examples of the documentation do what the pages say, each run for real.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from seedcore import Registry, Runner
from seedcore.cli import main
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import json_reply, status
from seedcore.testing.upstream import FaultUpstream
from support.documents import Block, page, pages
from support.installed import environment, make_plugin

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

PYTHON = [
    block
    for each in pages()
    if each.name != "docs/tutorial.md" and not each.name.startswith("plugins/")
    for block in each.blocks
    if block.language == "python"
]
TESTS = [block for block in PYTHON if (block.file or "").startswith("test_")]
PROGRAMS = [block for block in PYTHON if "asyncio.run(" in block.text and block not in TESTS]
MODULES = [block for block in PYTHON if block not in PROGRAMS + TESTS]


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


# ------------------------------------------------------------------- other pages


@pytest.mark.parametrize("block", PROGRAMS, ids=lambda block: block.place)
def test_every_program_runs(block: Block, folder: Path) -> None:
    """
    Each complete program of a page ends well, without a warning.
    """
    (folder / "example.py").write_text(block.text, encoding="utf-8")
    ended = run(folder, "-W", "error", "example.py")

    assert 0 == ended.returncode, ended.stdout


@pytest.mark.parametrize("block", MODULES, ids=lambda block: block.place)
def test_every_module_can_be_imported(block: Block) -> None:
    """
    Each other piece of Python is a module that defines what it shows.
    """
    assert len(loaded(block)) > 2


@pytest.mark.parametrize("block", TESTS, ids=lambda block: block.place)
def test_every_test_that_is_shown_passes(block: Block, folder: Path) -> None:
    """
    The tests of a page pass against the files saved before them.
    """
    for each in page(block.page).blocks:
        if each.file:
            (folder / each.file).write_text(each.text, encoding="utf-8")
    assert block.file
    plugins = ("-p", "no:cacheprovider", "-p", "no:asyncio")
    ended = run(folder, "-W", "error", "-m", "pytest", "-q", *plugins, block.file)

    assert 0 == ended.returncode, ended.stdout
    assert f"{block.text.count('def test_')} passed" in ended.stdout


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


# ------------------------------------------------------------------- the tutorial

DOCUMENTED = "http://127.0.0.1:8080"
"""Where the tutorial's site listens; here the system picks another port."""
SKIPPED = ("python3 -m venv .venv", ". .venv/bin/activate", "pip install seedcore")
"""What the environment of this test has already."""


class Reader:
    """
    Does what the tutorial says, block by block, and compares what is printed.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.followed: list[str] = []
        self._capsys = capsys
        self._url = DOCUMENTED
        self._site: subprocess.Popen[str] | None = None

    def follow(self, block: Block) -> None:
        """
        Save a file, or type commands.
        """
        if "stop the site" in block.before:
            self.stop()
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text.replace(DOCUMENTED, self._url), encoding="utf-8")
        for command, expected in sessions(block.text) if block.language == "console" else ():
            self.followed.append(command)
            printed = self._type(command)
            if printed is not None:
                self._compare(expected, printed, f"{block.place}: {command}")

    def stop(self) -> None:
        """
        Stop the site.
        """
        if self._site is not None:
            self._site.terminate()
            self._site.communicate()
            self._site = None

    def _type(self, command: str) -> str | None:
        """
        Return what a command prints, ``None`` for one that isn't shown with its output.
        """
        program, *arguments = shlex.split(command)
        if command in SKIPPED:
            return None
        if command.startswith("pip install ./"):
            return self._install(self.folder / arguments[-1])
        if arguments[-1] == "8080":
            return self._start(*arguments[:-1], "0")
        quick = {} if arguments[0] == "show" else {"SEEDCORE_RETRY_BASE_DELAY": "0.001"}
        if program == "python":
            return run(self.folder, *arguments, **quick).stdout
        assert program == "seedcore", command
        with mock.patch.dict(os.environ, quick):
            main(arguments)
        printed = self._capsys.readouterr()
        return printed.err + printed.out

    def _compare(self, expected: str, printed: str, place: str) -> None:
        printed = comparable(printed.replace(self._url, DOCUMENTED))
        pattern = re.escape(comparable(expected)).replace(r"\.\.\.", "(.*\n)*.*")
        assert re.fullmatch(pattern, printed), f"{place}\n{printed}"

    def _install(self, project: Path) -> None:
        described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        metadata = described["project"]
        make_plugin(
            self.folder / "installed",
            metadata["name"],
            version=metadata["version"],
            requires=metadata["dependencies"],
            entry_points=metadata["entry-points"]["seedcore.providers"],
            files={
                path.relative_to(project).as_posix(): path.read_text(encoding="utf-8")
                for path in project.rglob("*.py")
            },
        )
        importlib.invalidate_caches()

    def _start(self, *arguments: str) -> None:
        self._site = subprocess.Popen(
            [sys.executable, "-u", *arguments],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._site.stdout
        found = re.search(r"http://[\d.]+:\d+", self._site.stdout.readline())
        assert found
        self._url = found[0]


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """
    Yield each command after a ``$`` with what it prints.
    """
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def comparable(printed: str) -> str:
    """
    Return *printed* with everything masked that is another each time.
    """
    for pattern, mask in (
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", "TIME"),
        (r"[0-9a-f]{15}-[0-9a-f]+", "ID"),
        (r"\b\d{6}\b", "SEED"),
        (r"\bin [\d.]+ (m?s)\b", r"in N \1"),
        (r'("latency_ms": )[\d.]+', r"\1N"),
        (r"__call__:\d+", "__call__:N"),
        (r"[ \t]+", " "),
        (r" \d+ ID", " MS ID"),
    ):
        printed = re.sub(pattern, mask, printed)
    return "\n".join(line.strip() for line in printed.strip().splitlines())


@pytest.fixture
def reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Reader]:
    """
    A reader in an empty folder, who stops the site in the end.
    """
    (tmp_path / "installed").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    someone = Reader(tmp_path, capsys)
    yield someone
    someone.stop()
    sys.modules.pop("seedcore_dungeon", None)


def test_whoever_follows_the_tutorial_sees_what_it_shows(reader: Reader) -> None:
    """
    Every file is saved and every command typed in order; each prints what the page says.
    """
    for block in page("docs/tutorial.md").blocks:
        reader.follow(block)

    assert {*SKIPPED} < {*reader.followed}
    assert 10 <= sum(command.startswith("seedcore ") for command in reader.followed)


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
