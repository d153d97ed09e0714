"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

from seedcore_avianart.contract import AvianartContract, SeedContract


class TestAvianart(AvianartContract):
    """
    One test for each rule, about seeds.
    """


class TestSeed(SeedContract):
    """
    The same about a look at one.
    """
