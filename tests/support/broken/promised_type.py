"""
It returns what the site said.
"""

from __future__ import annotations

from seedcore import provider
from support.broken import Contract, ask


@provider(base_url="https://seeds.example")
async def raw(request, context):
    return await ask(context)


class Broken(Contract):
    provider = raw
