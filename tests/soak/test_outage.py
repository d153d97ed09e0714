"""
The database goes away under load, and no call fails or is forgotten because of it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from soak.crew import Crew, Worker, until
from soak.databases import Database, rows, spooled
from soak.size import SEED, SIZE, say
from soak.upstream import Upstream
from support.installed import environment

pytestmark = pytest.mark.soak

WORKERS = 3
RATE = 20.0
"""Calls a second of each worker."""
LONGEST = 8.0
"""Seconds that a call may take: 5 to find out about the database, and the spool."""
DRAINED = 20.0
"""Seconds after which everything has to be in the database."""
ENOUGH = 20
"""Spooled rows that are worth a kill."""
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def told(crew: Crew) -> dict[str, str]:
    """
    Return the seeds that callers got, by call_id.
    """
    return {line["call_id"]: line["seed"] for line in crew.calls(ok=True)}


def missing(crew: Crew, database: Database) -> list[str]:
    """
    Return the successful calls that have no row, or one with another seed.
    """
    stored = rows(database)
    return [call_id for call_id, seed in told(crew).items() if stored.get(call_id) != seed]


def check_calls(crew: Crew) -> Counter[str]:
    """
    Check that no call failed, was slow or lost its row; return the audit states.
    """
    failed = [(line["error"], line["said"]) for line in crew.calls(ok=False)]
    assert [] == failed
    slowest = max(line["at"] - line["began"] for line in crew.calls(ok=True))
    assert slowest <= LONGEST
    states = Counter(line["audit"] for line in crew.calls(ok=True))
    say(f"{dict(states)}, slowest {slowest:.1f} s")
    assert set(states) <= {"durable", "spooled"}
    return states


def spool_with(worker: Worker) -> None:
    """
    Let *worker* work without database until enough of its rows are spooled, and kill it.
    """

    def enough() -> bool:
        states = [line["audit"] for line in worker.calls(ok=True)]
        assert {*states} <= {"durable", "spooled"}
        return states.count("spooled") >= ENOUGH

    until(enough, DRAINED, f"{ENOUGH} rows are spooled")
    worker.kill()


def drain_twice(variables: dict[str, str], folder: Path) -> list[str]:
    """
    Run the command in two processes at the same time, and return what each printed.

    Both have to end well: there may be nothing left for one of them.
    """
    command = [sys.executable, "-m", "seedcore", "db", "drain"]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    env = environment(**variables)
    with contextlib.ExitStack() as ended:
        both = [subprocess.Popen(command, env=env, cwd=folder, **piped) for _ in range(2)]
        for process in both:
            ended.enter_context(process)
            ended.callback(process.kill)
        printed = [process.communicate(timeout=60)[0] for process in both]
    assert [0, 0] == [process.returncode for process in both], printed
    return printed


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "postgresql-paused"], indirect=True)
def test_an_outage_of_the_database_fails_no_call(
    database: Database, site: Upstream, tmp_path: Path
) -> None:
    """
    Calls go on, their rows go to the spool, and each is in the database once afterwards.
    """
    say(f"seed {SEED}, database {database.gone} for {SIZE.outage:g} s")
    with Crew(tmp_path, database=database.url, upstream=site.url, settings={}) as crew:
        workers = crew.ready([f"w{number}" for number in range(WORKERS)])
        for worker in workers:
            worker.tell("load", rate=RATE)
        time.sleep(2)
        with database.outage():
            time.sleep(SIZE.outage)
        time.sleep(3)
        for worker in workers:
            worker.tell("rest")
        for worker in workers:
            until(lambda w=worker: w.said("rested"), LONGEST, f"{worker.name} has rested")
        states = check_calls(crew)
        assert states["spooled"] > 0
        until(lambda: not missing(crew, database), DRAINED, "all rows are in the database")
        until(lambda: not spooled(crew.spool), DRAINED, "the spool is empty")
        for worker in workers:
            worker.end()
        assert set(rows(database)) == set(told(crew))
        assert [] == spooled(crew.spool)


@BOTH
def test_a_spool_outlives_its_process(database: Database, site: Upstream, tmp_path: Path) -> None:
    """
    What a killed process had spooled is brought in, once, by the next one that starts.
    """
    with Crew(tmp_path, database=database.url, upstream=site.url, settings={}) as crew:
        (first,) = crew.ready(["first"])
        first.tell("load", rate=RATE)
        time.sleep(0.5)
        with database.outage():
            spool_with(first)
        assert spooled(crew.spool)
        lost = len(missing(crew, database))
        (second,) = crew.ready(["second"])
        second.tell("load", rate=RATE)
        until(lambda: not missing(crew, database), DRAINED, "all rows are in the database")
        until(lambda: not spooled(crew.spool), DRAINED, "the spool is empty")
        second.end()
        check_calls(crew)
        assert [] == missing(crew, database)
        say(f"{lost} rows came from the spool")


@BOTH
def test_two_drains_at_once_double_nothing(
    database: Database, site: Upstream, tmp_path: Path
) -> None:
    """
    ``seedcore db drain`` brings in the spool of a killed process, also when two do it.
    """
    with Crew(tmp_path, database=database.url, upstream=site.url, settings={}) as crew:
        (first,) = crew.ready(["first"])
        first.tell("load", rate=RATE)
        with database.outage():
            spool_with(first)
        lost = missing(crew, database)
        assert len(lost) >= ENOUGH
        variables = {
            "SEEDCORE_DATABASE_URL": database.url,
            "SEEDCORE_SPOOL_DIRECTORY": str(crew.spool),
        }
        ended = drain_twice(variables, tmp_path)
        say(f"{len(lost)} rows were spooled; the drains said {ended}")
        assert [] == missing(crew, database)
        assert [] == spooled(crew.spool)
        # A row that was spooled but not yet told of may be there too; a doubled one can't.
        extra = set(rows(database)) - set(told(crew))
        assert extra <= {asked.call_id for asked in site.requests}
