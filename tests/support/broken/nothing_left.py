"""
A task of it goes on after the call.
"""

from __future__ import annotations

import asyncio

from seedcore import provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
async def messy(request, context):
    messy.task = asyncio.create_task(asyncio.sleep(3600))
    return seed_of(await ask(context))


class Broken(Contract):
    provider = messy
