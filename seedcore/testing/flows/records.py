"""
What the gates say, and about whom.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import attrs

from seedcore.errors import PluginError, SeedcoreError
from seedcore.plugins import Provider, Registry
from seedcore.testing.flows.files import Flow
from seedcore.testing.flows.programs import NotHere
from seedcore.testing.flows.stage import DATABASE

GateName = Literal["Behaviour", "Reliability", "Audit", "Rollback"]
GATES: tuple[GateName, ...] = ("Behaviour", "Reliability", "Audit", "Rollback")
Status = Literal["pass", "fail", "skip"]


@attrs.frozen
class Finding:
    """
    What is wrong: in the replay of which file, at what place.
    """

    file: str
    place: str
    problem: str


@attrs.frozen(kw_only=True)
class Gate:
    """
    What came of one gate; ``reason`` says what was looked at, or why it was not.

    ``served_by`` is the provider that was called, ``provider`` the one that the flows are about.
    """

    provider: str
    served_by: str
    gate: GateName
    status: Status
    reason: str
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0


@attrs.frozen(kw_only=True, eq=False)
class Subject:
    """
    The provider *name*, the flows about it, and the installed provider that is in its place.

    *registry* makes a new one for each replay: what a provider keeps from call to call is gone.
    """

    name: str
    served_by: str
    flows: tuple[Flow, ...]
    registry: Callable[[], Registry] = Registry

    def provider(self) -> Provider:
        """
        Return a new instance of the provider under test. Raises PluginError.
        """
        return self.registry().load(self.served_by)

    def put_in_place(self, registry: Registry) -> None:
        """
        Let the provider under test be called by the name that the flows know. Raises PluginError.
        """
        if self.served_by != self.name:
            registry.add(self.name, registry.load(self.served_by))

    def check(self, flow: Flow) -> None:
        """
        Raise NotHere for a flow that can't be replayed with another provider in place of its own.
        """
        if flow.course and self.served_by != self.name:
            text = f"it runs a program, which {self.served_by} can't be given in place of its own"
            raise NotHere(text)


@attrs.define(kw_only=True, eq=False)
class Noted:
    """
    What a gate has found so far, and what it could not look at.

    ``database`` is an empty one, with its tables: to make them takes longer than a replay.
    """

    database: bytes = attrs.field(default=b"", repr=False)
    findings: list[Finding] = attrs.Factory(list)
    skipped: dict[str, str] = attrs.Factory(dict)
    """Files that can't be replayed here, and why."""
    overdue: set[str] = attrs.Factory(set)
    """Files whose calls take real time: replayed with other faults they would take as much."""

    def find(self, flow: Flow, place: str, problem: str) -> None:
        """
        Note that something is wrong.
        """
        self.findings.append(Finding(flow.file, place, problem))

    @contextmanager
    def replaying(self, flow: Flow) -> Iterator[Path]:
        """
        Give a folder to replay *flow* in; note what keeps it from being replayed.
        """
        try:
            with tempfile.TemporaryDirectory(prefix="seedcore-gates-") as folder:
                if self.database:
                    Path(folder, DATABASE).write_bytes(self.database)
                yield Path(folder)
        except NotHere as error:
            self.skipped[flow.file] = str(error)
        except PluginError as error:
            self.find(flow, "ours", f"the provider can't be used: {error}")
        except SeedcoreError as error:
            self.find(flow, "ours", f"it can't be replayed: {error}")

    def result(self, looked_at: int) -> tuple[Status, str] | None:
        """
        Return status and reason if something was found, or nothing could be looked at.
        """
        why = next(iter(self.skipped.values()), "")
        skipped = f"{len(self.skipped)} of {looked_at} flows: {why}" if self.skipped else ""
        if self.findings:
            files = {finding.file for finding in self.findings}
            many = "1 finding" if len(self.findings) == 1 else f"{len(self.findings)} findings"
            where = "1 flow" if len(files) == 1 else f"{len(files)} flows"
            return "fail", f"{many} in {where}" + (f"; skipped {skipped}" if skipped else "")
        return ("skip", skipped) if skipped else None


def must_not_skip(*, strict: bool) -> bool:
    """
    Whether a gate that is skipped is one that isn't passed: on a build server it always is.
    """
    return strict or bool(os.environ.get("CI"))
