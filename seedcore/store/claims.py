"""
Claims: a call_id that its caller gave is used once, in whatever process, after a crash too.
"""

from __future__ import annotations

import asyncio
from typing import Any

import attrs

from seedcore.errors import DatabaseError
from seedcore.store.database import Database


@attrs.frozen(kw_only=True)
class Claim:
    """
    Who uses a call_id, or that it was used.

    ``token`` counts its owners, ``left`` are the seconds until another one may take it over,
    and ``mine`` says that this process has just taken it.
    """

    call_id: str
    provider: str
    operation: str
    fingerprint: str
    owner: str
    token: int
    left: float
    done: bool
    result: str | None
    mine: bool = False

    @property
    def again(self) -> bool:
        """
        Whether somebody had it before.
        """
        return self.token > 1


class Claims:
    """
    The rows of claims; every method raises ``DatabaseError``.
    """

    LEASE = 30.0
    """Seconds that a claim holds without being renewed: a process that hangs longer loses it."""
    RENEW = 10.0

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._held: dict[str, int] = {}
        self._unsettled: set[str] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._renewed = 0.0

    async def take(self, call_id: str, *, provider: str, operation: str, fingerprint: str) -> Claim:
        """
        Claim *call_id* if nobody has, and return its claim, whoever's it is.
        """
        taken = await self._database.execute(
            _TAKE,
            *(call_id, provider, operation, fingerprint, self._owner, int(self.LEASE * 1e6)),
        )
        claim = await self.find(call_id)
        if claim is None:  # it was free, and somebody else's for a moment
            return await self.take(
                call_id, provider=provider, operation=operation, fingerprint=fingerprint
            )
        # What this process has and doesn't know of is from a try whose answer was lost with the
        # connection: nothing was done under it.
        known = call_id in self._held or call_id in self._unsettled
        own = claim.owner == self._owner and not claim.done and claim.left > 0 and not known
        return self._hold(claim) if taken or own else claim

    async def take_over(self, claim: Claim) -> Claim | None:
        """
        Take a claim whose owner has let it expire; ``None`` if another process was quicker.
        """
        taken = await self._database.execute(
            _TAKE_OVER, self._owner, int(self.LEASE * 1e6), claim.call_id, claim.token
        )
        return self._hold(attrs.evolve(claim, token=claim.token + 1)) if taken else None

    async def move(self, claim: Claim, provider: str) -> Claim:
        """
        Note that another provider is asked now under *claim*.
        """
        await self._database.execute(
            "UPDATE seedcore_claims SET provider = ? WHERE call_id = ? AND token = ?",
            *(provider, claim.call_id, claim.token),
        )
        return attrs.evolve(claim, provider=provider)

    async def free(self, claim: Claim) -> None:
        """
        Let *claim* go: nothing was done under it.
        """
        await self._database.execute(
            "DELETE FROM seedcore_claims WHERE call_id = ? AND token = ? AND done = FALSE",
            *(claim.call_id, claim.token),
        )

    async def leave_in_doubt(self, claim: Claim) -> None:
        """
        End *claim* without a result: something may have been done under it.
        """
        await self._database.execute(
            "UPDATE seedcore_claims SET expires_at = 0 "
            "WHERE call_id = ? AND token = ? AND done = FALSE",
            *(claim.call_id, claim.token),
        )

    def ended(self, claim: Claim, *, settled: bool) -> None:
        """
        Renew *claim* no more; unless it is *settled* it holds until it expires, for all.
        """
        self._held.pop(claim.call_id, None)
        if not settled:
            self._unsettled.add(claim.call_id)

    def may_be_lost(self, now: float) -> bool:
        """
        Whether the claims of this process may have expired; *now* is the loop's time.
        """
        return now - self._renewed > self.LEASE

    async def close(self) -> None:
        """
        Stop renewing.
        """
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})

    async def find(self, call_id: str) -> Claim | None:
        """
        Return who has claimed *call_id*, or had its call made.
        """
        rows = await self._database.fetch(_FIND, call_id)
        return _claim(rows[0]) if rows else None

    def _hold(self, claim: Claim) -> Claim:
        loop = asyncio.get_running_loop()
        if not self._held:
            self._renewed = loop.time()
        self._held[claim.call_id] = claim.token
        self._unsettled.discard(claim.call_id)
        if self._renewing is None or self._renewing.done():
            self._renewing = loop.create_task(self._renew(), name="seedcore-store-claims")
        return attrs.evolve(claim, mine=True, left=self.LEASE)

    async def _renew(self) -> None:
        loop = asyncio.get_running_loop()
        while self._held:
            await asyncio.sleep(self.RENEW)
            began = loop.time()
            held = list(self._held)
            try:
                for start in range(0, len(held), AT_A_TIME):
                    some = held[start : start + AT_A_TIME]
                    marks = ", ".join("?" for _ in some)
                    await self._database.execute(
                        _RENEW.format(marks=marks), int(self.LEASE * 1e6), self._owner, *some
                    )
            except DatabaseError:
                continue  # the lease has two more tries
            self._renewed = began


def _claim(row: dict[str, Any]) -> Claim:
    left = (row.pop("expires_at") - row.pop("now")) / 1e6
    return Claim(**{**row, "done": bool(row["done"]), "left": left})


_TAKE = (
    "INSERT INTO seedcore_claims (call_id, provider, operation, fingerprint, owner, token, "
    "expires_at, done, created_at) VALUES (?, ?, ?, ?, ?, 1, {now} + ?, FALSE, {now}) "
    "ON CONFLICT (call_id) DO NOTHING"
)
_TAKE_OVER = (
    "UPDATE seedcore_claims SET owner = ?, token = token + 1, expires_at = {now} + ? "
    "WHERE call_id = ? AND token = ? AND done = FALSE AND expires_at <= {now}"
)
_RENEW = (
    "UPDATE seedcore_claims SET expires_at = {{now}} + ? "
    "WHERE owner = ? AND done = FALSE AND expires_at > 0 AND call_id IN ({marks})"
)
AT_A_TIME = 500
"""Claims renewed by one statement."""
_FIND = (
    "SELECT call_id, provider, operation, fingerprint, owner, token, expires_at, done, result, "
    "{now} AS now FROM seedcore_claims WHERE call_id = ?"
)
