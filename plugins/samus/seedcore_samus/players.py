"""
The players of a multiworld: one name for each, as the game will show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from seedcore import ProviderInvalidRequestError

_SHOWN = re.compile(r"[A-Za-z0-9]+")
MOST_SHOWN = 12
"""Characters of a name for which the game has room."""
LONGEST = 100
MOST_PLAYERS = 100
"""Both far beyond any game: what is longer is a mistake."""


def shown(name: str) -> str:
    """
    Return *name* as the game shows it: letters and digits, each gap between them one space.
    """
    return " ".join(_SHOWN.findall(name))[:MOST_SHOWN].rstrip()


def check(names: tuple[str, ...], players: int, gamemode: str) -> None:
    """
    Raise ProviderInvalidRequestError unless names, their number and the mode fit together.

    The site answers a name it can't use with an empty 500, and sees nothing wrong in two
    players that nobody can tell apart.
    """
    text = ""
    if not names and (gamemode == "multiworld" or players > 1):
        text = "a multiworld needs a name for each player: give names, such as names=Red,Blue"
    elif len(names) == 1:
        text = "a multiworld has two players or more, and names has one; leave it out to play alone"
    elif names and players not in (1, len(names)):
        text = f"players is {players}, but there are {len(names)} names; leave players out"
    elif len(names) > MOST_PLAYERS:
        text = f"names has {len(names)} players; {MOST_PLAYERS} are allowed"
    if text:
        raise ProviderInvalidRequestError(text)
    _check_each(names)


def _check_each(names: Iterable[str]) -> None:
    taken: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        if len(name) > LONGEST or not name.isprintable():
            text = (
                f"the name of player {number} must be one line of {LONGEST} characters at most, of "
                f"which the game shows {MOST_SHOWN}"
            )
            raise ProviderInvalidRequestError(text)
        kept = shown(name)
        if not kept:
            text = (
                f"the name of player {number}, {name!r}, has neither a letter A to Z nor a digit, "
                "which is all that the game can show; give another"
            )
            raise ProviderInvalidRequestError(text)
        if kept.lower() in taken:
            text = (
                f"the name of player {number}, {name!r}, looks the same in the game as "
                f"{taken[kept.lower()]!r}; give another"
            )
            raise ProviderInvalidRequestError(text)
        taken[kept.lower()] = name


def settings_of(names: tuple[str, ...]) -> Mapping[str, str]:
    """
    Return the site's settings for these players; none for a game alone.
    """
    if not names:
        return {}
    numbered = {f"player-{number}": name for number, name in enumerate(names)}
    return {"gamemode": "multiworld", "players": str(len(names)), **numbered}
