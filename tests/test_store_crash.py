"""
What a caller was told is written is there after the process was killed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from seedcore.store import Store
from support.stored import audit_record, look

WRITING = """
import asyncio, itertools, sys
from seedcore.store import Store
sys.path.insert(0, sys.argv[2])
from support.stored import audit_record, failure_record

async def main():
    store = await Store.open(sys.argv[1])
    ids = itertools.count()

    async def caller():
        while True:
            call_id = f"c-{next(ids)}"
            state = await store.write(audit_record(call_id))
            print(state, call_id, flush=True)
            store.write_failure(failure_record(call_id))

    await asyncio.gather(*(caller() for _ in range(50)))

asyncio.run(main())
"""


@pytest.mark.parametrize("told", [1, 60, 700])
async def test_a_row_survives_the_death_of_its_process(tmp_path: Path, told: int) -> None:
    """
    Every id that was printed after its write has exactly one row, wherever the kill hit.

    One that waited on the disk, as a commit took long, has it once the next process is there.
    """
    database = tmp_path / "audit.sqlite3"
    command = [sys.executable, "-c", WRITING, f"sqlite://{database}", str(Path(__file__).parent)]
    with contextlib.ExitStack() as ended:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ended.callback(process.wait, 60)
        ended.callback(process.kill)
        printed = [process.stdout.readline() for _ in range(told)]
        process.kill()
        rest, _ = process.communicate(timeout=60)

    lines = ("".join(printed) + rest).split("\n")[:-1]  # a torn last line is no promise
    promised = [line.split() for line in lines]
    durable = {call_id for state, call_id in promised if state == "durable"}
    spooled = {call_id for state, call_id in promised if state == "spooled"}
    rows = [call_id for (call_id,) in look(database, "SELECT call_id FROM seedcore_calls")]
    assert len(promised) >= told
    assert len(promised) == len(durable) + len(spooled)
    assert set() == durable - set(rows)

    store = await Store.open(f"sqlite://{database}")
    await store.write(audit_record("after"))
    rows = [call_id for (call_id,) in look(database, "SELECT call_id FROM seedcore_calls")]
    await store.close()

    assert set() == (durable | spooled | {"after"}) - set(rows)
    assert len(rows) == len(set(rows))
