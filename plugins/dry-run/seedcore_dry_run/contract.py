"""
What each operation is called with, for ``pytest`` and ``seedcore check dry-run``.
"""

from __future__ import annotations

from seedcore.testing import ProviderContract
from seedcore_dry_run import dry_run


class DryRunContract(ProviderContract):
    """
    A seed of a preset, with an option.
    """

    provider = dry_run
    request = {"preset": "plain", "options": {"players": 2}}


class PresetsContract(ProviderContract):
    """
    The names of the presets.
    """

    provider = dry_run
    operation = "presets"
    request = {}


class PostContract(ProviderContract):
    """
    A message to nowhere.
    """

    provider = dry_run
    operation = "post"
    request = {"text": "Hello"}
