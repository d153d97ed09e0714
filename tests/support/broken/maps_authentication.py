"""
It takes wrong credentials for a wrong request.
"""

from __future__ import annotations

from seedcore import ProviderInvalidRequestError, hookimpl, provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
class Forgetful:
    @hookimpl
    async def generate(self, request, context):
        return seed_of(await ask(context))

    @hookimpl
    def map_error(self, error, request):
        return ProviderInvalidRequestError() if getattr(error, "status", 0) == 401 else None


class Broken(Contract):
    provider = Forgetful()
