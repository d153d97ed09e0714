"""
It has words of its own for a refusal.
"""

from __future__ import annotations

from seedcore import ProviderInvalidRequestError, hookimpl, provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
class Talkative:
    @hookimpl
    async def generate(self, request, context):
        return seed_of(await ask(context))

    @hookimpl
    def map_error(self, error, request):
        return (
            ProviderInvalidRequestError("something is wrong")
            if getattr(error, "status", 0) == 422
            else None
        )


class Broken(Contract):
    provider = Talkative()
