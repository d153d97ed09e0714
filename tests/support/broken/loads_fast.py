"""
Its import asks the network.
"""

from __future__ import annotations

import contextlib
import socket

from seedcore import provider
from support.broken import Contract, ask, seed_of

with contextlib.suppress(OSError):
    socket.create_connection(("127.0.0.1", 9), timeout=0.01)


@provider(base_url="https://seeds.example")
async def eager(request, context):
    return seed_of(await ask(context))


class Broken(Contract):
    provider = eager
