"""
``seedcore audit`` and ``seedcore breaker``.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import seedcore
from support.command_line import CommandLine


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with one plugin installed.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    command_line.install_demo()
    command_line.set(SEEDCORE_LOG="off")
    return command_line


def ids(run: CommandLine, *arguments: str) -> list[str]:
    """
    Return the call_ids of the rows that a command prints as JSON.
    """
    return [row["call_id"] for row in run("audit", *arguments, "--json").json]


def test_successful_calls(run: CommandLine) -> None:
    """
    The newest call comes first, with what was rolled for whom.
    """
    run("generate", "demo", "--preset", "once", "--call-id", "first")
    run("generate", "plain", "--surface", "bot", "--call-id", "second")
    ended = run("audit", "list")
    titles, second, first = ended.out.splitlines()

    assert (0, "") == (ended.status, ended.err)
    assert "TIME (UTC) SEED PROVIDER PRESET SURFACE ATTEMPTS MS CALL ID" == " ".join(titles.split())
    assert ["https://demo.example/s/1?q=2", "demo", "once", "cli", "2"] == first.split()[2:7]
    assert first.endswith("first")
    assert "Seed: 7 ▲" in second
    assert "  bot  " in second


def test_rows_can_be_chosen(run: CommandLine) -> None:
    """
    By provider, surface, time and number.
    """
    run("generate", "demo", "--call-id", "1")
    run("generate", "plain", "--call-id", "2")
    run("generate", "plain", "--surface", "bot", "--call-id", "3")

    assert ["3", "2", "1"] == ids(run, "list")
    assert ["3", "2"] == ids(run, "list", "--provider", "plain")
    assert ["3"] == ids(run, "list", "--surface", "bot")
    assert ["3", "2"] == ids(run, "list", "--limit", "2")
    assert ["3", "2", "1"] == ids(run, "list", "--since", "1h")
    assert [] == ids(run, "list", "--since", "2999-01-01")


def test_failed_calls(run: CommandLine) -> None:
    """
    Failures are listed with the error and the provider's words.
    """
    run("generate", "demo", "--preset", "unknown", "--call-id", "mine")
    text, [row] = run("audit", "failures").out, run("audit", "failures", "--json").json

    assert "PresetNotFoundError" in text
    assert "Valid presets are: classic, full" in text
    assert ("mine", 422, 1) == (row["call_id"], row["status_code"], row["attempt_count"])
    assert [] == ids(run, "failures", "--provider", "plain")


def test_export(run: CommandLine) -> None:
    """
    One JSON object per line, the oldest first.
    """
    for number in range(3):
        run("generate", "demo", "--call-id", str(number))
    ended = run("audit", "export")
    rows = [json.loads(line) for line in ended.out.splitlines()]

    assert (0, "") == (ended.status, ended.err)
    assert ["0", "1", "2"] == [row["call_id"] for row in rows]
    assert {"players": 1} == rows[0]["settings"]
    assert ended.out.splitlines()[:2] == run("audit", "export", "--limit", "2").out.splitlines()


def test_nothing_recorded(run: CommandLine) -> None:
    """
    An empty table is a sentence, an empty array, or no line at all.
    """
    run("call", "plain", "nothing")

    assert "No successful call is recorded.\n" == run("audit", "list").out
    assert "No failed call is recorded.\n" == run("audit", "failures").out
    assert "No circuit has ever opened.\n" == run("breaker", "show").out
    assert [] == run("audit", "list", "--json").json == run("breaker", "show", "--json").json
    assert "" == run("audit", "export").out


def test_a_sealed_seed_stays_hidden(run: CommandLine) -> None:
    """
    Neither table nor export shows what a sealed row holds.
    """

    async def roll() -> None:
        async with seedcore.Runner() as runner:
            await runner.generate("demo", surface="pool", sealed=True)

    asyncio.run(roll())
    shown = [run("audit", *command) for command in (["list"], ["list", "--json"], ["export"])]

    assert "(sealed)" in shown[0].out
    assert [] == [ended for ended in shown if "demo.example" in ended.out or "Boots" in ended.out]
    assert '"provider": "demo"' in shown[2].out


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", "list"],
        ["audit", "failures"],
        ["audit", "export"],
        ["breaker", "show"],
        ["breaker", "reset", "demo"],
    ],
)
@pytest.mark.parametrize("url", ["sqlite://seeds.sqlite3", "sqlite://:memory:"])
def test_reading_makes_no_database(run: CommandLine, arguments: list[str], url: str) -> None:
    """
    Where there is none, a sentence says so, exit status 2; no file appears.
    """
    run.set(SEEDCORE_DATABASE_URL=url)
    ended = run(*arguments)

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert "There is no audit database" in ended.err
    assert "SEEDCORE_DATABASE_URL" in ended.err
    assert [] == list(run.directory.iterdir())


def test_a_file_that_is_no_database(run: CommandLine) -> None:
    """
    Which, why, and exit status 2, as JSON too.
    """
    (run.directory / "seedcore.sqlite3").write_text("not a database, " * 100)
    ended = run("audit", "list", "--json")

    assert (2, "DatabaseError") == (ended.status, ended.json["error"]["type"])
    assert "seedcore.sqlite3" in ended.err
    assert "is not an SQLite database" in ended.err


def open_circuit(run: CommandLine) -> None:
    """
    Let the circuit of demo's generate open for ten minutes.
    """
    threshold, seconds = "CIRCUIT_BREAKER_FAILURE_THRESHOLD", "CIRCUIT_BREAKER_TIMEOUT"
    run.set(**{f"SEEDCORE_{threshold}": "1", f"SEEDCORE_{seconds}": "600"})
    run("generate", "demo", "--preset", "down")


def test_an_open_circuit_is_shown(run: CommandLine) -> None:
    """
    With its state and until when it is open.
    """
    open_circuit(run)
    [record] = run("breaker", "show", "demo", "--json").json
    _, line = run("breaker", "show").out.splitlines()

    assert ("demo", "generate", "open") == (*record.values(),)[:3]
    assert ["demo", "generate", "open"] == line.split()[:3]
    assert [] == run("breaker", "show", "plain", "--json").json


@pytest.mark.parametrize("arguments", [["demo"], ["demo", "generate"]])
def test_a_circuit_is_closed_by_hand(run: CommandLine, arguments: list[str]) -> None:
    """
    After a reset the provider is asked again.
    """
    open_circuit(run)
    refused = run("generate", "demo")
    reset = run("breaker", "reset", *arguments)

    assert 1 == refused.status
    assert (0, "1 closed.\n", "") == (reset.status, reset.out, reset.err)
    assert 0 == run("generate", "demo").status
    assert "There was none to close.\n" == run("breaker", "reset", "demo", "presets").out


def test_a_circuit_of_an_unknown_provider(run: CommandLine) -> None:
    """
    A mistyped provider is not quietly left as it is.
    """
    open_circuit(run)

    assert 3 == run("breaker", "reset", "dmo").status
    assert "Did you mean 'demo'?" in run("breaker", "show", "dmo").err
