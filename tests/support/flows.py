"""
Replays what a bot's call sends and gets today, and finds where ours differs.

A flow is a file of tests/flows; its README says what stands in one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import attrs

from seedcore import Registry, Runner, Seed, SeedcoreError
from seedcore.settings import Settings
from seedcore.store import Store
from seedcore.testing import FaultUpstream, LeapingClock, Reply
from support.sent import Ran, Sent

FEWEST_WORDS = 4
"""Words of a reason: fewer are none."""
NOT_OURS_TO_SEND = ("content-length", "transfer-encoding", "content-encoding", "connection")
"""Headers of a recorded reply that belong to how it was transferred."""


class BadFlow(Exception):  # noqa: N818 - it is a finding
    """
    A file doesn't say what a flow must say.
    """


@attrs.frozen(kw_only=True)
class Difference:
    """
    One place where ours is meant to differ, and why.
    """

    where: str
    ours: Any
    reason: str


@attrs.frozen(kw_only=True)
class Flow:
    """
    One file: what is called, what the site answers, and what today's bot sends and gets.
    """

    provider: str
    operation: str
    about: str
    today: Mapping[str, Any]
    ours: Mapping[str, Any]
    replies: list[Mapping[str, Any]]
    differences: list[Difference]
    course: list[str] = attrs.field(factory=list)
    """How the runs of a program end; empty where none is run."""


def read(path: Path) -> Flow:
    """
    Return the flow in the file *path*. Raises BadFlow with what is wrong.
    """
    return flow_of(json.loads(path.read_text(encoding="utf-8")))


def flow_of(document: Mapping[str, Any]) -> Flow:
    """
    Return the flow that *document* describes. Raises BadFlow.
    """
    _only(document, "the file", Flow, optional=("differences", "course"))
    for name, keys in (("today", TODAY), ("ours", OURS)):
        unknown = {*document[name]} - keys
        if unknown:
            msg = f"{name} has {', '.join(sorted(unknown))}; it may have {', '.join(sorted(keys))}"
            raise BadFlow(msg)
    for difference in document.get("differences", ()):
        _only(difference, "a difference", Difference)
        if len(str(difference["reason"]).split()) < FEWEST_WORDS:
            msg = f"the reason of {difference['where']} is no sentence: {difference['reason']!r}"
            raise BadFlow(msg)
    listed = [Difference(**difference) for difference in document.get("differences", ())]
    return Flow(**{**document, "differences": listed})


TODAY = {"call", "sends", "runs", "gets", "audit"}
OURS = {"arguments", "settings", "core", "providers"}


def _only(given: Mapping[str, Any], what: str, kind: type, optional: tuple[str, ...] = ()) -> None:
    """
    Raise BadFlow unless *given* has the fields of *kind*, and no others.
    """
    names = attrs.fields_dict(kind)
    missing = [name for name in names if name not in given and name not in optional]
    unknown = [name for name in given if name not in names]
    if missing or unknown:
        msg = f"{what} lacks {missing} and has {unknown}, which means nothing"
        raise BadFlow(msg)


# ------------------------------------------------------------------------------ replay


async def replay(flow: Flow, folder: Path, registry: Registry | None = None) -> dict[str, Any]:
    """
    Make the call of *flow* against its replies, and return what ours sends, gets and audits.

    *folder* is an empty one: the database goes there. No settings of whoever runs this count.
    """
    database = f"sqlite://{folder / 'audit.sqlite3'}"
    registry = Registry() if registry is None else registry
    own = {"retry_base_delay": 0, **flow.ours.get("settings", {})}
    ran = Ran(folder / "checkouts", flow.course) if flow.course else None
    if ran is not None:
        registry.add(flow.provider, ran.provider(own))
        own = ran.settings(own)
    settings = _settings(flow, own, folder, registry)
    async with FaultUpstream() as upstream:
        if flow.replies:
            upstream.script(*map(_reply, flow.replies))
        sent = Sent(upstream)
        async with Runner(
            settings=settings,
            registry=registry,
            database=database,
            clock=LeapingClock(),
            rng=Random(1),
            sinks=[],
            http_middlewares=[sent.middleware, upstream.middleware],
        ) as runner:
            gets = await _called(flow, runner)
        sends = sent.requests()
    runs = ran.runs() if flow.course else []
    return {
        "sends": sends,
        "runs": runs,
        "gets": gets,
        "audit": await _row(database, flow.provider),
    }


def _settings(flow: Flow, own: Mapping[str, Any], folder: Path, registry: Registry) -> Settings:
    given = {
        **flow.ours.get("core", {}),
        "providers": {**flow.ours.get("providers", {}), flow.provider: own},
        "spool_directory": str(folder / "spool"),
        "storage_directory": str(folder / "storage"),
    }
    return Settings.load(given, installed=registry.names, environ={}, directory=folder)


async def _called(flow: Flow, runner: Runner) -> Any:
    arguments = flow.ours.get("arguments", {})
    try:
        if flow.operation == "generate":
            seed = await runner.generate(flow.provider, surface="flow", **arguments)
        else:
            seed = await runner.call(flow.provider, flow.operation, surface="flow", **arguments)
    except SeedcoreError as error:
        # Not the whole sentence: it may name a time of day.
        message = getattr(error, "provider_message", "") or str(error)
        return {"error": type(error).__name__, "message": message}
    if isinstance(seed, Seed):
        seed = attrs.asdict(seed, recurse=False, filter=lambda field, _: field.name != "meta")
    return json.loads(json.dumps(seed, default=_plain))


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return attrs.asdict(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


async def _row(database: str, provider: str) -> dict[str, Any] | None:
    store = await Store.open(database)
    try:
        rows = await store.queries.calls(provider)
    finally:
        await store.close(timeout=5)
    return rows[0] if rows else None


def _reply(recorded: Mapping[str, Any]) -> Reply:
    body = recorded.get("text", "")
    headers = {
        name: text
        for name, text in recorded.get("headers", {}).items()
        if name.lower() not in NOT_OURS_TO_SEND
    }
    if "json" in recorded:
        body = json.dumps(recorded["json"])
        headers.setdefault("Content-Type", "application/json")
    return Reply(status=recorded["status"], headers=headers, body=body.encode())
