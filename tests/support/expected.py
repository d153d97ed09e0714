"""
What the contract says must be, in its own words and numbers: nothing here is the core's code.

Sources: docs/reference/contract.md, "Retry budget", "Circuit breaker", "Gate", "Shared state".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import attrs

ROUNDING = 0.003
"""Seconds by which two readings of a clock of milliseconds may differ."""
ON_THE_WAY = 0.5
"""Seconds that a step may take from the reading of a row to its writing."""
EXTRA_PROBE = 5.0
"""An unanswered probe lets another one through after so many seconds."""
FORGOTTEN = 5.0
"""A probe is forgotten so many seconds after the attempt timeout."""
LONGEST_PAUSE = 3600.0
MOST_JITTER = 1.0

Lesson = Literal["success", "failure", "answered", "neutral"]


@attrs.frozen(kw_only=True)
class Numbers:
    """
    The numbers of one circuit; those of an example, else the defaults.
    """

    attempt_timeout: float = 60.0
    open_time: float | None = None
    window: int = 20
    failures: int = 14
    calls: int = 5
    probes_at_a_time: int = 1
    successes: int = 2

    @property
    def most_probes(self) -> int:
        """
        Return how many unanswered probes fill one attempt timeout.
        """
        return self.probes_at_a_time * math.ceil(self.attempt_timeout / EXTRA_PROBE)

    @property
    def longest_open(self) -> float:
        """
        Return the seconds of the longest opening.
        """
        return 5.0 if self.open_time is None else self.open_time

    def opening(self, failed_probes: int) -> float:
        """
        Return the seconds of an opening, but for what a slow probe adds.
        """
        if self.open_time is not None:
            return self.open_time
        return min(0.25 * 1.5 ** min(failed_probes, 30), 2.0)


@attrs.frozen(kw_only=True)
class Row:
    """
    The shared row of a circuit, read without the store.
    """

    state: str = "closed"
    generation: int = 0
    revision: int = -1
    open_until: float = 0.0
    successes: int = 0
    probes: Mapping[str, float] = attrs.Factory(dict)

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Row:
        """
        Return what the *columns* mean.
        """
        probes = {name: started / 1e6 for name, started in json.loads(columns["probes"])}
        return cls(
            state=columns["state"],
            generation=columns["generation"],
            revision=columns["revision"],
            open_until=columns["open_until"] / 1e6,
            successes=columns["successes"],
            probes=probes,
        )


@attrs.frozen(kw_only=True)
class Write:
    """
    One change of the row: by whom, and whether that one may be telling what it did alone.

    ``knew`` are the generations in which its writer has opened the circuit: what it tells of may
    be older than the last. ``left`` are the seconds that its own circuit stays open, if it is;
    ``calm`` says that neither its writer nor the database's clock was disturbed lately.
    """

    writer: str
    knew: frozenset[int]
    left: float | None
    now: float
    database: float
    calm: bool
    alone: bool


class SharedCircuit:
    """
    Everything that ever happened to the shared row, held against the rules of a circuit.
    """

    def __init__(self, numbers: Numbers) -> None:
        self.row = Row()
        self.changed = -math.inf
        """When its state changed last."""
        self.written_at = -math.inf
        self.granted: dict[str, tuple[float, int]] = {}
        """When a probe was let through, and in which generation."""
        self.reached: set[str] = set()
        self.openings: dict[str, int] = {}
        """How often each process has opened it, when it was closed."""
        self.reopenings: dict[str, int] = {}
        self.good_probes = 0
        """Probes since it became half-open that found the provider alive."""
        self.complaints: list[str] = []
        self._numbers = numbers
        self._failed_probes: int | None = 0

    def written(self, after: Row, write: Write) -> None:
        """
        Note a change, and complain about one that no rule makes.
        """
        before, self.row = self.row, after
        if after == before:
            return
        self.written_at = write.now
        self.reached.add(after.state)
        self._hold(before.revision + 1 == after.revision, f"a revision is missing: {after}")
        closes = after.state == "half_open" and after.successes >= self._numbers.successes
        self._hold(not closes, f"half-open after enough successes: {after}")
        self._hold(before.generation <= after.generation, f"the generation went back: {after}")
        for name in after.probes.keys() - before.probes.keys():
            self._granted(name, before, after, write)
        if before.generation != after.generation:
            self.changed = write.now
            self._changed(before, after, write)
        else:
            self._hold(before.state == after.state, f"{after.state} in the same generation")

    def _changed(self, before: Row, after: Row, write: Write) -> None:
        changes = f"{before.state} -> {after.state}"
        if write.alone and not after.probes:
            # It tells what it did while nobody could see: how often it failed is not known here.
            self.reached.add("restated")
            self._failed_probes = None
            if after.state == "open" and write.left is not None and write.calm:
                off = after.open_until - write.database - write.left
                self._hold(abs(off) <= ON_THE_WAY, f"told {off} s too much: {after}")
            self.good_probes = self._numbers.successes
            return
        self._hold(before.generation + 1 == after.generation, f"a generation is missing: {after}")
        self._hold(changes in _CHANGES, f"no rule makes {changes} by {write.writer}")
        if changes in _CHANGES:
            _CHANGES[changes](self, before, after, write)
        self.good_probes = 0

    def _granted(self, name: str, before: Row, after: Row, write: Write) -> None:
        self.granted[name] = write.now, after.generation
        self._hold(name.rpartition("-")[0] == write.writer, f"{write.writer} took {name}")
        others = [started for other, started in after.probes.items() if other != name]
        self._hold(len(after.probes) <= self._numbers.most_probes, f"too many probes: {after}")
        if not write.calm:
            return
        oldest = after.probes[name] - self._numbers.attempt_timeout - FORGOTTEN - ROUNDING
        self._hold(all(s >= oldest for s in others), f"a lost probe is not forgotten: {after}")
        fresh = [s for s in others if after.probes[name] - s < EXTRA_PROBE - ROUNDING]
        self._hold(
            len(fresh) < self._numbers.probes_at_a_time,
            f"a probe too early: {after} at {write.now}",
        )

    def _opens(self, before: Row, after: Row, write: Write) -> None:
        self.openings[write.writer] = self.openings.get(write.writer, 0) + 1
        self._failed_probes = 0
        self._hold(before.generation in write.knew, f"{write.writer} lags behind: {after}")
        self._lasts(0.0, after, write)

    def _probes(self, before: Row, after: Row, write: Write) -> None:
        early = before.open_until - write.database
        self._hold(early <= ROUNDING or not write.calm, f"{early} s before its time: {after}")
        self._hold(len(after.probes) == 1, f"half-open without one probe: {after}")

    def _reopens(self, before: Row, after: Row, write: Write) -> None:
        self.reopenings[write.writer] = self.reopenings.get(write.writer, 0) + 1
        if self._failed_probes is not None:
            self._failed_probes += 1
        self._hold_its_own(before, write)
        slowest = write.database - min(before.probes.values(), default=write.database)
        self._lasts(slowest, after, write)

    def _closes(self, before: Row, after: Row, write: Write) -> None:
        self._hold_its_own(before, write)
        enough = self.good_probes >= self._numbers.successes
        self.reached.add("closed again")
        self._hold(enough, f"closed after {self.good_probes} good probes by {write.writer}")

    def _hold_its_own(self, before: Row, write: Write) -> None:
        mine = [name for name in before.probes if name.rpartition("-")[0] == write.writer]
        self._hold(bool(mine), f"{write.writer} has no probe among {before}")

    def _lasts(self, probe_took: float, after: Row, write: Write) -> None:
        if not write.calm or self._failed_probes is None:
            return
        longest = shortest = self._numbers.opening(self._failed_probes)
        if self._numbers.open_time is None:
            longest = max(shortest, min(probe_took, 5.0))
        seconds = after.open_until - write.database
        fits = shortest - ON_THE_WAY <= seconds <= longest + ROUNDING
        self._hold(fits, f"open for {seconds}, not {shortest} to {longest} s")

    def _hold(self, holds: bool, complaint: str) -> None:
        if not holds:
            self.complaints.append(complaint)


_CHANGES = {
    "closed -> open": SharedCircuit._opens,
    "open -> half_open": SharedCircuit._probes,
    "half_open -> open": SharedCircuit._reopens,
    "half_open -> closed": SharedCircuit._closes,
}


class Tally:
    """
    What one process counts while its circuit is closed, and when that is too much.
    """

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self._attempts: list[tuple[bool, bool]] = []
        self._calls: list[bool] = []

    def forget(self) -> None:
        """
        Begin anew: its circuit has changed.
        """
        self._attempts, self._calls = [], []

    def attempt(self, *, failed: bool, here: bool) -> Literal["open", "apart"] | None:
        """
        Count an attempt; return how the circuit opens, if it does.
        """
        self._attempts = [*self._attempts, (failed, here)][-self._numbers.window :]
        if not failed:
            self._calls = []
        bad = [here for failed, here in self._attempts if failed]
        return self._verdict(bad, self._numbers.failures)

    def call(self, *, here: bool) -> Literal["open", "apart"] | None:
        """
        Count a call that failed; return how the circuit opens, if it does.
        """
        self._calls.append(here)
        return self._verdict(self._calls, self._numbers.calls)

    def _verdict(self, bad: list[bool], most: int) -> Literal["open", "apart"] | None:
        if len(bad) < most:
            return None
        return "open" if bad.count(False) >= most else "apart"


class Purse:
    """
    The retries that one process has left: 10, half of one per call, one per second, at most 50.
    """

    def __init__(self, now: float) -> None:
        self._left = 10.0
        self._seen = now

    def left(self, now: float) -> float:
        """
        Return how many there are.
        """
        self._left = min(50.0, self._left + now - self._seen)
        self._seen = now
        return self._left

    def call(self, now: float) -> None:
        """
        Add what a call adds.
        """
        self._left = min(50.0, self.left(now) + 0.5)

    def take(self, now: float) -> bool:
        """
        Take one; return whether there was one.
        """
        self._left = self.left(now) - 1
        return self._left >= -1e-6
