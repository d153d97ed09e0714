"""
What avianart.games is asked and answers, for ``pytest`` and ``seedcore check avianart``.
"""

from __future__ import annotations

from seedcore.testing import ProviderContract, Received, Reply, replies
from seedcore_avianart import avianart

HASH = "PpQXn7COf"
TAKEN = {"hash": HASH, "status": "generating", "attempts": 1, "message": ""}
MADE = {
    "hash": HASH,
    "type": "dr",
    "patch": {"0": [1]},
    "meta": {"startgen": 1726500000, "gentime": 1726500041},
    "spoiler": {
        "meta": {
            "version": "1.4.1.11",
            "race": True,
            "hash": "Bow, Map, Potion, Rod, Key",
            "seed_name": "Crosskeys",
        }
    },
}
SPOILER = {"meta": {"race": True}, "Light World": {"Lost Woods Hideout": "Bow"}}


class AvianartContract(ProviderContract):
    """
    A seed is asked for, and then looked at.
    """

    provider = avianart
    request = {"preset": "crosskeys"}

    def upstream(self, received: Received) -> Reply:
        """
        Answer in an envelope.
        """
        response = TAKEN if received.method == "POST" else MADE
        return replies.json_reply({"status": 200, "response": response})

    def leaking(self, received: Received) -> Reply:
        """
        Answer the same, but with what is in a place.
        """
        if received.method == "POST":
            return self.upstream(received)
        return replies.json_reply({"status": 200, "response": {**MADE, "spoiler": SPOILER}})


class SeedContract(ProviderContract):
    """
    A seed that exists is looked at once.
    """

    provider = avianart
    operation = "seed"
    request = {"hash": HASH}
    upstream = replies.json_reply({"status": 200, "response": MADE})
