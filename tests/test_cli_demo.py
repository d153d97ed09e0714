"""
``seedcore demo``: what it says adds up, wherever it is said, and nothing stays behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import itertools
import json
import os
import pty
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import termios
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.console import Console

from seedcore.contract.deadline import Clock
from seedcore.demo import run as demo_run
from seedcore.demo.course import Course
from seedcore.demo.live import live_view, picture
from seedcore.demo.plain import PlainLines
from seedcore.demo.progress import Change, Ended, Progress
from seedcore.demo.site import FAULTS, FaultyAnswers
from seedcore.demo.summary import Summary
from seedcore.errors import CircuitOpenError
from seedcore.events import Event
from seedcore.testing.upstream import FaultUpstream, Received
from support.command_line import CommandLine

QUICK = ("demo", "--calls", "40", "--outage", "0.2", "--rate", "200", "--seed", "11")
DECENT = ("demo", "--calls", "40", "--outage", "0.2", "--rate", "200", "--faults", "0")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ERASE_LINE_ABOVE = "\x1b[1A\x1b[2K"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
RECEIVED = Received(method="GET", target="/seeds/7", headers={}, body=b"", connection=1)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """
    Where temporary files go.
    """
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def run(
    tmp_path: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> CommandLine:
    """
    The command line without plugins.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    command_line.set(TMPDIR=str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    return command_line


class TickingClock(Clock):
    """
    A clock that shows what it is told.
    """

    def __init__(self) -> None:
        self.shown = 0.0

    def monotonic(self) -> float:
        """
        Return that.
        """
        return self.shown


@pytest.fixture
def clock() -> TickingClock:
    """
    The clock of the progress.
    """
    return TickingClock()


@pytest.fixture
def progress(clock: TickingClock) -> Progress:
    """
    The progress of a demo of 20 calls, 2 a second, that has just begun.
    """
    return Progress(Course(calls=20, faults=15, outage=4, rate=2, seed=1), clock)


def event(name: str, **fields: Any) -> Event:
    """
    Return an event of the demo's runner.
    """
    return Event(level="INFO", event=name, provider="demo", operation="generate", **fields)


def circuit_event(old: str, new: str) -> Event:
    """
    Return the event of a circuit that changed.
    """
    return event("breaker", breaker=new, extra={"old": old, "new": new})


def in_terminal(
    run: CommandLine, *arguments: str, columns: int = 80, both: bool = True, **variables: str
) -> tuple[int, str, str]:
    """
    Run a command in a terminal; return status, what the terminal got, and what stdout got if
    only stderr is the terminal.
    """
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    out = inner if both else subprocess.PIPE
    variables = {"TERM": "xterm", **variables}
    with run.start(*arguments, stdout=out, stderr=inner, variables=variables) as process:
        os.close(inner)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody is there any more
            while piece := os.read(terminal, 65536):
                shown += piece
        os.close(terminal)
        printed = "" if process.stdout is None else process.stdout.read()
        status = process.wait(timeout=30)
    return status, shown.decode(), printed


# ---------------------------------------------------------------------- as a command


def test_the_numbers_add_up(run: CommandLine) -> None:
    """
    Every call ends, every served one has its row, and what went over the wire covers it all;
    the changes of the circuit follow from each other, and the last comes after the outage.
    """
    ended = run(*QUICK, "--json")
    facts = ended.json
    check_history(facts)
    spoiled = sum(facts["wire_faults"].values())

    assert (0, "", 1) == (ended.status, ended.err, ended.out.count("\n"))
    assert 40 == facts["served"] + facts["failed"] == facts["calls"]
    assert (0, False) == (facts["unfinished"], facts["interrupted"])
    assert facts["served"] == facts["audit_rows"] > 20
    assert facts["success_rate"] == round(facts["served"] / 40, 4)
    assert facts["failed"] == sum(facts["failures"].values())
    assert facts["served"] + spoiled <= facts["wire_requests"] < facts["attempts"]["total"]
    assert spoiled > 0
    assert 1 < facts["attempts"]["most"] <= 10
    assert facts["outside_outage"]["served"] <= facts["outside_outage"]["calls"] < 40
    assert facts["database"] is None


def check_history(facts: dict[str, Any]) -> None:
    """
    The outage opens the circuit, which is closed at the end.
    """
    changes = facts["breaker"]
    states = [changes[0]["old"], *(change["new"] for change in changes)]

    assert 0.05 <= facts["outage_began_s"] < changes[0]["at_s"]
    assert 0.2 <= facts["outage_ended_s"] - facts["outage_began_s"] + 0.002
    assert facts["outage_ended_s"] < changes[-1]["at_s"] <= facts["duration_s"]
    assert ["closed", "open", "half_open"] == states[:3]
    assert "closed" == states[-1]
    assert states[1:-1] == [change["old"] for change in changes[1:]]
    assert 0 <= facts["recovery_s"] < 5


def test_a_file_gets_plain_lines(run: CommandLine) -> None:
    """
    What will happen, what happens, what came of it: no line is long, none steers a terminal.
    """
    ended = run(*QUICK)
    served = re.search(r"^Served +(\d+) of 40 \(", ended.out, re.MULTILINE)
    told = [
        "40 calls, 200 a second, go to a site on this machine",
        "the site is gone for 0.2 s",
        "circuit closed -> open",
        "the site is back",
        "circuit half_open -> closed",
        "Calls ",
        "Recovery ",
        "Seed         11 (",
    ]
    places = [ended.out.find(each) for each in told]

    assert (0, "") == (ended.status, ended.err)
    assert sorted(places) == places
    assert -1 not in places
    assert served
    assert f"Audit        {served[1]} rows for {served[1]} calls served\n" in ended.out
    assert [] == [line for line in ended.out.split("\n") if len(line) > 80 or not plain(line)]
    assert "pretty" not in ended.out


def plain(line: str) -> bool:
    """
    Whether *line* has no control characters.
    """
    return line.isprintable()


def test_nothing_is_left_behind(
    run: CommandLine, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    No folder, no file, and nobody listens on the port of the site.
    """
    sites: list[FaultUpstream] = []

    class Known(FaultUpstream):
        async def start(self) -> None:
            await super().start()
            sites.append(self)
            assert 1 == len([*temporary.iterdir()])

    monkeypatch.setattr(demo_run, "FaultUpstream", Known)
    ended = run("demo", "--calls", "4", "--outage", "0.01", "--rate", "400")
    port = int(sites[0].url.rpartition(":")[2])

    assert 0 == ended.status
    assert sites[0] is sites[1]
    assert [] == [*temporary.iterdir()] == [*run.directory.iterdir()]
    with socket.socket() as probe:
        assert errno.ECONNREFUSED == probe.connect_ex(("127.0.0.1", port))


def test_a_database_of_ones_own_keeps_the_rows(run: CommandLine) -> None:
    """
    They stay there, those of a second demo with the same seed too.
    """
    quick = ("demo", "--calls", "10", "--outage", "0", "--rate", "400", "--faults", "0")
    url = f"sqlite://{run.directory}/kept.sqlite3"
    first, second = (run(*quick, "--seed", "3", "--database", url, "--json") for _ in range(2))
    run.set(SEEDCORE_DATABASE_URL=url)
    rows = run("audit", "list", "--limit", "100", "--surface", "demo", "--json").json

    assert 10 == first.json["audit_rows"] == second.json["audit_rows"]
    assert f"{run.directory}/kept.sqlite3" == first.json["database"]
    assert 20 == len({row["call_id"] for row in rows})
    assert {f"https://seeds.example/{n}" for n in range(1, 11)} == {r["permalink"] for r in rows}


async def test_two_demos_on_one_database_count_their_own_rows(tmp_path: Path) -> None:
    """
    Each finds as many as it had calls served.
    """
    course = Course(calls=6, faults=0, outage=0, rate=400, seed=1)
    facts: dict[str, Any] = {"database": f"sqlite://{tmp_path}/both.sqlite3", "settings": {}}
    demos = (demo_run.run(course, show=lambda progress: None, **facts) for _ in range(2))
    summaries = await asyncio.gather(*demos)

    assert [6, 6] == [summary.audit_rows for summary in summaries]
    assert 12 == rows_in(tmp_path / "both.sqlite3")


def test_a_site_without_faults_serves_every_call(run: CommandLine) -> None:
    """
    One request each; there was no outage to speak of.
    """
    ended = run("demo", "--calls", "8", "--outage", "0", "--rate", "400", "--faults", "0")

    assert "Served       8 of 8 (100 %)\nFailed       none\n" in ended.out
    assert "8 requests reached the site\nCircuit      stayed closed\n" in ended.out
    assert "gone" not in ended.out
    assert "Recovery" not in ended.out


def test_the_limits_are_those_of_the_settings(run: CommandLine) -> None:
    """
    Without retries a call has one attempt; providers that are switched off don't concern it.
    """
    run.set(SEEDCORE_RETRY_ENABLED="false", SEEDCORE_ONLY="other", SEEDCORE_DISABLE="demo")
    quick = ("demo", "--calls", "20", "--outage", "0", "--rate", "400", "--faults", "30")
    facts = run(*quick, "--seed", "4", "--json").json

    assert 1 == facts["attempts"]["most"]
    assert facts["failed"] == sum(facts["wire_faults"].values()) > 0


@pytest.mark.parametrize(
    ("option", "text", "allowed"),
    [
        ("--calls", "0", "0 is not in the range 1<=x<=10000."),
        ("--faults", "101", "101.0 is not in the range 0<=x<=100."),
        ("--faults", "nan", "nan is not in the range 0<=x<=100."),
        ("--outage", "inf", "inf is not in the range 0<=x<=600."),
        ("--outage", "-1", "-1.0 is not in the range 0<=x<=600."),
        ("--rate", "0", "0.0 is not in the range 0.1<=x<=500."),
        ("--seed", "-3", "-3 is not in the range 0<=x<=4294967296."),
    ],
)
def test_an_option_out_of_range_is_one_sentence(
    run: CommandLine, option: str, text: str, allowed: str
) -> None:
    """
    It names the option and what is allowed; nothing is called.
    """
    ended = run("demo", option, text)
    sentence = f"Invalid value for '{option}': {allowed} See 'seedcore demo --help'.\n"

    assert (2, "", sentence) == (ended.status, ended.out, ended.err)


def test_a_database_that_cant_be_used_is_said_before_anything_happens(run: CommandLine) -> None:
    """
    One sentence, exit status 2.
    """
    ended = run(*QUICK, "--database", "sqlite:///no/such/folder/x.sqlite3", "--json")

    assert (2, 1) == (ended.status, ended.err.count("\n"))
    assert "its directory does not exist" in ended.err
    assert "DatabaseError" == ended.json["error"]["type"]


def test_a_port_that_was_taken_meanwhile_is_one_sentence(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The site can't return; the demo says so and ends.
    """

    class Unlucky(FaultUpstream):
        async def start(self) -> None:
            if self.requests:
                raise OSError(errno.EADDRINUSE, "Address already in use")
            await super().start()

    monkeypatch.setattr(demo_run, "FaultUpstream", Unlucky)
    ended = run(*QUICK, "--json")

    assert (2, 1) == (ended.status, ended.err.count("\n"))
    assert "took the port of the demo's site" in ended.err


def test_debug_shows_every_event_on_stderr(run: CommandLine) -> None:
    """
    Each attempt has its line there.
    """
    quick = ("demo", "--calls", "4", "--outage", "0", "--rate", "400", "--faults", "0")
    ended = run(*quick, "--debug")
    attempts = re.findall(r"^DEBUG: demo generate: attempt success in", ended.err, re.MULTILINE)

    assert 4 == len(attempts)
    assert "Served       4 of 4" in ended.out


def test_a_reader_who_goes_away_ends_it(run: CommandLine, temporary: Path) -> None:
    """
    Nothing is said about it, and the calls stop.
    """
    reading, writing = os.pipe()
    with run.start("demo", "--rate", "20", stdout=writing, variables=variables(temporary)) as demo:
        os.close(writing)
        assert os.read(reading, 10) == b"200 calls,"
        os.close(reading)
        _, err = demo.communicate(timeout=30)

    assert (141, "") == (demo.returncode, err)
    assert [] == [*temporary.iterdir()]


def variables(temporary: Path) -> dict[str, str]:
    """
    Return the environment variables of a demo in a process of its own.
    """
    return {"TMPDIR": str(temporary), "SEEDCORE_RETRY_BASE_DELAY": "0.001"}


def test_ctrl_c_ends_it_with_what_came_of_it_so_far(run: CommandLine, temporary: Path) -> None:
    """
    A summary of the calls so far, exit status 130, no traceback, nothing left.
    """
    arguments = ("demo", "--rate", "50", "--calls", "10000")
    with run.start(*arguments, variables=variables(temporary)) as demo:
        assert demo.stdout is not None
        while " under way, " not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=30)

    assert (130, "") == (demo.returncode, err)
    assert [] == [*temporary.iterdir()]
    assert re.search(r"^Calls +\d+ of 10000 in \d", out, re.MULTILINE)
    assert re.search(r"^Audit +(\d+) rows? for \1 calls? served$", out, re.MULTILINE)


def test_ctrl_c_ends_json_with_an_object_too(run: CommandLine, temporary: Path) -> None:
    """
    It says that it was interrupted; what was served has its rows, the rest was cut short.
    """
    kept = run.directory / "kept.sqlite3"
    arguments = ("demo", "--rate", "200", "--calls", "10000", "--database", f"sqlite://{kept}")
    with run.start(*arguments, "--json", variables=variables(temporary)) as demo:
        while rows_in(kept) < 20:  # more than one commit: the calls of the first are over
            assert demo.poll() is None
            time.sleep(0.01)
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=30)
    facts = json.loads(out)

    assert (130, "", True) == (demo.returncode, err, facts["interrupted"])
    assert 0 < facts["served"] == facts["audit_rows"] <= rows_in(kept)
    assert 0 < facts["unfinished"]


def rows_in(database: Path) -> int:
    """
    Return how many rows of calls *database* has, none while it isn't ready.
    """
    if not database.exists():
        return 0
    with contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM seedcore_calls").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


# ---------------------------------------------------------------------- in a terminal


@pytest.mark.parametrize("columns", [80, 60])
def test_a_terminal_gets_a_picture_that_changes_in_place(
    run: CommandLine, temporary: Path, columns: int
) -> None:
    """
    A bar and the states while it runs; then the summary in its place, and the cursor is back.
    """
    status, shown, _ = in_terminal(run, *DECENT, columns=columns, **variables(temporary))
    before, _, after = shown.rpartition(SHOW_CURSOR)
    lines = ESCAPE.sub("", after).split("\r\n")

    assert 0 == status
    assert (1, 1) == (shown.count(HIDE_CURSOR), shown.count(SHOW_CURSOR))
    assert "━" in before
    assert "down, back in 0 s" in before
    assert "circuit closed -> open" in before
    assert "pip install" not in shown
    assert [] == [line for line in lines if len(line) >= columns]
    assert any(line.startswith("Served ") for line in lines)
    assert "━" not in after
    assert after.count(ERASE_LINE_ABOVE) > 10


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_terminal_without_rich_gets_lines(run: CommandLine, temporary: Path, term: str) -> None:
    """
    And once how to get more, unless it could not show that anyway.
    """
    (run.plugins / "rich.py").write_text("raise ImportError('it is not there')")
    status, shown, _ = in_terminal(run, *DECENT, TERM=term, **variables(temporary))

    assert 0 == status
    assert (term == "xterm") == shown.count("pip install 'seedcore[pretty]'")
    assert "\x1b" not in shown
    assert "s  circuit closed -> open\r\n" in shown


def test_a_terminal_gets_lines_where_events_come_between_them(
    run: CommandLine, temporary: Path
) -> None:
    """
    With --debug there is no picture that an event could land in.
    """
    quick = ("demo", "--calls", "4", "--outage", "0", "--rate", "400", "--faults", "0", "--debug")
    status, shown, _ = in_terminal(run, *quick, **variables(temporary))

    assert 0 == status
    assert "\x1b" not in shown
    assert 4 == shown.count("DEBUG: demo generate: attempt success")


def test_json_leaves_the_progress_to_stderr(run: CommandLine, temporary: Path) -> None:
    """
    If that is a terminal; stdout holds the object and nothing else.
    """
    terminal = in_terminal(run, *DECENT, "--json", both=False, **variables(temporary))
    status, shown, printed = terminal

    assert 0 == status
    assert "━" in shown
    assert printed.startswith('{"calls": 40')
    assert 1 == printed.count("\n")


def test_ctrl_c_in_a_terminal_gives_the_cursor_back(run: CommandLine, temporary: Path) -> None:
    """
    The picture goes, the summary of what was so far comes.
    """
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    ends = {"stdout": inner, "stderr": inner, "variables": variables(temporary)}
    with run.start("demo", "--rate", "50", **ends) as demo:
        os.close(inner)
        shown = b""
        with contextlib.suppress(OSError):
            while piece := os.read(terminal, 65536):
                shown += piece
                if "━".encode() in shown and demo.poll() is None:
                    demo.send_signal(signal.SIGINT)
                    break
            while piece := os.read(terminal, 65536):
                shown += piece
        os.close(terminal)

    assert 130 == demo.wait(timeout=30)
    assert b"Traceback" not in shown
    assert b"Audit" in shown.rpartition(SHOW_CURSOR.encode())[2]


@pytest.mark.parametrize("width", [100, 80, 60, 38])
def test_the_picture_fits_and_keeps_its_height(
    progress: Progress, clock: TickingClock, width: int
) -> None:
    """
    However much has happened, no line is wider than the terminal and none is added.
    """
    console = Console(width=width, height=24, force_terminal=True, color_system="standard")
    heights = set()
    for number in range(30):
        clock.shown += 0.5
        with console.capture() as capture:
            console.print(picture(progress, console))
        lines = ESCAPE.sub("", capture.get()).splitlines()
        heights.add(len(lines))
        assert max(map(len, lines)) < width
        progress(event("attempt", outcome="retry", attempt=number, status_code=503, retry_in_s=9.9))
        progress(circuit_event("closed", "half_open"))
        if number == 10:
            progress.site_left()

    assert {15} == heights
    assert "half_open" in "".join(lines)
    assert ("down, back in 0 s" if width > 40 else "down, ba…") in "".join(lines)


def test_what_has_not_changed_is_not_drawn_again(
    progress: Progress, clock: TickingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A terminal gets bytes for a change or another second, and for nothing else.
    """
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.setenv("TERM", "xterm")
    sizes = []
    with (tmp_path / "terminal").open("w") as stream, live_view(stream) as show:
        for seconds in (0.0, 0.1, 0.2, 1.0, 1.1):
            clock.shown = seconds
            show(progress)
            sizes.append(stream.tell())
        progress.call_ended(1.0, CircuitOpenError(attempts=0))
        show(progress)
        sizes.append(stream.tell())
    grown = [after > before for before, after in itertools.pairwise(sizes)]

    assert [False, False, True, False, True] == grown


# ------------------------------------------------------------------------- its pieces


@pytest.mark.parametrize(
    ("outage", "patience", "advice"),
    [
        (20, 5, ["(with SEEDCORE_PATIENCE=30 they wait until it is back)"]),
        (20, 30, []),
        (300, 5, []),
    ],
)
def test_who_lacked_patience_is_told_how_to_have_more(
    clock: TickingClock, outage: float, patience: float, advice: list[str]
) -> None:
    """
    Unless it was longer than the outage already, or no call could last that long.
    """
    progress = Progress(Course(calls=2, faults=15, outage=outage, rate=2, seed=1), clock)
    progress.call_ended(0.0, CircuitOpenError(attempts=0, stopped_by="patience"))
    reason = f"1 would have waited longer than their patience ({patience} s)"

    assert [reason, *advice] == summary_of(progress, patience=patience)["Failed"]


def test_plain_lines_come_once_a_second_and_for_changes(
    progress: Progress, clock: TickingClock
) -> None:
    """
    Ten looks a second make one line; what matters for a moment only makes none.
    """
    lines: list[str] = []
    show = PlainLines(lines.append)
    for tenth in range(21):
        clock.shown = tenth / 10
        if tenth == 14:
            progress(circuit_event("closed", "open"))
            progress(event("attempt", outcome="retry", attempt=1, retry_in_s=0.5))
        show(progress)

    assert [
        "   0.0 s  0 served, 0 failed, 0 under way, 0 attempts",
        "   1.0 s  0 served, 0 failed, 0 under way, 0 attempts",
        "   1.4 s  circuit closed -> open",
        "   2.0 s  0 served, 0 failed, 0 under way, 1 attempts",
    ] == lines


@pytest.mark.parametrize(
    ("happened", "sentence"),
    [
        (
            event("attempt", outcome="retry", attempt=2, status_code=503, retry_in_s=0.25),
            "attempt 2 failed (status 503), next in 0.2 s",
        ),
        (
            event("attempt", outcome="retry", attempt=1, retry_in_s=1.0),
            "attempt 1 failed (connection lost), next in 1.0 s",
        ),
        (
            event("call", outcome="failure", attempt=0, error_type="CircuitOpenError"),
            "a call was refused (CircuitOpenError)",
        ),
        (
            event("call", outcome="failure", attempt=1, error_type="X"),
            "a call failed after 1 attempt (X)",
        ),
        (
            event("gate", extra={"state": "closed", "pause_s": 1.04}),
            "the site asks for a pause of 1.0 s, and gets it",
        ),
        (circuit_event("open", "half_open"), "circuit open -> half_open"),
    ],
)
def test_an_event_becomes_a_sentence(progress: Progress, happened: Event, sentence: str) -> None:
    """
    People read what happened, not field names.
    """
    progress(happened)

    assert [sentence] == [each.text for each in progress.happenings]


def test_what_is_said_again_is_counted(progress: Progress) -> None:
    """
    Only for a moment's news: a circuit that changes twice says so twice.
    """
    refused = event("call", outcome="failure", attempt=0, error_type="CircuitOpenError")
    for each in (refused, refused, refused, *[circuit_event("closed", "open")] * 2, refused):
        progress(each)
    texts = [str(each).partition("s  ")[2] for each in progress.happenings]

    assert "a call was refused (CircuitOpenError) (x 3)" == texts[0]
    assert ["circuit closed -> open"] * 2 == texts[1:3]
    assert "a call was refused (CircuitOpenError)" == texts[3]


def test_success_and_an_open_gate_are_no_news(progress: Progress) -> None:
    """
    Attempts are counted, all of them.
    """
    progress(event("attempt", outcome="success", attempt=1))
    progress(event("attempt", outcome="failure", attempt=3))
    progress(event("gate", extra={"state": "open"}))

    assert (2, []) == (progress.attempts, progress.happenings)


def test_the_same_seed_makes_the_same_faults() -> None:
    """
    And another share of faults changes only how many there are: they come where they came.
    """

    def answers(faults: float, seed: int) -> list[Any]:
        script = FaultyAnswers(faults, Random(seed))
        return [script(RECEIVED) for _ in range(500)]

    some, more = answers(15, 1), answers(60, 1)
    spoiled = [place for place, reply in enumerate(some) if not good(reply)]

    assert some == answers(15, 1) != answers(15, 2)
    assert spoiled
    assert [some[place] for place in spoiled] == [more[place] for place in spoiled]


def test_as_many_answers_are_spoiled_as_was_asked_for() -> None:
    """
    In all the ways there are, and the site counts them; a request to pause is rare.
    """
    script = FaultyAnswers(15, Random(7))
    replies = [script(RECEIVED) for _ in range(20_000)]
    spoiled = sum(not good(reply) for reply in replies)

    assert 0.14 < spoiled / 20_000 < 0.16
    assert spoiled == script.sent.total()
    assert FAULTS.keys() == script.sent.keys()
    assert "429" == script.sent.most_common()[-1][0]
    assert all(0.02 <= reply.delay <= 0.12 for reply in replies)


def good(reply: Any) -> bool:
    """
    Whether *reply* is a seed.
    """
    return reply.status == 200 and reply.cut == "never"


def test_the_site_leaves_after_a_quarter_of_the_calls() -> None:
    """
    Calls begin at their rate all the while; the course ends when the site is back.
    """
    course = Course(calls=8, faults=15, outage=10, rate=4, seed=1)
    acts = Counter(act for _, act in course.timeline())

    assert {"call": 8, "leave": 1, "return": 1} == acts
    assert (0.5, "leave") in course.timeline()
    assert (10.5, "return") == course.timeline()[-1]
    assert 10.5 == course.lasts
    assert (0.25, "call") == course.timeline()[1]


def summary_of(progress: Progress, **changes: Any) -> dict[str, list[str]]:
    """
    Return the lines of a summary by their titles.
    """
    facts = {"duration": 10.0, "requests": 3, "faults": {}, "patience": 5.0, "database": "x"}
    title, lines = "", {}
    for heading, line in Summary(
        progress=progress, **{**facts, "audit_rows": 0, **changes}
    ).lines():
        title = heading or title
        lines.setdefault(title, []).append(line)
    return lines


def test_the_history_of_the_circuit_is_short(progress: Progress) -> None:
    """
    Probes in vain are counted, not listed.
    """
    states = ["closed", "open", *["half_open", "open"] * 3, "half_open", "closed"]
    for place, (old, new) in enumerate(itertools.pairwise(states)):
        progress.circuit.append(Change(at=float(place), old=old, new=new))

    assert [
        "0.0 s  closed -> open",
        "1.0 s  3 probes in vain until 6.0 s",
        "7.0 s  open -> half_open",
        "8.0 s  half_open -> closed",
    ] == summary_of(progress)["Circuit"]


def test_calls_in_the_outage_are_told_apart(progress: Progress, clock: TickingClock) -> None:
    """
    Those that any of it fell into; the recovery counts from its end to the next success.
    """
    times = {"before": (0, 1), "into it": (1, 3), "within": (3, 4), "out": (4, 7), "after": (7, 8)}
    clock.shown = 2.0
    progress.site_left()
    clock.shown = 6.0
    progress.site_returned()
    for name, (began, ended) in times.items():
        failed = "patience" if name in ("within", "out") else None
        call = Ended(call_id=name, began=began, ended=ended, attempts=1, failed=failed)
        progress.ended.append(call)
    summary = Summary(
        progress=progress, duration=8, requests=5, faults={}, patience=5, database="x", audit_rows=3
    )

    assert ["before", "after"] == [call.call_id for call in summary.outside_outage]
    assert 2.0 == summary.recovery == summary.facts()["recovery_s"]


def test_a_summary_of_next_to_nothing(progress: Progress, clock: TickingClock) -> None:
    """
    No call over yet, or none served after the outage: no number is made up.
    """
    nothing = summary_of(progress)
    progress.began = 1
    progress.site_left()
    clock.shown = 5.0
    progress.site_returned()
    progress.call_ended(1.0, CircuitOpenError(attempts=0, stopped_by="patience"))
    lines = summary_of(progress)

    assert ["0 of 20 in 10.0 s"] == nothing["Calls"]
    assert "Attempts" not in nothing
    assert ["0 of 1 (0 %)"] == lines["Served"]
    assert ["1 would have waited longer than their patience (5 s)"] == lines["Failed"]
    assert ["0, at most 0 for one call"] == lines["Attempts"]
    assert ["not seen: no call was served after the site was back"] == lines["Recovery"]


def test_nearly_all_is_not_all(progress: Progress) -> None:
    """
    Percentages are rounded down.
    """
    for number in range(9999):
        progress.ended.append(Ended(call_id=str(number), began=0, ended=1, attempts=1))
    progress.served = 9999
    progress.call_ended(0.0, CircuitOpenError(attempts=0, stopped_by="patience"))

    assert ["9999 of 10000 (99.9 %)"] == summary_of(progress)["Served"]
