"""
What is written about a call: the row of a success, the row of a failure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import NoneType
from typing import Any

import attrs

from seedcore.call import Call
from seedcore.errors import ProviderError
from seedcore.model import (
    NOTHING_GIVEN,
    AuditRecord,
    CallReport,
    FailureRecord,
    Request,
    Seed,
    SeedMeta,
    SeedRequest,
)
from seedcore.redact import MASK

LARGEST_RESULT = 256 * 1024
"""Characters of a result that are kept."""
DESCRIBING: Mapping[str, Any] = {
    "randomizer": str,
    "gentype": str,
    "genoption": (str, NoneType),
    "hash_id": (str, NoneType),
    "settings": Mapping,
    "version": (str, NoneType),
}
"""The columns a provider's ``audit`` hook may set; the others are facts of the core."""


def success_record(call: Call, value: Any, latency_ms: float) -> AuditRecord:
    """
    Return the row of a successful call, without secrets.
    """
    request = call.request
    seed = value if isinstance(value, Seed) else Seed()
    asked = request if isinstance(request, SeedRequest) else None
    record = AuditRecord(
        call_id=call.row_id or request.call_id,
        provider=request.provider,
        operation=request.operation,
        surface=request.surface,
        randomizer=request.provider,
        gentype=_gentype(asked),
        genoption=asked.preset if asked else None,
        permalink=seed.url,
        hash_id=seed.id,
        settings=effective_settings(request, seed),
        attempt_count=call.attempts,
        latency_ms=latency_ms,
        race=asked.race if asked else False,
        spoilers=asked.spoilers if asked else "off",
        sealed=asked.sealed if asked else False,
        version=seed.version,
        seed=_seed_facts(seed),
        report=_report(call),
        created_at=int(call.lane.runtime.clock.time() * 1e6),
        dry=call.dry,
    )
    record = _described(call, record)
    redactor = call.lane.redactor_for(call)
    if not redactor.active:
        return record  # making it anew costs more than the rest of this
    fields = redactor.fields(attrs.asdict(record, recurse=False))
    facts = fields["seed"]
    if MASK in str(facts.get("spoiler_url")):  # what is left of it leads nowhere
        fields = {**fields, "seed": {n: f for n, f in facts.items() if n != "spoiler_url"}}
    return AuditRecord(**fields)


def _report(call: Call) -> Mapping[str, Any]:
    report = (call.report or CallReport()).to_json()
    if call.way is not None and call.way.routed:
        report["route"] = call.way.to_json()
    return {**report, "possible_duplicate": True} if call.duplicate else report


def _gentype(asked: SeedRequest | None) -> str:
    if asked is None:
        return "operation"
    if asked.operation != "generate":
        return asked.operation
    if asked.preset is not None:
        return "preset"
    return "settings" if asked.settings else "options"


def effective_settings(request: Request, seed: Seed) -> Mapping[str, Any]:
    """
    Return the settings a seed was made with: the provider's, else what was asked.
    """
    if seed.settings:
        return seed.settings
    if not isinstance(request, SeedRequest):
        return request.arguments
    options = request.options
    given = request.settings
    if attrs.has(type(options)):
        # What a document says about an option is in that already, and may be a secret.
        names = attrs.fields_dict(type(options))
        options = attrs.asdict(options, filter=lambda field, _: not field.metadata.get("secret"))
        opened = [value for value in options.values() if isinstance(value, Mapping)]
        given = {
            name: item
            for name, item in given.items()
            if name.split(".")[0] not in names and not any(name in value for value in opened)
        }
    return {**given, **options} if given else options or NOTHING_GIVEN


def _seed_facts(seed: Seed) -> Mapping[str, Any]:
    facts = {**seed.extra, "code": seed.code, "spoiler_url": seed.spoiler_url}
    return {name: fact for name, fact in facts.items() if fact is not None}


def _described(call: Call, record: AuditRecord) -> AuditRecord:
    """
    Let the provider describe its row; one that fails to leaves it as it was.
    """
    hook = call.lane.provider.audit
    if hook is None:
        return record
    try:
        better = hook(record)
        if better is None:
            return record
        described = {name: getattr(better, name) for name in DESCRIBING}
        if all(map(isinstance, described.values(), DESCRIBING.values())):
            return attrs.evolve(record, **described)
        call.lane.emit("ERROR", "audit_hook_failed", call=call, error_type="TypeError")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the seed exists; its row must not be lost
        call.lane.emit("ERROR", "audit_hook_failed", call=call, error_type=type(error).__name__)
    return record


def failure_record(call: Call, error: ProviderError, latency_ms: float) -> FailureRecord:
    """
    Return the row of a failed call.
    """
    return FailureRecord(
        call_id=call.call_id,
        provider=call.lane.name,
        operation=call.operation.name,
        surface=call.surface,
        error_type=type(error).__name__,
        status_code=error.status_code,
        message=error.provider_message,
        attempt_count=call.attempts,
        latency_ms=round(latency_ms, 3),
        in_doubt=error.in_doubt,
        stopped_by=error.stopped_by,
        report=_report(call),
        created_at=int(call.lane.runtime.clock.time() * 1e6),
    )


def kept_result(call: Call, value: Any, latency_ms: float) -> str | None:
    """
    Return *value* as text for who makes the same call again, see ``result_of``.

    ``None`` for what JSON can't hold, what is too much, and what holds a secret. The row of a
    seed is not the same: it has the effective settings, and what a hook made of it.
    """
    kept: dict[str, Any] = {"value": value}
    if isinstance(value, Seed):
        seed = attrs.asdict(value, recurse=False, filter=lambda field, _: field.name != "meta")
        seed |= {"settings": dict(value.settings), "extra": dict(value.extra)}
        meta = {
            "surface": call.surface,
            "attempts": call.attempts,
            "latency_ms": latency_ms,
            "possible_duplicate": call.duplicate,
            "reveal_at": call.reveal_at,
            "preset": getattr(call.request, "preset", None),
            "route": call.way.route if call.way is not None else None,
            "provider": call.lane.provider.name,
            "operation": call.operation.name,
        }
        kept = {"seed": seed, "meta": meta}
    try:
        text = json.dumps(call.lane.redactor_for(call).plain(kept), separators=(",", ":"))
        same = len(text) <= LARGEST_RESULT and json.loads(text) == kept
    except (TypeError, ValueError, RecursionError):
        return None
    return text if same else None


def result_of(call: Call, text: str) -> Any:
    """
    Return what ``kept_result`` has kept.
    """
    kept = json.loads(text)
    if "seed" not in kept:
        return kept["value"]
    return Seed(
        **kept["seed"], meta=SeedMeta(call_id=call.call_id, **kept["meta"], audit="durable")
    )


def row_for_event(record: AuditRecord) -> dict[str, Any]:
    """
    Return a row that could not be written as an event may carry it: sealed parts left out.
    """
    row = attrs.asdict(record, recurse=False)
    for name in ("settings", "seed", "report"):
        try:
            row[name] = json.loads(json.dumps(dict(row[name])))
        except (TypeError, ValueError, RecursionError):  # which is why it could not be written
            del row[name]
    if record.sealed:
        row.update(permalink=None, hash_id=None, settings={}, seed={})
    return row
