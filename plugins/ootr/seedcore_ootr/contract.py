"""
What ootrandomizer.com is asked and answers, for ``pytest`` and ``seedcore check ootr``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from seedcore.testing import ProviderContract, Received, Reply, replies
from seedcore_ootr import ootr

KEY = {"key": "key-for-tests"}
CODE = ["Bow", "Big Magic", "SOLD OUT", "Map", "Frog"]
DETAILS = {
    "creationTimestamp": "2024-09-16T15:20:00.000Z",
    "settingsLog": json.dumps({":version": "8.1.0 Release", "file_hash": CODE, "settings": {}}),
}
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "/api/v2/seed/create": {"id": 1234567, "version": "8.1.0", "spoilers": False},
    "/api/v2/seed/status": {"status": 1, "progress": 100},
    "/api/v2/seed/details": DETAILS,
}

NOT_LOST = "a seed that is made is handed out without its code where its details can't be had"
RULES_OF_THE_LAST_REQUEST = (
    "cancellable",
    "keeps-message",
    "maps-authentication",
    "maps-garbage",
    "maps-outage",
    "maps-rate-limit",
    "maps-refusal",
)


class OotrContract(ProviderContract):
    """
    A seed is asked for, then its status, then its details.

    What goes wrong with the last of these isn't an error any more.
    """

    provider = ootr
    exempt = dict.fromkeys(RULES_OF_THE_LAST_REQUEST, NOT_LOST)
    request = {"settings": {"logic_rules": "glitchless", "world_count": 1}}
    settings = KEY

    def upstream(self, received: Received) -> Reply:
        """
        Answer by path.
        """
        return replies.json_reply(ANSWERS[received.path])

    def leaking(self, received: Received) -> Reply:
        """
        Answer that the spoiler is shown.
        """
        return replies.json_reply({**ANSWERS[received.path], "spoilers": True})


class StatusContract(ProviderContract):
    """
    One look at the status of a seed.
    """

    provider = ootr
    operation = "status"
    request = {"id": 1234567}
    settings = KEY
    reply = {"status": 0, "progress": 40, "positionQueue": 3}


class DetailsContract(ProviderContract):
    """
    The details of a finished seed.
    """

    provider = ootr
    operation = "details"
    request = {"id": 1234567}
    settings = KEY
    reply = DETAILS


class PasswordContract(ProviderContract):
    """
    The notes of a password.
    """

    provider = ootr
    operation = "password"
    request = {"id": 1234567}
    settings = KEY
    reply = {"pw": ["A", "C down", "C up", "C left", "C right", "A"]}


class VersionContract(ProviderContract):
    """
    The newest version of a branch.
    """

    provider = ootr
    operation = "version"
    request = {"branch": "dev"}
    settings = KEY
    reply = {"currentlyActiveVersion": "8.1.45"}
