"""
What is written about calls: one row per success, whatever the provider.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from seedcore import (
    AuditRecord,
    DatabaseError,
    DuplicateCallError,
    ProviderError,
    Registry,
    Runner,
    Seed,
    hookimpl,
    operation,
    provider,
    secret,
    setting,
)
from seedcore.testing.events import CapturedEvents

SEED = Seed(
    url="https://seeds.example/h/abc",
    id="abc",
    code="Bow/Bomb",
    version="31.0",
    settings={"goal": "ganon"},
    extra={"warnings": ["slow"]},
)


def runner_of(
    target: Any, database: Path, *, sinks: Any = (), settings: Mapping[str, Any] | None = None
) -> Runner:
    """
    A runner with one provider, ``demo``, that retries without waiting.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return Runner(
        registry=registry,
        database=f"sqlite://{database}",
        rng=Random(5),
        sinks=sinks,
        settings={"retry_base_delay": 0.0, **(settings or {})},
    )


async def rows_of(database: Path, table: str = "calls") -> list[dict[str, Any]]:
    """
    Read rows as every reader does.
    """
    from seedcore.store import Store

    store = await Store.open(f"sqlite://{database}")
    try:
        rows: list[dict[str, Any]] = await getattr(store.queries, table)()
        return rows
    finally:
        await store.close(timeout=5)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """
    Where the test's database is made.
    """
    return tmp_path / "audit.sqlite3"


async def test_a_success_writes_one_row_with_every_column(database: Path) -> None:
    """
    It is on disk before the caller has the seed.
    """

    async def demo() -> Seed:
        return attrs.evolve(SEED, spoiler_url="https://seeds.example/s/abc")

    async with runner_of(demo, database) as runner:
        seed = await runner.generate(
            "demo", surface="discord", preset="open", spoilers="on", options={"hints": True}
        )
        assert "durable" == seed.meta.audit
        (row,) = await rows_of(database)
    report = row.pop("report")
    assert 0 < row.pop("created_at")
    assert seed.meta.latency_ms == pytest.approx(row.pop("latency_ms"), abs=0.01)
    assert {
        "call_id": seed.meta.call_id,
        "provider": "demo",
        "operation": "generate",
        "surface": "discord",
        "randomizer": "demo",
        "gentype": "preset",
        "genoption": "open",
        "permalink": "https://seeds.example/h/abc",
        "hash_id": "abc",
        "settings": {"goal": "ganon"},
        "attempt_count": 1,
        "race": False,
        "spoilers": "on",
        "sealed": False,
        "version": "31.0",
        "seed": {
            "code": "Bow/Bomb",
            "spoiler_url": "https://seeds.example/s/abc",
            "warnings": ["slow"],
        },
        "dry": False,
    } == row
    assert ["success"] == [attempt["outcome"] for attempt in report["attempts"]]


async def test_the_report_tells_attempts_and_waits(database: Path) -> None:
    """
    Each attempt with its start, duration, outcome and error.
    """
    script: list[Exception] = [ConnectionResetError()]

    async def demo() -> Seed:
        if script:
            raise script.pop()
        return SEED

    async with runner_of(demo, database, settings={"retry_base_delay": 0.01}) as runner:
        await runner.generate("demo", surface="test")
    (row,) = await rows_of(database)
    first, second = row["report"]["attempts"]
    assert ("retry", "ProviderUnavailableError") == (first["outcome"], first["error"])
    assert ("success", None) == (second["outcome"], second["error"])
    assert ["backoff"] == list(row["report"]["waited_ms"])


@pytest.mark.parametrize(
    ("arguments", "gentype", "genoption", "settings"),
    [
        ({"preset": "open"}, "preset", "open", {}),
        ({"settings": {"a": 1}}, "settings", None, {"a": 1}),
        ({"options": {"b": 2}}, "options", None, {"b": 2}),
        ({"settings": {"a": 1}, "options": {"b": 2}}, "settings", None, {"a": 1, "b": 2}),
        ({}, "options", None, {}),
    ],
)
async def test_the_row_says_what_kind_of_roll_it_was(
    database: Path,
    arguments: dict[str, Any],
    gentype: str,
    genoption: str,
    settings: dict[str, Any],
) -> None:
    """
    From what was asked, where the provider doesn't say better.
    """
    async with runner_of(lambda: Seed(id="1"), database) as runner:
        await runner.generate("demo", surface="test", **arguments)
    (row,) = await rows_of(database)
    assert (gentype, genoption, settings) == (row["gentype"], row["genoption"], row["settings"])


async def test_a_provider_may_describe_its_row_but_not_forge_it(database: Path) -> None:
    """
    Randomizer, gentype and the like are its own; call, surface and attempts are not.
    """

    class Demo:
        @hookimpl
        async def generate(self) -> Seed:
            return SEED

        @hookimpl
        def audit(self, record: AuditRecord) -> AuditRecord:
            return attrs.evolve(record, randomizer="z3", gentype="mystery", surface="forged")

    async with runner_of(Demo(), database) as runner:
        await runner.generate("demo", surface="test")
    (row,) = await rows_of(database)
    assert ("z3", "mystery", "test") == (row["randomizer"], row["gentype"], row["surface"])


@pytest.mark.parametrize("answer", [RuntimeError(), "junk"])
async def test_an_audit_hook_that_fails_loses_no_row(database: Path, answer: Any) -> None:
    """
    The row is written as it was, and an event says whose hook failed.
    """

    class Demo:
        @hookimpl
        async def generate(self) -> Seed:
            return SEED

        @hookimpl
        def audit(self, record: AuditRecord) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

    events = CapturedEvents()
    async with runner_of(Demo(), database, sinks=[events]) as runner:
        await runner.generate("demo", surface="test")
    assert ["demo"] == [row["randomizer"] for row in await rows_of(database)]
    assert 1 == len(events.named("audit_hook_failed"))


async def test_sealed_seeds_are_hidden_from_readers_and_given_to_the_caller(database: Path) -> None:
    """
    The calling surface has the permalink; no reader shows it before its unsealing.
    """
    async with runner_of(lambda: SEED, database) as runner:
        seed = await runner.generate("demo", surface="test", sealed=True)
    assert SEED.url == seed.url
    (row,) = await rows_of(database)
    assert (True, None, None, {}) == (
        row["sealed"],
        row["permalink"],
        row["hash_id"],
        row["seed"],
    )


async def test_a_failure_writes_a_row_of_its_own_kind(database: Path) -> None:
    """
    With the provider's words; refusals made here write none.
    """

    async def demo() -> Seed:
        raise ConnectionRefusedError

    settings = {"circuit_breaker_timeout": 60.0, "retry_max_attempts": 2}
    async with runner_of(demo, database, settings=settings) as runner:
        for _ in range(7):
            with pytest.raises(ProviderError):
                await runner.generate("demo", surface="test")
    assert [] == await rows_of(database)
    failures = await rows_of(database, "failures")
    assert 5 == len(failures)
    assert {("ProviderUnavailableError", 2, "attempts")} == {
        (row["error_type"], row["attempt_count"], row["stopped_by"]) for row in failures
    }


async def test_failure_rows_can_be_switched_off(database: Path) -> None:
    """
    The ERROR event stays.
    """

    async def demo() -> Seed:
        raise ConnectionRefusedError

    events = CapturedEvents()
    settings = {"failure_rows": False, "retry_enabled": False}
    async with runner_of(demo, database, sinks=[events], settings=settings) as runner:
        with pytest.raises(ProviderError):
            await runner.generate("demo", surface="test")
    assert [] == await rows_of(database, "failures")
    assert ["ERROR"] == [event.level for event in events.named("call")]


async def test_nested_calls_write_one_row_the_outer_one(database: Path) -> None:
    """
    A mystery that rolls with another provider is one seed.
    """

    async def outer(context: Any) -> Seed:
        return await context.generate("demo")

    async with runner_of(lambda: SEED, database) as runner:
        runner.registry.add("outer", outer)
        await runner.generate("outer", surface="test")
    assert ["outer"] == [row["provider"] for row in await rows_of(database)]


async def test_other_operations_write_a_row_only_if_audited(database: Path) -> None:
    """
    Listing presets is no event of interest; creating an item is.
    """

    class Demo:
        @operation(effect="read")
        async def presets(self) -> list[str]:
            return ["open"]

        @operation(effect="unsafe", audited=True)
        async def create(self, title: str) -> str:
            return f"#{title}"

    async with runner_of(Demo(), database) as runner:
        await runner.call("demo", "presets", surface="test")
        assert "#a" == await runner.call("demo", "create", surface="test", title="a")
    (row,) = await rows_of(database)
    assert ("create", "operation", {"title": "a"}) == (
        row["operation"],
        row["gentype"],
        row["settings"],
    )


async def test_a_call_id_works_once(database: Path) -> None:
    """
    The next process gets the first's seed, a different call is refused, and one that failed may
    be repeated.
    """
    rolled: list[bool] = []

    async def demo() -> Seed:
        rolled.append(True)
        if len(rolled) == 1:
            raise ConnectionResetError
        return SEED

    async with runner_of(demo, database, settings={"retry_enabled": False}) as runner:
        with pytest.raises(ProviderError):
            await runner.generate("demo", surface="test", call_id="once")
        first = await runner.generate("demo", surface="test", call_id="once")
    async with runner_of(demo, database) as runner:
        assert first == await runner.generate("demo", surface="other", call_id="once")
        with pytest.raises(DuplicateCallError, match="with different arguments"):
            await runner.generate("demo", surface="test", call_id="once", preset="another")
    assert 2 == len(rolled)
    assert ["once"] == [row["call_id"] for row in await rows_of(database)]


async def test_a_database_that_fails_loses_the_row_but_not_the_seed(database: Path) -> None:
    """
    The caller is told, and an ERROR event carries the row; a generation is never repeated.
    """
    rolled: list[int] = []

    async def demo() -> Seed:
        rolled.append(1)
        return SEED

    events = CapturedEvents()
    async with runner_of(demo, database, sinks=[events]) as runner:
        await _store_of(runner).close(timeout=5)
        seed = await runner.generate("demo", surface="test")
        sealed = await runner.generate("demo", surface="test", sealed=True)
    assert ("lost", "lost", 2) == (seed.meta.audit, sealed.meta.audit, len(rolled))
    shown, hidden = events.named("audit_lost")
    assert SEED.url == shown.extra["row"]["permalink"]
    assert "ERROR" == shown.level
    assert SEED.url not in str(hidden)


def garbage(path: Path) -> Path:
    """
    A file that is no database.
    """
    file = path / "notes.txt"
    file.write_text("this is no database\n" * 100, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path / "missing" / "audit.sqlite3",
        lambda path: path,
        garbage,
    ],
    ids=["no directory", "a directory", "no database"],
)
async def test_a_database_that_cannot_be_opened_stops_everything(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    """
    Before anything is generated, with its path.
    """
    path = make(tmp_path)
    with pytest.raises(DatabaseError, match=path.name):
        async with runner_of(lambda: SEED, path):
            pytest.fail("it must not get here")


def _store_of(runner: Runner) -> Any:
    assert runner._runtime is not None
    return runner._runtime.store


FORMS: dict[str, str] = {
    "function": """
async def demo(request, context):
    return SEED
""",
    "plain function": """
def demo():
    return SEED
""",
    "class": """
class demo:
    @hookimpl
    async def generate(self, request):
        return SEED
""",
    "module": """
import types

@hookimpl
async def generate(request, context):
    return SEED

demo = types.ModuleType("demo_module")
demo.generate = generate
""",
}


async def test_providers_in_different_forms_write_the_same_rows(tmp_path: Path) -> None:
    """
    Only id and time differ.
    """
    rows = []
    for form, source in FORMS.items():
        names: dict[str, Any] = {"SEED": SEED, "hookimpl": hookimpl}
        exec(source, names)
        database = tmp_path / f"{form}.sqlite3"
        async with runner_of(names["demo"], database) as runner:
            await runner.generate("demo", surface="test", preset="open")
        (row,) = await rows_of(database)
        for varying in ("created_at", "latency_ms", "report"):
            del row[varying]
        rows.append(row)
    assert 4 == len(rows)
    assert all(row == rows[0] for row in rows)


CANARY = "canary-5up3r-s3cr3t/value+x"


@attrs.frozen
class KeyedSettings:
    """
    Settings with a secret.
    """

    api_key: str = secret()
    server: str = setting("main")


async def test_a_secret_appears_in_no_output(
    tmp_path: Path, upstream: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Not in events, rows, errors, pickles, JSON or reprs, in whatever form the upstream echoes it.
    """
    import pickle

    from seedcore.testing.replies import Reply

    @provider(base_url=upstream.url, settings=KeyedSettings, effect="read")
    async def demo(request: Any, context: Any) -> Seed:
        key = context.settings.api_key
        headers = {"Authorization": f"Bearer {key}"}
        async with context.http.get("x", params={"key": key}, headers=headers) as reply:
            reply.raise_for_status()
        return Seed(id=f"seed {key}", settings={"key": key}, extra={"note": [f"with {key}"]})

    from urllib.parse import quote

    echo = f"bad key {CANARY} at https://user:{CANARY}@x.example/?key={quote(CANARY, safe='')}"
    upstream.script(Reply(status=401, body=echo.encode()), Reply(status=200, body=b"{}"))
    database = tmp_path / "audit.sqlite3"
    events = CapturedEvents()
    settings = {"providers": {"demo": {"api_key": CANARY}}}
    outputs: list[str] = []
    async with runner_of(demo, database, sinks=[events], settings=settings) as runner:
        with pytest.raises(ProviderError) as caught:
            await runner.generate("demo", surface="test")
        error = caught.value
        outputs += [str(error), repr(error), str(error.to_json()), str(pickle.dumps(error))]
        outputs.append(error.user_message)
        await runner.generate("demo", surface="test")
        lane = runner._lanes["demo"]
        outputs += [repr(lane.settings), str(lane.settings.describe())]
    assert "bad key ***" in error.provider_message
    outputs += [str(row) for row in await rows_of(database)]
    outputs += [str(row) for row in await rows_of(database, "failures")]
    outputs += [str(event.fields()) + event.message for event in events]
    outputs += list(capsys.readouterr())
    assert 8 < len(outputs)
    for output in outputs:
        assert "canary" not in output


KILLED = """
import asyncio, sys
import seedcore

async def demo():
    await asyncio.sleep(0.001)
    return seedcore.Seed(id="1")

async def main():
    registry = seedcore.Registry(discover=False)
    registry.add("demo", demo)
    runner = seedcore.Runner(
        registry=registry,
        database=sys.argv[1],
        sinks=[],
        settings={"max_concurrent": 500, "max_queued": 5000},
    )

    async def one():
        seed = await runner.generate("demo", surface="test", profile="batch")
        sys.stdout.write(seed.meta.call_id + "\\n")
        sys.stdout.flush()

    async with runner:
        while True:
            await asyncio.gather(*(one() for _ in range(500)))

asyncio.run(main())
"""


def test_every_seed_a_caller_saw_has_one_row_after_kill_9(tmp_path: Path) -> None:
    """
    500 generates at a time, killed in the middle, ten times on one database.
    """
    import sqlite3

    database = tmp_path / "audit.sqlite3"
    seen: list[str] = []
    for round_ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, f"sqlite://{database}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(1 + 97 * round_)]
            os.kill(process.pid, signal.SIGKILL)
            rest = process.stdout.read()
        finally:
            process.kill()
            process.wait(30)
            process.stdout.close()
        # The last line may be torn; then nobody has seen its seed.
        seen += ("".join(lines) + rest).split("\n")[:-1]
    with sqlite3.connect(database) as connection:
        rows = [call_id for (call_id,) in connection.execute("SELECT call_id FROM seedcore_calls")]
    connection.close()
    assert 4000 < len(seen)
    assert len(rows) == len(set(rows))
    assert set() == set(seen) - set(rows)
