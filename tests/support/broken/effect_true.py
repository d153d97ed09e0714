"""
It says that it only reads, and posts.
"""

from __future__ import annotations

from seedcore import provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example", effect="read")
async def pretending(request, context):
    return seed_of(await ask(context))


class Broken(Contract):
    provider = pretending
