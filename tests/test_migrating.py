"""
Whoever follows docs/migrating.md moves a bot to seedcore and back, and sees what it shows.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from seedcore import Registry, Runner
from seedcore.cli.group import root
from seedcore.store.earlier import Reading
from seedcore.testing.replies import status
from seedcore.testing.upstream import Received, Reply
from support.documents import ROOT, Block, page
from support.plugin_sites import played
from support.postgres import Postgres
from support.reader import Reader

PAGE = "docs/migrating.md"
SEED = "https://www.dashrando.net/seed/6nkv3t4x7my0"
OLD_ROWS: list[tuple[Any, ...]] = [
    *(
        (1, "alttpr", "abc", "https://alttpr.com/h/abc", '{"goal": "it\'s \\"ganon\\""}'),
        (2, "smz3", "x-y", "https://samus.link/seed/x", '{"race": "true", "spoilerKey": "hush"}'),
        (3, "alttpr", None, None, None),
    )
]
"""Rows of the bot's own audit, as far as its columns differ."""
TABLE = (
    "CREATE TABLE audit_generated_games (id INTEGER PRIMARY KEY, randomizer VARCHAR(45), "
    "hash_id VARCHAR(50), permalink VARCHAR(2000), settings {json}, gentype VARCHAR(45), "
    "genoption VARCHAR(45), timestamp {time}, customizer INT, doors {flag}, avianart {flag})"
)
REST = "'preset', 'it''s open', '2024-05-01 12:00:00.123456', 0, {false}, {false}"


@pytest.fixture
def site() -> Iterator[str]:
    """
    Where a site answers as dashrando.net does, but for the first request, which fails.
    """
    seen: list[str] = []

    def answer(received: Received) -> Reply:
        seen.append(received.path)
        if len(seen) == 1:
            return status(503)
        if received.path.endswith("/spoiler"):
            return status(404)
        if received.path.endswith("/unknown"):
            return status(422)
        return Reply(status=307, headers={"Location": SEED}, body=SEED.encode())

    with played(answer) as url:
        yield url


@pytest.fixture
def reader(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    site: str,
) -> Iterator[Reader]:
    """
    A reader who has installed what step 1 says, and whose sites are played.
    """
    (tmp_path / "installed").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "installed"), *sys.path])
    before = {*sys.modules}
    someone = Reader(tmp_path, capsys)
    someone.install_from(ROOT / "plugins" / "smdash")
    someone.variables |= {"DASH_URL": site, "SEEDCORE_SMDASH_BASE_URL": site}
    someone.variables["SEEDCORE_LOG"] = "off"  # which goes to stderr, beside what is shown
    yield someone
    for name in sys.modules.keys() - before:
        if "seedcore_smdash" in name or name in ("legacy", "moving"):
            del sys.modules[name]


def blocks(language: str) -> list[Block]:
    """
    Return the blocks of the page in a language.
    """
    return [block for block in page(PAGE).blocks if block.language == language]


def test_whoever_follows_the_page_sees_what_it_shows(reader: Reader) -> None:
    """
    Every file is saved, every command typed in order; only those of other programs are played.
    """
    for block in page(PAGE).blocks:
        if block.language != "sh":
            reader.follow(block)
        if block.file == "export.sql":
            (reader.folder / "old.jsonl").write_text(exported_by_sqlite(block.text), "utf-8")

    assert {"legacy.py", "moving.py", "bot.py", "seedcore.toml"} <= {*reader.saved}
    assert 10 <= sum(command.startswith("seedcore ") for command in reader.followed)


def exported_by_sqlite(query: str) -> str:
    """
    Return what sqlite3 prints for *query* in the bot's database.
    """
    with sqlite3.connect(":memory:") as connection:
        connection.execute(TABLE.format(json="JSON", time="TIMESTAMP", flag="INT"))
        for row in OLD_ROWS:
            rest = REST.format(false="0")
            connection.execute(
                f"INSERT INTO audit_generated_games VALUES (?, ?, ?, ?, ?, {rest})", row
            )
        rows = connection.execute(query).fetchall()
    connection.close()
    return "".join(f"{line}\n" for (line,) in rows)


def test_what_is_exported_can_be_imported() -> None:
    """
    Each row of the query for MySQL and SQLite is one of ours, and no column is lost.
    """
    query = blocks("sql")[0].text
    check_records(exported_by_sqlite(query).splitlines())
    assert query.count("'") == 2 * 11


def check_records(lines: list[str]) -> None:
    """
    Look whether the lines are the rows of the bot.
    """
    reading = Reading()
    records = [reading.record(line.encode()) for line in lines]

    assert [f"import:audit_generated_games:{number}" for number in (1, 2, 3)] == [
        record.call_id for record in records
    ]
    assert {"goal": 'it\'s "ganon"'} == records[0].settings
    assert ({"race": "true"}, True) == (records[1].settings, records[1].race)
    assert ("it's open", 1714564800123456, {}) == (
        records[2].genoption,
        records[2].created_at,
        records[2].settings,
    )
    assert ({}, 1) == (reading.ignored, reading.secrets)
    assert {*json.loads(lines[0])} >= {"randomizer", "timestamp", "customizer", "doors", "avianart"}


@pytest.mark.postgres
def test_what_postgresql_exports_can_be_imported(postgres: Postgres) -> None:
    """
    The same for its own query.
    """
    lines = asyncio.run(exported_by_postgres(postgres.create_database(), blocks("sql")[1].text))

    check_records(lines)


async def exported_by_postgres(url: str, query: str) -> list[str]:
    """
    Return what psql prints for *query* in the bot's database.
    """
    import asyncpg

    connection = await asyncpg.connect(url, ssl=False)
    try:
        await connection.execute(TABLE.format(json="JSONB", time="TIMESTAMPTZ", flag="BOOLEAN"))
        await connection.execute("SET TIME ZONE 'UTC'")
        for row in OLD_ROWS:
            rest = REST.format(false="FALSE")
            await connection.execute(
                f"INSERT INTO audit_generated_games VALUES ($1, $2, $3, $4, $5, {rest})", *row
            )
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


def test_the_commands_that_are_not_typed_exist() -> None:
    """
    Those of other programs read the files of the page; those of seedcore have their options.
    """
    typed = [line for block in blocks("sh") for line in block.text.splitlines()]
    own = [line.split()[1:] for line in typed if line.startswith("seedcore ")]
    saved = {block.file for block in page(PAGE).blocks if block.file}

    assert own
    for command in own:
        found = root.get_command(click.Context(root), command[0])
        assert found is not None, command
        known = {name for each in found.params for name in each.opts}
        assert {word for word in command if word.startswith("--")} <= known
    assert {"export.sql", "export-postgres.sql"} <= saved
    for line in typed:
        if "<" in line:
            assert line.split("< ")[1].split(" >")[0] in saved


async def test_a_bot_that_is_no_package_adds_it_in_code(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, site: str
) -> None:
    """
    The route that the page saves leads to it, and what it raises has a sentence for people.
    """
    for block in page(PAGE).blocks:
        if block.file in ("legacy.py", "moving.py", "seedcore.toml"):
            reader.follow(block)
    monkeypatch.syspath_prepend(str(reader.folder))
    monkeypatch.setenv("DASH_URL", site)
    monkeypatch.chdir(reader.folder)
    import moving  # type: ignore[import-not-found]

    registry = Registry(discover=False)
    registry.add("smdash-legacy", moving.smdash_legacy)
    async with Runner(registry=registry, settings=None) as runner:
        seed = await runner.generate("smdash", preset="classic_mm", surface="discord")
        with pytest.raises(Exception, match="smdash-legacy") as caught:
            await runner.generate("smdash", preset="unknown", surface="discord")

    assert (SEED, "smdash-legacy", 1) == (seed.url, seed.meta.provider, seed.meta.attempts)
    assert "422" not in caught.value.user_message or "http" not in caught.value.user_message
    assert type(caught.value).__name__ == "ProviderInvalidRequestError"
