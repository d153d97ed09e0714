"""
Every case that is held against the table: what can go wrong, in all its combinations.
"""

from __future__ import annotations

import itertools
import socket
import ssl
from collections.abc import Iterable, Iterator

import attrs

from seedcore import Effect, PartialFailureError, ProviderCapabilityError
from support.faults import (
    BROKEN,
    BUG,
    BY_STATUS,
    DATE,
    FORMS,
    JUNK,
    NONE,
    SECONDS,
    TIMEOUT,
    UNABLE,
    UNREACHED,
    Case,
    Phase,
    Row,
    pauses_of,
)

ONE_OF_EACH = (200, 302, 400, 401, 404, 408, 415, 425, 429, 451, 500, 501, 503, 522, 599)
"""Statuses of every line of the table, for what depends little on them."""
CONTENTS = ("a page", "untyped", "half a document", "no document", "no text")
CONTENTS_OF_BUGS = ("another document", "a list")
CARRIERS = ("status_code", "status", "response.status_code")


def _with_content(effect: Effect) -> Iterator[Case]:
    for status, content in itertools.product((200, 201, 202, 203, 206, 226), CONTENTS):
        yield Case(phase="complete", effect=effect, status=status, content=content)
    for status, content in itertools.product((200, 201), CONTENTS_OF_BUGS):
        yield Case(phase="complete", effect=effect, status=status, content=content)
    yield Case(phase="complete", effect=effect, status=204)


def _of_statuses(effect: Effect, statuses: Iterable[int]) -> Iterator[Case]:
    for status in statuses:
        forms = FORMS if status in (429, 503) else (NONE, SECONDS, DATE, JUNK)
        for form in forms:
            yield Case(phase="complete", effect=effect, status=status, form=form)


def _broken(effect: Effect) -> Iterator[Case]:
    for phase in ("refused", "reset before", "closed before", "reset on a kept connection"):
        yield Case(phase=phase, effect=effect)
    heads = itertools.product(("reset in the head", "closed in the head"), ONE_OF_EACH)
    for phase, status in heads:
        yield Case(phase=phase, effect=effect, status=status)


def _in_the_body(effect: Effect) -> Iterator[Case]:
    phases: tuple[Phase, ...] = ("reset in the body", "endless chunks", "truncated", "reset after")
    for phase, status, form in itertools.product(phases, ONE_OF_EACH, (NONE, SECONDS)):
        yield Case(phase=phase, effect=effect, status=status, form=form)


def _late(effect: Effect) -> Iterator[Case]:
    yield Case(phase="hang", effect=effect)
    for status, form in itertools.product(ONE_OF_EACH, (NONE, SECONDS)):
        yield Case(phase="hang in the body", effect=effect, status=status, form=form)


def _carried(effect: Effect) -> Iterator[Case]:
    for status, carried in itertools.product((200, *BY_STATUS), CARRIERS):
        form = SECONDS if carried == "status" else NONE
        yield Case(phase="raised", effect=effect, status=status, form=form, carried=carried)


def _raised(effect: Effect) -> Iterator[Case]:
    partial = attrs.evolve(BROKEN, error=PartialFailureError)
    after_reset = PartialFailureError("half", created="4711", completed_steps=["first"])
    after_reset.__cause__ = ConnectionResetError(104, "reset")
    rows: dict[Exception, Row] = {
        ConnectionRefusedError(111, "refused"): UNREACHED,
        socket.gaierror(-2, "Name or service not known"): UNREACHED,
        ssl.SSLCertVerificationError("self-signed"): UNREACHED,
        ConnectionResetError(104, "reset"): BROKEN,
        BrokenPipeError(32, "broken pipe"): BROKEN,
        ConnectionAbortedError(103, "aborted"): BROKEN,
        OSError("something with the network"): BROKEN,
        TimeoutError("too late"): TIMEOUT,
        ValueError("no"): BUG,
        KeyError("id"): BUG,
        ZeroDivisionError(): BUG,
        ProviderCapabilityError("it has no races"): UNABLE,
        after_reset: partial,
    }
    for raised, row in rows.items():
        yield Case(phase="raised", effect=effect, raised=raised, row=row)


def _once(cases: Iterable[Case]) -> Iterator[Case]:
    """
    Yield those of *cases* that are repeated, with an upstream that answers the second time.
    """
    for case in cases:
        if pauses_of(case):
            yield attrs.evolve(case, once=True)


STATUSES = {
    "3xx": [status for status in BY_STATUS if status < 400],
    "4xx": [status for status in BY_STATUS if 400 <= status < 500],
    "5xx": [status for status in BY_STATUS if status >= 500],
}


def groups() -> Iterator[tuple[str, list[Case]]]:
    """
    Yield every case, in groups with a name.
    """
    for effect in Effect:
        sections = {
            "content": _with_content(effect),
            **{name: _of_statuses(effect, each) for name, each in STATUSES.items()},
            "broken": _broken(effect),
            "in the body": _in_the_body(effect),
            "late": _late(effect),
            "carried": _carried(effect),
            "raised": _raised(effect),
        }
        for name, section in sections.items():
            cases = list(section)
            yield f"{name}, {effect.value}", [*cases, *_once(cases)]
