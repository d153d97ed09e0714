"""
Somebody who does what a page says, block by block, and compares what is printed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import attrs
import pytest

from seedcore.cli import main
from support.documents import Block
from support.examples import as_program, commands, is_test, kind_of, unrun
from support.installed import environment, make_plugin

DOCUMENTED = "http://127.0.0.1:8080"
"""Where the tutorial's site listens; here the system picks another port."""
QUICK = {"SEEDCORE_RETRY_BASE_DELAY": "0.001"}
QUIET = {
    "PYTEST_ADDOPTS": "-p no:cacheprovider -W error",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
"""What keeps pytest from writing, and from the plugins that a reader needn't have."""


class Reader:
    """
    Reads one page in an empty folder, with ``variables`` set; ``followed`` are the commands typed.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = self.folder = folder
        self.installed = folder / "installed"
        self.followed: list[str] = []
        self.saved: list[str] = []
        self.variables: dict[str, str] = {}
        self._projects: list[Path] = []
        self._capsys = capsys
        self._url = DOCUMENTED
        self._site: subprocess.Popen[str] | None = None

    def follow(self, block: Block) -> None:
        """
        Save a file, run what isn't saved, or type commands.
        """
        if "stop the site" in block.before:
            self.stop()
        if block.file:
            assert block.language not in ("console", "sh"), f"{block.place} would be saved"
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text.replace(DOCUMENTED, self._url), encoding="utf-8")
            self.saved.append(block.file)
        elif block.language == "python":
            self._run_unsaved(block)
        elif block.language in ("console", "sh"):
            for command, expected in commands(block):
                self.followed.append(command)
                if unrun(command) is None:
                    self._typed(command, expected, f"{block.place}: {command}")

    def stop(self) -> None:
        """
        Stop the site.
        """
        if self._site is not None:
            self._site.terminate()
            self._site.communicate()
            self._site = None

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """
        Run Python in the folder, with what was installed.
        """
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment(
                *(self.installed, *self._projects, self.folder),
                **{**QUICK, **QUIET, **self.variables, **variables},
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )

    def install_from(self, project: Path) -> None:
        """
        Install the plugin in *project*, whose files stay where they are.
        """
        self._record(project, {})
        self._projects.append(project.resolve())
        sys.path.insert(0, str(project.resolve()))

    def _run_unsaved(self, block: Block) -> None:
        """
        Run a block as the tests, the program, the excerpt of one or the module that it is.
        """
        if kind_of(block) == "excerpt":
            self._run_here(block)
            return
        test = is_test(block)
        program = self.folder / ("test_shown.py" if test else "shown.py")
        program.write_text(block.text, encoding="utf-8")
        how = ("-m", "pytest", "-q", program.name) if test else ("-W", "error", program.name)
        ended = self.python(*how)
        assert ended.returncode == 0, f"{block.place}\n{ended.stdout}"
        program.unlink()

    def _run_here(self, block: Block) -> None:
        """
        Run an excerpt as a program in this process, whose clock a test can change.
        """
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, {**QUICK, **self.variables, "SEEDCORE_LOG": "off"}),
        ):
            exec(compile(as_program(block), block.place, "exec"), {"__name__": "shown"})

    def _typed(self, command: str, expected: str, place: str) -> None:
        words = shlex.split(command)
        variables: dict[str, str] = {}
        while re.fullmatch(r"[A-Z_]+=.*", words[0]):
            name, _, text = words.pop(0).partition("=")
            variables[name] = text
        program, *arguments = words
        if program == "export":
            name, _, text = arguments[0].partition("=")
            self.variables.setdefault(name, text)  # what a page shows is no real key
        elif program == "cd":
            self.folder /= arguments[0]
            os.chdir(self.folder)
        elif words[:2] == ["pip", "install"]:
            self._install(self.folder / arguments[-1])
        elif words[:5] == ["python", "-m", "pip", "install", "--editable"]:
            self.install_from(self.folder / words[5])
        elif arguments[-1] == "8080":
            self._start(*arguments[:-1], "0")
        else:
            status, printed = self._ran(program, arguments, variables)
            # A command that fails is shown with what it says.
            assert expected or status == 0, f"{place}\n{printed}"
            self._compare(expected, printed, place)

    def _ran(
        self, program: str, arguments: list[str], variables: Mapping[str, str]
    ) -> tuple[int, str]:
        if program == "python":
            ended = self.python(*arguments, **variables)
            return ended.returncode, ended.stdout
        assert program == "seedcore", program
        quick = {} if arguments[0] == "show" else QUICK
        with mock.patch.dict(os.environ, {**quick, **self.variables, **variables}):
            status = main(arguments)
        printed = self._capsys.readouterr()
        return status, printed.err + printed.out

    def _compare(self, expected: str, printed: str, place: str) -> None:
        if not expected:
            return
        printed = comparable(printed.replace(self._url, DOCUMENTED))
        pattern = re.escape(comparable(expected)).replace(r"\.\.\.", r"[\s\S]*")
        assert re.fullmatch(pattern, printed), f"{place}\n{printed}"

    def _install(self, project: Path) -> None:
        """
        Do what pip does with a folder, without an index for its build backend.
        """
        files = {
            path.relative_to(project).as_posix(): path.read_text(encoding="utf-8")
            for path in project.rglob("*.py")
        }
        self._record(project, files)

    def _record(self, project: Path, files: Mapping[str, str]) -> None:
        metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
        groups = metadata["entry-points"]
        make_plugin(
            self.installed,
            metadata["name"],
            version=metadata["version"],
            requires=metadata["dependencies"],
            entry_points=groups["seedcore.providers"],
            files=files,
        )
        (points,) = self.installed.glob(f"{metadata['name'].replace('-', '_')}-*/entry_points.txt")
        lines = [
            line
            for group, names in groups.items()
            for line in (f"[{group}]", *(f"{name} = {value}" for name, value in names.items()))
        ]
        points.write_text("\n".join([*lines, ""]), encoding="utf-8")
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


def imported(block: Block, folder: Path, **changes: str) -> types.ModuleType:
    """
    Save *block* in *folder* with each key of *changes* replaced, and import it as a plugin.
    """
    text = block.text
    for old, new in changes.items():
        text = text.replace(old, new)
    path = folder / "example_plugin.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Types are resolved by the name of the module that they are in.
    with mock.patch.dict(sys.modules):
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if attrs.has(value) and isinstance(value, type):
                attrs.resolve_types(value)
    return module


def comparable(printed: str) -> str:
    """
    Return *printed* with everything masked that is another each time.
    """
    for pattern, mask in (
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", "TIME"),
        (r"[0-9a-f]{15}-[0-9a-f]+", "ID"),
        (r"\b\d{6}\b", "SEED"),
        (r"\bin [\d.]+ ?(m?s)\b", r"in N \1"),
        (r", [\d.]+ s$", ", N s"),
        (r'("latency_ms": )[\d.]+', r"\1N"),
        (r"__call__:\d+", "__call__:N"),
        (r"[ \t]+", " "),
        (r" \d+ ID", " MS ID"),
    ):
        printed = re.sub(pattern, mask, printed, flags=re.MULTILINE)
    return "\n".join(line.strip() for line in printed.strip().splitlines())
