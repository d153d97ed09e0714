"""
The providers as they are now: usable or not, circuits, pauses, routes, and what came of a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore.plugins import Listing, Registry

if TYPE_CHECKING:
    from seedcore.routes import RouteLine
    from seedcore.store.state import SharedCircuit, SharedGate, View

STATUS = {
    "ready": ("ok", "ready"),
    "loaded": ("ok", "in use"),
    "unconfigured": ("warn", "needs settings"),
    "broken": ("bad", "broken"),
    "incompatible": ("bad", "incompatible"),
    "clash": ("bad", "offered twice"),
    "disabled": ("off", "switched off"),
}
"""The shape and the word of each state of a plugin."""


@attrs.frozen(kw_only=True)
class CircuitLine:
    """
    A circuit that isn't closed; ``until`` is epoch seconds, ``None`` if the next call tries it.
    """

    operation: str
    word: str
    until: float | None = None


@attrs.frozen(kw_only=True)
class Pause:
    """
    That a provider asked for a pause, until epoch seconds.
    """

    until: float
    status_code: int | None
    message: str


@attrs.frozen(kw_only=True)
class ProviderLine:
    """
    One provider; ``closed`` are the operations whose circuits are, as far as they are known.
    """

    name: str
    shape: str
    word: str
    reason: str | None
    version: str | None
    usable: bool
    circuits: tuple[CircuitLine, ...]
    closed: tuple[str, ...]
    pauses: tuple[Pause, ...]
    route: str | None
    route_problem: str | None
    calls: int
    failures: int
    last_at: int | None


def provider_lines(
    registry: Registry,
    *,
    view: View | None,
    routes: Iterable[RouteLine],
    totals: Iterable[Mapping[str, Any]],
    now: float,
) -> list[ProviderLine]:
    """
    Return a line for each provider, and for each name that only a route knows.
    """
    ways = {line.name: line for line in routes}
    counted = {row["provider"]: row for row in totals}
    listed = {line.provider: line for line in registry.listing()}
    lines = []
    for name in sorted({*listed, *ways}):
        listing, way, count = listed.get(name), ways.get(name), counted.get(name, {})
        shape, word = STATUS[listing.status] if listing else ("ok", "route")
        circuits = _circuits(name, view)
        lines.append(
            ProviderLine(
                name=name,
                shape=shape,
                word=word,
                reason=listing.reason if listing else None,
                version=listing.version if listing else None,
                usable=shape in ("ok", "warn"),
                circuits=circuits,
                closed=_closed(registry, listing, view, circuits),
                pauses=_pauses(name, view, now),
                route=route_text(way) if way else None,
                route_problem=way.problem if way else None,
                calls=count.get("calls", 0),
                failures=count.get("failures", 0),
                last_at=count.get("last_at"),
            )
        )
    return lines


def route_text(way: RouteLine) -> str:
    """
    Return where a route leads, in words.
    """
    whole = sum(way.to.values()) or 1
    shares = [f"{name} {share / whole:.0%}" for name, share in way.to.items() if share]
    text = next(iter(way.to)) if len(shares) == 1 else ", ".join(shares)
    return f"{text}; in an outage {', '.join(way.fallback)}" if way.fallback else text


def _circuits(name: str, view: View | None) -> tuple[CircuitLine, ...]:
    if view is None:
        return ()
    lines = (
        _line(operation, circuit)
        for (provider, operation), circuit in sorted(view.circuits.items(), key=lambda it: it[0])
        if provider == name
    )
    return tuple(line for line in lines if line is not None)


def _line(operation: str, circuit: SharedCircuit) -> CircuitLine | None:
    condition = circuit.condition
    if condition.state.value == "closed":
        return None
    if condition.state.value == "open" and condition.open_until > circuit.now:
        return CircuitLine(operation=operation, word="open", until=condition.open_until)
    return CircuitLine(operation=operation, word="half-open")


def _closed(
    registry: Registry,
    listing: Listing | None,
    view: View | None,
    others: tuple[CircuitLine, ...],
) -> tuple[str, ...]:
    if listing is None or listing.status != "loaded":
        return ()  # to know its operations it would have to be imported
    known = set(registry.load(listing.provider).operations)
    if view is not None:
        known |= {name for provider, name in view.circuits if provider == listing.provider}
    return tuple(sorted(known - {line.operation for line in others}))


def _pauses(name: str, view: View | None, now: float) -> tuple[Pause, ...]:
    if view is None:
        return ()
    return tuple(
        _pause(gate, now)
        for (provider, _), gate in view.gates.items()
        if provider == name and gate.seconds > 0
    )


def _pause(gate: SharedGate, now: float) -> Pause:
    return Pause(until=now + gate.seconds, status_code=gate.status_code, message=gate.message)
