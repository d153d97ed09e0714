"""
A call_id that its caller gave: once, in whatever process, after a crash too.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from seedcore import (
    DatabaseError,
    DrainingError,
    DuplicateCallError,
    Effect,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Registry,
    Runner,
    Seed,
    SeedRequest,
    hookimpl,
    once as once_module,
    operation,
)
from seedcore.context import NAMESPACE
from seedcore.store import Store
from seedcore.store.claims import Claims
from seedcore.store.database import Database
from seedcore.store.writer import Writer
from seedcore.testing.events import CapturedEvents
from support.peers import Site, answer, fails, locked, roll, runner_of, until

pytestmark = pytest.mark.dialects

GONE = ConnectionResetError("gone")
NOBODY = "0" * 32
"""An owner of which no lock file tells whether it lives."""


@pytest.fixture
def site() -> Site:
    """
    What all processes call.
    """
    return Site()


def claims(database: str) -> list[tuple[Any, ...]]:
    """
    Return id, token and whether it is done, of all claims.
    """
    rows = answer(database, "SELECT call_id, token, done FROM seedcore_claims ORDER BY call_id")
    return [(call_id, token, bool(done)) for call_id, token, done in rows]


def abandon(database: str) -> None:
    """
    Let all claims be those of a process on another machine that has ended long ago.
    """
    answer(database, "UPDATE seedcore_claims SET owner = ?, expires_at = 1", NOBODY)


async def test_the_second_process_gets_the_seed_of_the_first(site: Site, database_url: str) -> None:
    """
    All of it, rebuilt from the row; the provider is asked once.
    """
    events = CapturedEvents()
    async with runner_of(site, database_url) as one:
        first = await roll(one, call_id="mine", preset="open")
    async with runner_of(site, database_url, events) as other:
        second = await roll(other, call_id="mine", preset="open")
    assert first == second
    assert 1 == len(site.asked)
    assert [("mine", 1, True)] == claims(database_url)
    assert ["mine"] == [event.call_id for event in events.named("repeated")]


async def test_the_second_process_waits_for_the_first(site: Site, database_url: str) -> None:
    """
    While it runs nobody else starts, however many ask.
    """
    site.answer.clear()
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        first = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        others = [asyncio.create_task(roll(other, call_id="mine")) for _ in range(5)]
        await asyncio.sleep(0.01)
        site.answer.set()
        seeds = await asyncio.gather(first, *others)
    assert {"1"} == {seed.id for seed in seeds}
    assert 1 == len(site.asked)


@pytest.mark.parametrize(
    "changes", [{"preset": "another"}, {"race": True}, {"options": {"mode": "hard"}}]
)
async def test_different_arguments_are_refused(
    site: Site, database_url: str, changes: Mapping[str, Any]
) -> None:
    """
    An id that means "this once" can't mean two things, in no process; the surface may differ.
    """
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        await roll(one, call_id="mine", preset="open")
        with pytest.raises(DuplicateCallError, match="'mine' was used before, with different arg"):
            await roll(other, call_id="mine", **{"preset": "open", **changes})
        await other.generate("demo", surface="elsewhere", call_id="mine", preset="open")
    assert 1 == len(site.asked)


async def test_a_failure_frees_the_id(site: Site, database_url: str) -> None:
    """
    For any process and any arguments, at once; the idempotency key stays the same.
    """
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        site.error = GONE
        await fails(one, call_id="mine")
        assert [] == claims(database_url)
        site.error = None
        await roll(other, call_id="mine", preset="another")
    assert [str(uuid.uuid5(NAMESPACE, "mine"))] * 2 == site.asked


async def test_a_cancelled_call_frees_the_id(site: Site, database_url: str) -> None:
    """
    Who asks again in another process doesn't wait for the claim to expire.
    """
    site.answer.clear()
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        call = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        site.answer.set()
        assert "2" == (await roll(other, call_id="mine")).id


async def test_a_call_cancelled_while_its_row_is_written_has_succeeded(
    site: Site, database_url: str
) -> None:
    """
    The row is written all the same, so whoever asks again gets its seed.
    """
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        site.answer.clear()
        call = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        async with locked(database_url, "seedcore_calls"):
            site.answer.set()
            await until(lambda: one._runtime.store._writer._committing)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            again = [asyncio.create_task(roll(each, call_id="mine")) for each in (one, other)]
            await asyncio.sleep(0.01)
        assert ["1", "1"] == [seed.id for seed in await asyncio.gather(*again)]
    assert 1 == len(site.asked)
    assert [("mine", 1, True)] == claims(database_url)


async def test_an_expired_claim_runs_again_with_the_same_key(site: Site, database_url: str) -> None:
    """
    The upstream that takes keys makes no second seed.
    """
    site.answer.clear()
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        hung = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        abandon(database_url)
        taken = asyncio.create_task(roll(other, call_id="mine"))
        await until(lambda: len(site.asked) == 2)
        assert [("mine", 2, False)] == claims(database_url)
        site.answer.set()
        seeds = await asyncio.gather(hung, taken)
    assert site.asked[0] == site.asked[1]
    rows = answer(database_url, "SELECT call_id, hash_id FROM seedcore_calls")
    assert [("mine", seeds[1].id)] == rows


async def test_who_lost_its_claim_returns_what_is_recorded(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A process that hung for longer than its lease makes a second seed, and shows the first.
    """
    site.answer.clear()
    async with runner_of(site, database_url) as one, runner_of(Site(), database_url) as other:
        hung = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        monkeypatch.setattr(Claims, "may_be_lost", lambda self, now: True)
        abandon(database_url)
        quicker = await roll(other, call_id="mine")
        site.answer.set()
        assert quicker == await hung
    assert 1 == len(answer(database_url, "SELECT id FROM seedcore_calls"))


async def test_a_claim_without_its_end_and_with_its_row(site: Site, database_url: str) -> None:
    """
    Who takes it over finds the seed and makes no other.
    """
    async with runner_of(site, database_url) as one:
        first = await roll(one, call_id="mine")
    answer(database_url, "UPDATE seedcore_claims SET done = FALSE")
    abandon(database_url)
    async with runner_of(site, database_url) as other:
        assert first == await roll(other, call_id="mine")
    assert 1 == len(site.asked)
    assert [("mine", 2, True)] == claims(database_url)


async def test_an_id_that_was_never_claimed_is_refused(site: Site, database_url: str) -> None:
    """
    Nobody knows what was asked with an id that a runner made.
    """
    async with runner_of(site, database_url) as one:
        seed = await roll(one)
        assert [] == claims(database_url)
        with pytest.raises(DuplicateCallError):
            await roll(one, call_id=seed.meta.call_id)
        assert [] == claims(database_url)


async def test_the_claim_of_a_living_process_is_renewed(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However long it takes, nobody takes it over.
    """
    monkeypatch.setattr(Claims, "LEASE", 0.3)
    monkeypatch.setattr(Claims, "RENEW", 0.01)
    site.answer.clear()
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        first = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        second = asyncio.create_task(roll(other, call_id="mine"))
        for _ in range(50):  # half a second in all
            await asyncio.sleep(0.01)
        assert 1 == len(site.asked)
        site.answer.set()
        assert await first == await second


async def test_waiting_for_another_process_ends_with_the_deadline(
    site: Site, database_url: str
) -> None:
    """
    With an error of the tree, and no row of a failure.
    """
    site.answer.clear()
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        first = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        for runner in (one, other):
            error = await fails(runner, call_id="mine", deadline=0.05)
            assert ProviderTimeoutError is type(error)
            assert "deadline" == error.stopped_by
        site.answer.set()
        await first
    assert [] == answer(database_url, "SELECT * FROM seedcore_failures")


async def test_waiting_for_another_process_ends_with_the_runner(
    site: Site, database_url: str
) -> None:
    """
    Shutting down waits for nobody else.
    """
    site.answer.clear()
    async with runner_of(site, database_url) as one:
        first = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        async with runner_of(site, database_url) as other:
            waiting = asyncio.create_task(fails(other, call_id="mine"))
            await until(lambda: other._running)
            await asyncio.sleep(0.01)
        assert DrainingError is type(await waiting)
        site.answer.set()
        await first


class Tracker:
    """
    A provider with operations of several kinds.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.done = 0

    def _do(self) -> int:
        self.done += 1
        if self.error is not None:
            raise self.error
        return self.done

    @operation(effect=Effect.UNSAFE, audited=True)
    async def create(self, title: str) -> dict[str, Any]:
        """
        Make one more.
        """
        return {"number": self._do(), "title": title}

    @operation(effect=Effect.READ)
    async def names(self) -> list[Any]:
        """
        List them.
        """
        return [self._do(), None, {"a": 1.5}]

    @operation(effect=Effect.READ)
    async def handle(self) -> Any:
        """
        Return what no file can hold.
        """
        self._do()
        return object()


async def create(runner: Runner, **arguments: Any) -> Any:
    """
    Call ``create`` with the same id and title.
    """
    return await runner.call(
        "demo", "create", surface="test", call_id="mine", **{"title": "bug", **arguments}
    )


async def test_results_of_other_operations_are_kept(database_url: str) -> None:
    """
    As long as JSON can hold them; otherwise the second caller is told so.
    """
    tracker = Tracker()
    async with runner_of(tracker, database_url) as one, runner_of(tracker, database_url) as other:
        assert {"number": 1, "title": "bug"} == await create(one) == await create(other)
        for runner in (one, other):
            names = await runner.call("demo", "names", surface="test", call_id="names")
            assert [2, None, {"a": 1.5}] == names
        await one.call("demo", "handle", surface="test", call_id="handle")
        with pytest.raises(DuplicateCallError, match="its result was not kept"):
            await other.call("demo", "handle", surface="test", call_id="handle")
        with pytest.raises(DuplicateCallError, match="with different arguments"):
            await other.call("demo", "names", surface="test", call_id="mine")
    assert 3 == tracker.done
    assert 1 == len(answer(database_url, "SELECT id FROM seedcore_calls"))


async def test_an_unsafe_call_that_was_cut_off_is_in_doubt(database_url: str) -> None:
    """
    For every later caller, until somebody looks and chooses a new id.
    """
    tracker = Tracker()
    async with runner_of(tracker, database_url) as one, runner_of(tracker, database_url) as other:
        tracker.error = ConnectionResetError("gone")
        with pytest.raises(ProviderUnavailableError) as first:
            await create(one)
        assert first.value.in_doubt
        tracker.error = None
        for runner in (one, other):
            with pytest.raises(ProviderUnavailableError) as later:
                await create(runner)
            assert (True, "in_doubt") == (later.value.in_doubt, later.value.stopped_by)
        with pytest.raises(DuplicateCallError):
            await create(other, title="another")
    assert 1 == tracker.done


async def test_doubt_that_could_not_be_written_is_kept(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The same process doesn't do it again either while the database is away.
    """
    monkeypatch.setattr(Database, "ANSWER_LIMIT", 0.02)
    tracker = Tracker()
    async with runner_of(tracker, database_url) as one:
        await one.call("demo", "names", surface="test")
        tracker.error = ConnectionResetError("gone")
        free = Claims.leave_in_doubt

        async def away(self: Claims, claim: object) -> None:
            raise DatabaseError("away")

        monkeypatch.setattr(Claims, "leave_in_doubt", away)
        with pytest.raises(ProviderUnavailableError):
            await create(one)
        monkeypatch.setattr(Claims, "leave_in_doubt", free)
        tracker.error = None
        with pytest.raises(ProviderTimeoutError):
            await create(one, deadline=0.1)
        answer(database_url, "UPDATE seedcore_claims SET expires_at = 1")
        with pytest.raises(ProviderUnavailableError) as later:
            await create(one)
        assert later.value.in_doubt
    assert 2 == tracker.done


async def test_a_call_made_again_at_once_finds_its_doubt(database_url: str) -> None:
    """
    The id of a cancelled call is not free before that is written.
    """

    class Slow(Tracker):
        @operation(effect=Effect.UNSAFE)
        async def create(self, title: str) -> None:
            """
            Take for ever.
            """
            self.done += 1
            await asyncio.Event().wait()

    slow = Slow()
    async with runner_of(slow, database_url) as one:
        for number in range(20):
            arguments = {"call_id": f"id-{number}", "title": "bug"}
            call = asyncio.create_task(one.call("demo", "create", surface="test", **arguments))
            await until(lambda: slow.done == number + 1)  # noqa: B023 - awaited here
            call.cancel()
            await asyncio.wait({call})
            with pytest.raises(ProviderUnavailableError) as later:
                await one.call("demo", "create", surface="test", **arguments)
            assert later.value.in_doubt
    assert 20 == slow.done


async def test_results_that_are_only_spooled_are_given_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Those of any operation: nothing unsafe is done twice.
    """
    monkeypatch.setattr(Store, "COMMIT_LIMIT", 0.05)
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 60.0)
    tracker = Tracker()
    async with runner_of(tracker, database_url) as one:
        await one.call("demo", "names", surface="test")
        writer = one._runtime.store._writer
        monkeypatch.setattr(writer, "away", True)
        first = await create(one)
        assert first == await create(one)
    assert 2 == tracker.done


async def test_the_same_seed_is_the_same_whatever_a_hook_made_of_its_row(
    database_url: str,
) -> None:
    """
    The row has the effective settings and what the provider's hook says; the caller what it got.
    """
    import attrs

    class Demo:
        @hookimpl
        async def generate(self, request: SeedRequest) -> Seed:
            return Seed(id="abc", extra={"none": None})

        @hookimpl
        def audit(self, record: object) -> object:
            return attrs.evolve(record, hash_id="HOOK", version="v9", settings={"a": 1})

    async with runner_of(Demo, database_url) as one:
        first = await roll(one, call_id="mine")
    async with runner_of(Demo, database_url) as other:
        assert first == await roll(other, call_id="mine")
    assert ("abc", None, {}) == (first.id, first.version, dict(first.settings))


async def test_what_never_passes_is_said_at_once(site: Site, database_url: str) -> None:
    """
    A table that is missing is no outage to wait for.
    """
    async with runner_of(site, database_url) as one:
        await roll(one)
        answer(database_url, "DROP TABLE seedcore_claims")
        with pytest.raises(DatabaseError):
            await asyncio.wait_for(roll(one, call_id="mine"), 5)


async def test_an_unsafe_call_that_was_not_sent_frees_the_id(database_url: str) -> None:
    """
    A refused connection has done nothing.
    """
    tracker = Tracker()
    async with runner_of(tracker, database_url) as one:
        tracker.error = ConnectionRefusedError()
        with pytest.raises(ProviderUnavailableError):
            await create(one)
        tracker.error = None
        assert {"number": 2, "title": "bug"} == await create(one)


async def test_a_cancelled_unsafe_call_is_in_doubt(database_url: str) -> None:
    """
    Nobody knows what the provider did with it.
    """

    class Slow(Tracker):
        async def _wait(self) -> None:
            self.done += 1
            await asyncio.Event().wait()

        @operation(effect=Effect.UNSAFE)
        async def create(self, title: str) -> None:
            """
            Take for ever.
            """
            await self._wait()

    slow = Slow()
    async with runner_of(slow, database_url) as one:
        call = asyncio.create_task(create(one))
        await until(lambda: slow.done)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(ProviderUnavailableError) as later:
            await create(one)
        assert later.value.in_doubt


async def test_a_sealed_seed_is_its_callers(site: Site, database_url: str) -> None:
    """
    Every reader hides it, and the same call gets it again.
    """
    async with runner_of(site, database_url) as one:
        await roll(one, call_id="mine", sealed=True)
    async with runner_of(site, database_url) as other:
        again = await roll(other, call_id="mine", sealed=True)
        [row] = await other._runtime.store.queries.calls()
    assert ("https://seeds.example/1", {"text": "a", "n": 1}) == (again.url, again.extra)
    assert (None, None, {}) == (row["permalink"], row["hash_id"], row["seed"])


async def test_a_possible_duplicate_stays_one(database_url: str) -> None:
    """
    The row tells whoever asks again.
    """
    failing = [True]

    async def demo(request: SeedRequest) -> Seed:
        if failing:
            failing.clear()
            raise ConnectionResetError
        return Seed(id="1")

    again = {"retry_enabled": True, "retry_base_delay": 0.0}
    async with runner_of(demo, database_url, settings=again) as one:
        first = await roll(one, call_id="mine")
    async with runner_of(demo, database_url) as other:
        assert first == await roll(other, call_id="mine")
    assert (2, True) == (first.meta.attempts, first.meta.possible_duplicate)


async def test_while_nobody_can_tell_nothing_is_done(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A call waits for the database until its deadline, and then says that nothing was done.
    """
    monkeypatch.setattr(Database, "ANSWER_LIMIT", 0.02)
    monkeypatch.setattr(once_module, "LONGEST_LOOK", 0.02)
    async with runner_of(site, database_url) as one:
        await roll(one)
        async with locked(database_url, "seedcore_claims"):
            with pytest.raises(
                DatabaseError, match="This call did nothing; whether an earlier one did"
            ):
                await roll(one, call_id="mine", deadline=0.1)
            patient = asyncio.create_task(roll(one, call_id="mine"))
            await asyncio.sleep(0.01)
        assert "2" == (await patient).id


async def test_a_spooled_seed_is_given_again(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The claim is not done before the row is in the database, but this process knows.
    """
    monkeypatch.setattr(Store, "COMMIT_LIMIT", 0.05)
    monkeypatch.setattr(Writer, "LOOK_AGAIN", 0.01)
    async with runner_of(site, database_url) as one, runner_of(site, database_url) as other:
        site.answer.clear()
        call = asyncio.create_task(roll(one, call_id="mine"))
        await until(lambda: site.asked)
        async with locked(database_url, "seedcore_calls"):
            site.answer.set()
            first = await call
            assert "spooled" == first.meta.audit
            assert first == await roll(one, call_id="mine")
        await until(lambda: not one._runtime.store._writer.away)
        assert "durable" == (await roll(other, call_id="mine")).meta.audit
    assert 1 == len(site.asked)


async def test_a_call_without_an_id_pays_nothing(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    No claim, no question.
    """
    monkeypatch.setattr(Store, "claim", None)
    async with runner_of(site, database_url) as one:
        await roll(one)
        assert one._once is None
    assert [] == claims(database_url)


async def test_without_a_database_one_runner_keeps_it(site: Site) -> None:
    """
    Those who ask at the same time get the same seed; later the id is free.
    """
    registry = Registry(discover=False)
    registry.add("demo", site)
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        site.answer.clear()
        calls = [asyncio.create_task(roll(runner, call_id="mine")) for _ in range(3)]
        await until(lambda: site.asked)
        site.answer.set()
        assert {"1"} == {seed.id for seed in await asyncio.gather(*calls)}
        assert "2" == (await roll(runner, call_id="mine")).id
