"""
What smz3 is asked and answers, for ``pytest`` and ``seedcore check smz3``.
"""

from __future__ import annotations

from typing import ClassVar

from seedcore.testing import ProviderContract
from seedcore_samus import contract, smz3

MADE = contract.seed("smz3", "11.3.2", {"smlogic": "normal"})


class Smz3Contract(ProviderContract):
    """
    A seed is made by a POST of its settings.
    """

    provider = smz3
    request: ClassVar = {"preset": "hard"}
    upstream = MADE


class Smz3KeyContract(ProviderContract):
    """
    A key to the log is sent, comes back with the seed, and is seen nowhere.
    """

    provider = smz3
    request: ClassVar = {"options": {"spoiler_key": contract.KEY}}
    upstream = contract.seed("smz3", "11.3.2", {"spoilerKey": contract.KEY})


class Smz3SeedContract(ProviderContract):
    """
    A seed is found by the name in its permalink.
    """

    provider = smz3
    operation = "seed"
    request: ClassVar = {"id": contract.SLUG}
    upstream = MADE


class Smz3SpoilerContract(ProviderContract):
    """
    The log of a race is read with its key.
    """

    provider = smz3
    operation = "spoiler"
    request: ClassVar = {"id": contract.GUID, "key": contract.KEY}
    upstream = contract.log(MADE)


class Smz3OptionsContract(ProviderContract):
    """
    The list of options is a text that is JSON.
    """

    provider = smz3
    operation = "options"
    request: ClassVar = {}
    upstream = contract.catalogue("smz3", "smlogic", "normal", "hard")
