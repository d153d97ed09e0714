"""
What processes share about circuits and gates: small rows, changed by compare-and-set.

All times in the rows are the database's own, so that no process's clock matters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from seedcore.contract.circuit import Condition, Probe, State, Step
from seedcore.model import BreakerRecord
from seedcore.policy import Policy
from seedcore.store.database import Database
from seedcore.store.models import Breaker
from seedcore.store.reasons import unusable

CIRCUIT_COLUMNS = tuple(field.name for field in attrs.fields(BreakerRecord))
MICRO = 1_000_000
TRIES = 50
"""Compare-and-set that others win in turn; in practice two or three."""


@attrs.frozen(kw_only=True)
class SharedCircuit:
    """
    A circuit as the database has it; ``now`` and the times are seconds of its clock.

    ``unreadable`` says that its row was damaged and has been, or has to be, replaced.
    """

    condition: Condition
    revision: int
    now: float
    unreadable: bool = False


@attrs.frozen(kw_only=True)
class SharedGate:
    """
    A gate as the database has it: closed for ``seconds`` more; each change is a ``version``.
    """

    seconds: float
    guess: float
    status_code: int | None
    message: str
    version: str = ""


@attrs.frozen(kw_only=True)
class View:
    """
    What the database has for some providers.
    """

    circuits: Mapping[tuple[str, str], SharedCircuit]
    gates: Mapping[tuple[str, str], SharedGate]


class SharedState:
    """
    Reads and changes the rows; every method raises ``DatabaseError`` after ``LIMIT`` seconds.
    """

    LIMIT = 1.0
    """Seconds: calls wait for these answers, and go on without them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, providers: Iterable[str]) -> View:
        """
        Return what is shared about *providers*.
        """
        names = sorted(providers)
        if not names:  # PostgreSQL knows no empty list
            return View(circuits={}, gates={})
        marks = ", ".join("?" for _ in names)
        circuits = await self._database.fetch(
            f"SELECT *, {{now}} AS now FROM seedcore_breakers WHERE provider IN ({marks})",  # noqa: S608 - ours
            *names,
            limit=self.LIMIT,
        )
        gates = await self._database.fetch(
            f"SELECT *, {{now}} AS now FROM seedcore_gates WHERE provider IN ({marks})",  # noqa: S608 - ours
            *names,
            limit=self.LIMIT,
        )
        return View(
            circuits={(row["provider"], row["operation"]): _circuit(row) for row in circuits},
            gates={
                (row["provider"], row["credential"]): gate
                for row in gates
                if (gate := _gate(row)) is not None
            },
        )

    async def move(
        self, provider: str, operation: str, policy: Policy, step: Step
    ) -> SharedCircuit:
        """
        Take *step* in the row of a circuit; return what came of it.

        Where another process changes the row meanwhile, the step is taken again from there.
        """
        for _ in range(TRIES):
            found = await self._read(provider, operation)
            condition = step(found.condition, policy, found.now)
            if condition is found.condition and not found.unreadable:
                return found
            if await self._replace(provider, operation, found, condition):
                # The revision that _replace has written.
                revision = _next(found)
                return attrs.evolve(found, condition=condition, revision=revision)
        raise unusable(self._database.name, "other processes kept changing one of its rows")

    async def close_gate(self, provider: str, credential: str, gate: SharedGate) -> None:
        """
        Close a gate for as long as *gate* says; a longer pause that is known stays.
        """
        pause = round(gate.seconds * MICRO)
        await self._database.execute(
            _CLOSE_GATE,
            *(provider, credential, pause, gate.guess, gate.status_code, gate.message),
            limit=self.LIMIT,
        )

    async def reset_guess(self, provider: str, credential: str, guess: float) -> None:
        """
        Let the next pause without Retry-After begin with *guess* seconds again.
        """
        await self._database.execute(
            "UPDATE seedcore_gates SET guess = ?, updated_at = {now} "
            "WHERE provider = ? AND credential = ?",
            *(guess, provider, credential),
            limit=self.LIMIT,
        )

    async def records(self, provider: str | None = None) -> list[BreakerRecord]:
        """
        Return the rows of circuits, sorted by provider and operation.
        """
        order = ("provider", "operation")
        rows = await self._database.rows(Breaker, CIRCUIT_COLUMNS, *order, provider=provider)
        return [BreakerRecord(**row) for row in rows]

    async def reset(self, provider: str, operation: str | None = None) -> int:
        """
        Close the circuits of a provider or operation; return how many there are.

        Processes that run take that over within a second or two.
        """
        which, values = "provider = ?", [provider]
        if operation is not None:
            which, values = "provider = ? AND operation = ?", [provider, operation]
        return await self._database.execute(
            "UPDATE seedcore_breakers SET state = 'closed', generation = generation + 1, "  # noqa: S608 - ours
            "revision = revision + 1, open_until = 0, reopened = 0, successes = 0, "
            f"probes = '[]', updated_at = {{now}} WHERE {which}",
            *values,
        )

    async def _read(self, provider: str, operation: str) -> SharedCircuit:
        rows = await self._database.fetch(
            "SELECT *, {now} AS now FROM (SELECT 1 AS one) AS always LEFT JOIN seedcore_breakers "
            "ON provider = ? AND operation = ?",
            *(provider, operation),
            limit=self.LIMIT,
        )
        return _circuit(rows[0])

    async def _replace(
        self, provider: str, operation: str, found: SharedCircuit, condition: Condition
    ) -> bool:
        values = _values(condition, _next(found))
        if found.revision == _NO_ROW:
            changed = await self._database.execute(
                _INSERT, provider, operation, *values, limit=self.LIMIT
            )
        elif found.unreadable:
            changed = await self._database.execute(
                f"{_UPDATE} WHERE provider = ? AND operation = ?",
                *(*values, provider, operation),
                limit=self.LIMIT,
            )
        else:
            changed = await self._database.execute(
                f"{_UPDATE} WHERE provider = ? AND operation = ? AND revision = ?",
                *(*values, provider, operation, found.revision),
                limit=self.LIMIT,
            )
        return changed == 1


_NO_ROW = -1
_SET = (
    "state",
    "generation",
    "open_until",
    "reopened",
    "successes",
    "succeeded_at",
    "probes",
    "revision",
)
_INSERT = (
    f"INSERT INTO seedcore_breakers (provider, operation, {', '.join(_SET)}, updated_at) "  # noqa: S608 - ours
    f"VALUES (?, ?, {', '.join('?' for _ in _SET)}, {{now}}) "
    "ON CONFLICT (provider, operation) DO NOTHING"
)
_UPDATE = (
    f"UPDATE seedcore_breakers SET {', '.join(f'{name} = ?' for name in _SET)}, "  # noqa: S608 - ours
    "updated_at = {now}"
)
_CLOSE_GATE = (
    "INSERT INTO seedcore_gates AS known "
    "(provider, credential, closed_until, guess, status_code, message, updated_at) "
    "VALUES (?, ?, {now} + ?, ?, ?, ?, {now}) "
    "ON CONFLICT (provider, credential) DO UPDATE SET closed_until = excluded.closed_until, "
    "guess = excluded.guess, status_code = excluded.status_code, message = excluded.message, "
    "updated_at = excluded.updated_at "
    # A row of the future is from before the database's clock was put back.
    "WHERE excluded.closed_until > known.closed_until OR known.updated_at > {now}"
)


def _next(found: SharedCircuit) -> int:
    # A row that can't be read had a revision that nobody knows: this one is larger.
    return int(found.now * MICRO) if found.unreadable else found.revision + 1


def _circuit(row: Mapping[str, Any]) -> SharedCircuit:
    now = row["now"] / MICRO
    if row["provider"] is None:
        return SharedCircuit(condition=Condition(), revision=_NO_ROW, now=now)
    try:
        condition = _condition(row)
        return SharedCircuit(condition=condition, revision=int(row["revision"]), now=now)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        closed = Condition(generation=row["now"])
        return SharedCircuit(condition=closed, revision=_NO_ROW + 1, now=now, unreadable=True)


def _condition(row: Mapping[str, Any]) -> Condition:
    numbers = [int(row[name]) for name in ("generation", "reopened", "successes", "revision")]
    if min(numbers) < 0:
        msg = "no count is below zero"
        raise ValueError(msg)
    return Condition(
        state=State(row["state"]),
        generation=numbers[0],
        open_until=int(row["open_until"]) / MICRO,
        reopened=numbers[1],
        successes=numbers[2],
        succeeded_at=int(row["succeeded_at"]) / MICRO,
        probes=tuple(
            Probe(str(name), int(started) / MICRO) for name, started in json.loads(row["probes"])
        ),
    )


def _values(condition: Condition, revision: int) -> tuple[Any, ...]:
    probes = [[probe.name, round(probe.started * MICRO)] for probe in condition.probes]
    return (
        condition.state.value,
        condition.generation,
        round(condition.open_until * MICRO),
        condition.reopened,
        condition.successes,
        round(condition.succeeded_at * MICRO),
        json.dumps(probes),
        revision,
    )


def _gate(row: Mapping[str, Any]) -> SharedGate | None:
    try:
        until, changed = int(row["closed_until"]), int(row["updated_at"])
        return SharedGate(
            # Not longer than it was asked for, even if the clock was put back meanwhile.
            seconds=(until - max(row["now"], changed)) / MICRO,
            guess=float(row["guess"]),
            status_code=None if row["status_code"] is None else int(row["status_code"]),
            message=str(row["message"]),
            version=f"{changed}/{until}/{row['guess']}",
        )
    except (ValueError, TypeError):
        return None  # the next pause writes it anew
