"""
It shows the token it was given.
"""

from __future__ import annotations

import attrs

from seedcore import provider, secret
from support.broken import Contract, ask, seed_of


@attrs.frozen
class Settings:
    token: str = secret("", help="from your account's page")


@provider(base_url="https://seeds.example", settings=Settings)
async def loud(request, context):
    return seed_of(await ask(context), extra={"asked_with": context.settings.token})


class Broken(Contract):
    provider = loud
