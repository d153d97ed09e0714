"""
Processes that are killed at an await point of a call.

One process has loaded everything; its children, one for each kill, need only to be forked.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from seedcore.testing.upstream import FaultUpstream
from support.cut_off import CALL, GOOD, World
from support.cut_off_kinds import KINDS
from support.stepped import Stepped

SERVING = """
import sys
sys.path.insert(0, sys.argv[1])
import seedcore.once, seedcore.sharing, seedcore.store.sqlite
from support.cut_off_killed import serve
serve()
"""


LONGEST = 20
"""Real seconds after which a process that hangs is killed."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _while_others_work() -> None:
    # By then the thread of the database is in the middle of something, most of the time.
    signal.setitimer(signal.ITIMER_REAL, 0.0005)


LATER: dict[str, Callable[[], None]] = {
    "at once": _die,
    "half a millisecond later": _while_others_work,
}
"""When a process dies after its call was suspended. Nobody handles SIGALRM: it kills, too."""


class Mortal:
    """
    Sends processes to their death; a context manager.
    """

    def __enter__(self) -> Self:
        tests = str(Path(__file__).resolve().parent.parent)
        command = [sys.executable, "-c", SERVING, tests]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=10)

    def kill(self, kind: str, at: int, later: str, database: Path) -> list[str] | None:
        """
        Kill a process at the *at*th suspension of its call, and return what it waited in.

        ``None`` if the call was through before.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([kind, at, later, str(database)]), file=self._process.stdin, flush=True)
        place, code = json.loads(self._process.stdout.readline())
        assert code <= 0, f"it failed by itself with code {code}, waiting in {place}"
        assert code == 0 or place, "it hung before it could be killed"
        return place if code else None


def serve() -> None:
    """
    Fork a child for each line, and say where it was and how it ended: minus its signal.
    """
    for line in sys.stdin:
        kind, at, later, database = json.loads(line)
        note = Path(f"{database}.place")
        child = os.fork()
        if child == 0:
            signal.alarm(LONGEST)
            code = 1
            try:
                asyncio.run(_call(kind, at, LATER[later], Path(database), note))
                code = 0
            finally:
                os._exit(code)
        _, state = os.waitpid(child, 0)
        place = json.loads(note.read_text()) if note.exists() else None
        answer = json.dumps([place, os.waitstatus_to_exitcode(state)])
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


async def _call(name: str, at: int, die: Callable[[], None], database: Path, note: Path) -> None:
    def reached(stepped: Stepped[Any], _: object) -> None:
        if len(stepped.places) == at:
            note.write_text(json.dumps(stepped.places[-1]))
            die()

    async with FaultUpstream() as upstream:
        world = World(KINDS[name], upstream, database)
        async with world.runner:
            upstream.script(GOOD)
            await world.kind.prepare(world)
            upstream.script(*world.kind.replies)
            await asyncio.wait({asyncio.create_task(Stepped(world.call(CALL), reached))})
            world.over = True
