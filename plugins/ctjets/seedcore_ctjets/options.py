"""
What whoever runs the program sets, and what a caller asks for: the form of version 3.2.0.

``None`` is what nobody has said. The form has a value of its own for that in ``DEFAULTS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from seedcore import setting
from seedcore_ctjets.fields import (
    NEWEST,
    SHOPS,
    TECHS,
    assignments,
    chance,
    number,
    one_of,
    root,
    seed,
    switch,
    version,
    weight,
)


@attrs.frozen(kw_only=True)
class Settings:
    """
    The ROM for those versions that want it, and where the site has which version.
    """

    rom: Path | None = setting(
        None, help="path of the vanilla Chrono Trigger ROM, for versions that read it"
    )
    upload: Literal["older", "always", "never"] = setting(
        "older", help="which versions the ROM is sent to; older: those before 3.2.0"
    )
    root_version: str = setting(
        "",
        help="the version that has no folder of its own there, as a copy of the open source site",
        validator=root,
    )


@attrs.frozen(kw_only=True)
class Options:
    """
    The fields of the form of version 3.2.0. Fields of other versions go to ``fields``.
    """

    version: str = setting(
        NEWEST,
        help="of the randomizer; others than 3.2 have fields of their own",
        validator=version,
    )
    seed: str | None = setting(
        None,
        help="a text of at most 25 characters to make the seed of; unset: a random one",
        validator=attrs.validators.optional(seed),
    )
    game_mode: (
        Literal["standard", "lost_worlds", "ice_age", "legacy_of_cyrus", "vanilla_rando"] | None
    ) = setting(None, help="the form's default is standard")
    enemy_difficulty: Literal["easy", "normal", "hard"] | None = setting(
        None, help="the form's default is normal"
    )
    item_difficulty: Literal["easy", "normal", "hard"] | None = setting(
        None, help="the form's default is normal"
    )
    shop_prices: Literal["normal", "free", "mostly_random", "fully_random"] | None = one_of(
        SHOPS, "what shops ask for"
    )
    tech_rando: Literal["normal", "balanced_random", "fully_random"] | None = one_of(
        TECHS, "in which order techs are learnt"
    )
    disable_glitches: bool | None = switch("known glitches don't work")
    boss_rando: bool | None = switch("bosses change places")
    boss_scaling: bool | None = switch("bosses grow stronger with what they keep")
    zeal: bool | None = switch("the second fight in the Ocean Palace ends the game")
    early_pendant: bool | None = switch("the pendant is charged early")
    locked_chars: bool | None = switch("some characters need more to join")
    unlocked_magic: bool | None = switch("magic is there from the start")
    tab_treasures: bool | None = switch("all treasures are tabs")
    chronosanity: bool | None = switch("key items may be in any chest")
    duplicate_characters: bool | None = switch("characters may become others")
    mystery_seed: bool | None = switch("the settings are drawn by the odds below, and not shown")
    healing_item_rando: bool | None = switch("healing items do something else")
    gear_rando: bool | None = switch("gear does something else")
    epoch_fail: bool | None = switch("the Epoch must be repaired before it flies")
    duplicate_char_assignments: str | None = setting(
        None,
        help="who may become whom, as 14 hex digits; the form's default is everybody",
        validator=attrs.validators.optional(assignments),
    )
    duplicate_duals: bool | None = switch("two of one character have techs together")
    legacy_boss_placement: bool | None = switch("bosses of several parts stay among their kind")
    boss_spot_hp: bool | None = switch("hit points belong to the place, not to the boss")
    power_tab_min: int | None = number("power_tab_min", 1, 9, "the least a tab gives")
    power_tab_max: int | None = number("power_tab_max", 1, 9, "the most a tab gives")
    magic_tab_min: int | None = number("magic_tab_min", 1, 9, "the least a tab gives")
    magic_tab_max: int | None = number("magic_tab_max", 1, 9, "the most a tab gives")
    speed_tab_min: int | None = number("speed_tab_min", 1, 9, "the least a tab gives")
    speed_tab_max: int | None = number("speed_tab_max", 1, 9, "the most a tab gives")
    sightscope_always_on: bool | None = switch("hit points are always shown")
    boss_sightscope: bool | None = switch("those of bosses are shown too")
    fast_tabs: bool | None = switch("tabs are picked up without a text")
    free_menu_glitch: bool | None = switch("the menu opens where it otherwise doesn't")
    bucket_fragments: bool | None = switch("fragments open the way to the last fight")
    fragments_required: int | None = number(
        "fragments_required", 0, 50, "fragments that are needed"
    )
    extra_fragments: int | None = number("extra_fragments", 0, 50, "fragments beyond those")
    starters_sufficient: bool | None = switch("the first two characters can finish the game")
    use_antilife: bool | None = switch("one spell is another")
    tackle_effects: bool | None = switch("tackles have effects of gear")
    mystery_game_mode_standard: int | None = weight("mystery_game_mode_standard")
    mystery_game_mode_lw: int | None = weight("mystery_game_mode_lw")
    mystery_game_mode_loc: int | None = weight("mystery_game_mode_loc")
    mystery_game_mode_ia: int | None = weight("mystery_game_mode_ia")
    mystery_item_difficulty_easy: int | None = weight("mystery_item_difficulty_easy")
    mystery_item_difficulty_normal: int | None = weight("mystery_item_difficulty_normal")
    mystery_item_difficulty_hard: int | None = weight("mystery_item_difficulty_hard")
    mystery_enemy_difficulty_normal: int | None = weight("mystery_enemy_difficulty_normal")
    mystery_enemy_difficulty_hard: int | None = weight("mystery_enemy_difficulty_hard")
    mystery_tech_order_normal: int | None = weight("mystery_tech_order_normal")
    mystery_tech_order_full_random: int | None = weight("mystery_tech_order_full_random")
    mystery_tech_order_balanced_random: int | None = weight("mystery_tech_order_balanced_random")
    mystery_shop_prices_normal: int | None = weight("mystery_shop_prices_normal")
    mystery_shop_prices_random: int | None = weight("mystery_shop_prices_random")
    mystery_shop_prices_mostly_random: int | None = weight("mystery_shop_prices_mostly_random")
    mystery_shop_prices_free: int | None = weight("mystery_shop_prices_free")
    mystery_tab_treasures: int | None = chance("mystery_tab_treasures")
    mystery_unlock_magic: int | None = chance("mystery_unlock_magic")
    mystery_bucket_fragments: int | None = chance("mystery_bucket_fragments")
    mystery_chronosanity: int | None = chance("mystery_chronosanity")
    mystery_boss_rando: int | None = chance("mystery_boss_rando")
    mystery_boss_scale: int | None = chance("mystery_boss_scale")
    mystery_locked_characters: int | None = chance("mystery_locked_characters")
    mystery_duplicate_characters: int | None = chance("mystery_duplicate_characters")
    mystery_epoch_fail: int | None = chance("mystery_epoch_fail")
    mystery_gear_rando: int | None = chance("mystery_gear_rando")
    mystery_heal_rando: int | None = chance("mystery_heal_rando")
    fields: Mapping[str, Any] = setting(
        factory=dict, help="fields of another version's form; any key that is no option goes here"
    )
