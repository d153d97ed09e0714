"""
What a patch writes: the site's list of ``{"<offset>": [bytes]}``.

Neighbouring writes are merged there, so that what is looked for is mostly within a longer one.
"""

from __future__ import annotations


def bytes_at(patch: object, offset: int, count: int) -> list[int]:
    """
    Return the *count* bytes from *offset* on; none if the patch doesn't write all of them.
    """
    written: dict[int, int] = {}
    end = offset + count
    for start, values in _writes(patch):
        if start >= end or start + len(values) <= offset:
            continue
        for place in range(max(start, offset), min(start + len(values), end)):
            value = values[place - start]
            if type(value) is not int or not 0 <= value < 256:
                return []
            written[place] = value
    return [written[place] for place in sorted(written)] if len(written) == count else []


def _writes(patch: object) -> list[tuple[int, list[object]]]:
    writes: list[tuple[int, list[object]]] = []
    for write in patch if isinstance(patch, list) else ():
        for offset, values in write.items() if isinstance(write, dict) else ():
            # int() takes more than offsets: spaces, underscores, other digits, any length.
            plain = isinstance(offset, str) and offset.isascii() and offset.isdigit()
            if plain and len(offset) < 12 and isinstance(values, list):
                writes.append((int(offset), values))
    return writes
