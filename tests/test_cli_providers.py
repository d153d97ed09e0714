"""
``seedcore list`` and ``seedcore show``.
"""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest

from seedcore.cli.output import write_table
from support.command_line import CommandLine

ORIGIN = "seedcore-demo 1.0"


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with one plugin installed.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    command_line.install_demo()
    return command_line


def statuses(run: CommandLine, *arguments: str) -> dict[str, str]:
    """
    Return the status of each provider of the test's own plugins.
    """
    return {line["provider"]: line["status"] for line in run("list", "--json", *arguments).json}


def test_the_table(run: CommandLine) -> None:
    """
    One line per provider with its status and the distribution it comes from.
    """
    lines = [line.split() for line in run("list").out.splitlines()]

    assert ["PROVIDER", "STATUS", "DISTRIBUTION", "REASON"] == lines[0]
    assert ["demo", "ready", *ORIGIN.split()] in lines
    assert "demo_plugin" not in sys.modules


def test_list_as_json(run: CommandLine) -> None:
    """
    An array of objects with the fields of the listing.
    """
    expected = {
        "provider": "demo",
        "status": "ready",
        "distribution": "seedcore-demo",
        "version": "1.0",
        "reason": None,
    }

    assert expected in run("list", "--json").json


def test_providers_that_are_switched_off(run: CommandLine) -> None:
    """
    They are listed as disabled, with the setting that did it.
    """
    run.set(SEEDCORE_DISABLE="demo,plain")
    ended = run("list", "--json", "--strict")
    demo = next(line for line in ended.json if line["provider"] == "demo")

    assert (0, "disabled") == (ended.status, demo["status"])
    assert "SEEDCORE_DISABLE" in demo["reason"]
    assert "demo_plugin" in sys.modules  # for site


def test_no_provider_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A sentence says how to get some; JSON is an empty array.
    """
    run = CommandLine(tmp_path, monkeypatch, capsys)
    if run("list", "--json").json:
        pytest.skip("plugins are installed here")

    assert "pip install seedcore-local" in run("list").out
    assert 0 == run("list", "--strict").status


def test_strict_imports_every_plugin(run: CommandLine) -> None:
    """
    One that can't be imported is named, and makes the exit status 3; without --strict nobody
    knows yet.
    """
    run.install("faulty", entry_points={"faulty": "faulty_plugin:roll"})
    lax, strict = run("list"), run("list", "--strict")
    line = next(line for line in strict.out.splitlines() if line.startswith("faulty"))

    assert (0, 3) == (lax.status, strict.status)
    assert "importing faulty_plugin:roll raised ModuleNotFoundError" in line
    assert "can't be used: faulty.\n" in strict.err
    assert {"demo": "loaded", "site": "unconfigured", "faulty": "broken"}.items() <= statuses(
        run, "--strict"
    ).items()


def test_wrong_settings_are_shown_in_the_table(run: CommandLine) -> None:
    """
    One provider's mistake does not hide the state of the others.
    """
    run.set(SEEDCORE_DEMO_PATIENCE="-1")
    ended = run("list", "--strict")
    line = next(line for line in ended.out.splitlines() if line.startswith("demo"))
    assert 3 == ended.status
    assert "broken" in line
    assert "SEEDCORE_DEMO_PATIENCE" in line
    assert any(line.startswith("site") for line in ended.out.splitlines())


def test_missing_settings_are_no_fault(run: CommandLine) -> None:
    """
    With --strict a provider without its token is unconfigured, which is no error.
    """
    ended = run("list", "--strict")

    assert (0, "") == (ended.status, ended.err)
    assert "set SEEDCORE_SITE_TOKEN" in ended.out


def test_faults_known_without_importing(run: CommandLine) -> None:
    """
    A plugin for another seedcore and a name offered twice are shown; --strict fails.
    """
    files = {"other.py": "def roll(): ..."}
    run.install("old", entry_points={"old": "other:roll"}, files=files, requires=["seedcore<0.0.1"])
    run.install("copycat", entry_points={"plain": "other:roll"})

    assert {"old": "incompatible", "plain": "clash"}.items() <= statuses(run).items()
    assert "other" not in sys.modules
    assert 3 == run("list", "--strict").status


def test_wrong_settings_stop_the_list(run: CommandLine) -> None:
    """
    A mistyped variable is a sentence and exit status 2.
    """
    run.set(SEEDCORE_DISABEL="demo")
    ended = run("list")

    assert (2, "") == (ended.status, ended.out)
    assert "Did you mean 'SEEDCORE_DISABLE'?" in ended.err


def test_show(run: CommandLine) -> None:
    """
    Title, page, operations, options and settings of a provider.
    """
    run.set(SEEDCORE_PATIENCE="7")
    ended = run("show", "demo")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]

    assert (0, "") == (ended.status, ended.err)
    assert "demo: Demo randomizer" == lines[0]
    for line in (
        "homepage: https://demo.example",
        f"distribution: {ORIGIN}",
        "status: loaded",
        "generate repeatable yes options Roll a demo seed.",
        "players 1 a whole number must be >= 1 how many play",
        "mode open one of open, inverted how it begins",
    ):
        assert line in lines
    assert any(line.startswith("patience 7.0 SEEDCORE_PATIENCE ") for line in lines)


def test_show_as_json(run: CommandLine) -> None:
    """
    Everything a program needs to make a form of it; secrets are masked.
    """
    run.set(SEEDCORE_SITE_TOKEN="hush-hush")
    site = run("show", "site", "--json").json
    names = ["provider", "status", "distribution", "version", "reason", "title", "homepage"]
    limits = next(item for item in site["operations"] if item["name"] == "limits")
    token = next(line for line in site["settings"] if line["key"] == "token")

    assert [*names, "operations", "options", "settings"] == list(site)
    assert {
        "name": "limits",
        "effect": "read",
        "audited": False,
        "rolls": False,
        "arguments": [{"name": "site", "required": True}],
        "summary": "Tell the limits of a site.",
    } == limits
    assert ("***", "SEEDCORE_SITE_TOKEN") == (token["value"], token["origin"])
    option = run("show", "demo", "--json").json["options"][0]
    assert {
        "name": "players",
        "kind": "integer",
        "type": "a whole number",
        "required": False,
        "default": 1,
        "choices": [],
        "allowed": "must be >= 1",
        "least": 1,
        "most": None,
        "secret": False,
        "help": "how many play",
    } == option


NESTED = '''
import attrs
from seedcore import Seed, provider, secret, setting

@attrs.frozen
class Crystals:
    ganon: str = setting("7", help="for the last fight")
    tower: str = setting("7")

@attrs.frozen
class Options:
    key: str = secret("hush-hush", help="opens the log")
    crystals: Crystals = setting(factory=lambda: Crystals("5"), help="how many are needed")
    extra: Crystals | None = setting(None, help="for the second world")
    others: list[Crystals] = setting(factory=list, help="of other worlds")

@provider(options=Options)
def nested(request):
    """Roll."""
    return Seed(id="1")
'''


def test_options_within_others_are_shown_with_their_path(run: CommandLine) -> None:
    """
    Each with the default that it really has; a list of them is one option.
    """
    run.install("nested", entry_points={"nested": "nested:nested"}, files={"nested.py": NESTED})
    shown = run("show", "nested", "--json").json["options"]

    assert {
        "key": ("***", "opens the log"),
        "crystals.ganon": ("5", "for the last fight"),
        "crystals.tower": ("7", "how many are needed"),
        "extra.ganon": ("7", "for the last fight"),
        "extra.tower": ("7", "for the second world"),
        "others": ([], "of other worlds"),
    } == {option["name"]: (option["default"], option["help"]) for option in shown}
    assert ["key"] == [option["name"] for option in shown if option["secret"]]


def test_show_tells_what_is_missing(run: CommandLine) -> None:
    """
    A provider that isn't configured can be looked at, and the help of what it lacks is shown.
    """
    ended = run("show", "site")

    assert (0, "") == (ended.status, ended.err)
    assert "status:       unconfigured" in ended.out
    assert "token    " in ended.out
    assert "missing, set SEEDCORE_SITE_TOKEN  the key of the site" in ended.out


def test_the_title_that_was_set(run: CommandLine) -> None:
    """
    A title in the settings replaces the plugin's.
    """
    run.set(SEEDCORE_DEMO_TITLE="Our demo")

    assert "Our demo" == run("show", "demo", "--json").json["title"]


def test_show_of_an_unknown_provider(run: CommandLine) -> None:
    """
    The sentence names the installed ones and how to get the missing one; exit status 3.
    """
    ended = run("show", "z1r", "--json")

    assert (3, "UnknownProviderError") == (ended.status, ended.json["error"]["type"])
    assert "pip install seedcore-local" in ended.err


def test_tables_fit_the_terminal(run: CommandLine) -> None:
    """
    On a terminal long cells go on in the next line, in a pipe they are whole.
    """
    terminal, inner = pty.openpty()
    try:
        ended = run.process("show", "demo", stdout=inner, variables={"COLUMNS": "60"})
        shown = os.read(terminal, 100_000).decode().splitlines()
    finally:
        os.close(inner)
        os.close(terminal)

    assert 0 == ended.status
    piped = run("show", "demo").out
    assert 50 < max(map(len, shown)) <= 60 < max(map(len, piped.splitlines()))
    assert "…" not in "".join(shown) + piped


def test_a_narrow_terminal_shows_everything_in_more_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    What an option means is what people came for; nothing of it is cut.
    """
    monkeypatch.setattr("seedcore.cli.output._terminal_width", lambda: 40)
    row = {"name": "goal", "kind": "one of ganon, dungeons, pedestal", "help": "what ends the game"}
    write_table([row], {"OPTION": "name", "TYPE": "kind", "IS": "help"}, wrap=True)

    lines = capsys.readouterr().out.splitlines()
    assert ["OPTION", "TYPE", "IS"] == lines[0].split()
    assert max(map(len, lines)) <= 40
    shown = " ".join(" ".join(lines[1:]).split())
    for word in ("ganon,", "dungeons,", "pedestal", "what", "ends", "the", "game"):
        assert word in shown.split(" ")


PICKY = """
import attrs
from pathlib import Path
from seedcore import Seed, SettingsError, provider, setting


def there(_, field, value):
    if not Path(value).exists():
        raise SettingsError(f"{field.name} must be a folder that is there; clone it, and set this")


@attrs.frozen
class Settings:
    checkout: str = setting(help="where it is", validator=there)


@provider(settings=Settings)
def picky(request):
    return Seed(id="1")
"""


def test_a_setting_of_no_use_here_is_unconfigured(run: CommandLine, tmp_path: Path) -> None:
    """
    It is for whoever runs the program to mend, and no fault of the plugin.
    """
    run.install(
        "seedcore-picky",
        entry_points={"picky": "picky_plugin:picky"},
        files={"picky_plugin.py": PICKY},
        requires=["seedcore>=0.1"],
    )
    words = "picky: checkout must be a folder that is there; clone it, and set this."
    for value, reason in (("", "SEEDCORE_PICKY_CHECKOUT"), ("/no/such/folder", words)):
        run.set(**({"SEEDCORE_PICKY_CHECKOUT": value} if value else {}))
        lines = run("list", "--strict", "--json").json
        line = next(line for line in lines if line["provider"] == "picky")
        assert "unconfigured" == line["status"]
        assert reason in line["reason"]
    refused = run("generate", "picky")
    assert 2 == refused.status
    assert words in refused.err
    shown = run("show", "picky")
    assert (0, True) == (shown.status, words in " ".join(shown.out.split()))
    run.set(SEEDCORE_PICKY_CHECKOUT=str(tmp_path))
    assert 0 == run("generate", "picky").status
