"""
Plugins and sinks that do what nobody expects: they harm themselves only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from seedcore import (
    AuditRecord,
    DisabledProviderError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    Registry,
    Runner,
    Seed,
    SeedcoreError,
    SettingsError,
    hookimpl,
    operation,
    provider,
    secret,
)
from seedcore.testing.clocks import VirtualClock, virtual_time
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import Reply, json_reply
from seedcore.testing.upstream import FaultUpstream


@asynccontextmanager
async def runner_of(
    target: Any, database: Path | None = None, *, sinks: Any = None, **settings: Any
) -> AsyncIterator[tuple[Runner, CapturedEvents]]:
    """
    A runner with one provider, ``demo``, that retries without waiting.
    """
    registry = Registry(discover=False)
    registry.add("demo", target)
    events = CapturedEvents()
    async with Runner(
        registry=registry,
        database=f"sqlite://{database}" if database else None,
        sinks=[events, *(sinks or ())],
        rng=Random(2),
        settings={"retry_base_delay": 0.0, **settings},
    ) as runner:
        yield runner, events


async def rows_of(database: Path) -> list[dict[str, Any]]:
    """
    Read the audit as every reader does.
    """
    from seedcore.store import Store

    store = await Store.open(f"sqlite://{database}")
    try:
        return await store.queries.calls()
    finally:
        await store.close(timeout=5)


class UnmadeError(ProviderInvalidRequestError):
    """
    An author who forgot to call the constructor of the base class.
    """

    def __init__(self) -> None:
        pass


def _its_own_cause() -> Exception:
    error = ProviderInvalidRequestError("circular")
    error.__cause__ = error
    return error


@pytest.mark.parametrize(
    "error",
    [
        UnmadeError(),
        _its_own_cause(),
        ProviderError("text", status_code="404"),  # type: ignore[arg-type]
        ProviderRateLimitError("text", retry_after="5"),  # type: ignore[arg-type]
        ProviderError("text", retry_at=float("inf")),
    ],
    ids=[
        "no constructor",
        "its own cause",
        "status as text",
        "pause as text",
        "at the end of time",
    ],
)
async def test_an_error_that_is_wrong_itself_holds_no_slot(error: Exception) -> None:
    """
    The caller gets a ProviderError whose sentence can be shown, and the slot is free again.
    """

    async def demo() -> Seed:
        raise error

    async with runner_of(demo, patience=0.0) as (runner, _):
        with pytest.raises(ProviderError) as caught:
            await runner.generate("demo", surface="test")
        assert "demo" in caught.value.user_message
        assert 0 == runner._lanes["demo"].slots.in_use


@pytest.mark.parametrize("pause", [0, -5.0, float("nan"), float("-inf")])
def test_a_pause_of_nothing_is_no_pause(pause: float) -> None:
    """
    A plugin's junk in retry_after makes the gate guess, and the patience ends the call.
    """
    asked: list[float] = []

    async def demo() -> Seed:
        asked.append(asyncio.get_running_loop().time())
        raise ProviderRateLimitError(status_code=429, retry_after=pause)

    @virtual_time
    async def check() -> None:
        registry = Registry(discover=False)
        registry.add("demo", demo)
        async with Runner(
            registry=registry, database=None, sinks=[], clock=VirtualClock(), rng=Random(1)
        ) as runner:
            with pytest.raises(ProviderRateLimitError):
                await runner.generate("demo", surface="test")

    check()
    assert 2 == len(asked)


async def test_a_sink_that_exits_ends_nothing() -> None:
    """
    It is reported to the others once, and the call succeeds.
    """

    def leaves(event: Any) -> None:
        raise SystemExit(1)

    async with runner_of(lambda: Seed(id="1"), sinks=[leaves]) as (runner, events):
        for _ in range(3):
            assert "1" == (await runner.generate("demo", surface="test")).id
        assert 0 == runner._lanes["demo"].slots.in_use
    assert 1 == len(events.named("sink_failed"))


async def test_a_repetition_makes_nested_calls_with_the_same_ids() -> None:
    """
    So that a keyed inner operation is recognised, and done once.
    """
    keys: list[str] = []

    @provider(effect="keyed")
    async def inner(context: Any) -> Seed:
        keys.append(context.idempotency_key)
        return Seed(id="1")

    async def demo(context: Any) -> Seed:
        seed: Seed = await context.generate("inner")
        if len(keys) == 1:
            raise ConnectionResetError
        return seed

    async with runner_of(demo) as (runner, _):
        runner.registry.add("inner", inner)
        await runner.generate("demo", surface="test")
    assert 2 == len(keys)
    assert keys[0] == keys[1]


async def test_a_nested_call_runs_under_the_profile_of_the_outer_one() -> None:
    """
    A batch call is as patient inside.
    """
    asked: list[int] = []

    async def inner() -> Seed:
        asked.append(1)
        raise ConnectionResetError

    async def demo(context: Any) -> Seed:
        return await context.generate("inner")

    async with runner_of(demo) as (runner, _):
        runner.registry.add("inner", inner)
        with pytest.raises(ProviderError):
            await runner.generate("demo", surface="test", profile="batch")
    assert 5 == len(asked)


@attrs.frozen
class Odd:
    """
    An object no JSON knows.
    """


@pytest.mark.parametrize(
    "seed",
    [
        Seed(url=Path("/seed/1"), id=4711),  # type: ignore[arg-type]
        Seed(id="half \ud800 a pair"),
        Seed(id="1", settings={(1, 2): {3}, "n": float("nan"), "big": 10**5000}),
        Seed(id="1", extra={"odd": Odd(), "bytes": b"x"}),
    ],
    ids=["objects", "surrogate", "settings", "extra"],
)
async def test_odd_values_of_a_seed_cost_no_row(tmp_path: Path, seed: Seed) -> None:
    """
    The row is durable, whatever a plugin puts into its seed.
    """
    database = tmp_path / "audit.sqlite3"
    async with runner_of(lambda: seed, database) as (runner, events):
        assert "durable" == (await runner.generate("demo", surface="test")).meta.audit
    assert 1 == len(await rows_of(database))
    assert [] == events.named("audit_lost")


@pytest.mark.parametrize(
    "changes", [{"hash_id": {}}, {"randomizer": None}, {"settings": "abc"}, {"gentype": 7}]
)
async def test_an_audit_hook_that_answers_nonsense_is_ignored(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """
    The row is written as it was, and an event names the hook.
    """

    class Demo:
        @hookimpl
        async def generate(self) -> Seed:
            return Seed(id="1")

        @hookimpl
        def audit(self, record: AuditRecord) -> AuditRecord:
            return attrs.evolve(record, **changes)

    database = tmp_path / "audit.sqlite3"
    async with runner_of(Demo(), database) as (runner, events):
        await runner.generate("demo", surface="test")
    (row,) = await rows_of(database)
    assert ("1", "demo", "options", {}) == tuple(
        row[name] for name in ("hash_id", "randomizer", "gentype", "settings")
    )
    assert 1 == len(events.named("audit_hook_failed"))


@attrs.frozen
class Keyed:
    """
    Options with a secret.
    """

    token: str = secret()


async def test_a_secret_among_the_options_appears_in_no_output(
    tmp_path: Path, upstream: FaultUpstream
) -> None:
    """
    Neither in an error that echoes it nor in the row of a success.
    """
    upstream.script(Reply(status=422, body=b"bad token canary-7741"), json_reply({"id": "1"}))

    @provider(base_url=upstream.url, options=Keyed)
    async def demo(request: Any, context: Any) -> Seed:
        async with context.http.get("x") as reply:
            reply.raise_for_status()
        return Seed(id="1", extra={"note": f"made with {request.options.token}"})

    database = tmp_path / "audit.sqlite3"
    async with runner_of(demo, database) as (runner, events):
        options = {"token": "canary-7741"}
        with pytest.raises(ProviderInvalidRequestError) as caught:
            await runner.generate("demo", surface="test", options=options)
        await runner.generate("demo", surface="test", options=options)
    assert "bad token ***" == caught.value.provider_message
    assert "canary" not in str(await rows_of(database)) + str(list(events))


@pytest.mark.parametrize("hidden", [{"canary-7741"}, Path("/x/canary-7741"), ["canary-7741"]])
async def test_a_secret_is_found_inside_other_values(tmp_path: Path, hidden: Any) -> None:
    """
    A provider's own secret in a set, a path or a list of its seed.
    """

    @provider(settings=Keyed)
    async def demo() -> Seed:
        return Seed(id="1", settings={"hidden": hidden})

    database = tmp_path / "audit.sqlite3"
    settings = {"providers": {"demo": {"token": "canary-7741"}}}
    async with runner_of(demo, database, **settings) as (runner, _):
        await runner.generate("demo", surface="test")
    (row,) = await rows_of(database)
    assert "canary" not in str(row)


async def test_a_secret_that_is_the_name_of_a_column_breaks_no_row(tmp_path: Path) -> None:
    """
    Values are masked, never the names of our own columns.
    """

    @provider(settings=Keyed)
    async def demo() -> Seed:
        return Seed(id="1")

    database = tmp_path / "audit.sqlite3"
    settings = {"providers": {"demo": {"token": "seed"}}}
    async with runner_of(demo, database, **settings) as (runner, _):
        assert "durable" == (await runner.generate("demo", surface="test")).meta.audit


@pytest.mark.parametrize("location", ["http://user@{host}/x", "http://{host}/x", "//u:p@{host}/x"])
async def test_a_redirect_with_userinfo_goes_nowhere_either(location: str) -> None:
    """
    The other host never sees the request with its headers.
    """
    async with FaultUpstream(host="127.0.0.2") as other, FaultUpstream() as upstream:
        target = location.format(host=other.url.removeprefix("http://"))
        upstream.script(Reply(status=302, headers={"Location": target}))
        other.script(json_reply({"id": "stolen"}))

        @provider(base_url=upstream.url)
        async def demo(context: Any) -> Seed:
            async with context.http.get("x", headers={"X-Token": "canary"}) as reply:
                return Seed(id=(await reply.json())["id"])

        async with runner_of(demo) as (runner, _):
            with pytest.raises(ProviderInvalidRequestError, match="redirects to"):
                await runner.generate("demo", surface="test")
        assert [] == other.requests


async def test_attempts_and_callers_share_nothing_a_plugin_can_change() -> None:
    """
    A plugin that changes nested settings does not change its caller's.
    """

    async def demo(request: Any) -> Seed:
        request.settings["goal"]["boss"] = "changed"
        return Seed(id="1")

    mine = {"goal": {"boss": "ganon"}}
    async with runner_of(demo) as (runner, _):
        await runner.generate("demo", surface="test", settings=mine)
    assert {"goal": {"boss": "ganon"}} == mine


async def test_limits_shared_by_all_calls_are_no_limits_of_one() -> None:
    """
    They would be ignored silently.
    """
    async with runner_of(lambda: Seed(id="1")) as (runner, _):
        with pytest.raises(SettingsError, match="max_concurrent is shared"):
            await runner.generate("demo", surface="test", policy={"max_concurrent": 1})


async def test_closing_from_two_sides_waits_for_both_and_opening_again_is_refused() -> None:
    """
    Nobody comes back before it is closed.
    """

    async def demo() -> Seed:
        await asyncio.sleep(0.01)
        return Seed(id="1")

    async with runner_of(demo) as (runner, _):
        call = asyncio.create_task(runner.generate("demo", surface="test"))
        await asyncio.sleep(0.001)
        await asyncio.gather(runner.close(), runner.close())
        assert call.done()
        with pytest.raises(SeedcoreError, match="opened once"):
            await runner.open()


async def test_one_exception_raised_again_and_again_does_not_grow() -> None:
    """
    A missing ability is remembered as an error, not as a list of everybody who met it.
    """
    from seedcore import ProviderCapabilityError

    class Demo:
        @hookimpl
        def start(self) -> None:
            raise ProviderCapabilityError("too old")

        @operation(effect="read")
        async def presets(self) -> list[str]:
            return []

    depths = []
    async with runner_of(Demo()) as (runner, _):
        for _ in range(20):
            with pytest.raises(ProviderCapabilityError) as caught:
                await runner.call("demo", "presets", surface="test")
            cause, depth = caught.value.__cause__, 0
            trace = cause.__traceback__ if cause else None
            while trace is not None:
                trace, depth = trace.tb_next, depth + 1
            depths.append(depth)
    assert depths[1] == depths[-1]


def test_a_clash_is_solved_by_leaving_one_distribution_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    SEEDCORE_DISABLE takes names of distributions too.
    """
    from support.installed import make_plugin

    for name in ("seedcore-one", "seedcore-two"):
        module = name.replace("-", "_") + "_clash"
        source = "from seedcore import Seed\n\ndef twin():\n    return Seed(id='1')\n"
        make_plugin(
            tmp_path, name, entry_points={"twin": f"{module}:twin"}, files={f"{module}.py": source}
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry()
    registry.restrict(disable=["seedcore-one"])
    assert "seedcore-two" == registry.load("twin").distribution
    both = Registry()
    both.restrict(disable=["seedcore-one", "seedcore-two"])
    with pytest.raises(DisabledProviderError):
        both.load("twin")
