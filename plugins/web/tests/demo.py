"""
A provider that does what a test tells it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from seedcore import (
    Context,
    Request,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)


class Demo:
    """
    Rolls seeds at once, unless it is told to wait or to fail.
    """

    def __init__(self) -> None:
        self.rolled = 0
        self.error: Exception | None = None
        self.url: str | None = "https://seeds.example/{}"
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.deleted: list[str] = []

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Seed:
        """
        Roll a seed.
        """
        self.rolled += 1
        number = self.rolled
        self.begun.set()
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return Seed(
            url=self.url and self.url.format(number),
            id=f"seed {number}",
            settings=dict(request.options) if isinstance(request.options, dict) else {},
        )

    @operation(effect="read")
    async def names(self, many: int = 2) -> list[str]:
        """
        Return names.
        """
        if self.error is not None:
            raise self.error
        return [f"name {number}" for number in range(many)]

    @operation(effect="unsafe")
    async def delete(self, key: str) -> None:
        """
        Delete something.
        """
        self.deleted.append(key)

    @operation(effect="read")
    async def resolve(
        self, request: Request, weightset: str | None = None, weights: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """
        Roll weights.
        """
        return {"weightset": weightset, "weights": weights}


class Stored:
    """
    A storage, as sealed spoiler logs lie in.
    """

    @operation(effect="idempotent")
    async def put(self, key: str) -> None:
        """
        Store.
        """

    @operation(effect="read")
    async def link(self, key: str) -> str:
        """
        Return an address.
        """
        return f"https://files.example/{key}"


@provider(delayed=True)
def raced(request: SeedRequest) -> Rolled:
    """
    Roll a seed whose spoiler log is kept.
    """
    return Rolled(Seed(url="https://seeds.example/race"), logs={"spoiler": "the bow is at home"})


def plain(request: SeedRequest) -> Seed:
    """
    Roll a seed that has a line and no address.
    """
    return Seed(id="7", extra={"text": "flags AB, seed 7"})
