"""
It compares by value, so it can't be hashed.
"""

from __future__ import annotations

import attrs

from seedcore import hookimpl, provider
from support.broken import Contract, ask, seed_of


@provider(base_url="https://seeds.example")
@attrs.define
class Unhashable:
    path: str = "/generate"

    @hookimpl
    async def generate(self, request, context):
        return seed_of(await ask(context))


class Broken(Contract):
    provider = Unhashable()
