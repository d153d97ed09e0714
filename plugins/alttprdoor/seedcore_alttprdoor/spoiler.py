"""
What is read of a spoiler log: the file-select code and the version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

NAMES: Mapping[str, str] = {
    "Bomb": "Bombs",
    "Powder": "Magic Powder",
    "Rod": "Ice Rod",
    "Ocarina": "Flute",
    "Bug Net": "Bugnet",
    "Bottle": "Empty Bottle",
    "Potion": "Green Potion",
    "Cane": "Somaria",
    "Pearl": "Moon Pearl",
    "Key": "Big Key",
}
"""Icons that alttpr.com calls by another name, which people know."""

HEAD = 4_096
"""Characters in which code and version stand."""

_CODE = re.compile(r"^Hash: ([A-Za-z ]+(?:, [A-Za-z ]+){4})$", re.MULTILINE)
_VERSION = re.compile(r"ALttP Dungeon Randomizer Version ([\w.+-]{1,40})(?!\S)", re.ASCII)


@attrs.frozen
class Head:
    """
    The version, and the five icons with slashes; ``None`` where no game was made.
    """

    version: str | None
    code: str | None


def head_of(log: str) -> Head:
    """
    Return what stands at the top of a spoiler *log*.
    """
    top = log[:HEAD].replace("\r\n", "\n")
    version, code = _VERSION.match(top), _CODE.search(top)
    icons = code[1].split(", ") if code else []
    return Head(
        version=version[1] if version else None,
        code="/".join(NAMES.get(icon, icon) for icon in icons) or None,
    )
