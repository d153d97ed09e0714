"""
``seedcore route``: looking, changing, going back.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import CommandLine

PLUGIN = """
from seedcore import Seed

def old(request):
    return Seed(id="old")

def new(request):
    return Seed(id="new")
"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with two providers.
    """
    line = CommandLine(tmp_path, monkeypatch, capsys)
    points = {"dash": "dash_plugin:old", "dash-next": "dash_plugin:new"}
    line.install("seedcore-dash", entry_points=points, files={"dash_plugin.py": PLUGIN})
    return line


def test_a_route_leads_to_another_provider_and_back(run: CommandLine) -> None:
    """
    The next command follows it.
    """
    set_it = run("route", "set", "dash", "dash-next", "--fallback", "dash")
    served = run("generate", "dash", "--json").json["provider"]
    back = run("route", "rollback", "dash")

    assert (0, "dash: dash-next 100%; when that is out, dash") == (
        set_it.status,
        set_it.out.splitlines()[0],
    )
    assert "Programs that run take that over within two seconds." in set_it.out
    assert "dash-next" == served
    assert (0, "dash: as in the settings") == (back.status, back.out.splitlines()[0])
    assert "dash" == run("generate", "dash", "--json").json["provider"]


def test_a_seed_says_who_served_it(run: CommandLine) -> None:
    """
    Where that isn't who was asked.
    """
    run("route", "set", "dash", "dash-next")
    shown = run("generate", "dash")

    assert "served by:    dash-next" in shown.out
    assert "served by" not in run("generate", "dash-next").out


def test_routes_are_shown_with_who_and_when(run: CommandLine) -> None:
    """
    Those of the settings too.
    """
    (run.directory / "seedcore.toml").write_text('[routes.other]\nto = "dash"\n')
    assert "other  dash 100%            seedcore.toml" in run("route", "show").out
    run("route", "set", "dash", "dash=0.9", "dash-next=0.1", "--by", "discord:1")
    run("route", "set", "dash", "--none")
    lines = run("route", "show", "--json").json
    history = run("route", "show", "dash", "--history", "--json").json

    assert [("dash", "set"), ("other", "settings")] == [(x["name"], x["origin"]) for x in lines]
    assert [({}, "operator"), ({"dash": 0.9, "dash-next": 0.1}, "discord:1")] == [
        (line["to"], line["set_by"]) for line in history
    ]
    assert "dash 90%, dash-next 10%" in run("route", "show", "dash", "--history").out


def test_nothing_is_made_by_looking(run: CommandLine) -> None:
    """
    Where there is no database there is no route that was set.
    """
    shown = run("route", "show")

    assert (0, "No route is set. Each call goes to the provider that it names.\n") == (
        shown.status,
        shown.out,
    )
    assert not list(run.directory.glob("*.sqlite3"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("set dash", "Name a provider, or several with shares"),
        ("set dash dash", "The route of 'dash': it leads to itself alone"),
        ("set dash dash-nxt", "'dash-nxt' is not installed here. Did you mean 'dash-next'?"),
        ("set dash dash-next=much", "'dash-next=much' is not PROVIDER=SHARE."),
        ("set dash dash-next=nan", "'dash-next=nan' is not PROVIDER=SHARE."),
        ("set dash dash-next=-1", "'dash-next=-1' is not PROVIDER=SHARE."),
        ("set dash =1", "'=1' is not PROVIDER=SHARE."),
        ("set dash dash=1 dash=2", "'dash' is named twice."),
        ("set dash dash-next --none", "--none takes the route away"),
        ("set dash dash=0 dash-next=0", "a share must be above 0"),
        ("show --history", "--history is about one route."),
        ("rollback dash", "There is no audit database"),
    ],
)
def test_what_cant_be_done_is_said(run: CommandLine, typed: str, sentence: str) -> None:
    """
    In a sentence with the remedy, and nothing is changed.
    """
    ended = run("route", *typed.split())

    assert 2 == ended.status
    assert sentence in ended.err
    assert "Traceback" not in ended.err
    assert "No route is set" in run("route", "show").out


def test_a_provider_that_only_a_program_has_may_be_named(run: CommandLine) -> None:
    """
    Whoever says so; the list tells that it isn't here.
    """
    ended = run("route", "set", "dash", "dash-legacy", "--unchecked")

    assert 0 == ended.status
    assert "'dash-legacy' is not installed here." in run("route", "show").out
    failed = run("generate", "dash")
    assert (2, "") == (failed.status, failed.out)
    assert "The route of 'dash' leads to 'dash-legacy', which can't be used here." in failed.err


def test_there_is_an_end_to_going_back(run: CommandLine) -> None:
    """
    Which is said.
    """
    run("route", "set", "dash", "dash-next")
    run("route", "rollback", "dash")
    ended = run("route", "rollback", "dash", "--json")

    assert 2 == ended.status
    assert "is back at the beginning, so there is nothing to go back to." in ended.err
    assert "SettingsError" == ended.json["error"]["type"]
