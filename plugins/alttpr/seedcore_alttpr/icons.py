"""
The file-select code: five icons that the game shows, read from the patch.
"""

from __future__ import annotations

from seedcore_alttpr.patch import bytes_at

OFFSET = 1573397
"""Where the ROM keeps the five icons (0x180215)."""

ICONS = (
    "Bow",
    "Boomerang",
    "Hookshot",
    "Bombs",
    "Mushroom",
    "Magic Powder",
    "Ice Rod",
    "Pendant",
    "Bombos",
    "Ether",
    "Quake",
    "Lamp",
    "Hammer",
    "Shovel",
    "Flute",
    "Bugnet",
    "Book",
    "Empty Bottle",
    "Green Potion",
    "Somaria",
    "Cape",
    "Mirror",
    "Boots",
    "Gloves",
    "Flippers",
    "Moon Pearl",
    "Shield",
    "Tunic",
    "Heart",
    "Map",
    "Compass",
    "Big Key",
)


def file_select_code(patch: object) -> str | None:
    """
    Return the icons that *patch* writes, such as ``Bow/Lamp/Map/Cape/Book``.

    ``None`` if *patch* doesn't write five.
    """
    icons = bytes_at(patch, OFFSET, 5)
    if not icons or max(icons) >= len(ICONS):
        return None
    return "/".join(ICONS[icon] for icon in icons)
