"""
What ``--debug`` shows, and what nothing shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import CommandLine

CANARY = "canary-5f1d/+ x"


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


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_traceback(run: CommandLine, place: str) -> None:
    """
    Before or after the command, --debug prints the provider's own exception; without it no
    traceback appears.
    """
    arguments = ["generate", "plain", "--preset", "leak"]
    quiet = run(*arguments)
    debug = run("--debug", *arguments) if place == "before" else run(*arguments, "--debug")

    assert "Traceback" not in quiet.err
    assert "RuntimeError: sent Bearer" in debug.err
    assert quiet.err == debug.err.splitlines(keepends=True)[-1]
    assert (1, "") == (debug.status, debug.out)


def test_a_traceback_names_no_credentials(run: CommandLine) -> None:
    """
    Bearer tokens, user names, passwords and query strings are taken out.
    """
    shown = run("generate", "plain", "--preset", "leak", "--debug").err

    assert "https://host.example/x" in shown
    assert [] == [word for word in ("abcdef0123", "me:pw", "hidden") if word in shown]


@pytest.mark.parametrize("place", ["environment", "file"])
@pytest.mark.parametrize("log", ["text", "json"])
def test_a_secret_setting_appears_nowhere(run: CommandLine, place: str, log: str) -> None:
    """
    Whoever set it where, its value is in no output, however the call ends.
    """
    run.set(SEEDCORE_LOG=log)
    if place == "environment":
        run.set(SEEDCORE_SITE_TOKEN=CANARY)
    else:
        text = f'[providers.site]\ntoken = "{CANARY}"\n'
        (run.directory / "seedcore.toml").write_text(text)

    shown = [
        run("call", "site", "leak", "--debug"),
        run("call", "site", "leak", "--json", "--debug"),
        run("call", "site", "presets", "--debug"),
        run("show", "site"),
        run("show", "site", "--json"),
        run("list", "--strict", "--json"),
        run("audit", "failures", "--json"),
    ]

    assert [1, 1, 0, 0, 0, 0, 0] == [ended.status for ended in shown]
    assert "RuntimeError: my token is ***" in shown[0].err
    assert [] == [ended for ended in shown if CANARY in ended.out + ended.err]


def test_debug_shows_every_event(run: CommandLine) -> None:
    """
    With --debug the lines on stderr include each attempt and the end of the call.
    """
    lines = run("generate", "demo", "--debug").err.splitlines()

    assert ["DEBUG: demo generate: attempt success", "INFO: demo generate: call success"] == [
        line.partition(" in ")[0] for line in lines
    ]


def test_everything_after_two_hyphens_is_a_value(run: CommandLine) -> None:
    """
    A text that looks like --json doesn't turn the answer into JSON.
    """
    ended = run("generate", "nobody", "--", "--json")

    assert (2, "") == (ended.status, ended.out)
    assert "'--json' is not KEY=VALUE" in ended.err
