"""
What smz3 is asked and answers, for ``pytest`` and ``seedcore check smz3``.
"""

from __future__ import annotations

from typing import ClassVar

from seedcore_samus import contract, smz3

MADE = contract.seed("smz3", "11.3.2", {"smlogic": "normal"})


class Smz3Contract(contract.MadeContract):
    """
    A seed is made by a POST of its settings.
    """

    provider = smz3
    request: ClassVar = {"preset": "hard"}
    made = MADE


class Smz3KeyContract(contract.KeyContract):
    """
    A key to the log of a seed of smz3.
    """

    provider = smz3
    made = contract.seed("smz3", "11.3.2", {"spoilerKey": contract.KEY})


class Smz3SeedContract(contract.SeedContract):
    """
    A seed of smz3 is found again.
    """

    provider = smz3
    upstream = MADE


class Smz3SpoilerContract(contract.SpoilerContract):
    """
    The log of a race of smz3.
    """

    provider = smz3
    upstream = contract.log(MADE)


class Smz3OptionsContract(contract.OptionsContract):
    """
    The options of smz3.
    """

    provider = smz3
    upstream = contract.catalogue("smz3", "smlogic", "normal", "hard")
