"""
The fields of the form of version 3.2.0: what each may be, and what it is unless somebody says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from seedcore import SettingsError, setting

NEWEST = "3.2.0"
"""The version whose form is known."""

DEFAULTS: Mapping[str, str] = {
    "game_mode": "standard",
    "enemy_difficulty": "normal",
    "item_difficulty": "normal",
    "shop_prices": "normal",
    "tech_rando": "normal",
    "duplicate_char_assignments": "7f7f7f7f7f7f7f",
    "power_tab_min": "2",
    "power_tab_max": "4",
    "magic_tab_min": "1",
    "magic_tab_max": "3",
    "speed_tab_min": "1",
    "speed_tab_max": "1",
    "fragments_required": "10",
    "extra_fragments": "5",
    "mystery_game_mode_standard": "75",
    "mystery_game_mode_lw": "25",
    "mystery_game_mode_loc": "0",
    "mystery_game_mode_ia": "0",
    "mystery_item_difficulty_easy": "15",
    "mystery_item_difficulty_normal": "70",
    "mystery_item_difficulty_hard": "15",
    "mystery_enemy_difficulty_normal": "75",
    "mystery_enemy_difficulty_hard": "25",
    "mystery_tech_order_normal": "10",
    "mystery_tech_order_full_random": "80",
    "mystery_tech_order_balanced_random": "10",
    "mystery_shop_prices_normal": "70",
    "mystery_shop_prices_random": "10",
    "mystery_shop_prices_mostly_random": "10",
    "mystery_shop_prices_free": "10",
    "mystery_tab_treasures": "10",
    "mystery_unlock_magic": "50",
    "mystery_bucket_fragments": "15",
    "mystery_chronosanity": "30",
    "mystery_boss_rando": "50",
    "mystery_boss_scale": "30",
    "mystery_locked_characters": "25",
    "mystery_duplicate_characters": "25",
    "mystery_epoch_fail": "50",
    "mystery_gear_rando": "25",
    "mystery_heal_rando": "25",
}
"""What the page fills into the fields that its server can't do without."""

KINDS = ("game_mode", "item_difficulty", "enemy_difficulty", "tech_order", "shop_prices")
"""What a mystery seed draws one of several of."""

SHOPS = ("normal", "free", "mostly_random", "fully_random")
TECHS = ("normal", "balanced_random", "fully_random")

_VERSION = re.compile(r"\d{1,3}([._]\d{1,3}){1,3}", re.ASCII)
_ASSIGNMENTS = re.compile(r"((?!00)[0-7][0-9a-fA-F]){7}")
LONGEST_SEED = 25


def version(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """
    Check that *value* can be a version.
    """
    if not (isinstance(value, str) and _VERSION.fullmatch(value)):
        msg = f"{field.name} must be one such as {NEWEST} or 3.1.0"
        raise SettingsError(msg)


def root(checked: object, field: attrs.Attribute[Any], value: object) -> None:
    """
    Check that *value* can be a version, or none.
    """
    if value != "":
        version(checked, field, value)


def assignments(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """
    Check that each character may become one at least.
    """
    if not (isinstance(value, str) and _ASSIGNMENTS.fullmatch(value)):
        msg = (
            f"{field.name} must be 14 hex digits, in quotes in YAML: two for each character, 01 to "
            "7f, with a bit for each that it may become"
        )
        raise SettingsError(msg)


def seed(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """
    Check that *value* is a text that the form takes.
    """
    if not (isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_SEED):
        msg = f"{field.name} must be a text of at most {LONGEST_SEED} characters"
        raise SettingsError(msg)


def one_of(allowed: tuple[str, ...], words: str) -> Any:
    """
    Return a field of choices, which may be written in the words of older versions too.
    """

    def plain(value: object) -> object:
        return value.strip().lower().replace(" ", "_") if isinstance(value, str) else value

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if value is not None and value not in allowed:
            msg = f"{field.name} must be one of {', '.join(allowed)}"
            raise SettingsError(msg)

    return setting(
        None, help=f"{words}; the form's default is normal", converter=plain, validator=check
    )


def number(name: str, low: int, high: int, words: str) -> Any:
    """
    Return a field for a whole number from *low* to *high*.
    """

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if value is not None and not (isinstance(value, int) and low <= value <= high):
            msg = f"{field.name} must be a whole number from {low} to {high}"
            raise SettingsError(msg)

    text = f"{words}, {low} to {high}; the form's default is {DEFAULTS[name]}"
    return setting(None, help=text, validator=check)


def weight(name: str, words: str = "how often, against the others of its kind") -> Any:
    """
    Return a field for one of the odds of a mystery seed.
    """
    return number(name, 0, 100, f"mystery: {words}")


def chance(name: str) -> Any:
    """
    Return a field for the chance of one flag of a mystery seed.
    """
    return weight(name, "per cent of the seeds that have it")


def switch(words: str) -> Any:
    """
    Return a field for a flag, which is off unless it is given.
    """
    return setting(None, help=words)
