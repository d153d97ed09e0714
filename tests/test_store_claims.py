"""
A call_id that its caller gave is used once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from seedcore.errors import DatabaseError
from seedcore.store.address import address_of
from seedcore.store.claims import Claim, Claims
from seedcore.store.database import Database
from seedcore.store.entries import Entry, write_entries
from seedcore.store.store import open_database
from support.stored import call_entry, look, until

pytestmark = pytest.mark.dialects

FACTS = {"provider": "demo", "operation": "upload", "fingerprint": "f"}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """
    An open database.
    """
    opened = await open_database(address_of(database_url), pool_size=2)
    yield opened
    await opened.close(5)


@pytest.fixture
async def claims(database: Database) -> AsyncIterator[Claims]:
    """
    The claims of this process.
    """
    made = Claims(database, "me")
    yield made
    await made.close()


@pytest.fixture
async def theirs(database: Database) -> AsyncIterator[Claims]:
    """
    The claims of another process.
    """
    made = Claims(database, "them")
    yield made
    await made.close()


def expire(database_url: str, call_id: str = "c-1") -> None:
    """
    Let time pass until nobody has renewed the claim for long enough.
    """
    look(database_url, f"UPDATE seedcore_claims SET expires_at = 1 WHERE call_id = '{call_id}'")


async def finish(database: Database, claim: Claim, result: str | None = None) -> None:
    """
    Write that the call was made, as it is written with its row.
    """
    entry = Entry(claim.call_id, {"claims": [result, claim.call_id, claim.token]})
    assert [None] == await write_entries(database, [entry], 1.0)


async def test_the_first_has_it(claims: Claims, theirs: Claims) -> None:
    """
    And the second one sees whose it is, and for how long.
    """
    mine = await claims.take("c-1", **FACTS)
    seen = await theirs.take("c-1", provider="x", operation="y", fingerprint="z")

    expected = Claim(
        call_id="c-1", owner="me", token=1, left=30.0, done=False, result=None, mine=True, **FACTS
    )
    assert expected == mine
    assert not mine.again
    assert 25 < seen.left <= 30
    assert attrs.evolve(expected, mine=False, left=seen.left) == seen


async def test_of_many_who_ask_at_once_one_has_it(database: Database) -> None:
    """
    Each process has its own name.
    """
    processes = [Claims(database, f"p-{number}") for number in range(10)]
    taken = await asyncio.gather(*(process.take("c-1", **FACTS) for process in processes))

    [mine] = [claim for claim in taken if claim.mine]
    assert {mine.owner} == {claim.owner for claim in taken}
    for process in processes:
        await process.close()


async def test_what_a_process_holds_it_may_have_again(claims: Claims) -> None:
    """
    If it doesn't know of it: the answer to its first try was lost, so nothing was done.
    """
    first = await claims.take("c-1", **FACTS)
    assert not (await claims.take("c-1", **FACTS)).mine
    claims._held.clear()
    second = await claims.take("c-1", **FACTS)

    assert (True, first.token) == (second.mine, second.token)


async def test_what_could_not_be_let_go_is_nobodys_until_it_expires(
    claims: Claims, database_url: str
) -> None:
    """
    Something may have been done under it, so not even its own process takes it again.
    """
    first = await claims.take("c-1", **FACTS)
    claims.ended(first, settled=False)
    again = await claims.take("c-1", **FACTS)
    assert not again.mine
    expire(database_url)
    assert (await claims.take_over(again)).again


async def test_one_that_has_expired_is_not_simply_its_own(
    claims: Claims, database_url: str
) -> None:
    """
    Another process may be about to take it over.
    """
    await claims.take("c-1", **FACTS)
    expire(database_url)
    seen = await claims.take("c-1", **FACTS)

    assert not seen.mine
    assert seen.left <= 0


@pytest.mark.parametrize("result", [None, '{"url": "ä"}'])
async def test_a_call_that_was_made_is_nobodys_any_more(
    claims: Claims, theirs: Claims, database: Database, result: str | None
) -> None:
    """
    Not even its owner's; all find the result.
    """
    await finish(database, await claims.take("c-1", **FACTS), result)

    for asker in (claims, theirs):
        seen = await asker.take("c-1", **FACTS)
        assert (False, True, result) == (seen.mine, seen.done, seen.result)
        assert await asker.take_over(seen) is None


async def test_only_an_expired_claim_is_taken_over(
    claims: Claims, theirs: Claims, database_url: str
) -> None:
    """
    By one of those who try.
    """
    await claims.take("c-1", **FACTS)
    seen = await theirs.take("c-1", **FACTS)
    assert await theirs.take_over(seen) is None
    expire(database_url)
    first, second = await asyncio.gather(theirs.take_over(seen), theirs.take_over(seen))

    [taken] = [claim for claim in (first, second) if claim is not None]
    assert (True, True, 2, 30.0) == (taken.mine, taken.again, taken.token, taken.left)
    again = await claims.take("c-1", **FACTS)
    assert ("them", 2, False) == (again.owner, again.token, again.mine)
    assert again.left > 25


async def test_who_has_lost_a_claim_can_not_end_it(
    claims: Claims, theirs: Claims, database: Database, database_url: str
) -> None:
    """
    It was stopped for longer than a lease, and another process makes the call.
    """
    lost = await claims.take("c-1", **FACTS)
    expire(database_url)
    await theirs.take_over(lost)
    await finish(database, lost, "mine")
    await claims.free(lost)
    await claims.leave_in_doubt(lost)
    seen = await claims.take("c-1", **FACTS)
    assert ("them", 2, False, None) == (seen.owner, seen.token, seen.done, seen.result)
    assert seen.left > 25

    await finish(database, seen, "theirs")
    await finish(database, seen, "once more")
    assert "theirs" == (await claims.take("c-1", **FACTS)).result


async def test_a_claim_that_was_let_go_is_anybodys(claims: Claims, theirs: Claims) -> None:
    """
    As if nobody had ever had it.
    """
    await claims.free(await claims.take("c-1", **FACTS))
    seen = await theirs.take("c-1", **FACTS)

    assert (True, 1, False) == (seen.mine, seen.token, seen.again)


async def test_a_call_that_was_made_is_not_let_go(claims: Claims, database: Database) -> None:
    """
    Whoever comes too late with it.
    """
    claim = await claims.take("c-1", **FACTS)
    await finish(database, claim)
    await claims.free(claim)
    await claims.leave_in_doubt(claim)
    seen = await claims.take("c-1", **FACTS)

    assert seen.done
    assert seen.left > 25


async def test_a_claim_in_doubt_has_expired_for_good(
    claims: Claims, theirs: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The renewing of its owner's other claims doesn't bring it back.
    """
    monkeypatch.setattr(Claims, "RENEW", 0.001)
    await claims.leave_in_doubt(await claims.take("c-1", **FACTS))
    other = await claims.take("c-2", **FACTS)
    before = claims._renewed
    await until(lambda: claims._renewed > before)

    assert (await theirs.take("c-1", **FACTS)).left <= 0
    assert (await theirs.take("c-2", **FACTS)).left > 25
    assert other.mine


async def test_one_that_is_free_again_for_a_moment_is_asked_for_again(
    claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its owner let it go between the two questions.
    """
    find, asked = claims.find, []

    async def not_at_first(call_id: str) -> Claim | None:
        asked.append(call_id)
        return None if len(asked) == 1 else await find(call_id)

    monkeypatch.setattr(claims, "find", not_at_first)

    assert (await claims.take("c-1", **FACTS)).mine
    assert 2 == len(asked)


class TestRenewing:
    """
    A claim holds for as long as its process lives.
    """

    @pytest.fixture(autouse=True)
    def _often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Renew them without waiting.
        """
        monkeypatch.setattr(Claims, "RENEW", 0.001)

    async def test_what_is_held_is_renewed_and_nobody_elses(
        self, claims: Claims, theirs: Claims, database_url: str
    ) -> None:
        """
        All of it in one statement.
        """
        for number in (1, 2):
            await claims.take(f"c-{number}", **FACTS)
        await theirs.take("c-3", **FACTS)
        await theirs.close()
        for number in (1, 2, 3):
            expire(database_url, f"c-{number}")

        async def renewed() -> bool:
            return min([(await claims.find(f"c-{n}")).left for n in (1, 2)]) > 25

        await until(renewed)
        assert (await claims.find("c-3")).left <= 0

    async def test_a_call_that_was_made_is_not_renewed(
        self, claims: Claims, database: Database, database_url: str
    ) -> None:
        """
        Its claim can be pruned some day.
        """
        await finish(database, await claims.take("c-1", **FACTS))
        expire(database_url)
        before = claims._renewed
        await until(lambda: claims._renewed > before)

        assert (await claims.find("c-1")).left <= 0

    async def test_it_ends_with_the_last_claim_and_begins_again(self, claims: Claims) -> None:
        """
        Nobody asks the database for nothing.
        """
        assert claims._renewing is None
        for _ in range(2):
            both = [await claims.take(f"c-{number}", **FACTS) for number in (1, 2)]
            claims.ended(both[0], settled=True)
            task = claims._renewing
            assert task is not None
            assert not task.done()
            claims.ended(both[1], settled=True)
            await until(task.done)
            for claim in both:
                await claims.free(claim)

    async def test_a_database_that_is_away_for_a_moment_ends_nothing(
        self, claims: Claims, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        The lease has two more tries.
        """
        await claims.take("c-1", **FACTS)
        asked = 0

        async def refuse(*arguments: Any, **named: Any) -> int:
            nonlocal asked
            asked += 1
            raise DatabaseError("It is away.")

        with monkeypatch.context() as away:
            away.setattr(database, "execute", refuse)
            renewed = claims._renewed
            await until(lambda: asked >= 2)
        assert renewed == claims._renewed

        await until(lambda: claims._renewed > renewed)

    async def test_closing_ends_it(self, claims: Claims) -> None:
        """
        At once, with claims still held.
        """
        await claims.take("c-1", **FACTS)
        await claims.close()
        await claims.close()

        assert claims._renewing is not None
        assert claims._renewing.done()


async def test_a_process_knows_when_its_claims_may_be_lost(claims: Claims) -> None:
    """
    It was stopped, or had no database, for longer than a lease.
    """
    await claims.take("c-1", **FACTS)
    now = asyncio.get_running_loop().time()

    assert not claims.may_be_lost(now)
    assert not claims.may_be_lost(now + 29.9)
    assert claims.may_be_lost(now + 30.1)
    await claims.take("c-2", **FACTS)
    assert claims.may_be_lost(now + 30.1)


async def test_a_second_row_of_a_call_that_was_lost_changes_nothing(
    claims: Claims, database: Database, database_url: str
) -> None:
    """
    The claim and the row of a call are one transaction; the first one stands.
    """
    claim = await claims.take("c-1", **FACTS)
    parts = {**call_entry("c-1").parts, "claims": ["first", "c-1", claim.token]}
    late = {**call_entry("c-1", surface="late").parts, "claims": ["late", "c-1", claim.token]}
    for entry in (Entry("c-1", parts), Entry("c-1", late)):
        assert [None] == await write_entries(database, [entry], 1.0)

    assert [("discord",)] == look(database_url, "SELECT surface FROM seedcore_calls")
    assert "first" == (await claims.take("c-1", **FACTS)).result
