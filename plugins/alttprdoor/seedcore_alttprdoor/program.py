"""
Runs a program that may hang, flood, fail and leave children behind, and leaves nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

import attrs

T = TypeVar("T")
P = ParamSpec("P")

KEPT = 64 * 1024
"""Bytes that are kept of the end of what a program says."""
MOST_SAID = 16 * 1024 * 1024
"""Bytes after which a program that goes on talking is ended; a real one says some thousand."""
BURST, BREATH = 256 * 1024, 0.01
"""After so many bytes it is not listened to for so many seconds, so that the loop is free."""
NICENESS = 10
"""A run keeps a core busy, and everybody else comes first."""
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes that a file may have which the program writes."""
SWEEPS = 10
"""Times that a session is looked through: meanwhile its processes may begin others."""
SILENCE = 1.0
"""Seconds that the end of what it said may take; a child that got away may keep it open."""


class Tail(asyncio.Protocol):
    """
    The end of what a program says; the rest is read and forgotten.

    ``overflow`` is called with whatever comes after more than anybody needs to say.
    """

    def __init__(self, overflow: Callable[[], None]) -> None:
        self._overflow = overflow
        self._kept = bytearray()
        self._said = self._burst = 0
        self._transport: asyncio.ReadTransport | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Begin to listen.
        """
        assert isinstance(transport, asyncio.ReadTransport)
        self._transport = transport

    def data_received(self, said: bytes) -> None:
        """
        Keep the end of what was said.
        """
        self._kept += said
        del self._kept[:-KEPT]
        self._said += len(said)
        self._burst += len(said)
        if self.flooded:
            self._overflow()
        if self._burst > BURST and self._transport is not None:
            self._burst = 0
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(BREATH, self._go_on)

    def _go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, _: Exception | None) -> None:
        """
        Note that nobody speaks any more.
        """
        if not self.closed.done():
            self.closed.set_result(None)

    @property
    def flooded(self) -> bool:
        """
        Whether it said more than any program needs to.
        """
        return self._said > MOST_SAID

    @property
    def text(self) -> str:
        """
        What is kept, as text.
        """
        return self._kept.decode("utf-8", "replace")


@attrs.frozen(kw_only=True)
class Ended:
    """
    How a program ended: its exit status, negative for a signal, and the end of what it said.
    """

    status: int
    stdout: str
    stderr: str
    flooded: bool


async def run(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Ended:
    """
    Run *command* without standard input, in a session of its own that is killed on every way out.

    Raises OSError if it can't be started.
    """
    starting: asyncio.Task[asyncio.subprocess.Process] | None = None

    def overflow() -> None:
        if starting is not None and starting.done() and not starting.exception():
            _kill(starting.result().pid)

    stdout, stderr = Tail(overflow), Tail(overflow)
    async with _listening(stdout) as out, _listening(stderr) as err:
        starting = asyncio.create_task(
            asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=cwd,
                env=environment,
                start_new_session=True,
            )
        )
        try:
            # Who gives up meanwhile must not lose sight of a process that is already there.
            process = await asyncio.shield(starting)
            out.close()
            err.close()
            _limit(process.pid)
            status = await process.wait()
        finally:
            await settled(_end(starting))
        await asyncio.wait({stdout.closed, stderr.closed}, timeout=SILENCE)
    return Ended(
        status=status,
        stdout=stdout.text,
        stderr=stderr.text,
        flooded=stdout.flooded or stderr.flooded,
    )


async def _end(starting: asyncio.Task[asyncio.subprocess.Process]) -> None:
    """
    Kill a process and its children, those too that it left behind, and collect it.
    """
    try:
        process = await starting
    except OSError:  # it was never there
        return
    _kill(process.pid)
    await asyncio.to_thread(_kill_session, process.pid)
    await process.wait()


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _kill_session(session: int) -> None:
    """
    Kill those too that have made groups of their own; only Linux tells who they are.
    """
    for _ in range(SWEEPS):
        found = [pid for pid in _processes() if _session_of(pid) == session]
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _processes() -> Sequence[int]:
    try:
        return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]
    except OSError:
        return []


def _session_of(pid: int) -> int | None:
    """
    Return the session of a process; ``None`` for one that has ended.
    """
    try:
        state, _, _, session = (
            Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:4]
        )
    except (OSError, ValueError):
        return None
    return None if state in b"ZX" else int(session)


def _limit(pid: int) -> None:
    """
    Keep a process from filling the disk with one file or with its memory's image, and from being
    in the way of the event loop.
    """
    with contextlib.suppress(OSError):  # it has ended already
        os.setpriority(os.PRIO_PGRP, pid, NICENESS)
    if not hasattr(resource, "prlimit"):  # it is Linux's own
        return
    for limit, most in ((resource.RLIMIT_FSIZE, LARGEST_FILE), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):  # it has ended already
            _, hard = resource.prlimit(pid, limit)
            lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(pid, limit, (lowest, lowest))


@contextlib.asynccontextmanager
async def _listening(tail: Tail) -> AsyncIterator[BinaryIO]:
    """
    Give the end of a pipe on which *tail* hears what is written.

    asyncio's own pipes would hold up the wait for a process whose child keeps one open.
    """
    read, write = os.pipe()
    with os.fdopen(write, "wb", 0) as end:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: tail, os.fdopen(read, "rb", 0))
        try:
            yield end
        finally:
            transport.close()


async def settled(work: Coroutine[Any, Any, T]) -> T:
    """
    Await *work* to its end, even where the caller gives up meanwhile: what takes milliseconds
    and must not be left half done.
    """
    task = asyncio.ensure_future(work)
    given_up: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            given_up = error
    if given_up is not None:
        task.exception()  # nobody asks for it any more
        raise given_up
    return task.result()


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Run *function* off the loop, to its end.
    """
    return await settled(asyncio.to_thread(function, *args, **kwargs))
