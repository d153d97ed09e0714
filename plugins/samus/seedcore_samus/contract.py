"""
What the site is asked and answers, the same for both randomizers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from seedcore.testing import ProviderContract, Received, Reply, replies

GUID = "1c9c4b1b3b0f4f5f8a4fd0d6f4f1a2b3"
SLUG = "HJxLGzsPT1-KT9DW9PGisw"
KEY = "k4vNq8ZtW2mXc6RyB0sJ"
"""Of a race whose log is revealed later."""


def seed(randomizer: str, version: str, settings: Mapping[str, str]) -> Reply:
    """
    Return the answer to a request for a seed of a race.
    """
    world = {
        "id": 9001,
        "worldId": 0,
        "seedId": 4711,
        "guid": "7d1f0a55c3b14a0e9d6a3d5f60718293",
        "player": "Player",
        "settings": json.dumps({**settings, "race": "true", "seed": "", "players": "1"}),
        "state": 0,
        "patch": "AAAAAAEAAA==",
        "sramBackup": None,
        "locations": None,
        "worldState": None,
    }
    return replies.json_reply(
        {
            "id": 4711,
            "guid": GUID,
            "mode": "normal",
            "seedNumber": "",
            "spoiler": "[]",
            "gameName": "Super Metroid",
            "gameVersion": version,
            "gameId": randomizer,
            "hash": "GEEMER RIPPER ATOMIC POWAMP",
            "players": 1,
            "worlds": [world],
        }
    )


def log(made: Reply) -> Reply:
    """
    Return the answer with the log of the seed that *made* is the answer with.
    """
    location: Mapping[str, Any] = {
        "locationId": 0,
        "locationName": "Power Bomb (Crateria surface)",
        "locationType": "Visible",
        "locationArea": "Crateria",
        "locationRegion": "Crateria West",
        "itemId": 194,
        "itemName": "Missile",
        "worldId": 0,
        "itemWorldId": 0,
    }
    return replies.json_reply({"seed": json.loads(made.body), "locations": [location]})


def catalogue(randomizer: str, key: str, *values: str) -> Reply:
    """
    Return the answer with a list of options: a text that is JSON.
    """
    option = {
        "key": key,
        "description": "Logic",
        "type": "dropdown",
        "values": {value: value.capitalize() for value in values},
        "default": values[0],
    }
    document = {"id": randomizer, "name": "Randomizer", "version": "3.1", "options": [option]}
    return replies.typed("text/plain; charset=utf-8", json.dumps(document, indent=2))


class MadeContract(ProviderContract):
    """
    A seed is ``made``, and its log opens to nobody without its key.
    """

    made: ClassVar[Reply]

    def upstream(self, received: Received) -> Reply:
        """
        Answer with the seed, and refuse its log as the site does: without a word.
        """
        return self.made if received.method == "POST" else replies.status(400)

    def leaking(self, received: Received) -> Reply:
        """
        Answer with the seed, and with its log.
        """
        return self.made if received.method == "POST" else log(self.made)


class KeyContract(MadeContract):
    """
    A key to the log is sent, comes back with the seed, and is seen nowhere.
    """

    request: ClassVar = {"options": {"spoiler_key": KEY}}


class SeedContract(ProviderContract):
    """
    A seed is found by the name in its permalink.
    """

    operation = "seed"
    request: ClassVar = {"id": SLUG}


class SpoilerContract(ProviderContract):
    """
    The log of a race is read with its key.
    """

    operation = "spoiler"
    request: ClassVar = {"id": GUID, "key": KEY}


class OptionsContract(ProviderContract):
    """
    The list of options is a text that is JSON.
    """

    operation = "options"
    request: ClassVar = {}
