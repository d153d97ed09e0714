"""
All plugins of this repository installed side by side.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seedcore import PresetNotFoundError, Registry, Runner
from seedcore.testing.events import CapturedEvents
from support.installed import environment, make_plugin

pytestmark = pytest.mark.together

ROOT = Path(__file__).resolve().parent.parent
LOCAL: dict[str, dict[str, Any]] = {
    "z1r": {"flags": "5gAf1RsT-Example"},
    "z2r": {"flags": "hB$kM@x!Qw#Example"},
    "smb3r": {"flags": "Q7xExample"},
    "ffr": {"url": "https://finalfantasyrandomizer.com/?s=0&f=Example"},
    "aosr": {"bosses": "shuffled"},
    "dry-run": {"players": 2},
}
NEED_SETTINGS = {"alttprdoor", "ootr", "s3"}
STORES = {"s3"}
"""Providers that roll no seeds."""
OURS = {
    name
    for path in ROOT.glob("plugins/*/pyproject.toml")
    for name in tomllib.loads(path.read_text("utf-8"))["project"]["entry-points"].get(
        "seedcore.providers", ()
    )
}


def module_at(path: Path) -> Any:
    """
    Load a Python file that belongs to no package.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def dash() -> AsyncIterator[Any]:
    """
    The upstream of smdash on loopback.
    """
    upstream = module_at(ROOT / "plugins" / "smdash" / "tests" / "upstream.py")
    async with upstream.Upstream() as server:
        yield server


def test_every_plugin_of_the_repository_is_listed_and_loads() -> None:
    """
    As the command line sees them, without a clash and without importing each other.
    """
    command = [sys.executable, "-m", "seedcore", "list", "--strict", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert OURS <= {line["provider"] for line in json.loads(done.stdout)}
    statuses = {line["provider"]: line["status"] for line in json.loads(done.stdout)}
    assert {"loaded"} == {status for name, status in statuses.items() if name not in NEED_SETTINGS}
    assert {"unconfigured"} == {statuses[name] for name in NEED_SETTINGS}


async def test_every_provider_fills_the_same_columns(tmp_path: Path, dash: Any) -> None:
    """
    A helper of a few lines and a remote service that fails once differ in nothing but values.
    """
    from seedcore.store import Store

    dash.say(503)
    database = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    settings = {"retry_base_delay": 0.0, "providers": {"smdash": {"base_url": dash.url}}}
    events = CapturedEvents()
    async with Runner(database=database, settings=settings, sinks=[events]) as runner:
        for provider, options in LOCAL.items():
            await runner.generate(provider, surface="test", options=options)
        await runner.generate("smdash", surface="test", preset="classic_mm")
        presets = await runner.call("smdash", "presets", surface="test")
        with pytest.raises(PresetNotFoundError, match="Valid presets are"):
            await runner.generate("smdash", surface="test", preset="recall")
    assert "classic" in presets
    store = await Store.open(database)
    try:
        rows = await store.queries.calls()
    finally:
        await store.close(timeout=5)
    assert {**dict.fromkeys(LOCAL, 1), "smdash": 2} == {
        row["provider"]: row["attempt_count"] for row in rows
    }
    assert 1 == len({frozenset(row) for row in rows})
    for row in rows:
        assert row["hash_id"]
        assert row["permalink"] or row["seed"]["text"]
    assert 1 == len(events.named("attempt", outcome="retry"))
    assert 1 == len(events.named("call", outcome="failure"))


# ----------------------------------------------------------------------- the first run

FILLED = ("created", "provider", "randomizer", "gentype", "attempts", "ms", "race", "seed")
"""Columns that every provider fills."""
BARE = {"aosr", "ffr", "smb3r", "smdash", "smvaria", "z1r", "z2r"}
"""Providers whose seeds have neither a version nor a code."""
FIRST_RUN = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import first_run
sys.exit(first_run.main(sys.argv[3:], pathlib.Path(sys.argv[2], "first.sqlite3")))
"""


def first_run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run docs/examples/first_run.py with its database in *folder*, and what is installed there.
    """
    examples = str(ROOT / "docs" / "examples")
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", FIRST_RUN, examples, str(folder), *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def rows_of(printed: str) -> dict[str, dict[str, str]]:
    """
    Return the cells of the table in *printed* by their provider and column.
    """
    titles, *lines = (
        re.split(r" {2,}", line) for line in printed.partition("\n\n")[2].splitlines()
    )
    rows = (dict(zip(titles, cells, strict=True)) for cells in lines)
    return {row["provider"]: row for row in rows}


def test_the_first_run_does_what_the_readme_shows(tmp_path: Path) -> None:
    """
    A seed of each, a row of each, and commands that can be typed next.
    """
    ended = first_run(tmp_path)
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.search(r"^```text\n(z1r.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert shown

    assert 0 == ended.returncode, ended.stderr
    assert "smdash generate: attempt 1 of 3 failed (ProviderUnavailableError 503)" in ended.stderr
    expected = [line for line in shown[1].splitlines() if "attempt 1 of 3" not in line]
    for line, printed in zip(expected, ended.stdout.splitlines(), strict=True):
        assert leading(line) == leading(printed)


def leading(line: str) -> list[str]:
    """
    Return what is the same in each run: a provider, the titles, the provider of a row.
    """
    words = line.split()
    if re.match(r"\d{4}-", line):
        return words[2:5]
    return words if line.startswith("created") else words[:1] if line[:1].isalpha() else []


def test_every_installed_provider_fills_the_same_columns(tmp_path: Path) -> None:
    """
    One row of each, within 120 characters; no cell is empty that each must fill.
    """
    ended = first_run(tmp_path, "--all")
    rows = rows_of(ended.stdout)

    assert (0, "") == (ended.returncode, ended.stderr)
    assert {*Registry().names} - STORES == {*rows}
    assert OURS - STORES <= {*rows}
    assert "s3          left out: it rolls no seeds\n" in ended.stdout
    assert 120 >= max(map(len, ended.stdout.partition("\n\n")[2].splitlines()))
    assert [] == [(name, each) for name in rows for each in FILLED if rows[name][each] == "-"]
    assert BARE == {name for name, row in rows.items() if row["version"] == row["code"] == "-"}


COIN = """
from seedcore import Seed
from seedcore.testing import ProviderContract

def coin(request):
    return Seed(id="heads")

def dice(request):
    raise RuntimeError

class CoinContract(ProviderContract):
    provider = coin
    request = {}
"""


def test_providers_of_others_are_rolled_too(tmp_path: Path) -> None:
    """
    As their contract says; one without is named, and so is one whose contract is none.
    """
    targets = dict.fromkeys(("coin", "dice", "wheel"), "coin:coin")
    contracts = {"coin": "coin:CoinContract", "wheel": "coin:coin"}
    make_plugin(
        tmp_path, "coins", entry_points=targets, files={"coin.py": COIN}, contracts=contracts
    )
    ended = first_run(tmp_path, "--all")

    assert 0 == ended.returncode, ended.stderr
    assert "heads" == rows_of(ended.stdout)["coin"]["seed"]
    assert "dice        left out: its plugin ships no contract of generate\n" in ended.stdout
    assert "wheel       left out: coin:coin is neither a ProviderContract nor a" in ended.stdout


def test_a_provider_that_fails_is_told(tmp_path: Path) -> None:
    """
    The others are rolled all the same, and the exit status says that one was not.
    """
    files = {"coin.py": COIN.replace("provider = coin", "provider = dice")}
    make_plugin(
        tmp_path,
        "coins",
        entry_points={"dice": "coin:dice"},
        files=files,
        contracts={"dice": "coin:CoinContract"},
    )
    ended = first_run(tmp_path, "--all")

    assert 1 == ended.returncode
    assert "dice        dice answered with something unexpected: its plugin failed" in ended.stdout
    assert OURS - STORES == {*rows_of(ended.stdout)}


def test_the_first_run_explains_itself(tmp_path: Path) -> None:
    """
    With an example; a wrong argument is a sentence.
    """
    helped, wrong = first_run(tmp_path, "--help"), first_run(tmp_path, "--al")

    assert 0 == helped.returncode
    assert "Example: python3 noxfile.py -s run -- --all" in helped.stdout
    assert (2, "There is no --al: the only argument is --all.\n") == (
        wrong.returncode,
        wrong.stderr,
    )


# ------------------------------------------------------------------- docs/providers.md


def test_the_page_about_providers_is_what_they_are() -> None:
    """
    The page is written by a script, of what is installed.
    """
    script = module_at(ROOT / "docs" / "write_providers.py")
    written = (ROOT / "docs" / "providers.md").read_text("utf-8")

    assert script.page() == written, "docs/providers.md is old: python3 noxfile.py -s docs"


def test_a_readme_without_errors_is_noticed() -> None:
    """
    So is one that names an error which seedcore has not.
    """
    script = module_at(ROOT / "docs" / "write_providers.py")
    table = "## Errors\n\n| error | when |\n|---|---|\n| `{}` | always |\n\n## Settings\n"

    assert [["`ProviderError`", "always"]] == script.errors_in(table.format("ProviderError"), "x")
    with pytest.raises(script.CannotWrite, match="README of x has no section Errors"):
        script.errors_in("## Settings\n", "x")
    with pytest.raises(script.CannotWrite, match="names ProviderEror, which is no error"):
        script.errors_in(table.format("ProviderEror"), "x")
