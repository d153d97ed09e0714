"""
What of something sealed can be looked for in what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

SHORTEST = 6
"""Letters and digits from which on a text is a secret that can be looked for."""
_PLAIN = re.compile(r"[^0-9A-Za-z]+")


def plain(text: object) -> str:
    """
    Return the letters and digits of *text*: quotes, escapes and spaces differ from place to place.
    """
    return _PLAIN.sub("", str(text))


def texts_of(log: object) -> Iterator[str]:
    """
    Yield what of a spoiler log gives something away: each line, or each name with its value.
    """
    if isinstance(log, bytes):
        log = log.decode("utf-8", "replace")
    if isinstance(log, str):
        yield from (line for line in log.splitlines() if ":" in line)
    elif isinstance(log, Mapping):
        for name, value in log.items():
            if name == "meta":  # which says of the settings what everybody may know
                continue
            if isinstance(value, (Mapping, list)):
                yield from texts_of(value)
            elif isinstance(value, str) and plain(value):
                yield f"{name}{value}"
    elif isinstance(log, list):
        for each in log:
            yield from texts_of(each)
