"""
``seedcore audit import``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from seedcore.cli import audit_lines
from seedcore.errors import DatabaseError
from seedcore.store.imports import StoredImports
from support.command_line import CommandLine
from support.stored import look

pytestmark = pytest.mark.dialects

COUNT = "SELECT count(*) FROM seedcore_calls"


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database_url: str,
) -> CommandLine:
    """
    The command line, with the database that this run is about.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    command_line.set(SEEDCORE_DATABASE_URL=database_url, SEEDCORE_LOG="off")
    return command_line


def row(number: int, **columns: Any) -> dict[str, Any]:
    """
    Return a row of the earlier table.
    """
    made = {"id": number, "randomizer": "alttpr", "hash_id": f"h{number}", "gentype": "preset"}
    made |= {"genoption": "open", "timestamp": f"2024-05-01 12:{number % 60:02}:00"}
    return made | columns


def lines(*rows: Any) -> str:
    """
    Return rows as lines; a text stays as it is.
    """
    return "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in rows)


def save(run: CommandLine, *rows: Any, name: str = "old.jsonl") -> str:
    """
    Write a file of rows and return its name.
    """
    (run.directory / name).write_text(lines(*rows), encoding="utf-8")
    return name


def test_rows_are_listed_like_others(run: CommandLine) -> None:
    """
    They are written once, however often they are imported.
    """
    file = save(run, row(1), row(2, doors=1), "", row(3, settings='{"spoilerKey": "hush"}'))
    first, again = run("audit", "import", file), run("audit", "import", file)
    listed = run("audit", "list", "--json").json

    note = "note: secrets taken out of settings: 1\n"
    done = "3 rows written, 0 were there already, 0 bad lines.\n"
    assert (0, note + done, "") == (first.status, first.out, first.err)
    assert (0, note + "0 rows written, 3 were there already, 0 bad lines.\n") == (
        again.status,
        again.out,
    )
    assert ["import:audit_generated_games:3", "import:audit_generated_games:2"] == [
        each["call_id"] for each in listed[:2]
    ]
    assert ["alttpr", "alttprdoor", "alttpr"] == [each["provider"] for each in listed]
    assert "hush" not in run("audit", "export").out
    assert "import" in run("audit", "list").out.splitlines()[1].split()


def test_bad_lines_are_named_and_all_others_written(run: CommandLine) -> None:
    """
    Each with its number; exit status 1. Once corrected the whole file can be imported again.
    """
    file = save(run, row(1, guild=7), '{"id": ', row(2, doors="?"), row(3), name="torn.jsonl")
    ended = run("audit", "import", file)
    corrected = run("audit", "import", save(run, row(1), row(2), row(3)), "--json")

    assert (1, "") == (ended.status, ended.err)
    assert [
        "line 2: it is no JSON: Expecting value (at character 9)",
        "line 3: 'doors' must be true or false, 1 or 0",
        "note: ignored columns: guild",
        (
            "2 rows written, 0 were there already, 2 bad lines. Correct what is bad and import "
            "the file again: no row is written twice."
        ),
    ] == ended.out.splitlines()
    assert (0, 1, 2) == (corrected.status, corrected.json["new"], corrected.json["known"])


def test_many_bad_lines_are_counted(run: CommandLine) -> None:
    """
    The first twenty are named.
    """
    file = save(run, *["{"] * 25)
    text, facts = run("audit", "import", file), run("audit", "import", file, "--json")

    assert "and 5 more" == text.out.splitlines()[20]
    assert (1, 25, 20) == (facts.status, facts.json["bad"], len(facts.json["problems"]))
    assert {"line": 1, "problem": facts.json["problems"][0]["problem"]} == facts.json["problems"][0]


def test_a_dry_run_says_the_same_and_writes_nothing(run: CommandLine, database_url: str) -> None:
    """
    Where there is no database it makes none.
    """
    file = save(run, row(1), row(2), row(2), row(2, hash_id="other"), "[")
    before = {*run.directory.iterdir()}
    rehearsed = [run("audit", "import", file, "--dry-run", "--json")]
    assert database_url.startswith("postgres") or before == {*run.directory.iterdir()}
    run("db", "migrate")
    rehearsed += [run("audit", "import", file, "--dry-run", "--json")]
    count = look(database_url, COUNT)
    done = run("audit", "import", file, "--json")

    assert [(0,)] == count
    assert [1, 1, 1] == [each.status for each in (*rehearsed, done)]
    assert [rehearsed[0].json, {**done.json, "dry_run": True}] == [rehearsed[1].json] * 2
    assert (2, 1, 2) == (done.json["new"], done.json["known"], done.json["bad"])
    assert "--source" in done.json["problems"][0]["problem"]
    assert "0 rows would be written, 3 were" in run("audit", "import", file, "--dry-run").out


def test_another_table_and_another_surface(run: CommandLine) -> None:
    """
    Ids of two tables don't meet when each has a name.
    """
    run("audit", "import", save(run, row(1)))
    taken = run("audit", "import", save(run, row(1, hash_id="other")))
    ended = run("audit", "import", "old.jsonl", "--source", "race-bot", "--surface", "racetime")
    [found] = run("audit", "list", "--surface", "racetime", "--json").json

    assert (1, 0) == (taken.status, ended.status)
    assert "line 1: another row has this id already." in taken.out
    assert ("import:race-bot:1", "other") == (found["call_id"], found["hash_id"])


def test_exported_rows_move_to_another_database(
    run: CommandLine, tmp_path: Path, database_url: str
) -> None:
    """
    What is exported there is the same again; - reads stdin.
    """
    run("audit", "import", save(run, *(row(number) for number in range(5))))
    exported = run("audit", "export").out
    here = run("audit", "import", "-", stdin=exported)
    assert "0 rows written, 5 were there already, 0 bad lines.\n" == here.out

    if not database_url.startswith("postgres"):  # a process knows one dialect
        run.set(SEEDCORE_DATABASE_URL=f"sqlite://{tmp_path}/other.sqlite3")
        there = run("audit", "import", "-", stdin=exported)
        assert (0, "5 rows written, 0 were there already, 0 bad lines.\n") == (
            there.status,
            there.out,
        )
        assert exported == run("audit", "export").out


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file(run: CommandLine, content: str) -> None:
    """
    Is no error.
    """
    (run.directory / "empty").write_text(content)
    ended = run("audit", "import", "empty")

    assert (0, "There is no row to import.\n", "") == (ended.status, ended.out, ended.err)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.jsonl"], "File 'nothing.jsonl' does not exist."),
        (["."], "File '.' is a directory."),
        (["/proc/self/mem"], "/proc/self/mem can't be read: Input/output error."),
        (["old.jsonl", "--source", "a b"], "--source must be 1 to 64 letters, digits"),
        (["old.jsonl", "--surface", ""], "--surface must be a printable text of 1 to 200"),
        ([], "Missing argument 'FILE.jsonl'."),
    ],
)
def test_what_cannot_be_imported(run: CommandLine, arguments: list[str], sentence: str) -> None:
    """
    A sentence and exit status 2, as JSON too.
    """
    save(run, row(1))
    ended = run("audit", "import", *arguments, "--json")

    assert (2, 1, "UsageError") == (
        ended.status,
        ended.err.count("\n"),
        ended.json["error"]["type"],
    )
    assert sentence in ended.err


def test_a_database_in_memory(run: CommandLine) -> None:
    """
    Nothing would be left of the rows.
    """
    run.set(SEEDCORE_DATABASE_URL="sqlite://:memory:")
    ended = run("audit", "import", save(run, row(1)))

    assert (2, "") == (ended.status, ended.out)
    assert "A database in memory ends with this command." in ended.err


def test_lines_that_no_row_has(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Bytes that are no text, lines without an end; what follows them is read.
    """
    monkeypatch.setattr(audit_lines, "LONGEST_LINE", 2**20)
    content = b"\xef\xbb\xbf" + lines(row(1)).encode() + b"\x89PNG\xff\n"
    content += b"x" * (3 * 2**20) + b"\n" + lines(row(2)).encode() + b"y" * (2**20 + 1)
    (run.directory / "odd.jsonl").write_bytes(content)
    ended = run("audit", "import", "odd.jsonl")

    assert [
        "line 2: it is no UTF-8 text",
        "line 3: it is longer than 1 MiB",
        "line 5: it is longer than 1 MiB",
    ] == ended.out.splitlines()[:3]
    assert "2 rows written" in ended.out


@pytest.mark.parametrize(("rows", "size", "expected"), [(2, 2**22, [2, 2, 1]), (500, 300, [3, 2])])
def test_a_transaction_has_few_rows(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, rows: int, size: int, expected: list[int]
) -> None:
    """
    By their number, and by their bytes: memory holds no more of a long file.
    """
    monkeypatch.setattr(audit_lines, "AT_A_TIME", rows)
    monkeypatch.setattr(audit_lines, "MOST_BYTES", size)
    sizes = []
    add = StoredImports.add

    async def counted(self: StoredImports, records: Any) -> list[str]:
        sizes.append(len(records))
        return await add(self, records)

    monkeypatch.setattr(StoredImports, "add", counted)
    ended = run("audit", "import", save(run, *(row(number) for number in range(1, 6))))

    assert expected == sizes
    assert "5 rows written" in ended.out


def test_a_database_that_goes_away(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What was written stays, is told, and the same command goes on from there.
    """
    monkeypatch.setattr(audit_lines, "AT_A_TIME", 2)
    file = save(run, *(row(number) for number in range(5)))
    add = StoredImports.add
    calls = []

    async def gone(self: StoredImports, records: Any) -> list[str]:
        calls.append(records)
        if len(calls) == 2:
            raise DatabaseError("The audit database can't be used: the disk is full.")
        return await add(self, records)

    with mock.patch.object(StoredImports, "add", gone):
        ended = run("audit", "import", file)
    again = run("audit", "import", file)

    assert (2, "") == (ended.status, ended.out)
    assert [
        "At least 2 rows written. Import the file again to go on.",
        "The audit database can't be used: the disk is full.",
    ] == ended.err.splitlines()
    assert "3 rows written, 2 were there already, 0 bad lines.\n" == again.out


def test_ctrl_c_ends_an_import_that_waits_for_its_input(
    run: CommandLine, database_url: str
) -> None:
    """
    At once, with status 130; the rows before it can be imported again.
    """
    given = lines(*(row(number) for number in range(500)))
    with run.start(
        *("audit", "import", "-"),
        stdin=subprocess.PIPE,
        variables={"SEEDCORE_DATABASE_URL": database_url},
    ) as process:
        assert process.stdin
        process.stdin.write(given)
        process.stdin.flush()
        wait_for_rows(run, 500)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    again = run("audit", "import", "-", stdin=given + lines(row(500)))

    assert (130, "") == (process.returncode, out)
    assert err in ("", "At least 500 rows written. Import the file again to go on.\n")
    assert "1 row written, 500 were there already, 0 bad lines.\n" == again.out


def wait_for_rows(run: CommandLine, count: int) -> None:
    """
    Wait until the database has that many.
    """
    for _ in range(200):
        ended = run("audit", "list", "--limit", str(count), "--json")
        if ended.status == 0 and len(ended.json) == count:
            return
    pytest.fail("they were never written")


def test_the_help_of_everything_does_not_load_it(run: CommandLine) -> None:
    """
    Who asks what commands there are doesn't wait for this one.
    """
    code = (
        "import sys; from seedcore.cli import main; main(['--help']); "
        "print([name for name in sys.modules if 'audit_' in name], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == ended.stderr
    assert "import" in run("audit", "--help").out
