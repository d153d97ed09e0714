"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

from seedcore_ctjets.contract import CtJetsContract, SeedContract, SpoilerContract


class TestCtJets(CtJetsContract):
    """
    One test for each rule, about seeds.
    """


class TestSeed(SeedContract):
    """
    The same about a look at the page of one.
    """


class TestSpoiler(SpoilerContract):
    """
    The same about its spoiler log.
    """
