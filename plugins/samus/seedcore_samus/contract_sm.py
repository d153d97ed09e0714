"""
What sm is asked and answers, for ``pytest`` and ``seedcore check sm``.
"""

from __future__ import annotations

from typing import ClassVar

from seedcore.testing import ProviderContract
from seedcore_samus import contract, sm

MADE = contract.seed("sm", "3.1", {"logic": "casual"})


class SmContract(ProviderContract):
    """
    A seed is made by a POST of its settings.
    """

    provider = sm
    request: ClassVar = {"preset": "tournament_split"}
    upstream = MADE


class SmKeyContract(ProviderContract):
    """
    A key to the log is sent, comes back with the seed, and is seen nowhere.
    """

    provider = sm
    request: ClassVar = {"options": {"spoiler_key": contract.KEY}}
    upstream = contract.seed("sm", "3.1", {"spoilerKey": contract.KEY})


class SmSeedContract(ProviderContract):
    """
    A seed is found by the name in its permalink.
    """

    provider = sm
    operation = "seed"
    request: ClassVar = {"id": contract.SLUG}
    upstream = MADE


class SmSpoilerContract(ProviderContract):
    """
    The log of a race is read with its key.
    """

    provider = sm
    operation = "spoiler"
    request: ClassVar = {"id": contract.GUID, "key": contract.KEY}
    upstream = contract.log(MADE)


class SmOptionsContract(ProviderContract):
    """
    The list of options is a text that is JSON.
    """

    provider = sm
    operation = "options"
    request: ClassVar = {}
    upstream = contract.catalogue("sm", "logic", "casual", "tournament")
