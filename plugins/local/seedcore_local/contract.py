"""
What each provider is asked, for ``pytest`` and ``seedcore check``; none of them asks a site.
"""

from __future__ import annotations

from seedcore.testing import ProviderContract
from seedcore_local import aosr, ffr, smb3r, z1r, z2r

FLAGS = {"options": {"flags": "5JOfkHFLCIuh7WxM4mIYp7TuCHxRYQdJcty"}}


class Z1rContract(ProviderContract):
    """
    Zelda: flags and a seed.
    """

    provider = z1r
    request = FLAGS


class Z2rContract(ProviderContract):
    """
    Zelda II: flags and a seed.
    """

    provider = z2r
    request = FLAGS


class Smb3rContract(ProviderContract):
    """
    Super Mario Bros. 3: flags and a seed.
    """

    provider = smb3r
    request = FLAGS


class FfrContract(ProviderContract):
    """
    Final Fantasy: a link with a seed in it.
    """

    provider = ffr
    request = {"options": {"url": "https://finalfantasyrandomizer.com/?f=abc"}}


class AosrContract(ProviderContract):
    """
    Aria of Sorrow: a link to the generator's page.
    """

    provider = aosr
    request = {}
