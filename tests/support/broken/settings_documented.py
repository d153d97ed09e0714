"""
Nobody says what its setting is.
"""

from __future__ import annotations

import attrs

from seedcore import provider
from support.broken import Contract, ask, seed_of


@attrs.frozen
class Settings:
    region: str = "eu"


@provider(base_url="https://seeds.example", settings=Settings)
async def wordless(request, context):
    return seed_of(await ask(context))


class Broken(Contract):
    provider = wordless
