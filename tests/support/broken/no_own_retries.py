"""
It tries again by itself.
"""

from __future__ import annotations

import aiohttp

from seedcore import provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
async def persistent(request, context):
    for _ in range(2):
        try:
            return seed_of(await ask(context))
        except aiohttp.ClientError:
            continue
    return seed_of(await ask(context))


class Broken(Contract):
    provider = persistent
