"""
It doesn't let go of what it asked.
"""

from __future__ import annotations

import asyncio

from seedcore import provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
async def stubborn(request, context):
    asking = asyncio.ensure_future(ask(context))
    while not asking.done():
        try:
            await asyncio.shield(asking)
        except asyncio.CancelledError:
            continue
    return seed_of(await asking)


class Broken(Contract):
    provider = stubborn
