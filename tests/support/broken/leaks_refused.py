"""
It says that nothing is shown, whatever is.
"""

from __future__ import annotations

from seedcore import Rolled, provider
from support.broken import MADE, Contract, ask, seed_of


@provider(base_url="https://seeds.example", leak=lambda shown: None)
async def blind(request, context):
    body = await ask(context)
    return Rolled(seed_of(body), shown=body)


class Broken(Contract):
    provider = blind
    leaking = {**MADE, "spoiler": {"Sanctuary": "Lamp"}}
