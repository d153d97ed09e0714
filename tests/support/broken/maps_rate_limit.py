"""
It takes a rate limit for an outage.
"""

from __future__ import annotations

from seedcore import ProviderUnavailableError, hookimpl, provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
class Impatient:
    @hookimpl
    async def generate(self, request, context):
        return seed_of(await ask(context))

    @hookimpl
    def map_error(self, error, request):
        return ProviderUnavailableError() if getattr(error, "status", 0) == 429 else None


class Broken(Contract):
    provider = Impatient()
