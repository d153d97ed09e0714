"""
What the provider is asked, for ``pytest`` and ``seedcore check alttprdoor``.

In place of the randomizer runs a stand-in, with a ROM of its own: any file will do.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from seedcore.testing import ProviderContract
from seedcore_alttprdoor import Alttprdoor
from seedcore_alttprdoor.folder import Base

CHECKOUT = Path(__file__).with_name("stand_in")
ROM = CHECKOUT / "DungeonRandomizer.py"


def base_of(rom: Path) -> Base:
    """
    Return what the provider must be made with to take *rom*.
    """
    content = rom.read_bytes()
    return Base(md5=hashlib.md5(content, usedforsecurity=False).hexdigest(), size=len(content))


class AlttprdoorContract(ProviderContract):
    """
    A game is made and its patch put up; no request is sent.
    """

    provider = Alttprdoor(base=base_of(ROM))
    request = {"settings": {"door_shuffle": "basic", "keydropshuffle": True}}
    settings = {"checkout": str(CHECKOUT), "rom": str(ROM)}
    exempt = {
        "leaks-refused": "its spoilers are made by a program on this machine and not by an "
        "upstream, which is all that the kit can let say something else; its own tests let it leak",
    }
