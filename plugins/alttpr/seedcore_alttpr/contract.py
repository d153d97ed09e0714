"""
What alttpr.com is asked and answers, for ``pytest`` and ``seedcore check alttpr``.
"""

from __future__ import annotations

import json
from typing import Any

from seedcore.testing import ProviderContract, Received, Reply, replies
from seedcore_alttpr import alttpr

HASH = "PzEXTZAIaa"
META = {
    "entry_crystals_ganon": "7",
    "entry_crystals_tower": "7",
    "item_placement": "advanced",
    "logic": "NoGlitches",
    "goal": "ganon",
    "build": "2024-02-18",
    "mode": "open",
    "tournament": True,
    "spoilers": "off",
}
GAME = {
    "logic": "NoGlitches",
    "patch": [{"20466": [49]}, {"1573395": [1, 0, 25, 17, 6, 22, 2]}],
    "spoiler": {"meta": META},
    "hash": HASH,
    "generated": "2026-11-21T00:00:00+00:00",
    "size": 2,
}
SETTINGS = {"username": "contract", "password": "a password of the contract"}


def stored() -> Reply:
    """
    Return a stored game, JSON that the site calls HTML.
    """
    return replies.typed("text/html; charset=UTF-8", json.dumps(GAME))


class AlttprContract(ProviderContract):
    """
    A game for a race is made with the settings that were asked for.
    """

    provider = alttpr
    request = {"options": {"mode": "open", "goal": "ganon", "item_placement": "advanced"}}
    settings = SETTINGS
    reply = GAME


class GameContract(ProviderContract):
    """
    A game is looked up by its hash.
    """

    provider = alttpr
    operation = "game"
    request = {"hash": HASH}
    settings = SETTINGS
    upstream = stored()


class DailyContract(ProviderContract):
    """
    The daily game is a hash first, then a game.
    """

    provider = alttpr
    operation = "daily"
    request = {}
    settings = SETTINGS

    def upstream(self, received: Received) -> Reply:
        """
        Return the day's hash, and the game of a hash.
        """
        today: dict[str, Any] = {"hash": HASH, "daily": "2026-11-21T00:00:00.000000Z"}
        return replies.json_reply(today) if received.path == "/api/daily" else stored()


class SettingsContract(ProviderContract):
    """
    The catalogue of the randomizer is a mapping.
    """

    provider = alttpr
    operation = "settings"
    request = {}
    settings = SETTINGS
    reply = {"goals": {"ganon": "Defeat Ganon"}}


class CustomizerSettingsContract(ProviderContract):
    """
    The catalogue of the customizer is one too.
    """

    provider = alttpr
    operation = "customizer_settings"
    request = {}
    settings = SETTINGS
    reply = {"prizepacks": [{"name": "0", "slots": 8}]}


class PatchContract(ProviderContract):
    """
    A game's base patch has an address.
    """

    provider = alttpr
    operation = "patch"
    request = {"hash": HASH}
    settings = SETTINGS
    reply = {"hash": HASH, "md5": "edc01f3d", "bpsLocation": "/bps/edc01f3d.bps"}
