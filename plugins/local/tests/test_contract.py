"""
Each provider keeps every rule of seedcore.
"""

from __future__ import annotations

from seedcore_local.contract import (
    AosrContract,
    FfrContract,
    Smb3rContract,
    Z1rContract,
    Z2rContract,
)


class TestZ1r(Z1rContract):
    """
    One test for each rule.
    """


class TestZ2r(Z2rContract):
    """
    One test for each rule.
    """


class TestSmb3r(Smb3rContract):
    """
    One test for each rule.
    """


class TestFfr(FfrContract):
    """
    One test for each rule.
    """


class TestAosr(AosrContract):
    """
    One test for each rule.
    """
