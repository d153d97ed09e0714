"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

from seedcore_smdash.contract import PresetsContract, SmdashContract


class TestSmdash(SmdashContract):
    """
    One test for each rule, about seeds.
    """


class TestPresets(PresetsContract):
    """
    The same about the list of presets.
    """
