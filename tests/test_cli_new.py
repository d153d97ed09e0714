"""
``seedcore new``: both forms work as they are written, and nothing is overwritten.
"""

from __future__ import annotations

import ast
import errno
import os
import resource
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from seedcore.cli import skeleton
from seedcore.cli.new import LONGEST_NAME
from seedcore.testing.conformance.rules import RULES
from support.command_line import CommandLine
from support.documents import ROOT
from support.installed import environment

FORMS = {"class": ("dungeon",), "helper": ("ocarina-of-time", "--helper")}
"""What is typed for each form; one of the names needs another spelling in code."""
CORE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with no plugin of its own installed.
    """
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture(params=FORMS)
def made(request: pytest.FixtureRequest, run: CommandLine) -> Path:
    """
    The folder of a new plugin, of each form in turn.
    """
    typed = FORMS[request.param]
    assert 0 == run("new", *typed).status
    return run.directory / f"seedcore-{typed[0]}"


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run a module of Python in *folder*, where the plugin in it is all that is added.
    """
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(folder, PYTEST_ADDOPTS="", MYPY_CACHE_DIR=str(folder.parent / ".mypy")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def pytest_in(folder: Path) -> subprocess.CompletedProcess[str]:
    """
    Run the plugin's own tests, without any plugin of pytest.
    """
    return python(folder, "pytest", "-p", "no:asyncio", "-p", "no:cacheprovider", "-v")


def project(folder: Path) -> dict[str, Any]:
    """
    Return what the plugin's pyproject.toml says.
    """
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def found_in(folder: Path) -> dict[str, str]:
    """
    Return all files below *folder* with their text.
    """
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in files}


# ------------------------------------------------------------------------ what is made


def test_the_plugin_passes_its_tests_as_written(made: Path) -> None:
    """
    Each rule of the kit and the plugin's own tests, with warnings as errors.
    """
    ended = pytest_in(made)
    passed = [line for line in ended.stdout.splitlines() if " PASSED" in line]
    rules = [name for name in RULES if f"::test_{name.replace('-', '_')} " in ended.stdout]

    assert 0 == ended.returncode, ended.stdout
    assert [*RULES] == rules
    assert 25 <= len(passed)
    assert any("test_seeds.py::test_a_preset_becomes_a_seed PASSED" in line for line in passed)


MISTAKES = {
    "reply.raise_for_status()": ("pass", "test_keeps_message"),
    "str(url)": ("url", "test_what_is_no_seed_is_not_taken_for_one"),
    '"race": request.race': ('"race": False', "test_a_preset_becomes_a_seed"),
}
"""What is written in place of a piece of the plugin, and which of its tests notices."""
SPOILING = {'request.spoilers == "on"': ("True", "test_race_no_spoiler")}


def test_the_plugins_tests_notice_mistakes(made: Path) -> None:
    """
    They are there for what its author changes.
    """
    (module,) = made.glob("seedcore_*/__init__.py")
    text = module.read_text(encoding="utf-8")
    for mistakes in (MISTAKES, SPOILING):  # whoever gets no seed can't look at it
        changed = text
        for old, (new, _) in mistakes.items():
            assert old in changed
            changed = changed.replace(old, new)
        module.write_text(changed, encoding="utf-8")
        ended = pytest_in(made)
        failed = [line for line in ended.stdout.splitlines() if " FAILED" in line]

        assert 1 == ended.returncode, ended.stdout
        for _, name in mistakes.values():
            assert any(f"::{name}" in line for line in failed), name


def test_the_plugins_types_pass_as_written(made: Path) -> None:
    """
    mypy is strict about package and tests, by the plugin's own settings, and sees a mistake.
    """
    ended = python(made, "mypy")
    (made / "tests" / "test_wrong.py").write_text("def wrong(): ...\n", encoding="utf-8")
    after = python(made, "mypy")

    assert (0, "Success: no issues found in 4 source files\n") == (ended.returncode, ended.stdout)
    assert 1 == after.returncode
    assert "test_wrong.py:1: error: Function is missing a return type annotation" in after.stdout


def test_an_installed_plugin_is_found(run: CommandLine, made: Path) -> None:
    """
    Its entry points lead to the provider, and to the contract that ``seedcore check`` looks at.
    """
    settings = project(made)["project"]
    points = settings["entry-points"]
    ((name, target),) = points["seedcore.providers"].items()
    package = target.partition(":")[0]
    files = {path: text for path, text in found_in(made).items() if path.startswith(package)}
    run.install(settings["name"], entry_points={name: target}, files=files)
    (declared,) = run.plugins.glob("*.dist-info/entry_points.txt")
    ((also, contract),) = points["seedcore.contracts"].items()
    with declared.open("a", encoding="utf-8") as file:
        file.write(f"[seedcore.contracts]\n{also} = {contract}\n")
    shown = run("show", name, "--json").json
    checked = run.process("check", name, "--rule", "promised-type", "--json")
    operations = [operation["name"] for operation in shown["operations"]]

    assert (name, "loaded") == (shown["provider"], shown["status"])
    assert 0 == checked.status, checked.err
    assert contract == f"{package}.contract"
    assert [(name, operation, True) for operation in sorted(operations)] == sorted(
        (each["provider"], each["operation"], each["passed"]) for each in checked.json
    )
    assert 2 == run("new", name).status


def test_the_class_has_what_a_larger_plugin_needs(run: CommandLine) -> None:
    """
    A second operation, options with help, and a secret that stays one.
    """
    run("new", "dungeon")
    files = found_in(run.directory / "seedcore-dungeon")
    package = {path: text for path, text in files.items() if path.startswith("seedcore_")}
    run.install("seedcore-dungeon", entry_points={"dungeon": "seedcore_dungeon"}, files=package)
    run.install("seedcore-two", entry_points={"two": "seedcore_dungeon:dungeon"})
    shown = run("show", "two", "--json").json
    key = next(line for line in shown["settings"] if line["key"] == "api_key")

    assert {"generate", "presets"} == {each["name"] for each in shown["operations"]}
    assert [] == [option for option in shown["options"] if not option["help"]]
    assert {"players", "logic"} == {option["name"] for option in shown["options"]}
    assert key["secret"]
    assert key["help"]


def test_the_helper_is_one_function(run: CommandLine) -> None:
    """
    Its module defines nothing else.
    """
    run("new", "dungeon", "--helper")
    text = found_in(run.directory / "seedcore-dungeon")["seedcore_dungeon/__init__.py"]
    imports = (ast.Import, ast.ImportFrom, ast.If, ast.Expr)
    own = [node for node in ast.parse(text).body if not isinstance(node, imports)]

    assert [("AsyncFunctionDef", "dungeon")] == [
        (type(node).__name__, getattr(node, "name", "")) for node in own
    ]


def test_the_project_is_for_this_core(made: Path) -> None:
    """
    It requires the series of the installed core, the same Python, and is built the same way.
    """
    settings = project(made)
    major, minor, *_ = map(int, CORE["project"]["version"].split("."))

    assert [f"seedcore>={major}.{minor},<{major}.{minor + 1}"] == settings["project"][
        "dependencies"
    ]
    assert CORE["project"]["requires-python"] == settings["project"]["requires-python"]
    assert CORE["build-system"] == settings["build-system"]
    assert CORE["tool"]["uv"]["build-backend"] == settings["tool"]["uv"]["build-backend"]
    assert "license" not in settings["project"]  # the author's choice


def test_no_placeholder_is_left(made: Path) -> None:
    """
    Every file is filled in, and ends with one line break unless it is empty.
    """
    for path, text in found_in(made).items():
        assert "$" not in text, path
        assert text == f"{text.strip()}\n" or text == "", path


def test_every_template_is_used() -> None:
    """
    No form has a file that nobody writes.
    """
    folder = Path(skeleton.__file__).with_name("templates")
    used = {
        f"{source.replace('$form', form)}.template"
        for source in skeleton.FILES.values()
        for form in skeleton.FORMS
    }

    assert used == {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}


# ---------------------------------------------------------------------- what is printed


def test_what_comes_next_is_printed(run: CommandLine) -> None:
    """
    The files, and the lines to type, which work in a folder of any name.
    """
    (run.directory / "my plugins").mkdir()
    ended = run("new", "dungeon", "--directory", "my plugins")
    files, _, steps = ended.out.partition("Next:\n")

    assert (0, "") == (ended.status, ended.err)
    assert "  seedcore_dungeon/__init__.py\n" in files
    assert [
        "cd 'my plugins/seedcore-dungeon'",
        "python -m pip install --editable . pytest",
        "python -m pytest",
        "seedcore check dungeon",
    ] == [line.strip() for line in steps.splitlines()]


def test_json_is_the_list_of_files(run: CommandLine) -> None:
    """
    All files that were made, and nothing else is there.
    """
    listed = run("new", "dungeon", "--json").json
    there = found_in(run.directory)

    assert sorted(there) == sorted(listed)
    assert "seedcore-dungeon/seedcore_dungeon/py.typed" in listed


# --------------------------------------------------------------------------- bad names


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "can't be a provider's name"),
        ("Dungeon", "take lower-case letters, digits and single '-'"),
        ("1dungeon", "a letter first"),
        ("dun_geon", "can't be a provider's name"),
        ("dun.geon", "can't be a provider's name"),
        ("dun--geon", "single '-' between them"),
        ("dungeon-", "can't be a provider's name"),
        ("../dungeon", "can't be a provider's name"),
        ("dungeon\n", "can't be a provider's name"),
        ("drachenhöhle", "can't be a provider's name"),
        ("a" * (LONGEST_NAME + 1), f"at most {LONGEST_NAME} characters"),
        ("seedcore", "needs no seedcore"),
        ("seedcore-dungeon", "write 'dungeon', for example"),
        ("retry", "is reserved for settings of seedcore"),
        ("circuit-breaker", "is reserved for settings of seedcore"),
        ("lambda", "means something else in the plugin's code"),
        ("none", "means something else in the plugin's code"),  # its class would be None
        ("list", "means something else in the plugin's code"),
        ("value-error", "means something else in the plugin's code"),
        ("random", "means something else in the plugin's code"),
        ("attrs", "means something else in the plugin's code"),
        ("seed-request", "means something else in the plugin's code"),
        ("z1r", "'z1r' belongs to seedcore-local"),
        ("local", "'local' belongs to seedcore-local"),
    ],
)
def test_a_bad_name_is_refused(run: CommandLine, name: str, sentence: str) -> None:
    """
    One sentence on stderr that says what to write instead, and no folder.
    """
    ended = run("new", name)

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert sentence in ended.err
    assert [] == [*run.directory.iterdir()]


def test_a_name_as_long_as_allowed_works(run: CommandLine) -> None:
    """
    The limit itself is no mistake.
    """
    assert 0 == run("new", "a" * LONGEST_NAME).status


@pytest.mark.parametrize("form", skeleton.FORMS)
def test_no_name_hides_one_of_the_generated_code(form: str) -> None:
    """
    Whatever that code imports, defines or assigns is known as used.
    """
    bound: set[str] = set()
    for path, text in skeleton.rendered("placeholder", form=form).items():
        for node in ast.walk(ast.parse(text)) if path.endswith(".py") else ():
            names = [getattr(node, field, None) for field in ("id", "name", "arg", "asname")]
            bound |= {name.partition(".")[0] for name in names if isinstance(name, str)}
    own = {name for name in bound if "placeholder" in name.lower()}

    assert {"Seed", "provider", "reply", "document"} <= bound
    assert set() == bound - own - skeleton.names_used()
    assert not any("x" * 20 in name.lower() for name in skeleton.names_used())


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("plugins/*/pyproject.toml")), ids=lambda file: file.parent.name
)
def test_the_names_of_our_own_plugins_are_taken(run: CommandLine, file: Path) -> None:
    """
    Whether they are installed or not.
    """
    settings = project(file.parent)["project"]
    names = [
        *settings["entry-points"].get("seedcore.providers", ()),
        settings["name"].removeprefix("seedcore-"),
    ]

    assert [(name, 2) for name in names] == [(name, run("new", name).status) for name in names]


@pytest.mark.parametrize("name", ["Ocarina_of.Time", "ocarina-of-time"])
def test_the_name_of_an_installed_provider_is_taken(run: CommandLine, name: str) -> None:
    """
    Also when it is only spelled differently: its settings would have the same variables.
    """
    run.install("oot-seeds", entry_points={name: "oot_seeds:roll"})
    ended = run("new", "ocarina-of-time")

    assert (2, 1) == (ended.status, ended.err.count("\n"))
    assert "A provider called 'ocarina-of-time' is installed: choose another name." in ended.err


def test_the_name_of_an_installed_distribution_is_taken(run: CommandLine) -> None:
    """
    Even one without a provider: pip would take the new one for an update of it.
    """
    run.install("seedcore-dungeon", group="seedcore.sinks")
    ended = run("new", "dungeon")

    assert (2, 1) == (ended.status, ended.err.count("\n"))
    assert "A distribution called seedcore-dungeon is installed" in ended.err


# ----------------------------------------------------------------- what is in the way


def test_an_empty_folder_is_used(run: CommandLine) -> None:
    """
    It may have been made for this.
    """
    (run.directory / "seedcore-dungeon").mkdir()

    assert 0 == run("new", "dungeon").status


@pytest.mark.parametrize("what", ["a file", "a folder with a file", "a link", "a dead link"])
def test_nothing_is_overwritten(run: CommandLine, what: str) -> None:
    """
    One sentence, and whatever is there stays as it was.
    """
    folder, elsewhere = run.directory / "seedcore-dungeon", run.directory / "elsewhere"
    elsewhere.mkdir()
    if what == "a file":
        folder.write_text("mine", encoding="utf-8")
    elif what == "a folder with a file":
        folder.mkdir()
        (folder / "notes.txt").write_text("mine", encoding="utf-8")
    else:
        folder.symlink_to(elsewhere if what == "a link" else run.directory / "nowhere")
    before = found_in(run.directory)
    ended = run("new", "dungeon")

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert "seedcore-dungeon is there already, and nothing is overwritten" in ended.err
    assert before == found_in(run.directory)
    assert [] == [*elsewhere.iterdir()]
    assert not (run.directory / "nowhere").exists()


class Interrupted(dict[str, str]):
    """
    Files of a plugin; when the one called *at* is to be written, *what* happens first.
    """

    def __init__(self, files: Mapping[str, str], at: str, what: Any) -> None:
        super().__init__(files)
        self.at = at
        self.what = what

    def items(self) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """
        Yield the files, and let it happen.
        """
        for path, text in super().items():
            if path == self.at:
                self.what()
            yield path, text


@pytest.mark.parametrize("at", skeleton.rendered("dungeon", form="class"))
@pytest.mark.parametrize("exists", [False, True])
def test_a_failure_half_way_leaves_nothing(tmp_path: Path, at: str, exists: bool) -> None:
    """
    Wherever Ctrl-C comes, what was made is gone, and a folder that was there stays.
    """

    def ctrl_c() -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "seedcore-dungeon"
    if exists:
        folder.mkdir()
    files = Interrupted(skeleton.rendered("dungeon", form="class"), at, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        skeleton.write(folder, files)

    assert ([folder] if exists else []) == [*tmp_path.iterdir()]
    assert not exists or [] == [*folder.iterdir()]


@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.parametrize("at", skeleton.rendered("dungeon", form="class"))
def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path: Path, at: str, kind: str) -> None:
    """
    It is neither written to, nor through, nor removed; what was made beside it is.
    """
    target = tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    folder = tmp_path / "seedcore-dungeon"

    def appear() -> None:
        (folder / at).parent.mkdir(exist_ok=True)
        if kind == "file":
            (folder / at).write_text("mine", encoding="utf-8")
        else:
            (folder / at).symlink_to(target)

    files = Interrupted(skeleton.rendered("dungeon", form="class"), at, appear)
    with pytest.raises(FileExistsError):
        skeleton.write(folder, files)

    left = [path for path in folder.rglob("*") if not path.is_dir()]
    assert [folder / at] == left
    assert (kind == "link", "mine") == (left[0].is_symlink(), left[0].read_text("utf-8"))


def test_a_file_that_fails_while_it_is_written_is_removed(tmp_path: Path) -> None:
    """
    It was made here, though it is not whole.
    """
    with pytest.raises(UnicodeEncodeError):
        skeleton.write(tmp_path / "seedcore-dungeon", {"fine": "text", "wrong": "\udc80"})

    assert [] == [*tmp_path.iterdir()]


def test_a_disk_that_takes_no_more(run: CommandLine) -> None:
    """
    One sentence with the system's reason, exit status 2, and nothing stays behind.
    """

    def at_most_1000_bytes_a_file() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    ended = run.process("new", "dungeon", preexec_fn=at_most_1000_bytes_a_file)

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert f"seedcore-dungeon can't be written: {os.strerror(errno.EFBIG)}." in ended.err
    assert [] == [*run.directory.iterdir()]


@pytest.mark.skipif(not Path("/sys/kernel").exists(), reason="only Linux has /sys")
def test_a_place_that_may_not_be_written_to(run: CommandLine) -> None:
    """
    One sentence that names the option for another place.
    """
    ended = run("new", "dungeon", "--directory", "/sys/kernel")

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert "/sys/kernel/seedcore-dungeon can't be written: " in ended.err
    assert "choose another place with --directory" in ended.err


def test_a_place_that_is_not_there(run: CommandLine) -> None:
    """
    It isn't made: that is a slip of the pen more often than a wish.
    """
    ended = run("new", "dungeon", "--directory", "nowhere")

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert "Directory 'nowhere' does not exist" in ended.err
    assert [] == [*run.directory.iterdir()]
