"""
Its effect is keyed, and it sends no key.
"""

from __future__ import annotations

from seedcore import provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example", effect="keyed")
async def keyless(request, context):
    return seed_of(await ask(context))


class Broken(Contract):
    provider = keyless
