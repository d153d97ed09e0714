"""
What can be wrong with a PostgreSQL database, and what it does under load.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seedcore import DatabaseError, SettingsError
from seedcore.store import Store
from seedcore.store.database import Database
from seedcore.store.postgres import PostgresDatabase
from seedcore.store.writer import Writer
from seedcore.testing.events import CapturedEvents
from support.peers import Site, answer, roll, runner_of, until
from support.postgres import Postgres
from support.stored import audit_record

pytestmark = pytest.mark.postgres

PASSWORD = "pa55word-canary"


@pytest.fixture
def url(postgres: Postgres) -> str:
    """
    An empty database.
    """
    return postgres.create_database()


async def refusal(url: str, **options: int) -> str:
    """
    Return the sentence with which *url* can't be opened.
    """
    with pytest.raises(DatabaseError) as caught:
        await (await Store.open(url, **options)).close()
    return str(caught.value)


async def make(url: str) -> None:
    """
    Make the tables.
    """
    await (await Store.open(url)).close()


# ------------------------------------------------------------------ bad input


def test_without_the_extra_the_pip_line_is_shown(tmp_path: Path) -> None:
    """
    In an environment that has no asyncpg; SQLite works there.
    """
    code = (
        "import asyncio, sys\n"
        "sys.modules['asyncpg'] = None\n"
        "from seedcore.store import Store\n"
        "async def main(url):\n"
        "    await (await Store.open(url)).close()\n"
        "asyncio.run(main(f'sqlite://{sys.argv[1]}/a.sqlite3'))\n"
        "asyncio.run(main('postgres://me:secret@127.0.0.1/seeds'))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "pip install 'seedcore[postgres]'" in done.stderr.splitlines()[-1]
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda url: re.sub(r":[^:@]+@", f":{PASSWORD}@", url), "user name or password is wrong"),
        (lambda url: url + "_not", "the server has no database of this name"),
        (lambda url: re.sub(r":\d+/", ":1/", url), "no server answers there"),
        (lambda url: re.sub(r"@[\d.]+", "@seeds.invalid", url), "gaierror"),
        (lambda url: url + "?sslmode=require", "ConnectionError"),
        (lambda url: url + "?sslmode=maybe", "sslmode is one of disable, allow"),
        (lambda url: url + "?maxsize=0", "stands in the setting database_pool_size"),
        (lambda url: url + "?hosts=a", "Did you mean 'host'?"),
        (lambda url: url.rpartition("/")[0], "names no database"),
        (lambda url: re.sub(r":\d+/", ":port/", url), "its URL can't be read"),
        (lambda url: url.replace("postgres:", "mysql:"), "its scheme is not supported"),
    ],
)
async def test_a_url_that_leads_nowhere(
    url: str, change: Callable[[str], str], sentence: str, unknown_host: str
) -> None:
    """
    A sentence with the remedy, without user name and password.
    """
    wrong = change(url)
    said = await refusal(wrong)
    assert sentence in said
    assert "SEEDCORE_DATABASE_URL" in said
    userinfo = wrong.partition("://")[2].partition("@")[0]
    assert userinfo not in said
    assert userinfo.partition(":")[2] not in said


@pytest.mark.parametrize("size", [0, -1, 101, "many"])
def test_a_pool_has_from_one_to_a_hundred_connections(url: str, size: object) -> None:
    """
    Refused when the Runner is made, before anything is opened.
    """
    with pytest.raises(SettingsError, match="database_pool_size must be a whole number between 1"):
        runner_of(Site(), url, settings={"database_pool_size": size})


async def test_one_connection_is_enough(url: str) -> None:
    """
    Audit, shared state and claims take turns.
    """
    async with runner_of(Site(), url, settings={"database_pool_size": 1}) as one:
        seeds = await asyncio.gather(
            *(roll(one, call_id=f"mine-{number}") for number in range(30)),
            *(roll(one) for _ in range(30)),
        )
    assert {"durable"} == {seed.meta.audit for seed in seeds}
    assert 60 == len(answer(url, "SELECT id FROM seedcore_calls"))


async def test_a_newer_schema_is_refused(url: str) -> None:
    """
    An older version doesn't write into tables it doesn't know.
    """
    await make(url)
    answer(
        url,
        "INSERT INTO tortoise_migrations (app, name, applied_at) "
        "VALUES ('seedcore', '0099_later', now())",
    )
    assert "a newer seedcore wrote it (schema 0099_later); update seedcore" in await refusal(url)


async def test_a_read_only_database_is_refused(url: str) -> None:
    """
    Before anything is generated, whether the tables are there or not.
    """
    name = url.rpartition("/")[2]
    for _ in range(2):
        answer(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        assert "it is read-only" in await refusal(url)
        answer(url, "SET default_transaction_read_only = off")
        _reset(url, name)
        await make(url)


def _reset(url: str, name: str) -> None:
    answer(f"{url.rpartition('/')[0]}/postgres", f"ALTER DATABASE {name} RESET ALL")


async def test_a_user_without_rights_is_refused(postgres: Postgres, url: str) -> None:
    """
    At the start and not at the first row.
    """
    await make(url)
    user = f"reader_{url.rpartition('/')[2]}"
    answer(url, f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'")
    answer(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
    name = url.rpartition("/")[2]
    said = await refusal(postgres.url(name, user=user, password=PASSWORD))
    assert "this user may not write its tables; GRANT it the rights" in said
    empty = postgres.create_database().rpartition("/")[2]
    said = await refusal(postgres.url(empty, user=user, password=PASSWORD))
    assert "this user may not do that" in said


async def test_a_server_without_a_connection_left(postgres: Postgres, url: str) -> None:
    """
    The sentence names both ends of the remedy.
    """
    name = url.rpartition("/")[2]
    answer(url, f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    user = f"guest_{name}"
    answer(url, f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'")
    said = await refusal(postgres.url(name, user=user, password=PASSWORD))
    assert "raise max_connections or lower database_pool_size" in said


async def test_values_that_postgresql_refuses_are_written_all_the_same(url: str) -> None:
    """
    NUL, half a surrogate pair, a name longer than its column: what SQLite takes.
    """
    store = await Store.open(url)
    odd = {"a\x00": "b\x00c", "\ud800": ["\udfff", {"x": "\x00"}], "emoji": "🎲"}
    await store.write(audit_record("odd", settings=odd, version="1\x00", randomizer="r" * 300))
    [row] = await store.queries.calls()
    await store.close()
    assert "1\ufffd" == row["version"]
    assert "r" * 200 == row["randomizer"]
    assert {"a\ufffd": "b\ufffdc", "?": ["?", {"x": "\ufffd"}], "emoji": "🎲"} == row["settings"]


async def test_a_bad_row_fails_alone(url: str) -> None:
    """
    A number that is too large for its column costs the rows beside it nothing.
    """
    store = await Store.open(url)
    rows = [audit_record(f"c-{number}") for number in range(20)]
    rows.insert(7, audit_record("bad", attempt_count=2**40))
    outcomes = await asyncio.gather(*map(store.write, rows), return_exceptions=True)
    await store.close()
    assert 20 == outcomes.count("durable")
    assert "The audit row of call bad was not written" in str(outcomes[7])
    assert 20 == len(answer(url, "SELECT id FROM seedcore_calls"))


# ------------------------------------------------------------- many processes


def test_eight_processes_may_start_at_once(url: str) -> None:
    """
    On an empty database: one makes the tables, the others wait for it.
    """
    code = (
        "import asyncio, sys\n"
        "from seedcore.store import Store\n"
        "async def main():\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    await (await Store.open(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
    )
    with contextlib.ExitStack() as ended:
        processes = []
        for _ in range(8):
            process = subprocess.Popen(
                [sys.executable, "-c", code, url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            ended.callback(process.communicate)
            ended.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert "ready\n" == process.stdout.readline()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.communicate(timeout=60) for process in processes]
    assert [0] * 8 == [process.returncode for process in processes], outcomes
    applied = answer(url, "SELECT name FROM tortoise_migrations ORDER BY name")
    names = (
        "0001_initial",
        "0002_shared_state",
        "0003_presets",
        "0004_logs",
        "0005_routes_and_keys",
    )
    assert [(name,) for name in names] == applied


async def test_waiting_for_another_process_has_a_limit(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever brings the tables up to date for too long is not waited for.
    """
    import asyncpg

    from seedcore.store.postgres import MIGRATING

    monkeypatch.setattr(Database, "OPEN_LIMIT", 0.05)
    holder = await asyncpg.connect(url, ssl=False)
    await holder.fetch("SELECT pg_advisory_lock($1)", MIGRATING)
    assert "another process has been opening it for 0.05 s" in await refusal(url)
    await holder.close()
    monkeypatch.undo()
    await make(url)


async def test_a_server_that_hangs_while_it_is_opened_is_left(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Even between two answers, where no connection is being made.
    """
    import asyncpg

    from seedcore.store.postgres import MIGRATING

    holder = await asyncpg.connect(url, ssl=False)
    await holder.fetch("SELECT pg_advisory_lock($1)", MIGRATING)
    monkeypatch.setattr(Database, "OPEN_LIMIT", 0.3)
    monkeypatch.setattr("seedcore.store.postgres.CONNECT_LIMIT", 0.2)
    opening = asyncio.create_task(refusal(url))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(postgres.pause)
    try:
        assert "it does not answer" in await opening
    finally:
        await asyncio.to_thread(postgres.resume)
        await holder.close()


async def test_a_process_killed_between_a_migration_and_its_record(url: str) -> None:
    """
    The next start finds the tables and goes on.
    """
    await make(url)
    answer(url, "DELETE FROM tortoise_migrations")
    await make(url)
    assert 5 == len(answer(url, "SELECT name FROM tortoise_migrations"))


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("ORDER BY created_at DESC, id DESC LIMIT 50", "seedcore_calls_time"),
        (
            "WHERE provider = 'p7' ORDER BY created_at DESC, id DESC LIMIT 50",
            "seedcore_calls_provider",
        ),
        (
            "WHERE surface = 's7' AND created_at >= 5 ORDER BY created_at DESC, id DESC LIMIT 50",
            "seedcore_calls_surface",
        ),
        ("WHERE call_id = 'c-7'", "call_id"),
        ("WHERE created_at < 9 ORDER BY id LIMIT 1000", "seedcore_calls_time"),
    ],
)
async def test_questions_about_the_audit_use_an_index(url: str, question: str, index: str) -> None:
    """
    None reads the whole table.
    """
    await make(url)
    answer(
        url,
        "INSERT INTO seedcore_calls (call_id, provider, operation, surface, randomizer, gentype, "
        "settings, attempt_count, latency_ms, race, spoilers, sealed, seed, report, created_at) "
        "SELECT 'c-' || n, 'p' || n % 2000, 'generate', 's' || n % 2000, 'r', 'options', '{}', 1, "
        "1, false, 'off', false, '{}', '{}', n FROM generate_series(1, 20000) AS n",
    )
    answer(url, "ANALYZE seedcore_calls")
    [(plan,)] = answer(url, f"EXPLAIN (FORMAT JSON) SELECT * FROM seedcore_calls {question}")
    text = plan if isinstance(plan, str) else json.dumps(plan)
    assert index in text
    assert "Seq Scan" not in text


# ------------------------------------------------------------------ under load


async def test_a_server_restarted_under_load_fails_no_call(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Rows of the meantime arrive afterwards, once each.
    """
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 0.02)
    events, site, seeds = CapturedEvents(), Site(), []
    async with runner_of(site, url, events, settings={"failure_rows": False}) as one:
        stop = asyncio.Event()

        async def caller() -> None:
            while not stop.is_set():
                seeds.append(await roll(one))
                await asyncio.sleep(0.001)

        callers = [asyncio.create_task(caller()) for _ in range(20)]
        await until(lambda: len(seeds) > 50)
        await asyncio.to_thread(postgres.stop, immediate=True)
        await until(lambda: events.named("audit_spooling"))
        await until(lambda: any(seed.meta.audit == "spooled" for seed in seeds))
        await asyncio.to_thread(postgres.start)
        await until(lambda: events.named("audit_drained"))
        await asyncio.gather(*(roll(one) for _ in range(20)))
        stop.set()
        await asyncio.gather(*callers)
    ids = [int(row[0]) for row in answer(url, "SELECT hash_id FROM seedcore_calls")]
    assert sorted(ids) == list(range(1, len(site.asked) + 1))
    assert {"durable", "spooled"} == {seed.meta.audit for seed in seeds}


async def test_a_server_that_hangs_is_left_on_time(
    url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its connections are ended, and closing doesn't wait for it either.
    """
    monkeypatch.setattr(Store, "COMMIT_LIMIT", 0.05)
    monkeypatch.setattr("seedcore.store.postgres.SHORTEST", 0.05)
    monkeypatch.setattr("seedcore.lifetime.AFTER_DRAIN", 0.1)
    async with contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(runner_of(Site(), url))
        await roll(one)
        await asyncio.to_thread(postgres.pause)
        try:
            began = time.monotonic()
            assert "spooled" == (await roll(one)).meta.audit
            await stack.aclose()
            assert time.monotonic() - began < 3
        finally:
            await asyncio.to_thread(postgres.resume)
    async with runner_of(Site(), url):
        assert 2 == len(answer(url, "SELECT id FROM seedcore_calls"))


async def test_a_dead_connection_is_replaced_within_the_commit(url: str) -> None:
    """
    A server that dropped idle connections costs no row its place in the database.
    """
    store = await Store.open(url)
    await store.write(audit_record("c-1"))
    name = url.rpartition("/")[2]
    answer(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{name}' AND pid <> pg_backend_pid()",
    )
    assert "durable" == await store.write(audit_record("c-2"))
    await store.close()
    assert 2 == len(answer(url, "SELECT id FROM seedcore_calls"))


async def test_closing_leaves_no_connection(url: str) -> None:
    """
    And no task.
    """
    async with runner_of(Site(), url) as one:
        await roll(one, call_id="mine")
        await asyncio.gather(*(roll(one) for _ in range(50)))
        assert isinstance(one._runtime.store._database, PostgresDatabase)
    assert {asyncio.current_task()} == asyncio.all_tasks()
    name = url.rpartition("/")[2]
    left = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    await until(lambda: answer(url, left) == [])
