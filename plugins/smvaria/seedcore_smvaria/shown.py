"""
What the site shows of a seed, and what of that nobody may see of a race.

The public page has the settings of every seed, and whether the site protects it from being
looked into: a race seed is encrypted, and made of its number and of another one that the site
keeps. Everything else can be read with the site's own solver, or made again from the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore import ProviderResponseFormatError
from seedcore_smvaria.options import NAMES
from seedcore_smvaria.reply import permalink
from seedcore_smvaria.site import read

if TYPE_CHECKING:
    from seedcore import Context

ITEMS = "where its items are"
LOOKED_INTO = "everything, since the site made it without its race mode"
MAGIC = "the number that protects it"
ROLLED = "which of its random settings it drew"
SETTINGS = "its settings"

MOST_LEVELS = 4
KNOWN = frozenset(
    {
        "ips",
        "max_size",
        "truncate_length",
        "fileName",
        "errorMsg",
        "seedKey",
        "status",
        "forcedArgs",
    }
)
"""What an answer has, whatever is in it."""

_ITEMS = re.compile(r"spoiler|item_?loc|loc_?item|locations?$|playthrough|solution", re.IGNORECASE)
_MAGIC = re.compile(r"magic|^params$", re.IGNORECASE)
_SETTINGS = re.compile(r"setting|rando_?preset|^presetfile$", re.IGNORECASE)
_NAMES = frozenset(NAMES) - {"seed"}

_PROTECTED = re.compile(r"\bvar isRace = true\b|>Race mode</td>\s*<td[^>]*>\s*on\b")
_OPEN = re.compile(r"\bvar isRace = false\b|>Race mode</td>\s*<td[^>]*>\s*off\b")
_PARAMETERS = re.compile(r"\bseedParams\s*=\s*\{|>Randomizer Parameters<|\bmajorsSplit\b")
_LOG = re.compile(r"""href\s*=\s*["'][^"']*spoiler""", re.IGNORECASE)
_GONE = re.compile(r"\bSeed [0-9a-z-]{1,36} not (?:found|available)\b")
"""What the page says of a seed that the site doesn't have, or no more."""


@attrs.frozen(kw_only=True)
class Shown:
    """
    The answer to who asked, the page for everybody, and what was left to chance.
    """

    reply: Mapping[str, Any] = attrs.field(repr=False)
    page: str = attrs.field(repr=False)
    chance: frozenset[str]


async def page_of(key: str, context: Context, branch: str | None) -> str:
    """
    Return the public page of a seed. Raises ProviderResponseFormatError if there is none.
    """
    page = (await read(context, permalink("", key).lstrip("/"), branch=branch)).text
    if key not in page or _GONE.search(page):
        text = "it made a seed that its own page doesn't have, so that nobody can get it there"
        raise ProviderResponseFormatError(text)
    if not _PROTECTED.search(page) and not any(_in_page(page)):
        text = "the page of its seed doesn't say whether it is protected, so nobody may have it"
        raise ProviderResponseFormatError(text)
    return page


def leak_of(shown: Shown) -> str | None:
    """
    Name what is shown that people must not see; ``None`` if that is nothing.
    """
    found = [*dict.fromkeys([*_in_reply(shown), *_in_page(shown.page)])]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found) or None


def _in_reply(shown: Shown) -> Iterator[str]:
    forced = shown.reply.get("forcedArgs")
    forced = forced if isinstance(forced, Mapping) else {}
    if any(name in shown.chance for name in forced):
        yield ROLLED
    if "off" in (shown.reply.get("raceMode"), forced.get("raceMode")):
        yield LOOKED_INTO
    rest = {name: value for name, value in shown.reply.items() if name not in KNOWN}
    for name in _named(rest, MOST_LEVELS):
        if _ITEMS.search(name):
            yield ITEMS
        elif _MAGIC.search(name):
            yield MAGIC
        elif name in _NAMES or _SETTINGS.search(name):
            yield SETTINGS


def _named(value: Any, levels: int) -> Iterator[str]:
    """
    Yield every name below which there is something.
    """
    if isinstance(value, list) and levels:
        for item in value:
            yield from _named(item, levels - 1)
    if isinstance(value, Mapping) and levels:
        for name, item in value.items():
            if item not in (None, "", [], {}, False):
                yield name
                yield from _named(item, levels - 1)


def _in_page(page: str) -> Iterator[str]:
    if _OPEN.search(page):
        yield LOOKED_INTO
    elif _PARAMETERS.search(page) and not _PROTECTED.search(page):
        # The page of a race seed has its settings too, and says that it is one.
        yield SETTINGS
    if _LOG.search(page):
        yield ITEMS
