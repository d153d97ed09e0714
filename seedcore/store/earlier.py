"""
Rows of an earlier audit table, and those that ``seedcore audit export`` prints, as records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import attrs

from seedcore.model import LONGEST_NAME, AuditRecord
from seedcore.store.columns import (
    LATEST,
    Columns,
    boolean,
    columns_of,
    id_in,
    mapping,
    moment,
    name_in,
    number,
    text,
    turned_on,
    whole,
    without_secrets,
)

TABLE = "audit_generated_games"
"""Where ids come from, unless whoever imports says that it was another table."""

OLD = frozenset(
    {
        *("id", "randomizer", "hash_id", "permalink", "settings", "gentype", "genoption"),
        *("timestamp", "customizer", "doors", "avianart"),
    }
)
"""The columns of the earlier table."""
OWN = frozenset(field.name for field in attrs.fields(AuditRecord))
"""The columns of an exported line, which is told by its call_id."""

_SAME = ("provider", "randomizer", "hash_id", "permalink", "gentype", "genoption")
"""What an earlier row says as long as it is there; its time is that of its last change."""


@attrs.define(kw_only=True)
class Reading:
    """
    Makes records of lines, and counts what a person should know about them.

    ``source`` stands in front of the ids of earlier rows, ``surface`` is theirs.
    """

    source: str = TABLE
    surface: str = "import"
    ignored: dict[str, None] = attrs.Factory(dict)
    """Columns that no row here has, in the order in which they were seen."""
    secrets: int = 0
    """Values that were taken out of settings."""
    undated: int = 0
    """Rows that don't say when they were written."""

    MOST_IGNORED = 20

    def record(self, line: bytes) -> AuditRecord:
        """
        Return the row that *line* is; raises ``ValueError`` with a sentence for one that is none.
        """
        row = columns_of(line)
        own = "call_id" in row
        settings, taken = without_secrets(mapping(row, "settings"))
        record = _exported(row, settings) if own else self._earlier(row, settings)
        self.secrets += taken
        self.undated += record.created_at == 0
        for name in row:
            if name not in (OWN if own else OLD) and len(self.ignored) < self.MOST_IGNORED:
                self.ignored[name] = None
        return record

    def _earlier(self, row: Columns, settings: Columns) -> AuditRecord:
        game = text(row, "randomizer", LONGEST_NAME)
        provider = _provider(row, game)
        gentype = text(row, "gentype", 50) or "unknown"
        record = AuditRecord(
            call_id="",
            provider=provider,
            operation="mystery" if gentype == "mystery" else "generate",
            surface=self.surface,
            randomizer=game or provider,
            gentype=gentype,
            genoption=text(row, "genoption"),
            permalink=text(row, "permalink"),
            hash_id=text(row, "hash_id"),
            settings=settings,
            attempt_count=0,  # nobody counted, or took the time
            latency_ms=0.0,
            race=turned_on(settings, "tournament") or turned_on(settings, "race"),
            spoilers="on" if turned_on(settings, "spoilers") else "off",
            sealed=False,
            version=None,
            seed={"customizer": True} if boolean(row, "customizer") else {},
            report={},
            created_at=moment(row, "timestamp"),
        )
        known = id_in(row) or f"row-{_digest(record, *_SAME, 'created_at', 'settings')}"
        report = {"imported_from": self.source, "digest": _digest(record, *_SAME)}
        return attrs.evolve(
            record,
            call_id=f"import:{self.source}:{known}",
            report={**report, "unknown": _unknown(record)},
        )


def mark_of(report: Any) -> str | None:
    """
    Return what tells an earlier row from others with its id, ``None`` for the row of a call.
    """
    report = json.loads(report) if isinstance(report, str) else report
    earlier = isinstance(report, dict) and "imported_from" in report
    return str(report.get("digest")) if earlier else None


def _provider(row: Columns, game: str | None) -> str:
    if boolean(row, "doors"):
        return "alttprdoor"
    if boolean(row, "avianart"):
        return "avianart"
    if game is None:
        msg = "'randomizer' must say which one it was"
        raise ValueError(msg)
    return game


def _exported(row: Columns, settings: Columns) -> AuditRecord:
    provider = name_in(row, "provider")
    return AuditRecord(
        call_id=name_in(row, "call_id"),
        provider=provider,
        operation=name_in(row, "operation"),
        surface=name_in(row, "surface"),
        randomizer=text(row, "randomizer", LONGEST_NAME) or provider,
        gentype=text(row, "gentype", 50) or "unknown",
        genoption=text(row, "genoption"),
        permalink=text(row, "permalink"),
        hash_id=text(row, "hash_id"),
        settings=settings,
        attempt_count=whole(row, "attempt_count", 2**31 - 1),
        latency_ms=float(number(row, "latency_ms", 10**12)),
        race=boolean(row, "race"),
        spoilers=text(row, "spoilers", 20) or "off",
        sealed=boolean(row, "sealed"),
        version=text(row, "version"),
        seed=mapping(row, "seed"),
        report=mapping(row, "report"),
        created_at=whole(row, "created_at", LATEST),
        dry=boolean(row, "dry"),
    )


def _digest(record: AuditRecord, *names: str) -> str:
    said = json.dumps([getattr(record, name) for name in names], sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def _unknown(record: AuditRecord) -> list[str]:
    """
    Return the columns that only have a value because they can't be empty.
    """
    told: Mapping[str, Any] = record.settings
    unknown = ["attempt_count", "latency_ms", "surface"]
    unknown += [] if "tournament" in told or "race" in told else ["race"]
    unknown += [] if "spoilers" in told else ["spoilers"]
    return unknown if record.created_at else [*unknown, "created_at"]
