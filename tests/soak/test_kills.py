"""
A call with a given call_id happens once, whenever the process that makes it dies.
"""

from __future__ import annotations

import queue
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from soak.crew import LIMIT, Crew, Worker, until
from soak.databases import Database, rows
from soak.size import SEED, SIZE, say
from soak.upstream import Asked, Upstream

pytestmark = pytest.mark.soak

IDS = 5
"""Calls of a round, all at once."""
LATEST = 0.15
"""Seconds after the order in which the kill falls."""
PATIENCE = 60.0
"""Seconds a round may take: the dead one's claim has to expire."""
SETTINGS: dict[str, Any] = {"attempt_timeout": 2.0, "total_timeout": PATIENCE}
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@attrs.frozen(kw_only=True)
class Round:
    """
    One kill: who died when, who took over, and the seeds that either told of, by call_id.
    """

    victim: Worker
    killed: float
    second: Worker
    before: dict[str, str]
    after: dict[str, str]


def seeds(worker: Worker, ids: list[str]) -> dict[str, str]:
    """
    Return the seeds that *worker* told of; an AssertionError if a call is beyond repair.
    """
    for line in worker.calls(ok=False):
        fair = line["error"] in ("ProviderTimeoutError", "ProviderUnavailableError")
        assert fair or line["call_id"] not in ids, f"{worker.name}: {line}"
    found = {line["call_id"]: line["seed"] for line in worker.calls(ok=True)}
    return {call_id: found[call_id] for call_id in ids if call_id in found}


class Rounds:
    """
    Plays rounds in threads, several at a time, and keeps enough workers waiting for an order.

    Who takes over in one round is killed in a later one, so a process is started per kill.
    """

    def __init__(self, crew: Crew, delays: list[float]) -> None:
        self._crew = crew
        self._delays = delays
        self._idle: queue.Queue[Worker] = queue.Queue()
        self._born: list[Worker] = []
        self._started = 0

    def play(self) -> list[Round]:
        """
        Return all rounds; raises what went wrong in one of them.
        """
        at_once = SIZE.rounds_at_once
        with ThreadPoolExecutor(at_once, "round") as threads:
            waiting = list(enumerate(self._delays))
            running: list[Future[Round]] = []
            while waiting or not all(one.done() for one in running):
                while waiting and sum(not one.done() for one in running) < at_once:
                    running.append(threads.submit(self._play, *waiting.pop(0)))
                self._keep_enough(2 * at_once + 2)
                for failed in (one for one in running if one.done() and one.exception()):
                    failed.result()
                time.sleep(0.01)
            return [one.result() for one in running]

    def _keep_enough(self, count: int) -> None:
        # Here and not where they are killed: a worker dies with the thread that started it.
        for worker in [worker for worker in self._born if worker.is_ready()]:
            self._born.remove(worker)
            self._idle.put(worker)
        while len(self._crew.living) < count:
            self._born.append(self._crew.spawn(f"w{self._started}"))
            self._started += 1

    def _play(self, number: int, delay: float) -> Round:
        ids = [f"round-{number}-{letter}" for letter in "abcdefgh"[:IDS]]
        victim, second = self._idle.get(timeout=LIMIT), self._idle.get(timeout=LIMIT)
        victim.tell("ids", ids=ids)
        time.sleep(delay)
        killed = victim.kill()
        second.tell("ids", ids=ids)
        until(lambda: len(seeds(second, ids)) == IDS, PATIENCE, f"round {number} is over")
        self._idle.put(second)
        return Round(
            victim=victim,
            killed=killed,
            second=second,
            before=seeds(victim, ids),
            after=seeds(second, ids),
        )


def where_it_fell(one: Round, call_id: str, works: list[Asked], requests: set[Any]) -> str:
    """
    Return what the victim had done for a call when it was killed.
    """
    if call_id in one.before:
        return "told"
    if any(work.worker == one.victim.name and work.worked < one.killed for work in works):
        return "worked"
    return "asked" if (one.victim.name, call_id) in requests else "nothing"


def check_work(one: Round, call_id: str, works: list[Asked], fell: str) -> None:
    """
    Check that work was done twice only where nobody could know of the first.

    The upstream goes on with a request whose worker has died, so its work may end just after
    the kill; but it was asked before, by a worker that then told of nothing.
    """
    workers = [work.worker for work in works]
    assert set(workers) <= {one.victim.name, one.second.name}
    assert len(workers) == len(set(workers)), f"{call_id} was done twice by one process"
    assert len({work.key for work in works}) == 1, f"{call_id} had several idempotency keys"
    if len(works) > 1:
        assert fell in ("asked", "worked"), f"{call_id} was done twice, but its seed was told"


@BOTH
def test_a_call_happens_once_whenever_its_process_is_killed(
    database: Database, site: Upstream, tmp_path: Path
) -> None:
    """
    Another process makes the same calls: each has one row, and the seed of that row is what
    everyone who got an answer got.
    """
    rng = Random(SEED)
    say(f"seed {SEED}, {SIZE.rounds} kills")
    began = time.monotonic()
    with Crew(tmp_path, database=database.url, upstream=site.url, settings=SETTINGS) as crew:
        rounds = Rounds(crew, [rng.uniform(0, LATEST) for _ in range(SIZE.rounds)]).play()
        for worker in crew.living:
            worker.end()
    stored, works = rows(database), site.works()
    assert {call_id for one in rounds for call_id in one.after} == set(stored)
    requests = {(asked.worker, asked.call_id) for asked in site.requests}
    fell: Counter[str] = Counter()
    for one in rounds:
        for call_id, seed in one.after.items():
            assert seed == stored[call_id]
            assert one.before.get(call_id, seed) == seed
            place = where_it_fell(one, call_id, works[call_id], requests)
            check_work(one, call_id, works[call_id], place)
            fell[place] += 1
    twice = sum(len(done) > 1 for done in works.values())
    took = time.monotonic() - began
    say(f"killed after they had {dict(fell)}; {twice} were done twice; {took:.0f} s")
    if SIZE.rounds >= 100:
        assert min(fell[place] for place in ("nothing", "worked", "told")) >= 5, fell
    assert {line["audit"] for line in crew.calls(ok=True)} == {"durable"}


@BOTH
def test_processes_that_want_the_same_call_share_its_one_result(
    database: Database, site: Upstream, tmp_path: Path
) -> None:
    """
    Four processes make the same calls at the same moment: each is made once.
    """
    ids = [f"same-{number}" for number in range(20)]
    with Crew(tmp_path, database=database.url, upstream=site.url, settings=SETTINGS) as crew:
        workers = crew.ready([f"w{number}" for number in range(4)])
        for worker in workers:
            worker.tell("ids", ids=ids)
        until(
            lambda: all(len(seeds(worker, ids)) == len(ids) for worker in workers),
            PATIENCE,
            "all have all",
        )
        for worker in workers:
            worker.end()
    assert [1] * len(ids) == [len(site.works()[call_id]) for call_id in ids]
    assert all(seeds(worker, ids) == rows(database) for worker in workers)
