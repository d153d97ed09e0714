"""
Seeds that are made up, and failures on request.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections import Counter
from importlib import resources
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import get_args

import attrs
import pytest

import seedcore
import seedcore_dry_run
from seedcore import (
    CircuitOpenError,
    PartialFailureError,
    PresetNotFoundError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Registry,
    Runner,
)
from seedcore.testing import CapturedEvents, LeapingClock, VirtualClock, virtual_time
from seedcore_dry_run import PLACE, REMEMBERED, WORDS, Attempts, DryRun, dry_run
from seedcore_dry_run.failures import FAILURES, Failure, Wish
from seedcore_dry_run.options import Options

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
WISH = Wish("", 10.0)
PRESETS = ["busy", "down", "flaky", "plain", "queued", "refused", "slow"]


def runner_with(clock, events=None, **settings):
    """
    A runner, still to be entered, that knows nothing but this provider.
    """
    registry = Registry(discover=False)
    registry.add("dry-run", dry_run)
    return Runner(
        registry=registry,
        database=None,
        clock=clock,
        settings={"providers": {"dry-run": settings}},
        sinks=[CapturedEvents() if events is None else events],
    )


@pytest.fixture
def clock():
    """
    Pauses of the runner take no time.
    """
    return LeapingClock()


@pytest.fixture
async def runner(clock):
    """
    An open runner.
    """
    async with runner_with(clock) as running:
        yield running


async def roll(runner, **asked):
    """
    Roll one seed.
    """
    return await runner.generate("dry-run", surface="tests", **asked)


# ------------------------------------------------------------------------------- seeds


async def test_every_field_of_a_seed_is_filled(runner):
    """
    A surface finds something in each place that it may show.
    """
    seed = await roll(runner, preset="plain", spoilers="on")

    assert f"{PLACE}/seeds/{seed.id}" == seed.url
    assert f"{seed.url}/spoiler" == seed.spoiler_url
    assert 24 == len(seed.id)
    assert 5 == len(seed.code.split("/"))
    assert {*seed.code.split("/")} <= {*WORDS}
    assert ("dry-run", "Dry run: plain") == (seed.version, seed.extra["title"])
    assert ("plain", "on", "ganon") == tuple(
        seed.settings[name] for name in ("preset", "spoilers", "goal")
    )
    assert {"ganon": "7", "tower": "7"} == seed.settings["crystals"]


async def test_the_same_request_gives_the_same_seed(clock):
    """
    In another runner too, and whoever asks.
    """
    async with runner_with(clock) as one:
        first = await one.generate("dry-run", surface="discord", preset="plain")
    async with runner_with(clock) as other:
        second = await other.generate("dry-run", surface="racetime", preset="plain")
    without_meta = [attrs.evolve(seed, meta=None) for seed in (first, second)]

    assert without_meta[0] == without_meta[1]


async def test_another_request_gives_another_seed(runner):
    """
    Each argument counts, and codes tell the seeds apart.
    """
    seeds = [await roll(runner, preset="plain", options={"players": n}) for n in range(1, 9)]
    seeds += [await roll(runner, race=True), await roll(runner, spoilers="on")]

    assert len(seeds) == len({seed.id for seed in seeds}) == len({seed.code for seed in seeds})


@pytest.mark.parametrize("asked", [{}, {"race": True}, {"preset": "plain"}])
async def test_there_is_no_spoiler_unless_it_is_wanted(runner, asked):
    """
    Neither its address nor a word of one.
    """
    seed = await roll(runner, **asked)

    assert None is seed.spoiler_url
    assert "off" == seed.settings["spoilers"]


async def test_a_seed_without_a_preset_has_a_title(runner):
    """
    Options alone make a seed.
    """
    seed = await roll(runner, options={"crystals": {"ganon": "5"}})

    assert "Dry run: your options" == seed.extra["title"]
    assert {"ganon": "5", "tower": "7"} == seed.settings["crystals"]


# ---------------------------------------------------------------------------- failures


def test_every_failure_has_a_name_that_can_be_typed():
    """
    The names that the option allows are those that something is raised for.
    """
    assert [*get_args(Failure)] == [*FAILURES]


def test_every_error_of_a_provider_can_be_shown():
    """
    No class that a surface may meet is left out, and none has two names by accident.
    """
    raised = Counter(type(make(WISH)).__name__ for make in FAILURES.values())
    expected = {kind.__name__ for kind in kinds_of(seedcore.ProviderError)}

    assert {*raised} == {*expected, "KeyError"}
    assert {1} == {*raised.values()}


def kinds_of(kind):
    """
    Return all classes of the core below *kind*.
    """
    for each in kind.__subclasses__():
        if each.__module__ == "seedcore.errors":
            yield each
            yield from kinds_of(each)


@pytest.mark.parametrize("name", get_args(Failure))
async def test_each_failure_ends_with_its_error(runner, name):
    """
    The caller gets the class, with a sentence that names the provider.
    """
    with pytest.raises(seedcore.ProviderError) as caught:
        await roll(runner, options={"fail": name})
    expected = FAILURES[name](WISH)

    if name == "plugin-bug":
        assert ("plugin_error", ProviderResponseFormatError) == (
            caught.value.reason,
            type(caught.value),
        )
    else:
        assert type(expected) is type(caught.value)
        assert expected.provider_message == caught.value.provider_message
        assert expected.status_code == caught.value.status_code
    assert "dry-run" in caught.value.user_message


async def test_the_sites_words_can_be_chosen(runner):
    """
    A surface has to make them harmless.
    """
    asked = {"fail": "invalid-request", "message": "@everyone <b>look</b>"}
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await roll(runner, options=asked)

    assert "@everyone <b>look</b>" == caught.value.provider_message


@pytest.mark.parametrize(("attempts", "made"), [(1, 2), (2, 3)])
async def test_some_attempts_fail_before_one_succeeds(runner, attempts, made):
    """
    Without a failure named, the site is down.
    """
    seed = await roll(runner, options={"attempts": attempts})

    assert made == seed.meta.attempts


async def test_more_failures_than_attempts_are_a_failure(runner):
    """
    The contract makes three attempts.
    """
    with pytest.raises(ProviderUnavailableError) as caught:
        await roll(runner, options={"attempts": 3})

    assert 3 == caught.value.attempts


async def test_every_call_counts_its_own_attempts(runner):
    """
    The same request fails as often the next time.
    """
    seeds = [await roll(runner, options={"attempts": 2}) for _ in range(3)]

    assert [3, 3, 3] == [seed.meta.attempts for seed in seeds]


async def test_a_seed_after_a_timeout_may_be_the_second(runner):
    """
    The attempt before it may have made one.
    """
    seed = await roll(runner, options={"fail": "timeout", "attempts": 1})

    assert (2, True) == (seed.meta.attempts, seed.meta.possible_duplicate)


async def test_a_pause_is_kept_by_the_patient(runner, clock):
    """
    A short one is waited for, a long one is an error that says until when.
    """
    limited = {"fail": "rate-limit", "retry_after": 2, "attempts": 1}
    seed = await roll(runner, options=limited)
    with pytest.raises(ProviderRateLimitError) as caught:
        await roll(runner, options={**limited, "retry_after": 60})

    assert 2 == seed.meta.attempts
    assert 2 <= sum(clock.slept)
    assert caught.value.retry_at > clock.time()


async def test_a_site_that_stays_down_is_left_alone(runner):
    """
    The circuit opens for everybody.
    """
    for _ in range(5):
        with pytest.raises(ProviderUnavailableError):
            await roll(runner, options={"fail": "unavailable"})
    with pytest.raises(CircuitOpenError):
        await roll(runner, preset="plain", patience=0)


@virtual_time
async def test_a_delay_takes_its_time():
    """
    Each attempt takes it, and the limit of attempts holds.
    """
    async with runner_with(VirtualClock(), attempt_timeout=10) as runner:
        seed = await roll(runner, options={"delay": 4, "attempts": 1})
        with pytest.raises(ProviderTimeoutError):
            await roll(runner, options={"delay": 11})

    assert 8_000 <= seed.meta.latency_ms


async def test_a_seed_that_is_made_step_by_step_tells_of_it(clock):
    """
    An event for each step says how far it is, and the seed is still made at one attempt.
    """
    events = CapturedEvents()
    async with runner_with(clock, events) as runner:
        seed = await roll(runner, options={"looks": 4})
    told = [(event.extra["status"], event.extra["progress"]) for event in events.named("poll")]

    assert 1 == seed.meta.attempts
    assert [(f"generating, step {n + 1} of 4", n / 4) for n in range(4)] == told
    assert [1.0] * 4 == clock.slept


def test_the_oldest_counts_are_forgotten():
    """
    Calls that never succeed take no more memory than that.
    """
    attempts = Attempts()
    for number in range(REMEMBERED + 1):
        attempts.begin(f"call-{number}")

    assert 1 == attempts.begin("call-0")
    assert 2 == attempts.begin(f"call-{REMEMBERED}")


def test_a_success_is_counted_no_further():
    """
    A call with the same id begins anew, and one that was forgotten before is none to fail at.
    """
    attempts = Attempts()
    attempts.begin("call")
    attempts.forget("call")
    attempts.forget("call")

    assert 1 == attempts.begin("call")


@virtual_time
async def test_a_slow_call_outlives_its_count(monkeypatch):
    """
    More calls fail while it is under way than are counted.
    """
    monkeypatch.setattr(seedcore_dry_run, "REMEMBERED", 1)
    async with runner_with(VirtualClock()) as runner:
        slow = asyncio.create_task(roll(runner, options={"delay": 5}))
        await asyncio.sleep(1)
        with pytest.raises(ProviderInvalidRequestError):
            await roll(runner, options={"fail": "invalid-request"})
        seed = await slow

    assert 1 == seed.meta.attempts


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fail": "everything"}, "fail must be one of unavailable, timeout"),
        ({"attempts": 0}, "attempts must be >= 1"),
        ({"delay": -1}, "delay must be >= 0"),
        ({"players": 9}, "players must be >= 1 and must be <= 8"),
        ({"crystals": {"ganon": "8"}}, "crystals.ganon must be one of 0, 1"),
        ({"gaol": "ganon"}, "Did you mean 'goal'"),
    ],
)
async def test_a_wrong_option_is_refused(runner, options, sentence):
    """
    A sentence says what is allowed.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await roll(runner, options=options)

    assert sentence in caught.value.provider_message
    assert 0 == caught.value.attempts


# ----------------------------------------------------------------------------- presets


async def test_the_presets_are_those_that_are_shipped(runner):
    """
    Each says what it is.
    """
    import yaml

    assert PRESETS == await runner.call("dry-run", "presets", surface="tests")
    for name in PRESETS:
        file = resources.files("seedcore_dry_run") / "presets" / f"{name}.yaml"
        document = yaml.safe_load(file.read_text("utf-8"))
        assert {"goal_name", "description", "settings"} <= {*document}


async def test_a_preset_may_fail(runner):
    """
    A command that takes nothing else shows all of it.
    """
    plain = await roll(runner, preset="plain")
    flaky = await roll(runner, preset="flaky")
    with pytest.raises(ProviderInvalidRequestError, match=r"pedestal needs crystals\.tower 7"):
        await roll(runner, preset="refused")
    with pytest.raises(ProviderUnavailableError):
        await roll(runner, preset="down")
    with pytest.raises(ProviderRateLimitError):
        await roll(runner, preset="busy")

    assert (1, 3) == (plain.meta.attempts, flaky.meta.attempts)
    assert "6" == flaky.settings["crystals"]["ganon"]


@virtual_time
async def test_a_preset_may_be_slow():
    """
    Long enough to see what is shown meanwhile.
    """
    async with runner_with(VirtualClock()) as runner:
        seed = await roll(runner, preset="slow")

    assert 5_000 <= seed.meta.latency_ms
    assert "on" == seed.settings["hints"]


async def test_the_options_of_a_call_win_over_the_preset(runner):
    """
    A preset that fails can be told not to.
    """
    seed = await roll(runner, preset="down", options={"attempts": 1, "goal": "pedestal"})

    assert (2, "pedestal") == (seed.meta.attempts, seed.settings["goal"])


async def test_a_preset_that_there_is_not(runner):
    """
    It is named, and so are those that there are.
    """
    with pytest.raises(PresetNotFoundError):
        await roll(runner, preset="plane")


# -------------------------------------------------------------------------------- post


async def test_a_message_is_posted_nowhere(runner):
    """
    The same one for the same text.
    """
    posted = [
        await runner.call("dry-run", "post", surface="tests", text=text)
        for text in ("Hello", "Hello", "Bye")
    ]

    assert posted[0] == posted[1] != posted[2]
    assert "Hello" == posted[0]["text"]
    assert f"{PLACE}/messages/{posted[0]['id']}" == posted[0]["url"]


@pytest.mark.parametrize(
    ("fail", "in_doubt"), [("timeout", True), ("unavailable", True), ("authentication", False)]
)
async def test_a_message_that_may_have_been_posted_is_in_doubt(runner, fail, in_doubt):
    """
    It isn't posted again, and the error says to look.
    """
    with pytest.raises(seedcore.ProviderError) as caught:
        await runner.call("dry-run", "post", surface="tests", text="Hello", fail=fail)

    assert (1, in_doubt) == (caught.value.attempts, caught.value.in_doubt)


async def test_a_message_waits_for_a_pause(runner):
    """
    What was provably not done is tried again.
    """
    asked = {"text": "Hello", "fail": "rate-limit", "attempts": 2}

    assert "Hello" == (await runner.call("dry-run", "post", surface="tests", **asked))["text"]


async def test_a_partial_failure_names_what_is_there(runner):
    """
    Identity and steps, for whoever has to tidy up.
    """
    with pytest.raises(PartialFailureError) as caught:
        await runner.call("dry-run", "post", surface="tests", text="Hello", fail="partial")

    assert ("dry-run-room", ("open",)) == (caught.value.created, caught.value.completed_steps)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"text": ["Hello"]}, "text must be a text of 1 to 2,000 characters"),
        ({"text": ""}, "text must be a text of 1 to 2,000 characters"),
        ({"text": "Hello", "fail": "everything"}, "fail must be one of unavailable, timeout"),
        ({"text": "Hello", "attempts": 0}, "attempts must be a whole number from 1 to 20"),
        ({"text": "Hello", "attempts": True}, "attempts must be a whole number from 1 to 20"),
    ],
)
async def test_a_wrong_message_is_refused(runner, asked, sentence):
    """
    Before anything is attempted.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.call("dry-run", "post", surface="tests", **asked)

    assert (0, True) == (caught.value.attempts, sentence in caught.value.provider_message)


# ------------------------------------------------------------------------- the plugin


def test_the_entry_point_is_a_provider():
    """
    What pyproject.toml names can be imported and offers the operations.
    """
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]
    (value,) = declared["seedcore.providers"].values()
    loaded = EntryPoint("dry-run", value, "seedcore.providers").load()
    registry = Registry(discover=False)
    registry.add("dry-run", loaded)
    operations = registry.load("dry-run").operations

    assert isinstance(loaded, DryRun)
    assert {"generate": "repeatable", "presets": "read", "post": "unsafe"} == {
        name: operation.effect for name, operation in operations.items()
    }
    assert Options is registry.load("dry-run").declaration.options
