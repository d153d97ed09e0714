"""
The records that travel.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from seedcore import Effect, Seed, SeedMeta, SeedRequest
from seedcore.model import AttemptReport, CallReport, Request, read_only

META = SeedMeta(
    call_id="0f3c-7",
    provider="demo",
    operation="generate",
    surface="test",
    attempts=2,
    latency_ms=12.5,
    audit="durable",
    possible_duplicate=False,
)
FULL = Seed(
    url="https://seeds.example/4711",
    id="4711",
    code="Bow/Lamp",
    version="1.2",
    spoiler_url="https://seeds.example/4711/spoiler",
    settings={"mode": "open"},
    extra={"text": "a line"},
)


def asked(**changes: Any) -> SeedRequest:
    """
    Return a request that differs from the usual one.
    """
    usual = {"provider": "demo", "operation": "generate", "surface": "test", "call_id": "0f3c-7"}
    return SeedRequest(**{**usual, **changes})


# ------------------------------------------------------------------------- mappings


def test_a_read_only_mapping_is_a_copy() -> None:
    """
    It can't be changed, and doesn't change with what it was made of.
    """
    given = {"a": 1}
    kept = read_only(given)
    given["a"] = 2

    assert {"a": 1} == kept
    with pytest.raises(TypeError):
        kept["a"] = 3  # type: ignore[index]


def test_a_view_of_somebody_elses_mapping_is_copied_too() -> None:
    """
    Read-only for us is not unchanging: its owner may still write.
    """
    given = {"a": 1}
    kept = read_only(MappingProxyType(given))
    given["a"] = 2

    assert {"a": 1} == kept


@pytest.mark.parametrize("nothing", [None, {}])
def test_nothing_is_an_empty_mapping(nothing: Any) -> None:
    """
    Readers need not ask for None.
    """
    assert {} == read_only(nothing)


# ----------------------------------------------------------------------------- seeds


def test_every_field_of_a_seed_is_optional() -> None:
    """
    Providers differ in what they know.
    """
    assert (None, {}, {}, None) == (Seed().url, Seed().settings, Seed().extra, Seed().meta)


def test_a_seed_can_not_be_changed() -> None:
    """
    Neither its fields nor its mappings.
    """
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FULL.url = "https://elsewhere.example"  # type: ignore[misc]
    with pytest.raises(TypeError):
        FULL.extra["text"] = "another"  # type: ignore[index]


def test_meta_comes_in_a_copy() -> None:
    """
    Everything else stays, and the provider's own instance too.
    """
    with_meta = FULL.with_meta(META)

    assert (META, None) == (with_meta.meta, FULL.meta)
    for field in attrs.fields(Seed):
        if field.name != "meta":
            assert getattr(FULL, field.name) == getattr(with_meta, field.name)


@pytest.mark.parametrize(
    ("seed", "text"),
    [
        (FULL, "https://seeds.example/4711"),
        (Seed(id="4711", extra={"text": "a line"}), "a line"),
        (Seed(id="4711"), "4711"),
        (Seed(id="4711", extra={"text": ""}), "4711"),
        (Seed(), ""),
    ],
    ids=["url", "text", "id", "empty text", "nothing"],
)
def test_a_seed_has_one_line_to_post(seed: Seed, text: str) -> None:
    """
    The permalink, else the provider's line, else the id.
    """
    assert text == seed.text


# --------------------------------------------------------------------------- requests


def test_the_same_question_has_the_same_fingerprint() -> None:
    """
    Whoever asks it, and in whatever order the options are written.
    """
    one = asked(options=read_only({"a": 1, "b": 2}), settings=read_only({"x": {"p": 1, "q": 2}}))
    other = asked(
        surface="discord",
        call_id="other",
        options=read_only({"b": 2, "a": 1}),
        settings=read_only({"x": {"q": 2, "p": 1}}),
    )

    assert one.fingerprint() == other.fingerprint()


@attrs.frozen
class Options:
    """
    Options as a provider declares them.
    """

    weapon: str = "sword"
    surface: str = "grass"


@pytest.mark.parametrize(
    "changes",
    [
        {"preset": "swordless"},
        {"race": True},
        {"branch": "dev"},
        {"spoilers": "on"},
        {"settings": read_only({"a": 1})},
        {"options": read_only({"a": 1})},
        {"options": read_only({"a": "1"})},
        {"options": Options()},
        {"options": Options(weapon="bow")},
        {"options": Options(surface="sand")},
        {"arguments": read_only({"a": 1})},
        {"operation": "presets"},
    ],
    ids=str,
)
def test_another_question_has_another_fingerprint(changes: dict[str, Any]) -> None:
    """
    Each part of it counts, also an option that is called like a field of ours.
    """
    usual = asked(options=Options()) if isinstance(changes.get("options"), Options) else asked()
    if changes == {"options": Options()}:
        usual = asked()

    assert usual.fingerprint() != asked(**changes).fingerprint()


class Shy:
    """
    Something that can't even be shown.
    """

    def __repr__(self) -> str:
        raise ValueError("no")


@attrs.frozen
class Holder:
    """
    Options that hold anything.
    """

    thing: Any


@pytest.mark.parametrize(
    "odd",
    [object, {1, 2}, b"\xff", "\ud800", float("nan"), {1: 2, "1": 3}, {(1, 2): 3}, Shy()],
    ids=lambda odd: type(odd).__name__,
)
def test_anything_has_a_fingerprint(odd: Any) -> None:
    """
    Arguments are the caller's: whatever they are, asking for it doesn't fail.
    """
    by_name = Request(
        provider="demo",
        operation="upload",
        surface="test",
        call_id="x",
        arguments=read_only({"odd": odd}),
    )

    for request in (by_name, asked(options=Holder(odd))):
        assert request.fingerprint() == request.fingerprint()


# ---------------------------------------------------------------------------- reports


def test_a_report_is_plain_data_in_milliseconds() -> None:
    """
    The attempts with their outcome, and what was waited for.
    """
    report = CallReport()
    report.attempts.append(
        AttemptReport(started=0.5, duration=0.25, outcome="retry", error_type="X", status_code=503)
    )
    report.waited["gate"] = 1.5

    assert {
        "attempts": [
            {"start_ms": 500.0, "ms": 250.0, "outcome": "retry", "error": "X", "status": 503}
        ],
        "omitted": 0,
        "waited_ms": {"gate": 1500.0},
    } == report.to_json()


def test_a_report_of_a_hundred_attempts_stays_under_4_kb() -> None:
    """
    The first and the last ten are kept, and how many are missing.
    """
    report = CallReport()
    for number in range(100):
        report.attempts.append(
            AttemptReport(
                started=80_000.0 + number,
                duration=3599.9999,
                outcome="failure",
                error_type="ProviderAuthenticationError",
                status_code=503,
            )
        )
    report.waited.update(dict.fromkeys(("gate", "circuit", "queue", "backoff"), 86_399.9999))

    record = report.to_json()

    assert 80 == record["omitted"]
    starts = [attempt["start_ms"] / 1e3 - 80_000 for attempt in record["attempts"]]
    assert [*range(10), *range(90, 100)] == starts
    assert len(json.dumps(record)) <= 4_000


def test_effects_can_be_written_as_words() -> None:
    """
    As in a settings file.
    """
    assert ["read", "idempotent", "keyed", "repeatable", "unsafe"] == [*Effect]
    assert Effect.READ is Effect("read")


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    """
    An object without a repr of its own shows where it is in memory, which says nothing.
    """

    class Odd:
        pass

    one, other = asked(options={"odd": Odd()}), asked(options={"odd": Odd()})

    assert repr(one.options["odd"]) != repr(other.options["odd"])
    assert one.fingerprint() == other.fingerprint()
