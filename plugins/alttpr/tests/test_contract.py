"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

from seedcore_alttpr.contract import (
    AlttprContract,
    CustomizerSettingsContract,
    DailyContract,
    GameContract,
    MysteryContract,
    PatchContract,
    ResolveContract,
    SettingsContract,
)


class TestAlttpr(AlttprContract):
    """
    One test for each rule, about games.
    """


class TestMystery(MysteryContract):
    """
    The same about mysteries.
    """


class TestResolve(ResolveContract):
    """
    The same about rolling a weightset.
    """


class TestGame(GameContract):
    """
    The same about looking one up.
    """


class TestDaily(DailyContract):
    """
    The same about the daily game.
    """


class TestSettings(SettingsContract):
    """
    The same about the randomizer's catalogue.
    """


class TestCustomizerSettings(CustomizerSettingsContract):
    """
    The same about the customizer's.
    """


class TestPatch(PatchContract):
    """
    The same about base patches.
    """
