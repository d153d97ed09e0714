"""
One of its presets has what none of its options is.
"""

from __future__ import annotations

import attrs

from seedcore import provider, setting
from support.broken import Contract, ask, seed_of


@attrs.frozen
class Options:
    players: int = setting(1, help="how many play", validator=attrs.validators.le(8))


@provider(base_url="https://seeds.example", options=Options, presets="presets")
async def crowded(request, context):
    return seed_of(await ask(context))


class Broken(Contract):
    provider = crowded
