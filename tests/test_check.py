"""
The look that a provider has at a request before anything is done.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from seedcore import (
    BrokenPluginError,
    Context,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    Registry,
    Request,
    Runner,
    Seed,
    SeedRequest,
    SettingsError,
    hookimpl,
    operation,
    provider,
    secret,
)
from seedcore.contract.classify import PLUGIN_ERROR
from seedcore.store import Store
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import status
from seedcore.testing.upstream import FaultUpstream

Check = Callable[[Request], None]


def refusing(error: BaseException) -> Check:
    """
    Return a check that raises *error*.
    """

    def check(request: Request) -> None:
        raise error

    return check


def runner_of(target: Any, **options: Any) -> Runner:
    """
    Return a runner with one provider.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    return Runner(registry=registry, **{"database": None, "sinks": [], **options})


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (ProviderInvalidRequestError("no such goal"), ProviderInvalidRequestError, "no such goal"),
        (ProviderCapabilityError("no races"), ProviderCapabilityError, "no races"),
        (SettingsError("goal must be one."), ProviderInvalidRequestError, "goal must be one"),
        (KeyError("goal"), ProviderResponseFormatError, "its check raised KeyError; this is a bug"),
        (SystemExit(3), ProviderResponseFormatError, "its check raised SystemExit"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
async def test_what_a_check_raises_ends_the_call_before_the_provider_is_asked(
    raised: BaseException, kind: type[ProviderError], words: str, *, dry_run: bool
) -> None:
    """
    A mistake of its author is one, and no outage.
    """

    @provider(check=refusing(raised))
    def demo(request: SeedRequest) -> Seed:
        raise AssertionError

    async with runner_of(demo) as runner:
        with pytest.raises(kind, match=words) as caught:
            await runner.generate("demo", surface="tests", dry_run=dry_run)

    assert kind is type(caught.value)
    assert ("demo", 0, "permanent") == (
        caught.value.provider,
        caught.value.attempts,
        caught.value.stopped_by,
    )


async def test_every_operation_is_looked_at_and_told_apart() -> None:
    """
    A check of a class is given requests of all of them.
    """
    looked: list[str] = []

    class Demo:
        @hookimpl
        def check(self, request: Request) -> None:
            looked.append(request.operation)

        @hookimpl
        def generate(self) -> Seed:
            return Seed()

        @operation(effect="read")
        def presets(self) -> list[str]:
            return []

    async with runner_of(Demo()) as runner:
        await runner.generate("demo", surface="tests")
        await runner.call("demo", "presets", surface="tests")

    assert ["generate", "presets"] == looked


def test_a_check_must_be_plain() -> None:
    """
    It only looks, so there is nothing to wait for.
    """

    async def check(request: Request) -> None:
        raise AssertionError

    @provider(check=check)
    def demo(request: SeedRequest) -> Seed:
        raise AssertionError

    with pytest.raises(BrokenPluginError, match="check must be a plain function"):
        Registry(discover=False).add("demo", demo)


@attrs.frozen
class Options:
    """
    A key of the caller's.
    """

    key: str | None = secret(None, help="the key")


async def test_a_key_of_a_call_is_in_no_pause_that_others_share(
    database_url: str, events: CapturedEvents
) -> None:
    """
    A site that repeats it in a 429 tells it to this caller's error alone, and masked there.
    """

    @provider(options=Options)
    async def demo(request: SeedRequest, context: Context) -> Seed:
        context.hide("a-hidden-one")
        text = f"slow down, {request.options.key} and a-hidden-one"
        raise ProviderRateLimitError(text, retry_after=60)

    async with runner_of(demo, database=database_url, sinks=[events]) as runner:
        for options in ({"key": "open-sesame"}, {}):
            with pytest.raises(ProviderRateLimitError) as caught:
                await runner.generate("demo", surface="tests", options=options)
            assert "slow down, *** and ***" in str(caught.value)
    store = await Store.open(database_url)
    try:
        [row] = await store._database.fetch("SELECT * FROM seedcore_gates")
    finally:
        await store.close()

    assert "slow down, *** and ***" == row["message"]


async def test_a_spoiler_link_with_a_key_stays_out_of_the_row(database_url: str) -> None:
    """
    The caller gets it; what is left without the key would lead nowhere.
    """

    @provider(options=Options)
    def demo(request: SeedRequest) -> Seed:
        link = f"https://seeds.example/spoiler?key={request.options.key}"
        return Seed(url="https://seeds.example/1", spoiler_url=link)

    async with runner_of(demo, database=database_url) as runner:
        seed = await runner.generate(
            "demo", surface="tests", options={"key": "open-sesame"}, spoilers="on"
        )
        assert runner._runtime is not None
        assert runner._runtime.store is not None
        [row] = await runner._runtime.store.queries.calls()

    assert "https://seeds.example/spoiler?key=open-sesame" == seed.spoiler_url
    assert {} == row["seed"]
    assert {"key": "open-sesame"} != row["settings"]


async def test_a_key_is_hidden_from_looks_and_in_the_row_of_an_outer_call(
    database_url: str,
) -> None:
    """
    A nested call that hides one has no row of its own.
    """

    async def inner(request: SeedRequest, context: Context) -> Seed:
        context.hide("open-sesame")

        async def look() -> Seed:
            return Seed(url="https://seeds.example/open-sesame")

        return await context.poll(look)

    async def outer(request: SeedRequest, context: Context) -> Seed:
        return await context.generate("demo")

    async with runner_of(inner, database=database_url) as runner:
        runner.registry.add("outer", outer)
        seed = await runner.generate("outer", surface="tests")
        assert runner._runtime is not None
        assert runner._runtime.store is not None
        [row] = await runner._runtime.store.queries.calls()

    assert "https://seeds.example/open-sesame" == seed.url
    assert "https://seeds.example/***" == row["permalink"]


async def test_a_pause_that_a_look_met_is_told_without_the_key(events: CapturedEvents) -> None:
    """
    Other callers get that error, too.
    """

    async def demo(request: SeedRequest, context: Context) -> Seed:
        context.hide("open-sesame")

        async def look() -> Seed:
            text = "open-sesame is asking too often"
            raise ProviderRateLimitError(text, retry_after=60)

        return await context.poll(look)

    async with runner_of(demo, sinks=[events]) as runner:
        with pytest.raises(ProviderError):
            await runner.generate("demo", surface="tests", deadline=5)
        with pytest.raises(ProviderRateLimitError) as caught:
            await runner.generate("demo", surface="tests")

    assert "*** is asking too often" == caught.value.provider_message


@pytest.mark.parametrize("wrong", [None, 12345678, b"bytes"])
async def test_only_a_text_can_be_hidden(wrong: Any) -> None:
    """
    Anything else is a mistake of the plugin, and said to be one.
    """

    async def demo(request: SeedRequest, context: Context) -> Seed:
        context.hide(wrong)
        return Seed()

    async with runner_of(demo) as runner:
        with pytest.raises(ProviderResponseFormatError, match="a bug of the plugin"):
            await runner.generate("demo", surface="tests")


async def test_a_check_that_returns_something_is_a_bug() -> None:
    """
    It may be a coroutine that nobody runs, and then nothing was checked.
    """

    @provider(check=lambda request: "fine")
    def demo(request: SeedRequest) -> Seed:
        raise AssertionError

    async with runner_of(demo) as runner:
        with pytest.raises(ProviderResponseFormatError, match="its check returned str"):
            await runner.generate("demo", surface="tests")


async def test_a_secret_of_a_document_is_in_no_dry_seed(database_url: str) -> None:
    """
    Wherever it was given.
    """

    @provider(options=Options, presets="presets")
    def demo(request: SeedRequest) -> Seed:
        raise AssertionError

    async with runner_of(demo, database=database_url) as runner:
        for given in ({"settings": {"key": "abc"}}, {"options": {"key": "abc"}}):
            seed = await runner.generate("demo", surface="tests", dry_run=True, **given)
            assert {} == seed.settings


async def test_what_an_error_comes_from_tells_no_secret_either(
    upstream: FaultUpstream,
) -> None:
    """
    Whoever logs it with its traceback prints neither query nor headers, nor a key of the call.
    """
    upstream.script(status(503))

    @provider(base_url=upstream.url, options=Options)
    async def demo(request: SeedRequest, context: Context) -> Seed:
        headers = {"Authorization": "Bearer in-the-headers"}
        params = {"key": "in-the-query"}

        async def look() -> None:
            async with context.http.get("seed", params=params, headers=headers) as reply:
                reply.raise_for_status()

        if request.branch is None:
            await look()
        if request.branch == "poll":
            await context.poll(look)
        text = f"the key {request.options.key} is wrong"
        raise ProviderInvalidRequestError(text)

    settings = {"retry_enabled": False}
    async with runner_of(demo, settings=settings) as runner:
        for branch in (None, "poll", "other"):
            with pytest.raises(ProviderError) as caught:
                await runner.generate(
                    "demo", surface="tests", branch=branch, options={"key": "in-the-options"}
                )
            shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__)
            for secret_part in ("in-the-query", "in-the-headers", "in-the-options"):
                assert secret_part not in shown
            assert caught.value.__cause__ is not None


async def test_an_error_that_is_its_own_cause_is_told_as_a_bug_and_without_the_key() -> None:
    """
    Its causes have no end; to take the key out of each of them must have one.
    """

    @provider(options=Options)
    def demo(request: SeedRequest) -> Seed:
        error = ProviderInvalidRequestError(f"the key {request.options.key} is wrong")
        raise error from error

    options = {"key": "open-sesame"}  # a traceback shows the line of the call
    async with runner_of(demo) as runner:
        with pytest.raises(ProviderResponseFormatError) as caught:
            await runner.generate("demo", surface="tests", options=options)
    assert PLUGIN_ERROR == caught.value.reason
    shown = "".join(traceback.format_exception(caught.value))
    assert "is wrong" in shown
    assert "open-sesame" not in shown


async def test_who_asks_again_gets_the_seed_without_what_was_hidden(database_url: str) -> None:
    """
    It isn't kept anywhere, and three asterisks are no key; all else is as it was.
    """

    @provider(options=Options)
    def demo(request: SeedRequest) -> Seed:
        key = request.options.key
        return Seed(
            url="https://seeds.example/1",
            settings={"goal": "ganon", "branch": None, "key": key},
            extra={"words": ["a", key]},
        )

    seeds = []
    for _ in range(2):
        async with runner_of(demo, database=database_url) as runner:
            seeds.append(
                await runner.generate(
                    "demo", surface="tests", options={"key": "open-sesame"}, call_id="mine"
                )
            )

    first, again = seeds
    assert {"goal": "ganon", "branch": None, "key": "open-sesame"} == first.settings
    assert {"words": ["a", "open-sesame"]} == first.extra
    assert {"goal": "ganon", "branch": None} == again.settings
    assert {"words": ["a"]} == again.extra
    assert "https://seeds.example/1" == first.url == again.url
