"""
What sm is asked and answers, for ``pytest`` and ``seedcore check sm``.
"""

from __future__ import annotations

from typing import ClassVar

from seedcore_samus import contract, sm

MADE = contract.seed("sm", "3.1", {"logic": "casual"})


class SmContract(contract.MadeContract):
    """
    A seed is made by a POST of its settings.
    """

    provider = sm
    request: ClassVar = {"preset": "tournament_split"}
    made = MADE


class SmKeyContract(contract.KeyContract):
    """
    A key to the log of a seed of sm.
    """

    provider = sm
    made = contract.seed("sm", "3.1", {"spoilerKey": contract.KEY})


class SmSeedContract(contract.SeedContract):
    """
    A seed of sm is found again.
    """

    provider = sm
    upstream = MADE


class SmSpoilerContract(contract.SpoilerContract):
    """
    The log of a race of sm.
    """

    provider = sm
    upstream = contract.log(MADE)


class SmOptionsContract(contract.OptionsContract):
    """
    The options of sm.
    """

    provider = sm
    upstream = contract.catalogue("sm", "logic", "casual", "tournament")
