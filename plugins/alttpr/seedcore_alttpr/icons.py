"""
The file-select code: five icons that the game shows, read from the patch.
"""

from __future__ import annotations

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

    *patch* is the site's list of ``{"<offset>": [bytes]}``, in which neighbouring writes are
    merged, so that the icons are mostly within a longer one. ``None`` if it doesn't write five.
    """
    written: dict[int, str] = {}
    for start, values in _writes(patch):
        if start >= OFFSET + 5 or start + len(values) <= OFFSET:
            continue
        for place in range(max(start, OFFSET), min(start + len(values), OFFSET + 5)):
            value = values[place - start]
            if type(value) is not int or not 0 <= value < len(ICONS):
                return None
            written[place] = ICONS[value]
    icons = [written[place] for place in sorted(written)]
    return "/".join(icons) if len(icons) == 5 else None


def _writes(patch: object) -> list[tuple[int, list[object]]]:
    writes: list[tuple[int, list[object]]] = []
    for write in patch if isinstance(patch, list) else ():
        for offset, values in write.items() if isinstance(write, dict) else ():
            # int() takes more than offsets: spaces, underscores, other digits, any length.
            plain = isinstance(offset, str) and offset.isascii() and offset.isdigit()
            if plain and len(offset) < 12 and isinstance(values, list):
                writes.append((int(offset), values))
    return writes
