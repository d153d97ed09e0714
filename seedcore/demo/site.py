"""
The site that the demo calls, and the provider for it: real HTTP, on loopback.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from random import Random

import attrs

from seedcore.context import Context
from seedcore.hookspecs import provider
from seedcore.model import Seed, SeedRequest
from seedcore.testing.replies import Reply, json_reply, rate_limited, status
from seedcore.testing.upstream import Received

QUICKEST, SLOWEST = 0.02, 0.12
"""Seconds that an answer takes."""

FAULTS: Mapping[str, Reply] = {
    "500": status(500),
    "503": status(503),
    "reset": Reply(cut="at_once"),
    "truncated": json_reply({"url": "https://seeds.example/"}, cut="in_body"),
    "429": rate_limited(1.0),
}
WEIGHTS = (4, 4, 4, 4, 1)
"""A site seldom asks for a pause."""


@provider(title="A site on this machine that fails")
async def demo(request: SeedRequest, context: Context) -> Seed:
    """
    Roll a seed, in the lines that any provider needs for it.
    """
    async with context.http.get(f"/seeds/{request.options['number']}") as reply:
        reply.raise_for_status()
        body = await reply.json()
    return Seed(url=body["url"], id=body["id"])


class FaultyAnswers:
    """
    A script for a ``FaultUpstream``: seeds, and *faults* percent of something else.

    ``sent`` counts the faults by kind. The answer to the n-th request depends on *rng* alone.
    """

    def __init__(self, faults: float, rng: Random) -> None:
        self.sent: Counter[str] = Counter()
        self._share = faults / 100
        self._rng = rng

    def __call__(self, received: Received) -> Reply:
        """
        Return the next answer.
        """
        # All three are drawn each time, so that another share of faults changes nothing else.
        delay = self._rng.uniform(QUICKEST, SLOWEST)
        [kind] = self._rng.choices([*FAULTS], WEIGHTS)
        if self._rng.random() < self._share:
            self.sent[kind] += 1
            return attrs.evolve(FAULTS[kind], delay=delay)
        name = received.path.rpartition("/")[2]
        seed = json.dumps({"url": f"https://seeds.example/{name}", "id": name})
        headers = {"Content-Type": "application/json"}
        return Reply(headers=headers, body=seed.encode(), delay=delay)
