"""
The provider keeps the contract of seedcore.
"""

from __future__ import annotations

from seedcore_dry_run.contract import DryRunContract, PostContract, PresetsContract


class TestDryRun(DryRunContract):
    """
    A seed is made up.
    """


class TestPresets(PresetsContract):
    """
    Presets are listed.
    """


class TestPost(PostContract):
    """
    A message is posted nowhere.
    """
