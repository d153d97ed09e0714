"""
The one task that writes: whatever arrived during the last commit goes into the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from seedcore.contract.threads import Worker
from seedcore.errors import DatabaseError
from seedcore.events import Event, Sink
from seedcore.model import AuditState
from seedcore.store.database import Database
from seedcore.store.drain import Drained, drain_mine
from seedcore.store.entries import Entry, Outcomes, write_entries
from seedcore.store.reasons import CLOSED, PAUSE, is_about_the_row, reason, unusable
from seedcore.store.rows import Row
from seedcore.store.spool import Spool


class Writer:
    """
    Group commit: one fsync for all entries that wait.

    Entries of calls go first and have waiters, each with a future of its own, so that a
    cancelled one drops nothing and fails nobody. Failures follow; nobody awaits them, and what
    could not be written is tried again with the next pass.

    When the database is gone, or takes longer than the commit limit, entries go to the spool
    until it is back.
    """

    GRACE = 1.0
    """Seconds past the commit limit after which the disk hangs, for a lock doesn't last longer."""
    LOOK_AGAIN = 1.0
    """Seconds between two looks whether the database is back."""
    HANGING = 0.1
    """Seconds that entries gather for the spool while a commit hangs."""

    def __init__(
        self,
        database: Database,
        spool: Spool | None,
        *,
        commit_limit: float,
        failures_kept: int,
        tell: Sink,
    ) -> None:
        self.dropped = 0
        self._database = database
        self._spool = spool
        self._limit = commit_limit
        self._failures_kept = failures_kept
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._queue: list[Entry] = []
        self._committing: list[Entry] = []
        self._failures: deque[Row] = deque()
        self._barriers: list[asyncio.Future[bool]] = []
        self._watch: asyncio.TimerHandle | None = None
        self._wake: asyncio.Future[None] | None = None
        self.away = False
        """Whether entries go to the spool because the database is gone."""
        self._returning: asyncio.Task[None] | None = None
        self._aside: asyncio.Task[None] | None = None
        self._putting = 0
        self._stopping = False
        self._stopped = False
        self._start()

    def add(self, entry: Entry) -> asyncio.Future[AuditState]:
        """
        Queue *entry*; the future is done when it is on a disk.
        """
        if self._stopping:
            raise unusable(self._database.name, CLOSED)
        waiter: asyncio.Future[AuditState] = self._loop.create_future()
        entry.waiter = waiter
        self._queue.append(entry)
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
        if not self.away:
            self._notify()

    async def flush(self, timeout: float) -> bool:
        """
        Wait until everything queued so far is on a disk; ``False`` after *timeout* seconds.
        """
        if self._stopped:
            return not self._failures
        try:
            async with asyncio.timeout(timeout):
                while not await self._next_pass():  # noqa: ASYNC110 - what failed is retried
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            return False
        return True

    async def stop(self, timeout: float) -> bool:
        """
        Flush, end the tasks and fail who still waits.
        """
        self._stopping = True
        try:
            return await self.flush(timeout)
        finally:
            self._stopped = True
            self._task.cancel()
            if self._returning is not None:
                self._returning.cancel()
                await asyncio.wait({self._returning}, timeout=timeout)
            unwritten = [entry for entry in self._waiting() if entry.unwritten]
            if unwritten:
                await self._put_aside(unwritten, "it was closed before the row was written")

    def _start(self) -> None:
        self._news = True
        self._task = self._loop.create_task(self._run(), name="seedcore-store-writer")
        self._task.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        # A host that cancels every task of its loop takes this one along.
        waiting = any(entry.waiter and not entry.waiter.done() for entry in self._waiting())
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

    # ------------------------------------------------------------------ a pass

    async def _pass(self) -> bool:
        self._watch = self._loop.call_later(self._limit + self.GRACE, self._hangs)
        self._committing, self._queue = self._queue, []
        try:
            if self._committing:
                await self._write_calls(self._committing)
            self._committing = []
            await self._write_failures()
        except Exception as error:  # noqa: BLE001 - no such bug is known; none may end the writer
            self._fail(self._waiting(), reason(error))
            self._committing = []
        finally:
            self._watch.cancel()
        return not self._failures

    async def _write_calls(self, entries: Sequence[Entry]) -> None:
        if self.away:
            await self._put_aside(entries, "")
            return
        outcomes = await write_entries(self._database, entries, self._limit)
        gone: list[Entry] = []
        why = ""
        for entry, error in zip(entries, outcomes, strict=True):
            if error is None:
                _settle(entry, "durable")
            elif is_about_the_row(error):
                self._fail([entry], reason(error))
            else:
                why = reason(error)
                gone.append(entry)
        if gone:
            await self._put_aside(gone, why)

    async def _put_aside(self, entries: Sequence[Entry], why: str) -> None:
        """
        Write *entries* to the spool; whoever can't be helped by that either is told *why*.
        """
        if self._spool is None:
            self._fail(entries, why)
            return
        entries = self._spoolable(entries)
        self._putting += 1
        try:
            async with asyncio.timeout(self._limit):
                await Worker(self._spool.append, [e for e in entries if e.unwritten]).result
        except OSError as error:  # TimeoutError is one
            spool = f"{reason(error)} (the spool {self._spool.directory})"
            self._fail(entries, f"{why}; nor to its spool: {spool}" if why else spool)
            return
        finally:
            self._putting -= 1
        for entry in entries:
            _settle(entry, "spooled")
        self._wait_for_database(why)

    def _spoolable(self, entries: Sequence[Entry]) -> list[Entry]:
        # One that no line can hold would fail those beside it.
        spoolable = []
        for entry in entries:
            try:
                entry.to_json()
            except (TypeError, ValueError) as error:
                self._fail([entry], reason(error))
            else:
                spoolable.append(entry)
        return spoolable

    def _hangs(self) -> None:
        again = self._limit if self._spool is None else self.HANGING
        self._watch = self._loop.call_later(again, self._hangs)
        if self._aside is not None and not self._aside.done():
            return  # they gather until the spool has taken those before them
        # SQLite's thread can't be interrupted: what it still writes is ignored the second time.
        entries, self._queue = self._waiting(), []
        if any(entry.unwritten for entry in entries):
            why = "the disk does not answer; check it"
            self._aside = self._loop.create_task(self._put_aside(entries, why))

    async def _write_failures(self) -> None:
        if self.away and not self._stopping:
            return  # they wait for the database
        unsent = list(self._failures)
        self._failures.clear()
        entries = [Entry(str(row[0]), {"failures": row}) for row in unsent]
        try:
            if entries:
                outcomes = await self._write_or_spool_at_the_end(entries)
                pairs = zip(unsent, outcomes, strict=True)
                unsent = [row for row, error in pairs if _try_later(error)]
                self.dropped += sum(error is not None for error in outcomes) - len(unsent)
        finally:
            self._failures.extendleft(reversed(unsent))
            self._drop_oldest_failures()

    async def _write_or_spool_at_the_end(self, entries: Sequence[Entry]) -> Outcomes:
        outcomes = await write_entries(self._database, entries, 0.0)
        gone = [e for e, error in zip(entries, outcomes, strict=True) if _try_later(error)]
        if gone and self._stopping and self._spool is not None:
            try:
                await Worker(self._spool.append, gone).result
            except OSError:
                return outcomes
            return [None if _try_later(error) else error for error in outcomes]
        return outcomes

    # ------------------------------------------------------- until it is back

    def _wait_for_database(self, why: str) -> None:
        if why:  # else it was away already, and may be back by now
            self.away = True
        if self._stopped:
            return
        if self._returning is None:
            facts = {"reason": why or "it was gone a moment ago"}
            self._tell(Event(level="WARNING", event="audit_spooling", extra=facts))
        # A host that cancels every task of its loop takes this one along.
        if self._returning is None or self._returning.done():
            self._returning = self._loop.create_task(self._return(), name="seedcore-store-return")

    async def _return(self) -> None:
        assert self._spool is not None
        drained = Drained()
        self.away = True
        while self.away:
            await asyncio.sleep(self.LOOK_AGAIN)
            try:
                await drain_mine(self._database, self._spool, drained)
                self.away = False  # from here on entries go to the database again
                # Some have been put aside while the others were drained, or soon will be.
                while self._putting:  # noqa: ASYNC110 - a count, no event
                    await asyncio.sleep(PAUSE)
                await drain_mine(self._database, self._spool, drained)
            except Exception:  # noqa: BLE001 - not yet; the lines stay where they are
                self.away = True
        self._returning = None
        self._tell(drained.event())
        self._notify()

    def _waiting(self) -> list[Entry]:
        return [*self._committing, *self._queue]

    def _fail(self, entries: Sequence[Entry], why: str) -> None:
        for entry in entries:
            if entry.waiter is not None and not entry.waiter.done():
                msg = (
                    f"The audit row of call {entry.call_id} was not written to "
                    f"{self._database.name}: {why}."
                )
                entry.waiter.set_exception(DatabaseError(msg))

    def _drop_oldest_failures(self) -> None:
        while len(self._failures) > self._failures_kept:
            self._failures.popleft()
            self.dropped += 1


def _settle(entry: Entry, state: AuditState) -> None:
    entry.written = True
    if entry.waiter is not None and not entry.waiter.done():
        entry.waiter.set_result(state)


def _try_later(error: Exception | None) -> bool:
    return error is not None and not is_about_the_row(error)
