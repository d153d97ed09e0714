"""
``seedcore reveal``, and the options of ``seedcore generate`` for spoiler races.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from support.command_line import CommandLine
from support.stored import let_pass

RACE = """
from seedcore import Rolled, Seed, operation, provider

@provider(delayed=True)
class Race:
    @operation(effect="repeatable", rolls=True)
    async def mystery(self, request):
        return Rolled(Seed(url="https://race.example/m"), logs={"spoiler": "Chest: Lamp"})

    @operation(effect="repeatable", rolls=True)
    async def roll(self, request):
        return Rolled(Seed(url="https://race.example/1"), logs={"spoiler": {"Chest": "Lamp"}})

    @operation(effect="read")
    async def rules(self):
        return []
"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with one plugin installed.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    command_line.install(
        "seedcore-race",
        entry_points={"race": "race_plugin:Race"},
        files={"race_plugin.py": RACE},
        requires=["seedcore>=0.1"],
    )
    return command_line


def roll(run: CommandLine, *options: str) -> str:
    """
    Roll the seed of a spoiler race; return its call_id.
    """
    asked = ("race", "--operation", "roll", "--spoilers", "delayed", *options, "--json")
    ended = run("generate", *asked)
    assert (0, "") == (ended.status, ended.err)
    return str(ended.json["call_id"])


def shift(run: CommandLine, seconds: int) -> None:
    """
    Let it be later than it was, for every log.
    """
    database = run.directory / "seedcore.sqlite3"
    let_pass(database, seconds)


def test_a_log_that_is_due(run: CommandLine) -> None:
    """
    A link on the first line, until when it works, and since when the log is revealed.
    """
    call_id = roll(run, "--reveal-at", "90m")
    early = run("reveal", call_id)
    assert 2 == early.status
    assert f"The spoiler log of call '{call_id}' is sealed until " in early.err

    shift(run, 5_401)
    ended = run("reveal", call_id)
    link, works, revealed = ended.out.splitlines()
    assert (0, "") == (ended.status, ended.err)
    assert ("works until:", "revealed:") == (works[:12], revealed[:9])
    assert {"Chest": "Lamp"} == json.loads(Path(unquote(urlsplit(link).path)).read_text())

    again = run("reveal", call_id, "--json").json
    assert (call_id, "spoiler", True) == (again["call_id"], again["kind"], again["again"])
    assert {"link", "expires_at", "revealed_at"} < again.keys()


def test_who_may_ask(run: CommandLine) -> None:
    """
    Whoever asked for the seed, and the operator, who needs no name.
    """
    call_id = roll(run, "--by", "discord:1", "--race", "--reveal-at", "1s")
    shift(run, 5)

    assert 0 == run("reveal", call_id, "--by", "discord:1").status
    ended = run("reveal", call_id, "--by", "discord:2", "--json")
    assert 2 == ended.status
    assert "RevealError" == ended.json["error"]["type"]
    assert "somebody else asked for its seed" in ended.json["error"]["message"]


def test_a_kind_of_log(run: CommandLine) -> None:
    """
    Those that are there are named.
    """
    call_id = roll(run, "--reveal-at", "1s")
    shift(run, 5)

    assert "it has spoiler" in run("reveal", call_id, "--kind", "progression").err


def test_the_seed_says_when(run: CommandLine) -> None:
    """
    For people, and as JSON.
    """
    asked = ("generate", "race", "--operation", "mystery", "--spoilers", "delayed")
    shown = run(*asked, "--reveal-at", "2036-01-02T03:04:05+01:00")
    assert "log:          sealed until 2036-01-02 02:04:05" in shown.out.splitlines()
    facts = run(*asked, "--reveal-at", "2036-01-02T03:04:05Z", "--json").json
    assert ("mystery", 2_082_855_845.0) == (facts["operation"], facts["meta"]["reveal_at"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--spoilers", "delayed", "--reveal-at", "2001-01-01"), "must be a time to come"),
        (("--spoilers", "delayed", "--reveal-at", "tomorrow"), "--reveal-at can't be 'tomorrow'"),
        (("--reveal-at", "1h"), "reveal_at is for spoiler races"),
        (("--operation", "rules"), "It has: mystery, roll"),
        (("--by", "", "--spoilers", "delayed"), "'by' must be a printable text"),
    ],
)
def test_what_makes_no_sense(run: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    """
    It gets a sentence.
    """
    given = arguments if "--operation" in arguments else ("--operation", "roll", *arguments)
    ended = run("generate", "race", *given)

    assert ended.status in (1, 2, 3)
    assert words in ended.err
    assert 1 == len(ended.err.splitlines())


def test_without_a_database_there_is_none_made(run: CommandLine) -> None:
    """
    As of all commands that only look.
    """
    ended = run("reveal", "c-1")

    assert 2 == ended.status
    assert "There is no audit database" in ended.err
    assert not (run.directory / "seedcore.sqlite3").exists()


def test_a_storage_that_is_not_there(run: CommandLine) -> None:
    """
    The setting is named, before anything is rolled.
    """
    run.set(SEEDCORE_STORAGE="s4")
    ended = run("generate", "race", "--operation", "roll", "--spoilers", "delayed")

    assert (2, "storage: no provider is called 's4'.\n") == (ended.status, ended.err)
