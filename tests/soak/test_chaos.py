"""
One circuit for eight processes, while they are killed, frozen and an hour wrong.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from soak.chaos import Chaos
from soak.crew import Crew, until
from soak.databases import Database, rows
from soak.judge import (
    LEASE_GRACE,
    NOTICE,
    Phase,
    allowed_at_once,
    first_opening,
    in_flight,
    knowing,
    most_at_once,
    seconds_after,
)
from soak.size import SEED, SIZE, say
from soak.upstream import Mode, Upstream

pytestmark = pytest.mark.soak

WARM = 3.0
LATEST_OPENING = 15.0
EARLY = 0.3
"""Seconds that a probe may come before the end of the open time as a worker's line tells it."""
BACK = SIZE.attempt_timeout + LEASE_GRACE + 8.0
"""Seconds until everyone has successes: a dead worker's lease, an open time, two probes."""
SETTINGS: dict[str, Any] = {
    "attempt_timeout": SIZE.attempt_timeout,
    "total_timeout": SIZE.attempt_timeout * 4,
    "patience": 1.0,
}
EXPECTED_ERRORS = {
    "CircuitOpenError",
    "ProviderTimeoutError",
    "ProviderUnavailableError",
    "QueueFullError",
}
DATABASES = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def phase(site: Upstream, chaos: Chaos, mode: Mode, seconds: float) -> Phase:
    """
    Let the upstream be in *mode* for that long, with chaos.
    """
    begin = time.monotonic()
    site.mode = mode
    while time.monotonic() < begin + seconds:
        chaos.turn()
        time.sleep(0.01)
    return Phase(mode, begin, time.monotonic())


def everyone_is_back(crew: Crew, chaos: Chaos, seconds: float) -> float:
    """
    Wait until each living worker has new successes, and return for how long.
    """
    workers, begin = chaos.calm(), time.monotonic()

    def stuck() -> list[str]:
        return [
            worker.name
            for worker in workers
            if sum(line["began"] > begin for line in worker.calls(ok=True)) < 3
        ]

    assert len(workers) == SIZE.workers
    try:
        until(lambda: not stuck(), seconds, "every worker has successes again")
    except AssertionError as error:
        raise AssertionError(f"{error}; stuck are {stuck()}") from None
    for worker in workers:
        worker.end()
    return time.monotonic() - begin


def check_calls(crew: Crew, database: Database) -> None:
    """
    Check that nothing else went wrong: errors are the provider's, each success has its row.
    """
    failed = Counter(line["error"] for line in crew.calls(ok=False))
    assert set() == set(failed) - EXPECTED_ERRORS, failed
    succeeded = list(crew.calls(ok=True))
    assert {line["audit"] for line in succeeded} <= {"durable", "spooled"}
    stored = rows(database)
    durable = {line["call_id"]: line["seed"] for line in succeeded if line["audit"] == "durable"}
    wrong = [call_id for call_id, seed in durable.items() if stored.get(call_id) != seed]
    assert [] == wrong
    say(f"{len(succeeded)} calls succeeded, failed: {dict(failed)}")


@DATABASES
def test_nobody_asks_while_the_circuit_is_open(
    database: Database, site: Upstream, tmp_path: Path
) -> None:
    """
    With a fixed open time no process sends anything from 2 s after the first opening until
    that time is over, and then all of them come back.
    """
    say(f"seed {SEED}, open for {SIZE.open_time:g} s")
    settings = {**SETTINGS, "circuit_breaker_timeout": SIZE.open_time}
    with Crew(tmp_path, database=database.url, upstream=site.url, settings=settings) as crew:
        chaos = Chaos(crew, Random(SEED))
        chaos.begin(SIZE.workers)
        phase(site, chaos, "ok", WARM)
        down = time.monotonic()
        while (opened := first_opening(crew, down)) is None:
            assert time.monotonic() < down + LATEST_OPENING, "the circuit never opened"
            phase(site, chaos, "refuse", 0.1)
        over = opened + SIZE.open_time
        phase(site, chaos, "refuse", SIZE.open_time / 2)
        phase(site, chaos, "ok", over - time.monotonic())
        took = everyone_is_back(crew, chaos, BACK)

        sent = knowing(crew, site.requests, opened, over - EARLY)
        assert not sent, f"sent after the circuit had opened: {seconds_after(sent, opened)}"
        check_calls(crew, database)
        say(f"{dict(chaos.done)}, opened {opened - down:.1f} s after the fault, back in {took:.1f}")


def outages(rng: Random) -> list[tuple[Mode, float]]:
    """
    Return the modes of the upstream and their seconds, as many as the chaos lasts.
    """
    # Until it opens, until everyone has to know, and then what is looked at.
    refuse = 2 + NOTICE + SIZE.look
    hang = SIZE.attempt_timeout + refuse
    plan: list[tuple[Mode, float]] = []
    while sum(seconds for _, seconds in plan) < SIZE.chaos:
        plan += [("ok", rng.uniform(2, 4)), ("refuse", rng.uniform(refuse, refuse + 2))]
        plan += [("faults", rng.uniform(2, 4)), ("hang", rng.uniform(hang, hang + 2))]
    return plan


@DATABASES
def test_probes_are_few_in_all_processes_together(
    database: Database, site: Upstream, tmp_path: Path
) -> None:
    """
    With the default open times no more probes are in flight at once than one process may
    have, whichever processes die or freeze; afterwards none of them is stuck.
    """
    say(f"seed {SEED}, {SIZE.chaos:g} s of outages")
    rng = Random(SEED)
    with Crew(tmp_path, database=database.url, upstream=site.url, settings=SETTINGS) as crew:
        chaos = Chaos(crew, rng)
        chaos.begin(SIZE.workers)
        past = [phase(site, chaos, mode, seconds) for mode, seconds in outages(rng)]
        site.mode = "ok"
        took = everyone_is_back(crew, chaos, BACK)

        looked_at = seen = 0
        for one in past:
            opened = first_opening(crew, one.begin, one.end)
            if one.mode not in ("refuse", "hang") or opened is None:
                continue
            probes = knowing(crew, site.requests, opened, one.end)
            most = most_at_once(in_flight(crew, probes, SIZE.attempt_timeout))
            say(f"{one.mode}: opened after {opened - one.begin:.1f} s, {len(probes)} probes then")
            told = f"{most} at once of {seconds_after(probes, opened)}"
            assert most <= allowed_at_once(SIZE.attempt_timeout), told
            seen += len(probes)
            looked_at += one.end - opened > NOTICE
        assert looked_at >= 2, "the circuit did not open in the outages"
        assert seen >= SIZE.probes, "too few probes were seen to prove anything"
        check_calls(crew, database)
        say(f"{dict(chaos.done)}, back in {took:.1f} s")
