"""
What is said about a seed and about an error: the same words on every surface.

Texts are printable and have one line each, but for the messages of errors, which may have several.
A surface makes its own markup and mentions harmless.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from seedcore.errors import ProviderError, SeedcoreError
from seedcore.model import Seed, SeedMeta
from seedcore.surface.plain import lines_of, one_line, plain

NO_PERMALINK = "The provider made a seed without a permalink."
DRY = "This was a dry run: nobody was asked, and there is no such seed."
DUPLICATE = "An earlier attempt may have made another seed."
NOT_RECORDED = "Its audit row could not be written; the operator has an event of it."


@attrs.frozen(kw_only=True)
class ShownSeed:
    """
    What a surface says about a seed.

    ``title`` names provider and preset, ``text`` is the line to post: the permalink, else the
    line that a player types, else the id. ``facts`` are further names and texts in the order to
    show them, ``warnings`` are sentences.
    """

    title: str
    text: str
    url: str | None
    id: str | None
    code: str | None
    version: str | None
    preset: str | None
    spoiler_url: str | None
    facts: Mapping[str, str]
    warnings: tuple[str, ...]


def shown_seed(seed: Seed, title: str | None = None) -> ShownSeed:
    """
    Return what to show of a *seed* that a runner returned; *title* is that of its provider.
    """
    meta = seed.meta
    text = one_line(seed.text)
    url = one_line(seed.url) if seed.url else None
    preset = one_line(meta.preset) if meta.preset else None
    facts = {
        "id": None if seed.id == seed.text else seed.id,
        "code": seed.code,
        "version": seed.version,
        "spoiler": seed.spoiler_url,
        "served by": meta.provider if meta.route not in (None, meta.provider) else None,
        # Of a dry run there is nothing to be found by it.
        "call": None if meta.dry else meta.call_id,
        "attempts": str(meta.attempts),
        "log": _log(meta),
    }
    return ShownSeed(
        title=": ".join(filter(None, (one_line(title or meta.provider), preset))),
        text=text or NO_PERMALINK,
        url=url,
        id=one_line(seed.id) if seed.id else None,
        code=one_line(seed.code) if seed.code else None,
        version=one_line(seed.version) if seed.version else None,
        preset=preset,
        spoiler_url=one_line(seed.spoiler_url) if seed.spoiler_url else None,
        facts={name: one_line(fact) for name, fact in facts.items() if fact},
        warnings=tuple(_warnings(meta)),
    )


def _log(meta: SeedMeta) -> str | None:
    if meta.reveal_at is None or meta.dry:
        return None
    return f"sealed until {shown_time(meta.reveal_at)}"


def _warnings(meta: SeedMeta) -> list[str]:
    cases = {
        DRY: meta.dry,
        DUPLICATE: meta.possible_duplicate,
        NOT_RECORDED: meta.audit == "lost",
    }
    return [sentence for sentence, holds in cases.items() if holds]


def seed_facts(seed: Seed) -> dict[str, Any]:
    """
    Return all of a seed that a program may want, as plain data.
    """
    called = ("provider", "operation", "surface", "call_id")
    made = ("url", "id", "code", "version", "spoiler_url", "settings", "extra")
    meta = (
        "preset",
        "route",
        "attempts",
        "latency_ms",
        "audit",
        "possible_duplicate",
        "dry",
        "reveal_at",
    )
    facts: dict[str, Any] = plain(
        {
            **{name: getattr(seed.meta, name) for name in called},
            **{name: getattr(seed, name) for name in made},
            "meta": {name: getattr(seed.meta, name) for name in meta},
        }
    )
    return facts


@attrs.frozen(kw_only=True)
class ShownError:
    """
    What a surface says about an error: ``message`` to people, the rest to programs.

    ``type`` is the name of the class, ``provider_message`` the upstream's own words without what
    stands before them. ``retry_at`` is epoch seconds, ``status_code`` the upstream's.
    """

    type: str
    provider: str | None = None
    operation: str | None = None
    attempts: int = 0
    status_code: int | None = None
    message: str
    retry_at: float | None = None
    call_id: str | None = None
    in_doubt: bool = False
    stopped_by: str | None = None
    provider_message: str = ""


def shown_error(error: Exception, advice: str = "") -> ShownError:
    """
    Return what to show of *error*, whatever it is; *advice* is what to do about a bug.
    """
    if not isinstance(error, SeedcoreError):
        sentence = f"Something unexpected went wrong ({type(error).__name__}). This is a bug"
        return ShownError(
            type=type(error).__name__, message=f"{sentence}{': ' if advice else '.'}{advice}"
        )
    known: dict[str, Any] = {
        name: one_line(value) if isinstance(value, str) else value
        for name, value in vars(error).items()
        if name in _FIELDS
    }
    if isinstance(error, ProviderError):
        known["provider_message"] = lines_of(error.provider_message)
    return ShownError(
        **{**known, "type": type(error).__name__, "message": lines_of(error.user_message)}
    )


_FIELDS = frozenset(field.name for field in attrs.fields(ShownError))


def shown_time(seconds: float) -> str:
    """
    Return epoch *seconds* as date and time in UTC.
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def seconds_until(retry_at: float | None, now: float | None = None) -> int | None:
    """
    Return the whole seconds until *retry_at*, for a Retry-After; at least one, ``None`` for none.
    """
    if retry_at is None:
        return None
    return max(1, int(-(-(retry_at - (time.time() if now is None else now)) // 1)))
