"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

import seedcore_ootr
from seedcore_ootr.contract import (
    DetailsContract,
    OotrContract,
    PasswordContract,
    StatusContract,
    VersionContract,
)


class TestOotr(OotrContract):
    """
    One test for each rule, about seeds.
    """


class TestUntilItIsMade(OotrContract):
    """
    The same until a seed is made, without an exemption: its details are left out.
    """

    exempt: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _no_details(self, monkeypatch):
        async def nothing(*_):
            return {}, "nobody asked"

        monkeypatch.setattr(seedcore_ootr, "details_of", nothing)


class TestStatus(StatusContract):
    """
    The same about a look at the status of one.
    """


class TestDetails(DetailsContract):
    """
    The same about its details.
    """


class TestPassword(PasswordContract):
    """
    The same about its password.
    """


class TestVersion(VersionContract):
    """
    The same about the newest version.
    """
