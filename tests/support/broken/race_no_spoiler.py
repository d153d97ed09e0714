"""
It always says where the spoiler is.
"""

from __future__ import annotations

from seedcore import provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
async def spoiling(request, context):
    body = await ask(context)
    return seed_of(body, spoiler_url=f"{body['permalink']}/spoiler")


class Broken(Contract):
    provider = spoiling
