"""
``seedcore presets``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support.command_line import CommandLine
from support.stored import look

PLUGIN = """
from typing import Literal

import attrs
from seedcore import Seed, provider

@attrs.frozen
class Options:
    mode: Literal["open", "standard"] = "open"

@provider(options=Options, presets="shipped")
async def shop(request):
    return Seed(id="1")
"""
LONG = "goal_name: a goal with a very long name that goes on and on beyond the edge of a terminal\n"
WITHOUT = """
from seedcore import Seed, provider

@provider()
async def plain(request):
    return Seed(id="1")
"""
FILES = {
    "shop_plugin.py": PLUGIN,
    "plain_plugin.py": WITHOUT,
    "shipped/open.yaml": "goal_name: Open\ndescription: Just that.\nsettings: {mode: open}\n",
    "shipped/broken.yaml": "settings: [\n",
}


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with a plugin that ships presets, and a folder for one's own.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    targets = {"shop": "shop_plugin:shop", "plain": "plain_plugin:plain"}
    command_line.install("seedcore-shop", entry_points=targets, files=FILES)
    command_line.set(SEEDCORE_LOG="off", SEEDCORE_PRESET_DIRECTORIES="own")
    return command_line


@pytest.fixture
def database(run: CommandLine) -> Path:
    """
    Where the database is made.
    """
    return run.directory / "seedcore.sqlite3"


def own(run: CommandLine, path: str, text: str) -> Path:
    """
    Write a file below the directory of the commands.
    """
    file = run.directory / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_listing(run: CommandLine, database: Path) -> None:
    """
    Each preset once, with where it is and its goal; no database is made for it.
    """
    own(run, "own/shop/mine.yaml", "goal_name: Mine\nsettings: {}")
    ended = run("presets", "list", "shop")
    as_json = run("presets", "list", "shop", "--prefix", "O", "--json").json

    assert (0, "") == (ended.status, ended.err)
    problem = "line 2, column 1: expected the node content, but found the end"
    assert [
        "NAME    SOURCE     GOAL",
        f"broken  plugin     (off: the preset 'broken': {problem})",
        "mine    directory  Mine",
        "open    plugin     Open",
    ] == ended.out.splitlines()
    assert [{"name": "open", "source": "plugin", "title": "Open", "problem": None}] == as_json
    assert "There is no such preset.\n" == run("presets", "list", "shop", "--prefix", "z").out
    assert not database.exists()


def test_listing_says_which_do_not_fit(run: CommandLine) -> None:
    """
    They are read as a call would read them.
    """
    own(run, "own/shop/wrong.yaml", "goal_name: Wrong\nsettings: {mode: opne}\n")
    line = run("presets", "list", "shop", "--prefix", "w").out.splitlines()[1]
    as_json = run("presets", "list", "shop", "--prefix", "w", "--json").json
    problem = "the preset 'wrong': option: mode must be one of open, standard"

    assert f"wrong  directory  Wrong (off: {problem})" == line
    assert [("Wrong", problem)] == [(each["title"], each["problem"]) for each in as_json]


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "open"], ["show", "open", "--history"], ["save", "open", "-"]]
)
def test_a_provider_that_takes_no_presets(
    run: CommandLine, database: Path, arguments: list[str]
) -> None:
    """
    Is refused with a sentence: nobody would ever look at what is shown or saved.
    """
    command, *rest = arguments
    own(run, "own/plain/open.yaml", "settings: {}\n")
    ended = run("presets", command, "plain", *rest, stdin="settings: {}\n")

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert ended.err.startswith("plain takes no presets from here: its plugin declares none")
    assert not database.exists()


def test_a_terminal_is_eighty_columns_wide(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Lines are cut there.
    """
    own(run, f"own/shop/{'n' * 50}.yaml", f"{LONG}settings: {{}}")
    monkeypatch.setattr("seedcore.cli.output._terminal_width", lambda: 80)
    lines = run("presets", "list", "shop").out.splitlines()

    assert 4 == len(lines)
    assert 80 >= max(map(len, lines))


def test_showing(run: CommandLine, database: Path) -> None:
    """
    What it says, where it is, what is wrong; a preset that is wrong is shown, too.
    """
    file = own(run, "own/shop/mine.yaml", "goal: x\nsettings: {mode: standard}\n")
    own(run, "own/shop/wrong.yaml", "settings: {mode: opne} # \u202e\n")
    shown = run("presets", "show", "shop", "mine")
    wrong = run("presets", "show", "shop", "wrong")
    as_json = run("presets", "show", "shop", "open", "--json").json

    assert (0, "") == (shown.status, shown.err)
    assert f"path:         {file.relative_to(run.directory)}\n" in shown.out
    assert "target:       shop\n" in shown.out
    assert "notes:        unknown key 'goal' is ignored. Did you mean 'goal_name'?\n" in shown.out
    assert shown.out.endswith("\n\ngoal: x\nsettings: {mode: standard}\n")
    assert "option: mode must be one of open, standard\n" in wrong.out
    assert wrong.out.endswith("settings: {mode: opne} #  \n")
    assert {"provider": "shop", "name": "open", "source": "plugin", "title": "Open"}.items() <= (
        as_json.items()
    )
    assert "goal_name: Open\ndescription: Just that.\nsettings: {mode: open}\n" == as_json["text"]
    assert not database.exists()


UNKNOWN = "shop does not know this preset: "
WRONG = "shop can't use this preset: "
NOBODY = "The provider can't use this preset: "


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (
            ["show", "shop", "opne"],
            1,
            UNKNOWN + "there is no preset 'opne'. ",
        ),
        (["show", "shop", "../x"], 1, UNKNOWN + "'..' is no name: "),
        (["show", "shop", "me/a"], 1, UNKNOWN + "there is no preset 'me/a'"),
        (
            ["show", "shop", "open", "--history"],
            1,
            UNKNOWN + "no 'open' is sa",
        ),
        (
            ["show", "shop", "open", "--revision", "2"],
            1,
            UNKNOWN + "no revision",
        ),
        (["show", "nothing", "open"], 3, "No provider is called 'nothing'. "),
        (["show", "nothing", "open", "--history"], 3, "No provider is called 'nothing'. "),
        (["list", "nothing"], 3, "No provider is called 'nothing'. "),
        (["list", "../own"], 3, "No provider is called '../own'. "),
        (["save", "shop", "a", "missing.yaml"], 2, "Invalid value for 'FILE': 'missing.yaml'"),
        (
            ["save", "shop", "a", "-"],
            1,
            WRONG + "the preset 'a': it must be a map",
        ),
        (
            ["save", "shop", "a b/c", "-"],
            1,
            WRONG + "'a b/c' is no name to save",
        ),
        (
            ["save", "../shop", "a", "-"],
            1,
            NOBODY + "'../shop' is no name",
        ),
        (["save", "shop", "a", "-", "--by", ""], 2, "'by' must be a printable text"),
        (
            ["delete", "shop", "open"],
            1,
            UNKNOWN + "no preset 'open' is saved; ",
        ),
        (
            ["share", "me", "you"],
            1,
            NOBODY + "there is no namespace 'me'",
        ),
        (
            ["import", "missing"],
            2,
            "Invalid value for 'DIR|FILE.jsonl': Path 'missing'",
        ),
    ],
)
def test_what_can_not_be_done(
    run: CommandLine, arguments: list[str], status: int, sentence: str
) -> None:
    """
    Is one sentence on stderr; with --json an object, too.
    """
    ended = run("presets", *arguments)
    as_json = run("presets", *arguments, "--json")

    assert (status, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert ended.err.startswith(sentence)
    assert status == as_json.status
    assert as_json.json["error"]["message"].startswith(sentence)


def test_saving_showing_deleting(run: CommandLine) -> None:
    """
    Each save is a revision; the history stays.
    """
    own(run, "a.yaml", "settings: {mode: standard}\nfoo: 1\n")
    first = run("presets", "save", "shop", "Me/A", "a.yaml", "--by", "discord:1")
    again = run("presets", "save", "shop", "me/a", "a.yaml", "--json").json
    second = run("presets", "save", "shop", "me/a", "-", stdin="settings: {}\n")
    shown = run("presets", "show", "shop", "me/a").out
    gone = run("presets", "delete", "shop", "me/a")
    history = run("presets", "show", "shop", "me/a", "--history")
    as_json = run("presets", "show", "shop", "me/a", "--history", "--json").json
    old = run("presets", "show", "shop", "me/a", "--revision", "1")
    deleted = run("presets", "show", "shop", "me/a", "--revision", "3").out
    one = run("presets", "show", "shop", "me/a", "--revision", "2", "--json").json

    assert "me/a is saved as revision 1.\nnote: unknown key 'foo' is ignored\n" == first.out
    assert (1, True) == (again["revision"], again["unchanged"])
    assert "me/a is saved as revision 2.\n" == second.out
    assert "saved_by:     operator\n" in shown
    assert "me/a is deleted; its history is kept.\n" == gone.out
    assert [["3", "deleted"], ["2", "13 characters"], ["1", "34 characters"]] == [
        [line.split()[0], line.split("  ")[-1].strip()] for line in history.out.splitlines()[1:]
    ]
    assert [3, 2, 1] == [each["revision"] for each in as_json]
    assert ["operator", "operator", "discord:1"] == [each["saved_by"] for each in as_json]
    assert "settings: {mode: standard}\nfoo: 1\n" == old.out
    assert "Deleted by operator.\n" == deleted
    assert (2, "settings: {}\n") == (one["revision"], one["text"])
    assert 1 == run("presets", "show", "shop", "me/a").status


def test_saving_for_others(run: CommandLine) -> None:
    """
    Somebody else's namespace, until it is shared.
    """
    own(run, "a.yaml", "settings: {}\n")
    run("presets", "save", "shop", "me/a", "a.yaml", "--by", "discord:1")
    refused = run("presets", "save", "shop", "me/b", "a.yaml", "--by", "discord:2")
    shared = run("presets", "share", "me", "discord:2", "--by", "discord:1")
    saved = run("presets", "save", "shop", "me/b", "a.yaml", "--by", "discord:2")
    taken = run("presets", "share", "me", "discord:2", "--remove", "--json").json

    assert 1 == refused.status
    assert "the namespace 'me' belongs to somebody else" in refused.err
    assert "me is shared with discord:2.\n" == shared.out
    assert 0 == saved.status
    assert {"namespace": "me", "collaborators": []} == taken


def test_presets_of_a_provider_that_is_not_installed(run: CommandLine) -> None:
    """
    Can be saved and looked at before it is.
    """
    saved = run("presets", "save", "later", "a", "-", stdin="settings: {x: 1}\n")
    listed = run("presets", "list", "later").out
    shown = run("presets", "show", "later", "a")

    assert "note: not checked: the provider 'later' is not installed\n" in saved.out
    assert ["a", "database"] == listed.splitlines()[1].split()
    assert 0 == shown.status
    assert "it is for the provider 'later', which is not installed: pip install" in shown.out


def test_importing_a_folder(run: CommandLine, database: Path) -> None:
    """
    Each file that is off has its sentence; the exit status says that there is one.
    """
    for number in range(5):
        own(run, f"old/later/p{number}.yaml", "settings: {}\n")
    own(run, "old/shop/good.yaml", "settings: {}\nfoo: 1\n")
    own(run, "old/shop/bad.yaml", "settings: {mode: opne}\n")
    dry = run("presets", "import", "old", "--dry-run")
    assert not database.exists()
    done = run("presets", "import", "old/")
    again = run("presets", "import", "old", "--json")
    (run.directory / "old" / "shop" / "bad.yaml").unlink()
    fine = run("presets", "import", "old/shop", "--provider", "shop", "--namespace", "Me")

    expected = [
        "old/shop/bad.yaml: option: mode must be one of open, standard",
        "old/later/p0.yaml and 4 more: note: not checked: the provider 'later' is not installed",
        "old/shop/good.yaml: note: unknown key 'foo' is ignored",
    ]
    assert (1, "") == (done.status, done.err)
    assert [*expected, "6 saved, 0 unchanged, 1 off"] == done.out.splitlines()
    assert [*expected, "6 would be saved, 0 unchanged, 1 off"] == dry.out.splitlines()
    assert (1, 0, 6, 1) == (
        again.status,
        again.json["saved"],
        again.json["unchanged"],
        again.json["off"],
    )
    assert {"origin", "provider", "name", "state", "problem", "notes"} == (
        again.json["presets"][0].keys()
    )
    assert (0, "1 saved, 0 unchanged, 0 off") == (fine.status, fine.out.splitlines()[-1])
    assert [("me", "")] == look(database, "SELECT name, owner FROM seedcore_namespaces")


def test_importing_lines(run: CommandLine) -> None:
    """
    An export of a table, with whose they are.
    """
    row = {"randomizer": "shop", "preset_name": "latest", "content": "settings: {}"}
    lines = [json.dumps({**row, "namespace": "me", "discord_user_id": 7}), "{", json.dumps(row)]
    own(run, "table.jsonl", "\n".join(lines))
    done = run("presets", "import", "table.jsonl")
    refused = run("presets", "save", "shop", "me/b", "-", "--by", "discord:8", stdin="settings: {}")

    assert 1 == done.status
    expected = ["table.jsonl:2: it is no line of JSON", "2 saved, 0 unchanged, 1 off"]
    assert expected == done.out.splitlines()
    assert "belongs to somebody else" in refused.err


def test_importing_one_file(run: CommandLine) -> None:
    """
    Is one sentence with the command that saves it; its lines are no lines of JSON.
    """
    own(run, "open.yaml", "goal_name: Open\nsettings:\n  mode: open\n")
    ended = run("presets", "import", "open.yaml", "--provider", "shop")

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert "a folder or a .jsonl file" in ended.err
    assert "'seedcore presets save PROVIDER NAME open.yaml'" in ended.err


def test_a_provider_that_is_almost_installed(run: CommandLine) -> None:
    """
    May be meant as it stands, and a line on stderr names the one that is installed.
    """
    own(run, "old/a.yaml", "settings: {}\n")
    imported = run("presets", "import", "old", "--provider", "shpo", "--dry-run")
    saved = run("presets", "save", "shpo", "a", "-", stdin="settings: {}\n")
    other = run("presets", "import", "old", "--provider", "later", "--dry-run")

    expected = "No provider 'shpo' is installed. Did you mean 'shop'?\n"
    assert [(0, expected)] * 2 == [(each.status, each.err) for each in (imported, saved)]
    assert (0, "") == (other.status, other.err)


def test_an_import_that_can_not_be_read(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Says which file, and why.
    """
    own(run, "old/shop/a.yaml", "settings: {}")

    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    ended = run("presets", "import", "old")

    assert (2, "") == (ended.status, ended.out)
    assert ended.err.startswith("old can't be read: Permission denied.")


def test_progress_is_shown_for_many(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On stderr, where that is a terminal.
    """
    for number in range(60):
        own(run, f"old/shop/p{number}.yaml", "settings: {}\n")
    quiet = run("presets", "import", "old", "--dry-run")
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True)
    shown = run("presets", "import", "old")

    assert "" == quiet.err
    assert "Reading" in shown.err
    assert "60 saved, 0 unchanged, 0 off\n" == shown.out
