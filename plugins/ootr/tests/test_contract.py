"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

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
