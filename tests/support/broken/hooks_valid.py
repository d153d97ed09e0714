"""
Its map_error lost the mark, and is never called.
"""

from __future__ import annotations

from seedcore import PresetNotFoundError, hookimpl, provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
class Unmarked:
    @hookimpl
    async def generate(self, request, context):
        return seed_of(await ask(context))

    def map_error(self, error, request):
        return PresetNotFoundError() if getattr(error, "status", 0) == 418 else None


class Broken(Contract):
    provider = Unmarked()
