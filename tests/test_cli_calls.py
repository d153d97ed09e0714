"""
``seedcore generate`` and ``seedcore call``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from support.command_line import CommandLine

ERROR_FIELDS = [
    "type",
    "provider",
    "operation",
    "attempts",
    "status_code",
    "message",
    "retry_at",
    "call_id",
    "in_doubt",
    "stopped_by",
    "provider_message",
]


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


def test_the_permalink_comes_first(run: CommandLine) -> None:
    """
    One fact per line, the permalink alone on the first; nothing on stderr.
    """
    ended = run("generate", "demo", "--call-id", "mine")
    expected = [
        "https://demo.example/s/1?q=2",
        "id:           1",
        "code:         Bow/Boots",
        "version:      7",
        "call:         mine",
        "attempts:     1",
    ]

    assert (0, "") == (ended.status, ended.err)
    assert expected == ended.out.splitlines()


def test_a_seed_without_permalink_shows_its_line(run: CommandLine) -> None:
    """
    What a player types takes the place of the permalink.
    """
    assert run("generate", "plain").out.startswith("Seed: 7 ▲\nid:           7\n")


def test_an_upstream_cannot_steer_the_terminal(run: CommandLine) -> None:
    """
    Escape sequences, bidirectional marks and line breaks are not printed.
    """
    assert "a [31mb c d" == run("generate", "plain", "--preset", "evil").out.splitlines()[0]


def test_generate_as_json(run: CommandLine) -> None:
    """
    One object with the fields of the reference, on stdout alone.
    """
    ended = run("generate", "demo", "players=3", "--surface", "bot", "--json")
    call_id, latency = ended.json["call_id"], ended.json["meta"]["latency_ms"]
    meta = {
        "preset": None,
        "route": None,
        "attempts": 1,
        "latency_ms": latency,
        "audit": "durable",
        "possible_duplicate": False,
        "dry": False,
        "reveal_at": None,
    }
    expected = {
        "provider": "demo",
        "operation": "generate",
        "surface": "bot",
        "call_id": call_id,
        "url": "https://demo.example/s/1?q=2",
        "id": "1",
        "code": "Bow/Boots",
        "version": "7",
        "spoiler_url": None,
        "settings": {"players": 3},
        "extra": {},
        "meta": meta,
    }

    assert (0, "") == (ended.status, ended.err)
    assert list(expected.items()) == list(ended.json.items())
    assert list(meta) == list(ended.json["meta"])
    assert call_id
    assert latency > 0


def test_a_text_option_takes_what_is_typed(run: CommandLine) -> None:
    """
    What looks like a number or a word of JSON too; in quotes it is the text in them.
    """
    plugin = """
import attrs
from seedcore import Seed, provider, setting

@attrs.frozen
class Options:
    version: str = setting("")
    players: int = setting(1)
    items: list[str] = setting(factory=list)

@provider(options=Options)
def typed(request):
    return Seed(id="1", settings=attrs.asdict(request.options))
"""
    points = {"typed": "typed_plugin:typed"}
    run.install("seedcore-typed", entry_points=points, files={"typed_plugin.py": plugin})
    seen = [
        run("generate", "typed", *words, "--json").json["settings"]
        for words in (
            ("version=1.10", "players=3", 'items=["bow"]'),
            ("version=true", "items=bow, lamp"),
            ('version="7"',),
        )
    ]

    assert [
        {"version": "1.10", "players": 3, "items": ["bow"]},
        {"version": "true", "players": 1, "items": ["bow", "lamp"]},
        {"version": "7", "players": 1, "items": []},
    ] == seen


def test_settings_reach_the_provider(run: CommandLine) -> None:
    """
    A settings document is passed on, from a file and from stdin.
    """
    (run.directory / "open.json").write_text('{"goal": "ganon"}')
    arguments = ("generate", "demo", "--json", "--settings")
    expected = {"players": 1, "goal": "ganon"}

    assert expected == run(*arguments, "open.json").json["settings"]
    assert expected == run(*arguments, "-", stdin='{"goal": "ganon"}').json["settings"]


def test_a_settings_file_that_is_not_valid(run: CommandLine) -> None:
    """
    File, line and reason on stderr; exit status 2, and nothing is generated.
    """
    (run.directory / "open.json").write_text('{\n"goal" "ganon"}')
    ended = run("generate", "demo", "--settings", "open.json")
    sentence = "The settings file open.json is not valid JSON: Expecting ':' delimiter (at line 2)."

    assert (2, "", f"{sentence}\n") == (ended.status, ended.out, ended.err)
    assert ["open.json"] == [path.name for path in run.directory.iterdir()]


def test_each_retry_is_a_line_on_stderr(run: CommandLine) -> None:
    """
    A person sees why it takes a while; stdout holds the seed alone.
    """
    ended = run("generate", "demo", "--preset", "once")
    line = "WARNING: demo generate: attempt 1 of 3 failed (ProviderUnavailableError), next in 0.0 s"

    assert (0, [line]) == (ended.status, ended.err.splitlines())
    assert "https://demo.example/s/1?q=2" == ended.out.splitlines()[0]
    assert "attempts:     2" in ended.out


POLLING = """
from seedcore import Pending, Seed, provider

@provider()
async def slow(request, context):
    said = [Pending("queued"), Pending("making\\x1b[31m it", progress=0.4)]
    async def look():
        return said.pop(0) if said else "done"
    await context.poll(look, interval=0.001)
    return Seed(id="1")
"""


def test_a_person_sees_that_a_site_works_at_it(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A line for each status where stderr is a terminal; nothing for programs.
    """
    files = {"slow_plugin.py": POLLING}
    run.install("seedcore-slow", entry_points={"slow": "slow_plugin:slow"}, files=files)
    piped = run("generate", "slow")
    terminals = [sys.stderr]
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: self in terminals)
    shown = run("generate", "slow")
    as_json = run("generate", "slow", "--json")
    terminals.append(sys.stdout)
    seen_as_json = run("generate", "slow", "--json")

    expected = ["slow: queued", "slow: making it, 40 %"]
    assert (0, "") == (piped.status, piped.err)
    assert expected == shown.err.splitlines() == seen_as_json.err.splitlines()
    assert (piped.out.splitlines()[0], "") == (shown.out.splitlines()[0], as_json.err)


@pytest.mark.parametrize("rest", [[], ["--json"], ["--help"], ["--preset", "unknown", "--json"]])
def test_an_output_that_can_not_be_written(run: CommandLine, rest: list[str]) -> None:
    """
    Is one sentence, also where Python writes what is left over at its end.
    """
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no device that is always full")
    with full.open("w") as stdout:
        ended = run.process("generate", "demo", *rest, stdout=stdout)

    *before, last = ended.err.splitlines()
    assert (1, "The output can't be written: No space left on device.") == (ended.status, last)
    assert ["demo does not know this preset: Valid presets are: classic, full"][
        : len(rest) // 3
    ] == before


def test_a_dry_run_has_no_id_to_look_for(run: CommandLine) -> None:
    """
    Its call is no line of the text, since no row has it.
    """
    lines = run("generate", "demo", "--dry-run").out.splitlines()

    assert "This was a dry run: nobody was asked, and there is no such seed." == lines[-1]
    assert [] == [line for line in lines if line.startswith("call:")]


def test_events_as_json_lines(run: CommandLine) -> None:
    """
    With SEEDCORE_LOG=json every line on stderr is an event.
    """
    run.set(SEEDCORE_LOG="json")
    ended = run("generate", "demo", "--preset", "once", "--json")
    events = [json.loads(line) for line in ended.err.splitlines()]

    assert [("attempt", "retry"), ("call", "success")] == [
        (event["event"], event["outcome"]) for event in events
    ]
    assert 2 == ended.json["meta"]["attempts"]


def test_no_events(run: CommandLine) -> None:
    """
    With SEEDCORE_LOG=off a retry is not mentioned.
    """
    run.set(SEEDCORE_LOG="off")

    assert "" == run("generate", "demo", "--preset", "once").err


def test_a_provider_that_fails(run: CommandLine) -> None:
    """
    Exit status 1, one sentence with the provider's own words on stderr, and JSON on stdout.
    """
    ended = run("generate", "demo", "--preset", "unknown", "--json")
    sentence = "demo does not know this preset: Valid presets are: classic, full\n"
    error = ended.json["error"]

    assert (1, sentence) == (ended.status, ended.err)
    assert ["error"] == list(ended.json)
    assert ERROR_FIELDS == list(error)
    assert ("PresetNotFoundError", "demo", "generate") == (*error.values(),)[:3]
    assert (1, 422) == (error["attempts"], error["status_code"])
    assert (False, "permanent") == (error["in_doubt"], error["stopped_by"])
    assert error["call_id"]
    assert "Valid presets are:\nclassic, full" in error["message"]


def test_a_failure_in_text_leaves_stdout_empty(run: CommandLine) -> None:
    """
    Whoever reads stdout gets no half answer; the last line on stderr is the sentence.
    """
    ended = run("generate", "demo", "--preset", "down")

    assert (1, "") == (ended.status, ended.out)
    sentence = "demo is not available right now: no connection could be made"
    assert sentence == ended.err.splitlines()[-1]
    assert 3 == len(ended.err.splitlines())


def test_when_it_may_be_asked_again(run: CommandLine) -> None:
    """
    A refusal by an open circuit carries retry_at in epoch seconds.
    """
    run.set(
        SEEDCORE_CIRCUIT_BREAKER_FAILURE_THRESHOLD="1",
        SEEDCORE_CIRCUIT_BREAKER_TIMEOUT="600",
        SEEDCORE_LOG="off",
    )
    run("generate", "demo", "--preset", "down")
    refused = run("generate", "demo", "--json")
    error = refused.json["error"]

    assert (1, "CircuitOpenError", 0) == (refused.status, error["type"], error["attempts"])
    assert 0 < error["retry_at"] - time.time() <= 600


@pytest.mark.parametrize(
    ("arguments", "expected", "words"),
    [
        ("generate dmo", (3, "UnknownProviderError"), "Did you mean 'demo'?"),
        ("generate site", (2, "UnconfiguredProviderError"), "set SEEDCORE_SITE_TOKEN"),
        ("generate demo --deadline 0", (2, "SettingsError"), "deadline must be"),
        ("generate demo --patience -1", (2, "SettingsError"), "between 0 and 86400 seconds"),
        ("generate demo --surface=", (2, "SettingsError"), "surface must be"),
        ("generate demo --spoilers x", (2, "UsageError"), "'off', 'on', 'delayed'"),
        ("generate demo players=0", (1, "ProviderInvalidRequestError"), ">= 1"),
        ("generate demo playrs=2", (1, "ProviderInvalidRequestError"), "Did you mean 'players'?"),
        ("call demo preset", (3, "UnknownOperationError"), "It has: generate."),
        ("call demo generate surface=x", (2, "SettingsError"), "'surface'"),
    ],
)
def test_what_else_goes_wrong(
    run: CommandLine, arguments: str, expected: tuple[int, str], words: str
) -> None:
    """
    One sentence that names the remedy, the same in JSON, and the exit status of its class.
    """
    ended = run(*arguments.split(), "--json")
    error = ended.json["error"]

    assert expected == (ended.status, error["type"])
    assert ERROR_FIELDS == list(error)
    assert words in error["message"]
    assert (1, 0) == (ended.err.count("\n"), error["attempts"])
    assert " ".join(error["message"].split()) == ended.err.strip()


@pytest.mark.parametrize(
    ("variable", "text", "expected", "words"),
    [
        ("DISABLE", "demo", (3, "DisabledProviderError"), "SEEDCORE_DISABLE"),
        ("PATIENCE", "-1", (2, "SettingsError"), "between 0 and 86400 seconds"),
        ("DEMO_PATIENC", "1", (2, "SettingsError"), "Did you mean 'SEEDCORE_DEMO_PATIENCE'?"),
        ("DATABASE_URL", "sqlite://no/db", (2, "DatabaseError"), "directory does not exist"),
    ],
)
def test_what_is_wrong_with_the_settings(
    run: CommandLine, variable: str, text: str, expected: tuple[int, str], words: str
) -> None:
    """
    The sentence names the setting or what it should be.
    """
    run.set(**{f"SEEDCORE_{variable}": text})
    ended = run("generate", "demo", "--json")

    assert expected == (ended.status, ended.json["error"]["type"])
    assert words in ended.err


def test_a_database_that_cannot_be_opened_comes_before_the_seed(run: CommandLine) -> None:
    """
    Nothing is generated without a place for its audit row.
    """
    run.set(SEEDCORE_DATABASE_URL="sqlite://.")
    source = "def roll():\n    open('rolled', 'w').close()\n"
    run.install("roller", entry_points={"roller": "roller:roll"}, files={"roller.py": source})

    assert 2 == run("generate", "roller").status
    assert not (run.directory / "rolled").exists()


def test_a_call_id_is_used_once(run: CommandLine) -> None:
    """
    The second call with the same id shows the first's seed; another one is refused with status 2.
    """
    first = run("generate", "demo", "--call-id", "mine", "--json")
    again = run("generate", "demo", "--call-id", "mine", "--json")
    other = run("generate", "demo", "--call-id", "mine", "--preset", "another", "--json")
    error = other.json["error"]

    assert (0, 0, 2) == (first.status, again.status, other.status)
    assert first.json == again.json
    assert ("DuplicateCallError", "mine") == (error["type"], error["call_id"])


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (["presets"], 'classic\n{"name": "full"}\n'),
        (["limits", "site=1"], "site: 1\nmost: null\n"),
        (["touch"], "done\n"),
    ],
)
def test_a_result_for_a_person(run: CommandLine, arguments: list[str], out: str) -> None:
    """
    A list one per line, a mapping as key and value, nothing as done.
    """
    run.set(SEEDCORE_SITE_TOKEN="hush-hush")
    ended = run("call", "site", *arguments)

    assert (0, out, "") == (ended.status, ended.out, ended.err)


def test_a_result_as_json(run: CommandLine) -> None:
    """
    One object with the result under its own key; what JSON can't say is null.
    """
    run.set(SEEDCORE_SITE_TOKEN="hush-hush")
    ended = run("call", "site", "limits", "site=1", "--call-id", "mine", "--json")
    expected = {
        "provider": "site",
        "operation": "limits",
        "surface": "cli",
        "call_id": "mine",
        "result": {"site": 1, "most": None},
    }

    assert list(expected.items()) == list(ended.json.items())
    assert run("call", "site", "presets", "--json").json["call_id"] is None


def test_a_seed_is_not_lost_for_its_marks(run: CommandLine) -> None:
    """
    A terminal that knows no triangle gets it written out.
    """
    ended = run.process("generate", "plain", variables={"PYTHONIOENCODING": "latin-1"})

    assert (0, "") == (ended.status, ended.err)
    assert ended.out.startswith("Seed: 7 \\u25b2\n")
