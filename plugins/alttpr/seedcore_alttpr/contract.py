"""
What alttpr.com is asked and answers, for ``pytest`` and ``seedcore check alttpr``.
"""

from __future__ import annotations

import json
from typing import Any

from seedcore.testing import ProviderContract, Received, Reply, replies
from seedcore_alttpr import alttpr
from seedcore_alttpr.game import MASKED_META

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
SPOILED = {**GAME, "spoiler": {"Hyrule Castle": {"Sanctuary:1": "Lamp:1"}, "meta": META}}
MASKED = {**META, "spoilers": "mystery"}
MYSTERY = {
    **GAME,
    "spoiler": {"meta": {name: fact for name, fact in MASKED.items() if name in MASKED_META}},
}
# It leaves no choice: each time the same requests are made.
WEIGHTS = {
    "glitches_required": "none",
    "item_placement": "advanced",
    "dungeon_items": "standard",
    "accessibility": "items",
    "goals": "ganon",
    "ganon_open": "7",
    "tower_open": "7",
    "world_state": "open",
    "entrance_shuffle": "none",
    "hints": "off",
    "weapons": "randomized",
    "item_pool": "normal",
    "item_functionality": "normal",
    "boss_shuffle": "none",
    "enemy_shuffle": "none",
    "enemy_damage": "default",
    "enemy_health": "default",
}
SETTINGS = {"username": "contract", "password": "a password of the contract"}


def stored(game: Any = GAME) -> Reply:
    """
    Return a stored game, JSON that the site calls HTML.
    """
    return replies.typed("text/html; charset=UTF-8", json.dumps(game))


def site(received: Received, made: Any, page: Any) -> Reply:
    """
    Return the answer to who has a game *made*, or the *page* that everybody can read of it.
    """
    return stored(page) if received.path == f"/hash/{HASH}" else replies.json_reply(made)


class AlttprContract(ProviderContract):
    """
    A game for a race is made with the settings that were asked for, and nobody sees more of it.
    """

    provider = alttpr
    request = {"options": {"mode": "open", "goal": "ganon", "item_placement": "advanced"}}
    settings = SETTINGS

    def upstream(self, received: Received) -> Reply:
        """
        Return the game, and its page.
        """
        return site(received, GAME, GAME)

    def leaking(self, received: Received) -> Reply:
        """
        Return a game whose page shows what its answer doesn't.
        """
        return site(received, GAME, SPOILED)


class MysteryContract(ProviderContract):
    """
    A mystery is such a game, and its settings are hidden too.
    """

    provider = alttpr
    operation = "mystery"
    request = {"settings": WEIGHTS}
    settings = SETTINGS

    def upstream(self, received: Received) -> Reply:
        """
        Return the game, and its page.
        """
        return site(received, MYSTERY, MYSTERY)

    def leaking(self, received: Received) -> Reply:
        """
        Return a game whose page shows the settings.
        """
        page = {**GAME, "spoiler": {"meta": MASKED}}
        return site(received, MYSTERY, page)


class ResolveContract(ProviderContract):
    """
    A weightset is rolled here.
    """

    provider = alttpr
    operation = "resolve"
    request = {"weightset": "friendly"}
    settings = SETTINGS


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
