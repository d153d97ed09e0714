"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

from seedcore_smvaria.contract import (
    SettingsPresetContract,
    SkillPresetContract,
    SkillPresetsContract,
    SmvariaContract,
)


class TestSmvaria(SmvariaContract):
    """
    One test for each rule, about seeds.
    """


class TestSkillPresets(SkillPresetsContract):
    """
    The same about the names of skills presets.
    """


class TestSkillPreset(SkillPresetContract):
    """
    The same about one of them.
    """


class TestSettingsPreset(SettingsPresetContract):
    """
    The same about a settings preset.
    """
