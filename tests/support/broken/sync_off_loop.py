"""
Its plain function hands back a coroutine.
"""

from __future__ import annotations

from seedcore import hookimpl, provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
class Hidden:
    @hookimpl
    def generate(self, request, context):
        return self._roll(context)

    async def _roll(self, context):
        return seed_of(await ask(context))


class Broken(Contract):
    provider = Hidden()
