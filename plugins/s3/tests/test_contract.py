"""
The provider keeps every rule of seedcore.
"""

from __future__ import annotations

from seedcore_s3.contract import DeleteContract, GetContract, LinkContract, PutContract


class TestPut(PutContract):
    """
    One test for each rule, about putting a file.
    """


class TestGet(GetContract):
    """
    The same about getting it.
    """


class TestDelete(DeleteContract):
    """
    The same about deleting it.
    """


class TestLink(LinkContract):
    """
    The same about a link to it.
    """
