"""
What is said about a seed and about an error, on every surface alike.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from seedcore import (
    Registry,
    Runner,
    Seed,
    SeedMeta,
    SettingsError,
    seed_facts,
    shown_error,
    shown_seed,
)
from seedcore.errors import ProviderError, error_classes
from seedcore.surface.shown import DRY, DUPLICATE, NO_PERMALINK, NOT_RECORDED, seconds_until

META = SeedMeta(
    call_id="c-1",
    provider="demo",
    operation="generate",
    surface="test",
    attempts=2,
    latency_ms=1.5,
    audit="durable",
    possible_duplicate=False,
    preset="open",
)
NASTY = "a\x1b[31mb\u202ec\nd<script>@everyone"


def seed_with(meta: dict[str, Any], **fields: Any) -> Seed:
    """
    Return a seed as a runner returns it.
    """
    return Seed(**fields, meta=attrs.evolve(META, **meta))


def test_a_seed_is_shown_in_order() -> None:
    """
    Title, line, and the facts that there are.
    """
    shown = shown_seed(
        seed_with({}, url="https://a.example/1", id="1", code="Bow/Boots", version="31"), "Demo"
    )

    assert ("Demo: open", "https://a.example/1") == (shown.title, shown.text)
    assert ("https://a.example/1", "1", "Bow/Boots", "31", "open") == (
        shown.url,
        shown.id,
        shown.code,
        shown.version,
        shown.preset,
    )
    assert [
        ("id", "1"),
        ("code", "Bow/Boots"),
        ("version", "31"),
        ("call", "c-1"),
        ("attempts", "2"),
    ] == list(shown.facts.items())
    assert () == shown.warnings


def test_without_a_permalink_there_is_a_line_all_the_same() -> None:
    """
    What a player types, or that there is nothing.
    """
    assert "Seed: 1" == shown_seed(seed_with({}, extra={"text": "Seed: 1"})).text
    assert NO_PERMALINK == shown_seed(seed_with({"preset": None})).text
    assert "demo" == shown_seed(seed_with({"preset": None})).title


@pytest.mark.parametrize(
    ("meta", "warnings"),
    [
        ({"dry": True}, (DRY,)),
        ({"possible_duplicate": True}, (DUPLICATE,)),
        ({"audit": "lost"}, (NOT_RECORDED,)),
        ({"audit": "spooled"}, ()),
    ],
)
def test_what_a_person_should_know_is_a_sentence(
    meta: dict[str, Any], warnings: tuple[str, ...]
) -> None:
    """
    A row on this disk is nothing to worry about.
    """
    assert warnings == shown_seed(seed_with(meta, id="1")).warnings


def test_who_served_it_is_shown_where_a_route_led_away() -> None:
    """
    And not where everything is as it was asked.
    """
    routed = shown_seed(seed_with({"provider": "demo-next", "route": "demo"}, id="1"))

    assert "demo-next" == routed.facts["served by"]
    assert "served by" not in shown_seed(seed_with({"route": "demo"}, id="1")).facts


def test_when_a_log_may_be_seen_is_shown() -> None:
    """
    In UTC; a dry run has none, and no call to be found by.
    """
    meta = {"reveal_at": 1_800_000_000.0}

    assert "sealed until 2027-01-15 08:00:00" == shown_seed(seed_with(meta, id="1")).facts["log"]
    assert {"id": "1", "attempts": "2"}.keys() >= (
        shown_seed(seed_with({**meta, "dry": True}, id="1")).facts.keys()
    )


def test_texts_of_a_seed_are_printable() -> None:
    """
    Whatever a site sends.
    """
    texts = {"url": NASTY, "id": NASTY, "code": NASTY, "version": NASTY, "spoiler_url": NASTY}
    shown = shown_seed(seed_with({"preset": NASTY}, **texts), NASTY)
    said = [shown.title, shown.text, shown.url, shown.code, shown.version, *shown.facts.values()]

    assert [] == [text for text in said if not str(text).isprintable()]


def test_all_of_a_seed_is_plain_data() -> None:
    """
    What programs get is JSON, whatever a plugin has put in.
    """
    facts = seed_facts(seed_with({}, id="1", settings={"a": {1, 2}}, extra={"x": object()}))

    assert facts == json.loads(json.dumps(facts))
    assert ([1, 2], "<object>") == (facts["settings"]["a"], facts["extra"]["x"])
    assert "open" == facts["meta"]["preset"]


@pytest.mark.parametrize("kind", [*error_classes()], ids=lambda kind: kind.__name__)
def test_every_error_is_shown_with_its_class_and_sentence(kind: type[Exception]) -> None:
    """
    The whole tree, also classes that nobody had thought of.
    """
    error = kind.__new__(kind)
    if isinstance(error, ProviderError):
        ProviderError.__init__(error, f"no {NASTY}", provider="demo", call_id="c-1")
        vars(error).setdefault("completed_steps", ())
        vars(error).setdefault("created", None)
    else:
        error.args = (NASTY,)
    shown = shown_error(error)

    assert kind.__name__ == shown.type
    assert "\n".join(line for line in shown.message.splitlines() if line.isprintable()) == (
        shown.message
    )
    assert json.loads(json.dumps(attrs.asdict(shown)))
    if isinstance(error, ProviderError):
        assert shown.message.startswith("demo ") or "demo" in shown.message
        assert shown.provider_message in shown.message
        assert ("demo", "c-1") == (shown.provider, shown.call_id)


def test_a_bug_is_a_sentence_too() -> None:
    """
    Without its words, which are for nobody.
    """
    shown = shown_error(KeyError("password"))

    assert ("KeyError", "Something unexpected went wrong (KeyError). This is a bug.") == (
        shown.type,
        shown.message,
    )


def test_settings_errors_have_no_provider() -> None:
    """
    What an error doesn't have is nothing.
    """
    shown = shown_error(SettingsError("wrong"))

    assert ("wrong", None, 0, None) == (
        shown.message,
        shown.provider,
        shown.attempts,
        shown.retry_at,
    )


@pytest.mark.parametrize(
    ("retry_at", "seconds"), [(None, None), (100.0, 1), (99.0, 1), (101.2, 2), (160, 60)]
)
def test_the_time_until_then_is_whole_seconds(retry_at: float | None, seconds: int | None) -> None:
    """
    Never too early, and never none at all.
    """
    assert seconds == seconds_until(retry_at, 100.0)


async def test_the_preset_of_a_seed_is_known(database_url: str) -> None:
    """
    Of one that was made before under the same id as well.
    """
    registry = Registry(discover=False)
    registry.add("demo", lambda request: Seed(id="1"))
    seeds = []
    for _ in range(2):
        async with Runner(registry=registry, database=database_url, sinks=[]) as runner:
            seeds.append(
                await runner.generate("demo", surface="test", preset="open", call_id="mine")
            )

    assert ["open", "open"] == [seed.meta.preset for seed in seeds]
    assert seeds[0] == seeds[1]
