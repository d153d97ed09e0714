"""
Rolls one seed of each provider of this checkout and shows the audit rows.

The site of smdash is played by the stand-in of its tests, on loopback, which answers the first
request with 503: the retry is real, and needs no network.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

import seedcore
from seedcore.store import Store

ROOT = Path(__file__).resolve().parents[2]
DATABASE = ROOT / ".nox" / "first-run" / "seedcore.sqlite3"

ROLLS: dict[str, dict[str, Any]] = {
    "z1r": {"options": {"flags": "5gAf1RsT-Example"}},
    "z2r": {"options": {"flags": "hB$kM@x!Qw#Example"}},
    "smb3r": {"options": {"flags": "Q7xExample"}},
    "ffr": {"options": {"url": "https://finalfantasyrandomizer.com/?s=0&f=Example"}},
    "aosr": {"options": {"bosses": "shuffled", "souls": "a & b"}},
    "smdash": {"preset": "classic_mm", "race": True},
}


async def main() -> None:
    """
    Roll, then read what was written about it.
    """
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    database = f"sqlite://{DATABASE}"
    started = time.time()
    async with stand_in() as site:
        site.say(503, "down for a moment")
        await roll(database, site.url)
    await show_rows(database, since=started)
    show_what_next()


async def roll(database: str, site: str) -> None:
    """
    Roll every seed through one runner, as a bot does that has just one.
    """
    settings = {"providers": {"smdash": {"base_url": site}}}
    async with seedcore.Runner(settings=settings, database=database, sinks=[warn]) as runner:
        for provider, asked in ROLLS.items():
            seed = await runner.generate(provider, surface="first-run", **asked)
            print(f"{provider:<8}{seed.text}", flush=True)


async def show_rows(database: str, since: float) -> None:
    """
    Print the audit row of each seed, in the order they were rolled.
    """
    store = await Store.open(database)
    try:
        rows = await store.queries.calls(since=since)
    finally:
        await store.close()
    print(f"\n{'created (UTC)':<21}{'provider':<10}{'surface':<11}{'attempts':>8}{'ms':>7}  seed")
    for row in reversed(rows):
        created = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(row["created_at"] / 1e6))
        facts = f"{row['attempt_count']:>8}{row['latency_ms']:>7.0f}"
        seed = row["permalink"] or row["hash_id"]
        print(f"{created:<21}{row['provider']:<10}{row['surface']:<11}{facts}  {seed}")


def show_what_next() -> None:
    """
    Print commands that work from here.
    """
    script = Path(sys.executable).with_name("seedcore")
    command = shown(script) if script.exists() else "seedcore"
    print(f"\nThe rows are in {shown(DATABASE)}. What you can type next:\n")
    print(f"  {command} list")
    print(f"  {command} generate z1r flags=5gAf1RsT-Example")
    print(f"  SEEDCORE_DATABASE_URL=sqlite://{shown(DATABASE)} {command} audit list")


def shown(path: Path) -> str:
    """
    Return *path* as it is typed from here.
    """
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


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


if __name__ == "__main__":
    asyncio.run(main())
