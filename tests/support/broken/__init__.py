"""
Providers that are wrong in one way each: the module of a rule has the contract that breaks it.
"""

from __future__ import annotations

from typing import Any

from seedcore import Seed
from seedcore.testing import ProviderContract

MADE = {"permalink": "https://seeds.example/1", "hash": "1"}


async def ask(context: Any, **sent: Any) -> Any:
    """
    Ask for a seed the right way.
    """
    async with context.http.post("/generate", json={"mode": "open"}, **sent) as reply:
        reply.raise_for_status()
        return await reply.json()


def seed_of(body: Any, **more: Any) -> Seed:
    """
    Make a seed of what was answered.
    """
    return Seed(url=body["permalink"], id=body["hash"], **more)


class Contract(ProviderContract):
    """
    What all of them are asked, and are answered.
    """

    request = {}
    reply = MADE
