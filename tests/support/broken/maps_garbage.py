"""
It makes a seed of any answer.
"""

from __future__ import annotations

from seedcore import Seed, provider
from support.broken import Contract


@provider(base_url="https://seeds.example")
async def trusting(request, context):
    async with context.http.post("/generate") as reply:
        reply.raise_for_status()
        return Seed(url="https://seeds.example/new", extra={"said": await reply.text("latin-1")})


class Broken(Contract):
    provider = trusting
