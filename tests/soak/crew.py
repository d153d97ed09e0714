"""
The workers as their parent sees them: started, told, stopped, killed, and always ended.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from support.installed import environment

SCRIPT = Path(__file__).with_name("worker.py")
MOST = 24
"""Processes at a time."""
LIMIT = 30.0
"""Seconds in which a process starts, or ends."""


def until(reached: Callable[[], object], seconds: float, what: str) -> None:
    """
    Wait until *reached* is true; an AssertionError that says *what* was missing otherwise.
    """
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


@attrs.define(eq=False)
class Worker:
    """
    One process. ``lines`` are what it has printed, ``pauses`` when it was stopped and went on.

    ``killed`` is the moment just before it was killed; ``None`` if it wasn't.
    """

    name: str
    process: subprocess.Popen[str]
    born: float
    log: Path
    lines: list[dict[str, Any]] = attrs.Factory(list)
    pauses: list[tuple[float, float]] = attrs.Factory(list)
    stopped: float | None = None
    killed: float | None = None
    _reader: threading.Thread = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, name=f"reads {self.name}")
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):  # a torn last line is no promise
                self.lines.append(json.loads(line))

    @property
    def alive(self) -> bool:
        """
        Whether it was started and has not ended.
        """
        return self.process.poll() is None

    def said(self, kind: str) -> list[dict[str, Any]]:
        """
        Return the lines of that *kind*.
        """
        return [line for line in list(self.lines) if line["kind"] == kind]

    def calls(self, *, ok: bool) -> list[dict[str, Any]]:
        """
        Return the calls that succeeded, or failed.
        """
        return [line for line in self.said("call") if line["ok"] is ok]

    def is_ready(self) -> bool:
        """
        Whether its runner is open; an AssertionError with its last words if it has ended.
        """
        assert self.alive, f"{self.name} ended with {self.process.returncode}:\n{self.words()}"
        return bool(self.said("ready"))

    def words(self) -> str:
        """
        Return the last of what it wrote to stderr.
        """
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def tell(self, do: str, **order: Any) -> None:
        """
        Send it an order.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self.process.stdin.flush()

    def jump(self, *, forth: bool) -> None:
        """
        Set its wall clock an hour forth or back.
        """
        self.process.send_signal(signal.SIGUSR1 if forth else signal.SIGUSR2)

    def stop(self) -> None:
        """
        Freeze it.
        """
        self.stopped = time.monotonic()
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """
        Let it go on, if it is frozen.
        """
        if self.stopped is not None:
            self.process.send_signal(signal.SIGCONT)
            self.pauses.append((self.stopped, time.monotonic()))
            self.stopped = None

    def ran(self, since: float, at: float) -> float:
        """
        Return for how many of the seconds from *since* to *at* it wasn't frozen.
        """
        pauses = [*self.pauses, *([(self.stopped, at)] if self.stopped is not None else [])]
        frozen = sum(max(0.0, min(end, at) - max(begin, since)) for begin, end in pauses)
        return at - since - frozen

    def kill(self) -> float:
        """
        Kill it with -9, read what it printed to the end, and return when it was killed.
        """
        self.killed = time.monotonic()
        self.process.kill()
        self.wait()
        return self.killed

    def end(self) -> None:
        """
        Let it end in order: its calls, its audit.
        """
        self.go_on()
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.wait()
        code = self.process.returncode
        assert code == 0, f"{self.name} ended with {code}:\n{self.words()}"

    def wait(self) -> None:
        """
        Wait for its end and read the rest of its output.
        """
        self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]


class Crew:
    """
    All workers of a test, dead ones too; a context manager that leaves none alive.

    Workers are started in the thread that runs the test: they die with their parent thread.
    """

    def __init__(
        self, folder: Path, *, database: str, upstream: str, settings: Mapping[str, Any]
    ) -> None:
        self.folder = folder
        self.everyone: dict[str, Worker] = {}
        self.spool = folder / "spool"
        self.spool.mkdir()
        settings = {"spool_directory": str(self.spool), **settings}
        self._config = {"database": database, "upstream": upstream, "settings": settings}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in self.living:
            worker.process.kill()  # a frozen one as well
        for worker in self.everyone.values():
            worker.wait()

    @property
    def living(self) -> list[Worker]:
        """
        The workers that have not ended.
        """
        return [worker for worker in self.everyone.values() if worker.alive]

    def spawn(self, name: str) -> Worker:
        """
        Start a worker; it is ready later.
        """
        assert len(self.living) < MOST, "too many workers"
        config = json.dumps({**self._config, "worker": name})
        log = self.folder / f"{name}.log"
        with log.open("wb") as words:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT), config],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
                cwd=self.folder,
                env=environment(),
            )
        worker = self.everyone[name] = Worker(name, process, time.monotonic(), log)
        return worker

    def ready(self, names: Sequence[str]) -> list[Worker]:
        """
        Start a worker of each name and return them when all are ready.
        """
        workers = [self.spawn(name) for name in names]
        for worker in workers:
            until(worker.is_ready, LIMIT, f"{worker.name} is ready")
        return workers

    def calls(self, *, ok: bool) -> Iterator[dict[str, Any]]:
        """
        Yield the calls of all workers, dead ones too, that succeeded or failed.
        """
        for worker in self.everyone.values():
            yield from worker.calls(ok=ok)
