"""
The one task that writes: whatever arrived during the last commit goes into the next.
"""

from __future__ import annotations

import asyncio
from collections import deque

from seedcore.errors import DatabaseError
from seedcore.model import BreakerRecord
from seedcore.store.database import Database
from seedcore.store.reasons import CLOSED, PAUSE, is_about_the_row, reason, unusable
from seedcore.store.rows import BREAKERS, CALLS, FAILURES, Row, Rows

Entry = tuple[Row, asyncio.Future[None]]
"""A row and the future of the caller who waits for it."""


class Writer:
    """
    Group commit: one fsync for all rows that wait.

    Audit rows go first and have waiters, each with a future of its own, so that a cancelled
    one drops nothing and fails nobody. Breakers and failures follow; nobody awaits them, and
    what could not be written is tried again with the next pass.
    """

    GRACE = 1.0
    """Seconds past the commit limit after which the disk hangs, for a lock doesn't last longer."""

    def __init__(self, database: Database, *, commit_limit: float, failures_kept: int) -> None:
        self.dropped = 0
        self._database = database
        self._limit = commit_limit
        self._failures_kept = failures_kept
        self._loop = asyncio.get_running_loop()
        self._insert_call = CALLS.insert(database.dialect)
        self._insert_failure = FAILURES.insert(database.dialect)
        self._save_breaker = BREAKERS.insert(database.dialect)
        self._queue: list[Entry] = []
        self._committing: list[Entry] = []
        self._failures: deque[Row] = deque()
        self._breakers: dict[tuple[str, str], BreakerRecord] = {}
        self._barriers: list[asyncio.Future[bool]] = []
        self._watch: asyncio.TimerHandle | None = None
        self._wake: asyncio.Future[None] | None = None
        self._stopping = False
        self._stopped = False
        self._start()

    def add(self, row: Row) -> asyncio.Future[None]:
        """
        Queue an audit row; the future is done when the row is durable.
        """
        if self._stopping:
            raise unusable(self._database.name, CLOSED)
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._queue.append((row, waiter))
        self._notify()
        return waiter

    def add_failure(self, row: Row) -> None:
        """
        Queue a failure row; when too many wait the oldest is dropped and counted.
        """
        if self._stopped:
            self.dropped += 1
            return
        self._failures.append(row)
        self._drop_oldest_failures()
        self._notify()

    def add_breaker(self, record: BreakerRecord) -> None:
        """
        Queue a breaker's state; of several of one breaker only the newest is written.
        """
        if not self._stopped:
            self._keep_newest(record)
            self._notify()

    async def flush(self, timeout: float) -> bool:
        """
        Wait until everything queued so far is written; ``False`` after *timeout* seconds.
        """
        if self._stopped:
            return not (self._breakers or self._failures)
        try:
            async with asyncio.timeout(timeout):
                while not await self._next_pass():  # noqa: ASYNC110 - what failed is retried
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            return False
        return True

    async def stop(self, timeout: float) -> bool:
        """
        Flush, end the task and fail who still waits.
        """
        self._stopping = True
        try:
            return await self.flush(timeout)
        finally:
            self._stopped = True
            self._task.cancel()
            self._fail_everyone("it was closed before the row was written")

    def _start(self) -> None:
        self._news = True
        self._task = self._loop.create_task(self._run(), name="seedcore-store-writer")
        self._task.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        # A host that cancels every task of its loop takes this one along.
        waiting = any(not waiter.done() for _, waiter in (*self._committing, *self._queue))
        asked = any(not barrier.done() for barrier in self._barriers)
        if (waiting or asked) and not self._loop.is_closed():
            self._start()

    def _notify(self) -> None:
        self._news = True
        if self._task.done():
            self._start()
        elif self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _next_pass(self) -> bool:
        barrier: asyncio.Future[bool] = self._loop.create_future()
        self._barriers.append(barrier)
        self._notify()
        return await barrier

    async def _run(self) -> None:
        if self._committing:  # the task before this one was cancelled in the middle of a commit
            self._queue[:0] = self._committing
        while True:
            if not self._news:
                self._wake = self._loop.create_future()
                await self._wake
            self._news = False
            answered = len(self._barriers)
            written = await self._pass()
            for barrier in self._barriers[:answered]:
                if not barrier.done():
                    barrier.set_result(written)
            del self._barriers[:answered]

    async def _pass(self) -> bool:
        self._watch = self._loop.call_later(self._limit + self.GRACE, self._hangs)
        self._committing, self._queue = self._queue, []
        try:
            if self._committing:
                await self._write_calls(self._committing)
            self._committing = []
            await self._write_breakers()
            await self._write_failures()
        except Exception as error:  # noqa: BLE001 - no such bug is known; none may end the writer
            self._fail_everyone(reason(error))
            self._committing = []
        finally:
            self._watch.cancel()
        return not (self._breakers or self._failures)

    def _hangs(self) -> None:
        self._fail_everyone("the disk does not answer; check it")
        self._queue.clear()
        self._watch = self._loop.call_later(self._limit, self._hangs)

    async def _write_calls(self, entries: list[Entry]) -> None:
        rows = Rows(row for row, _ in entries)
        outcomes = await self._write(self._insert_call, rows, self._limit)
        for (row, waiter), error in zip(entries, outcomes, strict=True):
            if not waiter.done():
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(self._not_written(row, reason(error)))

    async def _write_breakers(self) -> None:
        unsent, self._breakers = list(self._breakers.values()), {}
        try:
            if unsent:
                rows = Rows(BREAKERS.row(record) for record in unsent)
                outcomes = await self._write(self._save_breaker, rows)
                pairs = zip(unsent, outcomes, strict=True)
                unsent = [record for record, error in pairs if _try_later(error)]
        finally:
            for record in unsent:
                self._keep_newest(record)

    async def _write_failures(self) -> None:
        unsent = list(self._failures)
        self._failures.clear()
        try:
            if unsent:
                outcomes = await self._write(self._insert_failure, Rows(unsent))
                pairs = zip(unsent, outcomes, strict=True)
                unsent = [row for row, error in pairs if _try_later(error)]
                self.dropped += sum(error is not None for error in outcomes) - len(unsent)
        finally:
            self._failures.extendleft(reversed(unsent))
            self._drop_oldest_failures()

    async def _write(
        self, statement: str, rows: Rows, limit: float = 0.0
    ) -> list[Exception | None]:
        # One transaction, and the outcome of each row. Where a row is at fault the others are
        # written without it, by halving.
        try:
            await self._database.insert(statement, rows, limit)
        except Exception as error:  # noqa: BLE001 - the caller gets it as the row's outcome
            if len(rows) == 1 or not is_about_the_row(error):
                return [error] * len(rows)
            middle = len(rows) // 2
            first = await self._write(statement, Rows(rows[:middle]), limit)
            return first + await self._write(statement, Rows(rows[middle:]), limit)
        return [None] * len(rows)

    def _fail_everyone(self, why: str) -> None:
        for row, waiter in (*self._committing, *self._queue):
            if not waiter.done():
                waiter.set_exception(self._not_written(row, why))

    def _not_written(self, row: Row, why: str) -> DatabaseError:
        msg = f"The audit row of call {row[0]} was not written to {self._database.name}: {why}."
        return DatabaseError(msg)

    def _drop_oldest_failures(self) -> None:
        while len(self._failures) > self._failures_kept:
            self._failures.popleft()
            self.dropped += 1

    def _keep_newest(self, record: BreakerRecord) -> None:
        key = (record.provider, record.operation)
        queued = self._breakers.get(key)
        if queued is None or _age(record) >= _age(queued):
            self._breakers[key] = record


def _age(record: BreakerRecord) -> tuple[int, int]:
    return record.generation, record.updated_at


def _try_later(error: Exception | None) -> bool:
    return error is not None and not is_about_the_row(error)
