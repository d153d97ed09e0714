"""
What happened, as structured events: to loguru, as JSON lines, or to sinks of plugins.

Events hold names, numbers and types; no upstream's words, no setting and no URL, but for the
permalink of a row that could not be written (``audit_lost``), which is the last trace of it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Literal, TextIO

import attrs

from seedcore.model import Outcome

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
RANK: Mapping[str, int] = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


@attrs.frozen(kw_only=True)
class Event:
    """
    One thing that happened; fields that don't apply are ``None``.

    ``event`` is ``attempt``, ``call``, ``breaker``, ``gate`` or another name of the reference;
    ``extra`` holds what only that event has. Durations are milliseconds, ``retry_in_s`` seconds.
    """

    level: Level
    event: str
    call_id: str | None = None
    provider: str | None = None
    operation: str | None = None
    surface: str | None = None
    attempt: int | None = None
    max_attempts: int | None = None
    duration_ms: float | None = None
    outcome: Outcome | None = None
    error_type: str | None = None
    status_code: int | None = None
    retry_in_s: float | None = None
    breaker: str | None = None
    extra: Mapping[str, Any] = attrs.Factory(dict)

    def fields(self) -> dict[str, Any]:
        """
        Return what applies, as plain data without the level.
        """
        fields = {
            "event": self.event,
            "call_id": self.call_id,
            "provider": self.provider,
            "operation": self.operation,
            "surface": self.surface,
            "attempt": self.attempt,
            "max_attempts": self.max_attempts,
            "duration_ms": self.duration_ms,
            "outcome": self.outcome,
            "error_type": self.error_type,
            "status_code": self.status_code,
            "retry_in_s": self.retry_in_s,
            "breaker": self.breaker,
        }
        shown = {name: value for name, value in fields.items() if value is not None}
        return {**shown, **self.extra} if self.extra else shown

    @property
    def message(self) -> str:
        """
        One line for a person.
        """
        what = " ".join(filter(None, (self.provider, self.operation)))
        if self.event == "attempt" and self.outcome == "retry":
            status = f" {self.status_code}" if self.status_code else ""
            return (
                f"{what}: attempt {self.attempt} of {self.max_attempts} failed "
                f"({self.error_type}{status}), next in {self.retry_in_s:.1f} s"
            )
        if self.event in ("attempt", "call"):
            error = f" ({self.error_type})" if self.error_type else ""
            return f"{what}: {self.event} {self.outcome}{error} in {self.duration_ms:.0f} ms"
        if self.event == "breaker":
            return f"{what}: circuit {self.extra.get('old')} -> {self.extra.get('new')}"
        details = ", ".join(f"{name} {value}" for name, value in self.extra.items())
        subject = f"{what}: {self.event}" if what else self.event
        return subject + (f" ({details})" if details else "")


Sink = Callable[[Event], None]

captures: ContextVar[tuple[Sink, ...]] = ContextVar("captures", default=())
"""Sinks that every ``Events`` made in this context has besides its own: those of a test."""


class JsonLines:
    """
    Writes one JSON object per line, as servers and the command line do with log = "json".

    Directly, since a loguru sink costs three times as much per event.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """
        Write *event*.
        """
        record = {"time": round(time.time(), 6), "level": event.level, **event.fields()}
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
        stream = self._stream or sys.stderr
        stream.write(line + "\n")
        stream.flush()


class Loguru:
    """
    Hands events to the loguru of the host: its handlers, levels and filters decide.

    The fields are bound, so they are in ``record["extra"]``; the logger's name is
    ``seedcore.events``, so ``logger.disable("seedcore")`` silences it.
    """

    def __init__(self) -> None:
        from loguru import logger

        self._logger = logger

    def __call__(self, event: Event) -> None:
        """
        Log *event* at its level.
        """
        # No arguments for loguru to format: braces in a field would raise.
        self._logger.bind(**event.fields()).log(event.level, event.message)


class Events:
    """
    Sends each event to every sink; a sink that raises is reported once and hurts nobody.
    """

    def __init__(self, sinks: Iterable[Sink] = (), *, level: Level = "DEBUG") -> None:
        self._sinks = [*sinks, *captures.get()]
        self._rank = RANK[level] if self._sinks else sys.maxsize
        self._reported: set[int] = set()
        self.debug = self.wants("DEBUG")
        self.info = self.wants("INFO")

    def wants(self, level: Level) -> bool:
        """
        Whether anybody receives events of *level*: asked first, so that none is built in vain.
        """
        return RANK[level] >= self._rank

    def emit(self, event: Event) -> None:
        """
        Send *event* to every sink.
        """
        if RANK[event.level] < self._rank:
            return
        for sink in self._sinks:
            try:
                sink(event)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a sink is somebody else's code
                self._report(sink, error)

    def report_broken(self, name: str, reason: str) -> None:
        """
        Say that the sink of a plugin can't be used.
        """
        facts = {"sink": name, "reason": reason}
        self.emit(Event(level="ERROR", event="sink_failed", extra=facts))

    def _report(self, broken: Sink, error: BaseException) -> None:
        if id(broken) in self._reported:
            return
        self._reported.add(id(broken))
        name = getattr(broken, "__qualname__", type(broken).__qualname__)
        facts = {"sink": name}
        report = Event(
            level="ERROR", event="sink_failed", error_type=type(error).__name__, extra=facts
        )
        for sink in self._sinks:
            if sink is not broken:
                try:
                    sink(report)
                except Exception:  # noqa: BLE001, S112 - it will be reported on its own event
                    continue
