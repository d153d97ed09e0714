"""
All plugins of this repository installed side by side.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seedcore import PresetNotFoundError, Runner
from seedcore.testing.events import CapturedEvents

pytestmark = pytest.mark.together

ROOT = Path(__file__).resolve().parent.parent
LOCAL: dict[str, dict[str, Any]] = {
    "z1r": {"flags": "5gAf1RsT-Example"},
    "z2r": {"flags": "hB$kM@x!Qw#Example"},
    "smb3r": {"flags": "Q7xExample"},
    "ffr": {"url": "https://finalfantasyrandomizer.com/?s=0&f=Example"},
    "aosr": {"bosses": "shuffled"},
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
    assert {*LOCAL, "smdash"} <= {line["provider"] for line in json.loads(done.stdout)}
    assert {"loaded"} == {line["status"] for line in json.loads(done.stdout)}


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
