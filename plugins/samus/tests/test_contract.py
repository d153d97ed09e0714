"""
Both providers keep every rule of seedcore, in all they do.
"""

from __future__ import annotations

from seedcore_samus import contract_sm, contract_smz3


class TestSm(contract_sm.SmContract):
    """
    One test for each rule, about seeds of Super Metroid.
    """


class TestSmKey(contract_sm.SmKeyContract):
    """
    The same with a key to the log.
    """


class TestSmSeed(contract_sm.SmSeedContract):
    """
    About a seed that is there already.
    """


class TestSmSpoiler(contract_sm.SmSpoilerContract):
    """
    About logs.
    """


class TestSmOptions(contract_sm.SmOptionsContract):
    """
    About the list of options.
    """


class TestSmz3(contract_smz3.Smz3Contract):
    """
    One test for each rule, about seeds of the combination.
    """


class TestSmz3Key(contract_smz3.Smz3KeyContract):
    """
    The same with a key to the log.
    """


class TestSmz3Seed(contract_smz3.Smz3SeedContract):
    """
    About a seed that is there already.
    """


class TestSmz3Spoiler(contract_smz3.Smz3SpoilerContract):
    """
    About logs.
    """


class TestSmz3Options(contract_smz3.Smz3OptionsContract):
    """
    About the list of options.
    """
