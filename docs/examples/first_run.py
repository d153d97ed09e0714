"""
Rolls one seed of each provider and shows the audit rows.

Without --all that is every provider of this checkout that needs no key. The site of smdash is
played by the stand-in of its tests, on loopback, which answers the first request with 503: the
retry is real, and needs no network. With --all it is every provider that is installed, and each
site is played as the contract says that the plugin ships.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from every_provider import SURFACE, roll_installed

import seedcore
from seedcore.store import Store

ROOT = Path(__file__).resolve().parents[2]
DATABASE = ROOT / ".nox" / "first-run" / "seedcore.sqlite3"
WIDTH = 120
"""Characters of a line where every provider has its own."""
LONGEST_CELL = 14
"""Characters of a cell that can be long, so that the lines are not."""

ROLLS: dict[str, dict[str, Any]] = {
    "z1r": {"options": {"flags": "5gAf1RsT-Example"}},
    "z2r": {"options": {"flags": "hB$kM@x!Qw#Example"}},
    "smb3r": {"options": {"flags": "Q7xExample"}},
    "ffr": {"options": {"url": "https://finalfantasyrandomizer.com/?s=0&f=Example"}},
    "aosr": {"options": {"bosses": "shuffled", "souls": "a & b"}},
    "dry-run": {"preset": "plain"},
    "smdash": {"preset": "classic_mm", "race": True},
}


def main(arguments: list[str] | None = None, database: Path = DATABASE) -> int:
    """
    Roll, then read what was written about it; return the exit status.
    """
    parser = argparse.ArgumentParser(
        description="Roll one seed of each provider and show the audit rows.",
        epilog="Example: python3 noxfile.py -s run -- --all",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="every installed provider, each against a site that its own contract describes",
    )
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.exit(2, f"There is no {' '.join(unknown)}: the only argument is --all.\n")
    every: bool = known.all
    database.parent.mkdir(parents=True, exist_ok=True)
    started = time.time()
    url = f"sqlite://{database}"
    rolling = (
        roll_installed(url, str(database.parent), [warn]) if every else roll_known(url, [warn])
    )
    failed = asyncio.run(rolling)
    rows = asyncio.run(rows_since(database, started))
    print()
    for line in table(rows, ALL_COLUMNS if every else COLUMNS):
        print(cut(line, WIDTH) if every else line)
    if not every:
        show_what_next(database)
    return 1 if failed else 0


# --------------------------------------------------------------- those of this checkout


async def roll_known(database: str, sinks: list[Any]) -> int:
    """
    Roll every seed through one runner, as a bot does that has just one; none may fail.
    """
    async with stand_in() as site:
        site.say(503, "down for a moment")
        settings = {"providers": {"smdash": {"base_url": site.url}}}
        async with seedcore.Runner(settings=settings, database=database, sinks=sinks) as runner:
            for provider, asked in ROLLS.items():
                seed = await runner.generate(provider, surface=SURFACE, **asked)
                print(f"{provider:<8}{seed.text}", flush=True)
    return 0


def warn(event: seedcore.Event) -> None:
    """
    Print what a person should know; without sinks of its own a runner logs through loguru.
    """
    if event.level == "WARNING":
        print(event.message, file=sys.stderr, flush=True)


def stand_in() -> Any:
    """
    Return the stand-in for dashrando.net, loaded from the tests of the plugin.
    """
    path = ROOT / "plugins" / "smdash" / "tests" / "upstream.py"
    spec = importlib.util.spec_from_file_location("upstream", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Upstream()


# ----------------------------------------------------------------------------- the rows


async def rows_since(database: Path, since: float) -> list[dict[str, Any]]:
    """
    Return the audit row of each seed, in the order they were rolled.
    """
    store = await Store.open(f"sqlite://{database}")
    try:
        rows = await store.queries.calls(since=since, limit=1_000)
    finally:
        await store.close()
    return rows[::-1]


def created(row: Mapping[str, Any], shape: str = "%H:%M:%S") -> str:
    """
    Return when the row was written.
    """
    return time.strftime(shape, time.gmtime(row["created_at"] / 1e6))


COLUMNS: Mapping[str, Any] = {
    "created (UTC)": lambda row: created(row, "%Y-%m-%d %H:%M:%S"),
    "provider": "provider",
    "surface": "surface",
    "attempts": "attempt_count",
    "ms": lambda row: round(row["latency_ms"]),
    "seed": lambda row: row["permalink"] or row["hash_id"],
}
ALL_COLUMNS: Mapping[str, Any] = {
    "created": created,
    "provider": "provider",
    "randomizer": "randomizer",
    "gentype": "gentype",
    "genoption": lambda row: row["genoption"] and cut(row["genoption"], LONGEST_CELL),
    "attempts": "attempt_count",
    "ms": lambda row: round(row["latency_ms"]),
    "race": lambda row: "yes" if row["race"] else "no",
    "version": lambda row: row["version"] and cut(row["version"], LONGEST_CELL),
    "code": lambda row: row["seed"].get("code") and cut(row["seed"]["code"], LONGEST_CELL),
    "seed": "hash_id",
}
"""The titles of both tables, and what a cell is made of; ``surface`` is the same in each row."""


def table(rows: list[dict[str, Any]], columns: Mapping[str, Any]) -> list[str]:
    """
    Return the lines of a table; numbers stand on the right, and "-" for what a row has not.
    """
    cells = [
        [take(row) if callable(take) else row[take] for take in columns.values()] for row in rows
    ]
    numbers = [isinstance(cell, int) for cell in cells[0]] if cells else []
    texts = [[*columns], *(["-" if cell is None else str(cell) for cell in line] for line in cells)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = []
    for line in texts:
        padded = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numbers, strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return lines


def cut(text: str, width: int) -> str:
    """
    Return *text* in one line of at most *width* characters.
    """
    return text if len(text) <= width else text[: width - 1] + "…"


def show_what_next(database: Path) -> None:
    """
    Print commands that work from here.
    """
    script = Path(sys.executable).with_name("seedcore")
    command = shown(script) if script.exists() else "seedcore"
    print(f"\nThe rows are in {shown(database)}. What you can type next:\n")
    print(f"  {command} list")
    print(f"  {command} generate z1r flags=5gAf1RsT-Example")
    print(f"  SEEDCORE_DATABASE_URL=sqlite://{shown(database)} {command} audit list")


def shown(path: Path) -> str:
    """
    Return *path* as it is typed from here.
    """
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
