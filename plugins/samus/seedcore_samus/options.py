"""
What can be asked of each randomizer: the site's own settings with all their values.

The site puts its default in place of a value it doesn't know and says nothing, so that every
value is checked here. Both sides take them in any case; lower case is sent.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

import attrs

from seedcore import SettingsError, secret, setting
from seedcore_samus import players

Crystals = Literal[
    "random",
    "nocrystals",
    "onecrystal",
    "twocrystals",
    "threecrystals",
    "fourcrystals",
    "fivecrystals",
    "sixcrystals",
    "sevencrystals",
]
Bosses = Literal["random", "nobosses", "oneboss", "twobosses", "threebosses", "fourbosses"]

LARGEST_SEED = 2**31 - 1
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
"""One part of a host's name: nothing in it can lead to another site."""
KEY = re.compile(r"[A-Za-z0-9._~-]{8,64}")
"""The same in JSON as in a URL, so that it is found and masked wherever it is echoed."""
ITEM = re.compile(r"\s*([A-Za-z0-9]+)\s*(:\s*[0-9]{1,3}\s*)?")


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _allowed(_: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    allowed = get_args(attribute.type)
    if value not in allowed:
        msg = f"{attribute.name} must be one of {', '.join(allowed)}"
        raise SettingsError(msg)


IN_ANY_CASE: Mapping[str, Any] = {"converter": _lowered, "validator": _allowed}
"""For a field with one of the texts that its type lists."""


def _number(_: Any, attribute: "attrs.Attribute[Any]", value: str) -> None:
    digits = value.isascii() and value.isdigit() and len(value) <= 10
    if value and not (digits and int(value) <= LARGEST_SEED):
        msg = f"{attribute.name} must be a whole number from 0 to {LARGEST_SEED}, or empty"
        raise SettingsError(msg)


def _players(_: Any, attribute: "attrs.Attribute[Any]", value: int) -> None:
    if value < 1:
        msg = f"{attribute.name} must be 1 or more"
        raise SettingsError(msg)


def check_label(_: Any, attribute: "attrs.Attribute[Any]", value: str | None) -> None:
    """
    Raise SettingsError unless *value* can be the part of a host's name that it is put into.
    """
    if value is not None and not LABEL.fullmatch(value):
        msg = f"{attribute.name} must be 1 to 63 letters, digits and hyphens, such as beta"
        raise SettingsError(msg)


def _secret_key(_: Any, attribute: "attrs.Attribute[Any]", value: str | None) -> None:
    if value is not None and not KEY.fullmatch(value):
        msg = f"{attribute.name} must be 8 to 64 letters, digits and . _ ~ -"
        raise SettingsError(msg)


def _items(_: Any, attribute: "attrs.Attribute[Any]", value: str) -> None:
    found = [ITEM.fullmatch(part) for part in value.split(",")] if value else []
    names = [item[1].lower() for item in found if item]
    if len(names) < len(found):
        msg = f"{attribute.name} must be items with their numbers, such as ETank:2, Charge"
        raise SettingsError(msg)
    if len({*names}) < len(names):
        msg = f"{attribute.name} must have each item once, with its number: ETank:2"
        raise SettingsError(msg)


@attrs.frozen(kw_only=True)
class SharedOptions:
    """
    What both randomizers take.
    """

    seed: str = setting(
        "", help=f"number of the seed, 0 to {LARGEST_SEED}; empty: any", validator=_number
    )
    gamemode: Literal["normal", "multiworld"] = setting(
        "normal", help="names make it multiworld", **IN_ANY_CASE
    )
    players: int = setting(
        1, help="as many as there are names, if it is given at all", validator=_players
    )
    names: tuple[str, ...] = setting((), help="the players of a multiworld")
    release: str | None = setting(
        None, help="another release of the site, such as beta", validator=check_label
    )
    spoiler_key: str | None = secret(
        None, help="opens the log of a race with the operation spoiler", validator=_secret_key
    )


@attrs.frozen(kw_only=True)
class SmOptions(SharedOptions):
    """
    What can be asked of the Super Metroid item randomizer.
    """

    logic: Literal["casual", "tournament"] = setting(
        "tournament", help="what players must know", **IN_ANY_CASE
    )
    goal: Literal["defeatmb"] = setting("defeatmb", help="what ends the game", **IN_ANY_CASE)
    placement: Literal["full", "split"] = setting(
        "split", help="items anywhere, or major and minor ones apart", **IN_ANY_CASE
    )


@attrs.frozen(kw_only=True)
class Smz3Options(SharedOptions):
    """
    What can be asked of the combination with A Link to the Past.
    """

    smlogic: Literal["normal", "hard"] = setting(
        "normal", help="what players of Super Metroid must know", **IN_ANY_CASE
    )
    goal: Literal["defeatboth", "fastganondefeatmotherbrain", "alldungeonsdefeatmotherbrain"] = (
        setting("defeatboth", help="what ends the game", **IN_ANY_CASE)
    )
    opentower: Crystals = setting("sevencrystals", help="what opens Ganon's Tower", **IN_ANY_CASE)
    ganonvulnerable: Crystals = setting(
        "sevencrystals", help="what makes Ganon vulnerable", **IN_ANY_CASE
    )
    opentourian: Bosses = setting("fourbosses", help="what opens Tourian", **IN_ANY_CASE)
    swordlocation: Literal["randomized", "early", "uncle"] = setting(
        "randomized", help="where the first sword is", **IN_ANY_CASE
    )
    morphlocation: Literal["randomized", "early", "original"] = setting(
        "randomized", help="where the Morph Ball is", **IN_ANY_CASE
    )
    keyshuffle: Literal["none", "keysanity"] = setting(
        "none", help="whether keys and keycards are anywhere", **IN_ANY_CASE
    )
    initialitems: str = setting(
        "", help="what players begin with, such as ETank:2, Charge; beta", validator=_items
    )


NO_SETTINGS = frozenset({"names", "release", "spoiler_key"})
"""Options that aren't settings of the site as they stand."""


def settings_of(options: SharedOptions, *, race: bool) -> Mapping[str, str]:
    """
    Return the settings as the site takes them, without the spoiler key; all are texts.

    ``seed`` is never left out, since the site fails without it. ``race`` hides the spoiler
    only as exactly ``true``, and the log can't be read where it is missing.
    """
    own = attrs.asdict(options, filter=lambda field, _: field.name not in NO_SETTINGS)
    texts = {name: str(value) for name, value in own.items()}
    if not texts.get("initialitems"):
        texts.pop("initialitems", None)
    return {**texts, **players.settings_of(options.names), "race": "true" if race else "false"}


def recorded(sent: Mapping[str, str], *, hidden: bool) -> Mapping[str, str]:
    """
    Return what may be known of the settings *sent*: of a *hidden* seed not its number.
    """
    if not (hidden and sent["seed"]):
        return sent
    return {name: value for name, value in sent.items() if name != "seed"}
