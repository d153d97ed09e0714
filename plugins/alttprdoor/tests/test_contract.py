"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

import pytest

from seedcore_alttprdoor.contract import AlttprdoorContract


class TestAlttprdoor(AlttprdoorContract):
    """
    One test for each rule.
    """

    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
