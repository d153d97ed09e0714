"""
The store as a whole: what it keeps over a restart, and the breakers in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from seedcore.store import Store
from support.stored import audit_record, breaker_record, failure_record


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """
    An open store.
    """
    opened = await Store.open(f"sqlite://{tmp_path}/audit.sqlite3")
    yield opened
    await opened.close()


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """
    Calls, failures and breakers, also those that nobody waited for.
    """
    url = f"sqlite://{tmp_path}/audit.sqlite3"
    before = await Store.open(url)
    await before.write(audit_record("c-1"))
    before.write_failure(failure_record("f-1"))
    before.save_breaker(breaker_record())
    await before.close()

    after = await Store.open(url)
    assert await after.has_call("c-1")
    assert not await after.has_call("f-1")
    assert ["f-1"] == [row["call_id"] for row in await after.queries.failures()]
    assert [breaker_record()] == await after.breakers()
    await after.close()


async def test_a_store_says_where_it_is(tmp_path: Path) -> None:
    """
    The path is absolute, whatever the URL said.
    """
    store = await Store.open("sqlite://audit.sqlite3")

    assert str(tmp_path / "audit.sqlite3") == store.name
    await store.close()


@pytest.mark.parametrize(
    ("change", "wins"),
    [
        ({"generation": 6}, True),
        ({"generation": 6, "updated_at": 0}, True),
        ({"generation": 4, "updated_at": 2_000_000_000_000_000}, False),
        ({"updated_at": 2_000_000_000_000_000}, True),
        ({"updated_at": 0}, False),
        ({"state": "half_open"}, True),
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_the_newer_state_of_a_breaker_stands(
    store: Store, change: dict[str, Any], wins: bool, together: bool
) -> None:
    """
    The generation decides, then the time; it makes no difference whether both wait together.
    """
    later = (
        attrs.evolve(breaker_record(), state="closed", **change)
        if "state" not in change
        else (breaker_record(**change))
    )
    store.save_breaker(breaker_record())
    if not together:
        await store.flush(1)
    store.save_breaker(later)
    await store.flush(1)

    assert [later if wins else breaker_record()] == await store.breakers()


async def test_breakers_are_listed_by_provider_and_operation(store: Store) -> None:
    """
    Each operation has its own.
    """
    for provider, operation in (("b", "generate"), ("a", "presets"), ("a", "generate")):
        store.save_breaker(breaker_record(provider=provider, operation=operation))
    await store.flush(1)

    listed = [(record.provider, record.operation) for record in await store.breakers()]
    assert [("a", "generate"), ("a", "presets"), ("b", "generate")] == listed
    assert 2 == len(await store.breakers("a"))
    assert [] == await store.breakers("nobody")


async def test_a_reset_closes_and_outranks_what_was_known(store: Store) -> None:
    """
    A process that still holds the old generation can't open the circuit again.
    """
    for operation in ("generate", "presets"):
        store.save_breaker(breaker_record(operation=operation))
    await store.flush(1)

    assert 1 == await store.reset_breakers("demo", "presets")
    store.save_breaker(breaker_record(operation="presets", reopened=7))
    await store.flush(1)

    [generate, presets] = await store.breakers()
    assert breaker_record() == generate
    assert ("closed", 6, 0, 0, 0) == (
        presets.state,
        presets.generation,
        presets.open_until,
        presets.reopened,
        presets.successes,
    )
    assert presets.updated_at > generate.updated_at
    assert 2 == await store.reset_breakers("demo")
    assert 0 == await store.reset_breakers("nobody")
