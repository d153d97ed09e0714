"""
Events and where they go.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from loguru import logger

from seedcore import Event, Runner, Seed
from seedcore.events import RANK, Events, JsonLines, Loguru
from seedcore.testing.events import CapturedEvents
from support.calling import runner_of

RETRY = Event(
    level="WARNING",
    event="attempt",
    call_id="0f3c-7",
    provider="demo",
    operation="generate",
    surface="test",
    attempt=1,
    max_attempts=3,
    duration_ms=12.5,
    outcome="retry",
    error_type="ProviderUnavailableError",
    status_code=503,
    retry_in_s=1.25,
    breaker="closed",
)


# ----------------------------------------------------------------------- one event


def test_it_shows_only_what_applies() -> None:
    """
    Fields that are None are left out; what only this event has comes along.
    """
    event = Event(level="INFO", event="gate", provider="demo", attempt=0, extra={"pause_s": 3.0})

    assert {"event": "gate", "provider": "demo", "attempt": 0, "pause_s": 3.0} == event.fields()


def test_every_field_is_shown_when_it_applies() -> None:
    """
    A new field must not be forgotten.
    """
    names = {field.name for field in attrs.fields(Event)} - {"level", "extra"}

    assert names == set(RETRY.fields())


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            RETRY,
            "demo generate: attempt 1 of 3 failed (ProviderUnavailableError 503), next in 1.2 s",
        ),
        (
            Event(
                level="INFO",
                event="call",
                provider="demo",
                operation="generate",
                outcome="success",
                duration_ms=1234.5,
            ),
            "demo generate: call success in 1234 ms",
        ),
        (
            Event(
                level="WARNING",
                event="breaker",
                provider="demo",
                operation="generate",
                extra={"old": "closed", "new": "open"},
            ),
            "demo generate: circuit closed -> open",
        ),
        (
            Event(level="INFO", event="gate", provider="demo", extra={"pause_s": 3.0}),
            "demo: gate (pause_s 3.0)",
        ),
        (Event(level="ERROR", event="sink_failed"), "sink_failed"),
    ],
    ids=lambda item: getattr(item, "event", ""),
)
def test_it_has_one_line_for_a_person(event: Event, message: str) -> None:
    """
    What happened to what, and how it goes on.
    """
    assert message == event.message


# ---------------------------------------------------------------------- JSON lines


def lines_of(*events: Event) -> list[dict[str, Any]]:
    """
    Return what JsonLines writes for *events*.
    """
    stream = io.StringIO()
    sink = JsonLines(stream)
    for event in events:
        sink(event)
    text = stream.getvalue()
    assert text.endswith("\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


def test_each_event_is_one_line_of_json() -> None:
    """
    With the time, the level and what applies.
    """
    before = time.time()
    first, second = lines_of(RETRY, Event(level="INFO", event="gate"))

    assert before - 1 < first.pop("time") < time.time() + 1
    assert {"level": "WARNING", **RETRY.fields()} == first
    assert {"time", "level", "event"} == set(second)


def test_a_line_break_stays_in_its_line() -> None:
    """
    Nobody forges a line.
    """
    (line,) = lines_of(
        Event(level="INFO", event="call", surface='a\nb\u2028c"d', extra={"x\ny": "{z}\r\n"})
    )

    assert ('a\nb\u2028c"d', "{z}\r\n") == (line["surface"], line["x\ny"])


def test_what_json_does_not_know_is_written_as_text() -> None:
    """
    An event is never lost for a value in it.
    """
    (line,) = lines_of(Event(level="INFO", event="call", extra={"path": io.StringIO, "é": "日本"}))

    assert "StringIO" in line["path"]
    assert "日本" == line["é"]


def test_it_writes_to_stderr_as_it_is_then(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Not to the stream that stderr was when the sink was made.
    """
    JsonLines()(RETRY)

    out, err = capsys.readouterr()
    assert "" == out
    assert "attempt" == json.loads(err)["event"]


# -------------------------------------------------------------------------- loguru


@pytest.fixture
def records() -> Iterator[list[Any]]:
    """
    What a host's loguru handler receives.
    """
    received: list[Any] = []
    handler = logger.add(
        received.append,
        format="{name} {level} {message} {extra}",
        level="DEBUG",
        catch=False,
    )
    yield received
    logger.remove(handler)


def test_a_host_gets_events_with_their_fields(records: list[Any]) -> None:
    """
    Level, message and bound fields, under a name the host can filter by.
    """
    Loguru()(RETRY)

    record = records[0].record
    assert ("WARNING", RETRY.message) == (record["level"].name, record["message"])
    assert RETRY.fields() == record["extra"]
    assert "seedcore.events" == record["name"]


@pytest.mark.parametrize("odd", ["{0}", "{", "{}", "{extra[x]}", "%s %(x)s", "<red>x</red>", "\\<"])
def test_names_with_braces_are_only_names(records: list[Any], odd: str) -> None:
    """
    Nothing in an event is taken for a format or a colour.
    """
    event = Event(level="INFO", event="gate", provider=odd, surface=odd, extra={"why": odd})

    Loguru()(event)

    assert event.message == records[0].record["message"]
    assert odd in str(records[0])


def test_extra_fields_may_have_any_name(records: list[Any]) -> None:
    """
    Also those that loguru's own functions use for theirs.
    """
    names = ("message", "level", "record", "exception", "self", "kwargs")
    Loguru()(Event(level="INFO", event="gate", extra=dict.fromkeys(names, "x")))

    assert "x" == records[0].record["extra"]["message"]


def test_a_host_can_silence_it(records: list[Any]) -> None:
    """
    ``logger.disable("seedcore")`` is enough.
    """
    logger.disable("seedcore")
    try:
        Loguru()(RETRY)
    finally:
        logger.enable("seedcore")

    assert [] == records


async def test_a_runner_logs_through_loguru_without_further_set_up(records: list[Any]) -> None:
    """
    Opening one is all a host does.
    """
    runner = Runner(database=None)
    runner.registry.add("demo", lambda: Seed(id="4711"))

    async with runner:
        await runner.generate("demo", surface="test")

    seen = [(record.record["level"].name, record.record["extra"]["event"]) for record in records]
    assert [("DEBUG", "attempt"), ("INFO", "call")] == seen


def test_importing_prints_nothing_and_imports_no_loguru() -> None:
    """
    The package and its runner stay quiet until a Runner opens.
    """
    code = "import sys, seedcore; seedcore.Runner, seedcore.Event; print('loguru' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ("False\n", "") == (done.stdout, done.stderr)


# --------------------------------------------------------------------------- sinks


def test_every_sink_gets_every_event_in_order() -> None:
    """
    One after the other.
    """
    one, two = CapturedEvents(), CapturedEvents()
    events = Events([one, two])
    sent = [RETRY, Event(level="DEBUG", event="call")]

    for event in sent:
        events.emit(event)

    assert sent == one == two


@pytest.mark.parametrize("level", RANK)
def test_less_important_ones_are_not_sent(level: Any) -> None:
    """
    Below the level nothing is built and nothing arrives.
    """
    sink = CapturedEvents()
    events = Events([sink], level=level)

    for other in RANK:
        events.emit(Event(level=other, event="x"))  # type: ignore[arg-type]

    expected = [other for other in RANK if RANK[other] >= RANK[level]]
    assert expected == [event.level for event in sink]
    assert expected == [other for other in RANK if events.wants(other)]  # type: ignore[arg-type]


def test_without_sinks_nothing_is_wanted() -> None:
    """
    So that no event is made in vain.
    """
    assert not any(Events().wants(level) for level in RANK)  # type: ignore[arg-type]
    Events().emit(RETRY)


class Failing:
    """
    A sink that raises.
    """

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, event: Event) -> None:
        self.asked += 1
        raise OSError("disk full, token canary")


def test_a_sink_that_raises_hurts_nobody_and_is_reported_once() -> None:
    """
    The others get everything, and one ERROR that names it without its words.
    """
    failing, sink = Failing(), CapturedEvents()
    events = Events([failing, sink])

    for _ in range(3):
        events.emit(RETRY)

    (report,) = sink.named("sink_failed")
    assert [RETRY] * 3 == sink.named("attempt")
    assert ("ERROR", "OSError") == (report.level, report.error_type)
    assert {"sink": "Failing"} == report.extra
    assert "canary" not in repr(report)
    assert 3 == failing.asked


def test_two_sinks_that_raise_do_not_report_each_other_for_ever() -> None:
    """
    Both fail on the report of the other, and that is that.
    """
    first, sink, second = Failing(), CapturedEvents(), Failing()
    events = Events([first, sink, second])

    events.emit(RETRY)
    events.emit(RETRY)

    assert 2 == len(sink.named("sink_failed"))


async def test_a_call_succeeds_whatever_its_sinks_do() -> None:
    """
    Logging never costs a seed.
    """
    runner = runner_of(lambda: Seed(id="4711"), CapturedEvents())
    runner._sinks = [Failing()]

    async with runner:
        seed = await runner.generate("demo", surface="test")

    assert "4711" == seed.id


def test_a_broken_sink_of_a_plugin_is_reported() -> None:
    """
    With its name and the reason it can't be loaded.
    """
    sink = CapturedEvents()

    Events([sink]).report_broken("statsd", "ImportError: no module")

    assert {"sink": "statsd", "reason": "ImportError: no module"} == sink[0].extra
    assert "ERROR" == sink[0].level


# ----------------------------------------------------------- what a call says of itself


async def test_a_successful_call_says_two_things(events: CapturedEvents) -> None:
    """
    DEBUG for its attempt, INFO for itself, with everything there is to know.
    """
    async with runner_of(lambda: Seed(id="4711"), events) as runner:
        seed = await runner.generate("demo", surface="test")

    attempt, call = events
    for event, name, level in ((attempt, "attempt", "DEBUG"), (call, "call", "INFO")):
        assert (name, level, "success") == (event.event, event.level, event.outcome)
        assert (seed.meta.call_id, "demo", "generate", "test") == (
            event.call_id,
            event.provider,
            event.operation,
            event.surface,
        )
        assert (1, 3, "closed") == (event.attempt, event.max_attempts, event.breaker)
        assert event.duration_ms >= 0
        assert None is event.error_type is event.retry_in_s
