"""
The four gates that a provider has to pass before calls are moved to it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from typing import Any

import attrs

from seedcore.errors import PluginError
from seedcore.plugins import Registry
from seedcore.testing.flows.compared import found_in
from seedcore.testing.flows.faults import LeapingLoop
from seedcore.testing.flows.files import Flow
from seedcore.testing.flows.records import GATES, Finding, Gate, GateName, Noted, Status, Subject
from seedcore.testing.flows.reliability import reliability
from seedcore.testing.flows.replay import Replayed, empty_database, replayed
from seedcore.testing.flows.rollback import rollback
from seedcore.testing.flows.secrecy import Made, leaks, noting

Tell = Callable[[GateName, str, int, int], None]
"""Hears what is being replayed for which gate, its number from 1, and of how many."""
ROW_LOST = ("audit_hook_failed", "audit_lost")
"""Events that say that a row isn't what it was meant to be."""


def silent(gate: GateName, what: str, number: int, of: int) -> None:
    """
    Tell nobody.
    """


class Gates:
    """
    Takes one provider through the gates; *tell* hears how far that is.
    """

    def __init__(self, subject: Subject, tell: Tell = silent) -> None:
        self._subject = subject
        self._tell = tell
        self._replays: dict[str, tuple[Replayed, list[Made]]] = {}
        """Each flow's own replay, by its file."""
        self._behaviour, self._audit = Noted(), Noted()
        self._database = b""

    def results(self, only: Collection[GateName] = GATES) -> Iterator[Gate]:
        """
        Yield what comes of each gate, as soon as it is known; of *only* some if given.
        """
        try:
            self._subject.provider()
        except PluginError as error:
            found: tuple[Finding, ...] = (
                Finding("", "ours", f"the provider can't be used: {error}"),
            )
            for name in only:
                yield self._gate(name, "fail", "it can't be used", found)
                found = ()
            return
        steps: Mapping[GateName, Callable[[], Coroutine[Any, Any, Gate]]] = {
            "Behaviour": self._as_today,
            "Reliability": self._reliable,
            "Audit": self._audited,
            "Rollback": self._back,
        }
        # Not the policy's loop: this one's clock can leap over an answer that hangs.
        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            self._database = self._behaviour.database = runner.run(empty_database())
            for name, step in steps.items():
                started = time.perf_counter()
                if name in only or name == "Behaviour":  # the others look at its replays
                    gate = runner.run(step())
                if name in only:
                    yield attrs.evolve(gate, seconds=round(time.perf_counter() - started, 3))

    def _gate(
        self, gate: GateName, status: Status, reason: str, findings: tuple[Finding, ...] = ()
    ) -> Gate:
        return Gate(
            provider=self._subject.name,
            served_by=self._subject.served_by,
            gate=gate,
            status=status,
            reason=reason,
            findings=findings,
        )

    def _judged(self, gate: GateName, noted: Noted, passed: str) -> Gate:
        status, reason = noted.result(len(self._subject.flows)) or ("pass", passed)
        return self._gate(gate, status, reason, tuple(noted.findings))

    async def _as_today(self) -> Gate:
        """
        Replay every flow; what it says of requests and results belongs to this gate.
        """
        flows = self._subject.flows
        for number, flow in enumerate(flows, 1):
            self._tell("Behaviour", flow.file, number, len(flows))
            with self._behaviour.replaying(flow) as folder:
                self._subject.check(flow)
                made: list[Made] = []

                def prepare(registry: Registry, made: list[Made] = made) -> None:
                    self._subject.put_in_place(registry)
                    provider = registry.load(self._subject.name)
                    registry.add(self._subject.name, noting(provider, made))

                played = await replayed(flow, folder, self._subject.registry(), prepare)
                self._replays[flow.file] = played, made
                self._compare(flow, played)
        self._audit.skipped.update(self._behaviour.skipped)
        done = len(flows) - len(self._behaviour.skipped)
        return self._judged("Behaviour", self._behaviour, f"{_flows(done)} as today")

    def _compare(self, flow: Flow, played: Replayed) -> None:
        found, error = found_in(flow, played.as_today(flow.provider)), played.act.error
        if error is not None and any(place.startswith("today.gets") for place, _ in found):
            # One sentence in place of one for each field that an error hasn't.
            found = [each for each in found if not each[0].startswith("today.gets")]
            found.append(("today.gets", f"ours {played.act.outcome}"))
        for place, problem in found:
            noted = self._audit if place.startswith("today.audit") else self._behaviour
            noted.find(flow, place, problem)
        for place in played.elsewhere:
            problem = f"it asks {place} with a client of its own, which no replay answers"
            self._behaviour.find(flow, "today.sends", problem)

    async def _reliable(self) -> Gate:
        noted = Noted(database=self._database, skipped=dict(self._behaviour.skipped))
        plain = {file: played for file, (played, _) in self._replays.items()}
        reason = await reliability(self._subject, plain, noted, self._tell)
        if reason is None and not noted.findings and not noted.skipped:
            text = "it asks no site, and takes any input"
            return self._gate("Reliability", "skip", text)
        return self._judged("Reliability", noted, reason or "")

    async def _audited(self) -> Gate:
        operations = self._subject.provider().operations
        for flow in self._subject.flows:
            if flow.file not in self._replays:
                continue
            played, made = self._replays[flow.file]
            operation = operations.get(flow.operation)
            audited = operation is not None and operation.audited
            for place, problem in _rows(played, audited=audited):
                self._audit.find(flow, place, problem)
            for place, problem in leaks(played, made):
                self._audit.find(flow, place, problem)
        if len(self._replays) + len(self._behaviour.skipped) < len(self._subject.flows):
            self._audit.findings.append(Finding("", "rows", "a flow can't be replayed"))
        written = sum(len(played.rows) for played, _ in self._replays.values())
        passed = f"{written} rows of {len(self._replays)} calls, as they must be"
        return self._judged("Audit", self._audit, passed)

    async def _back(self) -> Gate:
        noted = Noted(database=self._database, skipped=dict(self._behaviour.skipped))
        plain = {file: played for file, (played, _) in self._replays.items()}
        reason = await rollback(self._subject, plain, noted, self._tell)
        if reason is None and not noted.findings and not noted.skipped:
            return self._gate("Rollback", "skip", "no flow of it succeeds")
        return self._judged("Rollback", noted, reason or "")


def _flows(count: int) -> str:
    return "1 flow" if count == 1 else f"{count} flows"


def _rows(played: Replayed, *, audited: bool) -> Iterator[tuple[str, str]]:
    """
    Yield what is wrong with the number of rows, and with how they were written.
    """
    act = played.act
    expected = 1 if audited and act.error is None else 0
    if len(played.rows) != expected:
        which = "failed" if act.error is not None else "succeeded"
        kind = "audited" if audited else "not audited"
        yield "rows", f"a call that {which}, {kind}, wrote {len(played.rows)} rows, not {expected}"
    elif expected and act.call_id not in (None, played.rows[0]["call_id"]):
        yield "rows", f"the row is that of call {played.rows[0]['call_id']}, not of {act.call_id}"
    for event in played.events:
        if event.event in ROW_LOST:
            kind = f" ({event.error_type})" if event.error_type else ""
            yield f"event {event.event}", f"the row isn't what it was meant to be{kind}"
