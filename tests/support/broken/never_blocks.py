"""
It sleeps in the event loop; the tests allow it less than a plugin may take.
"""

from __future__ import annotations

import time

from seedcore import provider
from support.broken import Contract, ask, seed_of

BLOCKED = 0.01


@provider(base_url="https://seeds.example")
async def sleepy(request, context):
    time.sleep(BLOCKED)
    return seed_of(await ask(context))


class Broken(Contract):
    provider = sleepy
