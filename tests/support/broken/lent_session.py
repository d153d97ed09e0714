"""
It opens a session of its own.
"""

from __future__ import annotations

import aiohttp
import attrs

from seedcore import ProviderInvalidRequestError, provider, setting
from support.broken import Contract, seed_of


@attrs.frozen
class Settings:
    site: str = setting("https://seeds.example", help="where it asks")


@provider(settings=Settings)
async def independent(request, context):
    site = context.settings.site
    async with aiohttp.ClientSession(site) as session, session.post("/generate") as reply:
        if reply.status == 422:
            raise ProviderInvalidRequestError(await reply.text(), status_code=422)
        reply.raise_for_status()
        return seed_of(await reply.json())


class Broken(Contract):
    provider = independent
    settings = {"site": "{upstream}"}
