"""
Who watches processes, their rows and their provider, and complains about what must not be.
"""

from __future__ import annotations

import math

from seedcore import ProviderError
from seedcore.events import Event
from support.attempts import Answer, Attempt, Call, Watched
from support.expected import LONGEST_PAUSE, Numbers, Row, SharedCircuit, Write
from support.processes import Process
from support.rows import Cut, Rows, Time

INFORMED = 2.5
"""Seconds within which a process that makes an attempt knows what the others know."""
AGREED = 2.0
"""Seconds within which one that waits or works knows it: it looks each second."""
WITHOUT_ANSWER = 5.0
"""Seconds that a call loses to a database that doesn't answer, at most."""
SAID_LATER = 5.0
"""Seconds within which a process tells what it did while it was alone."""


class Witness:
    """
    Knows everything that can be seen from outside, and what the contract says about it.
    """

    def __init__(self, numbers: Numbers, time: Time, rows: Rows) -> None:
        self.numbers = numbers
        self.time = time
        self.rows = rows
        self.circuit = SharedCircuit(numbers)
        self.pauses: list[tuple[float, float]] = []
        """When a pause came into the shared row, and until when it was asked for."""
        self.calls: list[Call] = []
        self.pending: list[Call] = []
        self.in_flight: list[Attempt] = []
        self.watched: dict[Process, Watched] = {}
        self.processes: list[Process] = []
        self.met: set[str] = set()
        """What an example got to, for those who count."""
        self.paused = False
        """Whether the provider has asked for a pause."""
        self.complaints: list[str] = []
        self.jumped = -math.inf
        """When the database's clock jumped last."""

    @property
    def opens_in(self) -> float:
        """
        Return the seconds until the circuit lets a probe through.
        """
        if self.circuit.row.state != "open":
            return 0.0
        left = self.circuit.row.open_until - self.time.of_the_database() / 1e6
        return min(max(0.0, left), self.numbers.longest_open)

    @property
    def probers(self) -> list[Process]:
        """
        Return the processes that wait for the answer to a probe.
        """
        at_work = (one.call.process for one in self.in_flight if one.state == "half_open")
        return [process for process in at_work if self._probes_of(process)]

    # -------------------------------------------------------------- what is seen

    def _begun(self, attempt: Attempt, watched: Watched) -> None:
        now, process, row = self.time.now, watched.process, self.circuit.row
        who = f"{process.name} at {now:.3f}"
        if attempt.state == "open":
            self.complaints.append(f"{who}: an attempt while it knows that the circuit is open")
        if now < watched.pause_until - 1e-6:
            self.complaints.append(f"{who}: {watched.pause_until - now} s before its pause ends")
        told = now - INFORMED
        if watched.informed_since > told:
            return
        for since, until in self.pauses:
            known = self.jumped < since <= told
            self._hold(not known or now >= until - 1e-3, f"{who}: a pause of all until {until}")
        if process.breaker.apart or max(self.circuit.changed, watched.changed) > told:
            return  # or what it did itself is on its way
        self._hold(row.state != "open", f"{who}: an attempt while it is open for all: {row}")
        if row.state == "half_open":
            # Those from before a jump of the database's clock may have been forgotten.
            mine = [
                one
                for one in self._out(process)
                if one.epoch == attempt.epoch and one.began > self.jumped
            ]
            probes = self._probes_of(process)
            self._hold(len(mine) <= len(probes), f"{who}: {len(mine)} attempts for {probes}")

    def _ended(self, attempt: Attempt, answer: Answer, watched: Watched) -> None:
        now = self.time.now
        epoch = epoch_of(watched)
        watched.ended = now
        watched.log.append((attempt, answer, epoch))
        if answer.pause is not None:
            self.paused = True
            seconds = min(answer.pause, LONGEST_PAUSE)
            if not seconds and not watched.process.lane.gate.wait(watched.process.loop.time()):
                seconds = 2.0
            if now + seconds > watched.pause_until:
                watched.pause_until = now + seconds
                watched.owes = now, watched.pause_until
        current = attempt.state == "half_open" and attempt.epoch == epoch
        if not current:
            return
        if answer.lesson == "failure":
            watched.failed_probes += 1
        good = answer.lesson in ("success", "answered")
        if good and self.circuit.row.generation == epoch[1]:
            self.circuit.good_probes += 1

    def _event(self, process: Process, event: Event) -> None:
        watched = self.watched.get(process)
        if watched is None or process.gone:
            return
        now = self.time.now
        if event.event == "breaker":
            watched.log.append(event)
            watched.changes += 1
            watched.changed = now
            if event.breaker == "open" and event.extra.get("by") != "peer":
                watched.knew.add(process.breaker.condition.generation - 1)
            self.met.add(f"{event.breaker} in a process")
        elif event.event == "gate" and event.extra.get("by") == "peer":
            self.met.add("a pause of another process")
        elif event.event == "shared_state_lost":
            self._hold(not watched.lost, f"{process.name} loses the database twice")
            watched.lost, watched.informed_since = True, math.inf
        elif event.event == "shared_state_back":
            self._hold(watched.lost, f"{process.name} finds what it never lost")
            watched.lost, watched.back = False, now
            self._may_be_informed(process)
        elif event.event == "attempt" and event.outcome == "retry" and event.status_code != 429:
            assert watched.purse is not None
            self._hold(watched.purse.take(now), f"{process.name} has no retry left")
        elif event.event in ("shared_state_unreadable", "audit_lost", "map_error_failed"):
            self.complaints.append(f"{process.name}: {event}")

    def _wrote(self, process: Process, statement: str, count: int) -> None:
        if not count:
            if "SET state" in statement or "INSERT INTO seedcore_breakers" in statement:
                self.met.add("compare-and-set lost")
            return
        now = self.time.now
        watched = self.watched[process]
        for columns in self.rows.all_of("seedcore_breakers"):
            quiet = now - max(watched.resumed, self.jumped)
            write = Write(
                writer=process.name,
                knew=frozenset(watched.knew),
                left=_stays_open(process),
                now=now,
                database=self.time.of_the_database() / 1e6,
                calm=quiet > 1.0,
                alone=now - max(watched.back, watched.resumed) < SAID_LATER and watched.back > 0,
            )
            self.circuit.written(Row.of(columns), write)
        if "seedcore_gates" in statement and "closed_until" in statement:
            self.pauses.append((now, watched.pause_until))

    def _may_be_informed(self, process: Process) -> None:
        watched = self.watched[process]
        good = not process.stopped and process.way.cut is Cut.NOTHING and not watched.lost
        watched.informed_since = self.time.now if good else math.inf

    # ------------------------------------------------------- what must have been

    def _reckon(self, watched: Watched) -> None:
        """
        Go through what a process has seen, in order, and count as the contract does.
        """
        log, watched.log = watched.log, []
        for entry in log:
            if isinstance(entry, Event):
                self._change(watched, entry)
            else:
                self._count(watched, *entry)
        expected = sum(watched.expected.values())
        if watched.opened != expected:
            name = watched.process.name
            self.complaints.append(
                f"{name} at {self.time.now}: opened {watched.opened} times, not {expected}"
            )
            watched.opened = expected

    def _change(self, watched: Watched, event: Event) -> None:
        watched.tally.forget()
        by_peer = event.extra.get("by") == "peer"
        if event.extra["old"] == "closed" and event.breaker == "open" and not by_peer:
            watched.opened += 1
        if event.breaker == "closed":
            others = not by_peer or watched.apart != self.circuit.row.revision
            self._hold(others, f"{watched.process.name} closes since it was closed for others")
            watched.apart = None

    def _count(
        self, watched: Watched, attempt: Attempt, answer: Answer, epoch: tuple[int, int]
    ) -> None:
        call = attempt.call
        error = call.error if attempt is call.attempts[-1] else None
        if isinstance(error, ProviderError) and error.stopped_by == "budget":
            assert watched.purse is not None
            self.met.add("budget empty")
            left = watched.purse.left(self.time.now)
            self._hold(left < 3, f"{watched.process.name} has {left} retries left, and no retry")
        if answer.lesson == "success":
            watched.successes += 1
        if attempt.state != "closed" or attempt.epoch != epoch:
            if answer.lesson == "failure" and call.successes_before is None:
                call.successes_before = watched.successes
            return
        if answer.lesson not in ("success", "failure"):
            return
        if epoch != watched.counted:  # others have changed it, and changed it back
            watched.tally.forget()
            watched.counted = epoch
        failed = answer.lesson == "failure"
        verdict = watched.tally.attempt(failed=failed, here=answer.here)
        if failed and call.successes_before is None:
            call.successes_before = watched.successes
        whole = (
            failed
            and isinstance(error, ProviderError)
            and error.stopped_by in ("attempts", "permanent", "in_doubt")
        )
        if verdict is None and whole and call.successes_before == watched.successes:
            verdict = watched.tally.call(here=answer.here)
        if verdict is not None:
            watched.expected[verdict] += 1
            watched.told = self.time.now if verdict == "open" else math.inf
            watched.apart = self.circuit.row.revision if verdict == "apart" else None

    def check(self) -> None:
        """
        Complain about what must not be, whatever has happened.
        """
        for process in self.processes:
            self.complaints += process.complaints
            process.complaints.clear()
            lane, watched = process.lane, self.watched[process]
            if lane is not None:
                pause = lane.gate.wait(process.loop.time())
                self._hold(pause <= LONGEST_PAUSE + 1, f"{process.name} pauses for {pause} s")
                self._check_agreement(watched)
            name = process.name
            shared = watched.expected["open"]
            self._hold(self.circuit.openings.get(name, 0) <= shared, f"{name} opened it for all")
            reopened = self.circuit.reopenings.get(name, 0)
            self._hold(reopened <= watched.failed_probes, f"{name} reopened it for all")
        for call in list(self.pending):
            self._check_call(call)
        complaints = self.complaints + self.circuit.complaints
        assert not complaints, "\n".join(complaints)

    def _check_agreement(self, watched: Watched) -> None:
        process, row, told = watched.process, self.circuit.row, self.time.now - AGREED
        if process.stopped or watched.informed_since > told or self.circuit.written_at > told:
            return
        asked, end = watched.owes
        if max(watched.informed_since, self.jumped) < asked < told:
            heard = any(until >= end for _, until in self.pauses)
            self._hold(heard, f"{process.name} has told nobody of its pause until {end}")
        late = watched.informed_since < watched.told < told
        unheard = late and self.circuit.changed < watched.told - INFORMED
        self._hold(not unheard, f"{process.name} has told nobody since {watched.told}")
        out, probes = self._out(process), self._probes_of(process)
        probes = [name for name in probes if self.circuit.granted[name][0] > watched.informed_since]
        if watched.ended < told:
            self._hold(len(probes) <= len(out), f"{process.name}: {len(out)} out, but {probes}")
        at_work = max(watched.used_since, watched.changed) < told
        if at_work and not process.breaker.apart:
            known = process.breaker.condition
            same = (row.state, row.generation) == (known.state.value, known.generation)
            self._hold(same, f"{process.name} at {self.time.now} knows {known}, not {row}")

    def _check_call(self, call: Call) -> None:
        assert call.task is not None
        watched = self.watched[call.process]
        if not call.task.done():
            age = self.time.now - max(call.made, watched.resumed)
            late = age > 2 * call.patience + WITHOUT_ANSWER and not call.process.stopped
            self._hold(not late or bool(call.attempts), f"call {call.number} waits for {age} s")
            return
        self.pending.remove(call)
        if call.task.cancelled():
            self._hold(call.cancelled, f"call {call.number} was cancelled by nobody")
        elif call.error is not None:
            right = isinstance(call.error, ProviderError)
            self._hold(right, f"call {call.number} raised {call.error!r}")

    def _out(self, process: Process) -> list[Attempt]:
        return [one for one in self.in_flight if one.call.process is process]

    def _probes_of(self, process: Process) -> list[str]:
        return [n for n in self.circuit.row.probes if n.rpartition("-")[0] == process.name]

    def _hold(self, holds: bool, complaint: str) -> None:
        if not holds:
            self.complaints.append(complaint)


def epoch_of(watched: Watched) -> tuple[int, int]:
    """
    Return what changes whenever results of earlier attempts are to be ignored.
    """
    return watched.changes, watched.process.breaker.condition.generation


def _stays_open(process: Process) -> float | None:
    known = process.breaker.condition
    return known.open_until - process.loop.time() if known.state.value == "open" else None
