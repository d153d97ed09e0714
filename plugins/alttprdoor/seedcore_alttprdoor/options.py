"""
What a caller asks for, in the randomizer's own words.

The choices are those of every branch together; which of them a checkout has, its own list says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from seedcore import setting

Crystal = Literal["0", "1", "2", "3", "4", "5", "6", "7", "random"]
Level = Literal["normal", "hard", "expert"]
Switch = bool | None


@attrs.frozen(kw_only=True)
class Options:
    """
    The options of ``generate``; ``None`` is not sent, so that the randomizer's default holds.
    """

    logic: (
        Literal["noglitches", "minorglitches", "owglitches", "hybridglitches", "nologic"] | None
    ) = setting(None, help="glitches that may be needed; default noglitches")
    # In alttpr's order: of two that differ in it alone, typing keeps the one it saw first.
    mode: Literal["standard", "open", "inverted", "retro"] | None = setting(
        None, help="the state of the world; default open"
    )
    goal: (
        Literal[
            "ganon",
            "pedestal",
            "dungeons",
            "triforcehunt",
            "trinity",
            "crystals",
            "ganonhunt",
            "completionist",
        ]
        | None
    ) = setting(None, help="default ganon")
    swords: Literal["random", "assured", "swordless", "vanilla"] | None = setting(
        None, help="where swords are; default random"
    )
    crystals_gt: Crystal | None = setting(None, help="to enter Ganon's Tower; default 7")
    crystals_ganon: Crystal | None = setting(None, help="to hurt Ganon; default 7")
    openpyramid: Literal[True, False, "auto", "yes", "no"] | None = setting(
        None, help="whether the pyramid's hole is open; default false"
    )
    difficulty: Level | None = setting(None, help="the items; default normal")
    item_functionality: Level | None = setting(None, help="how well they work; default normal")
    accessibility: Literal["items", "locations", "none"] | None = setting(
        None, help="what can be reached for sure; default items"
    )
    door_shuffle: Literal["vanilla", "basic", "partitioned", "crossed"] | None = setting(
        None, help="basic: doors within each dungeon, crossed: of all dungeons; default vanilla"
    )
    intensity: Literal["1", "2", "3", "random"] | None = setting(
        None, help="which doors: 3 has the entrances of dungeons too; default 2"
    )
    experimental: Switch = setting(None, help="experimental parts of the doors; default false")
    dungeon_counters: Literal["default", "off", "on", "pickup"] | None = setting(
        None, help="whether chests of a dungeon are counted"
    )
    shuffle: (
        Literal[
            "vanilla",
            "simple",
            "restricted",
            "full",
            "swapped",
            "crossed",
            "insanity",
            "dungeonssimple",
            "dungeonsfull",
            "lite",
            "lean",
            "restricted_legacy",
            "full_legacy",
            "madness_legacy",
            "insanity_legacy",
        ]
        | None
    ) = setting(None, help="the shuffle of entrances; default vanilla")
    pottery: (
        Literal[
            "none",
            "keys",
            "dungeon",
            "cave",
            "cavekeys",
            "reduced",
            "clustered",
            "nonempty",
            "lottery",
        ]
        | None
    ) = setting(None, help="pots that have items; default none")
    keydropshuffle: Switch = setting(None, help="keys of pots and enemies are shuffled")
    dropshuffle: Literal[True, False, "none", "keys", "underworld"] | None = setting(
        None, help="what enemies drop is shuffled"
    )
    shopsanity: Switch = setting(None, help="what shops sell is shuffled")
    mapshuffle: Switch = setting(None, help="maps may be anywhere")
    compassshuffle: Switch = setting(None, help="compasses may be anywhere")
    keyshuffle: Literal[True, False, "none", "wild", "universal"] | None = setting(
        None, help="small keys may be anywhere"
    )
    bigkeyshuffle: Switch = setting(None, help="big keys may be anywhere")
    retro: Switch = setting(None, help="one kind of small keys, arrows for rupees")
    bombbag: Switch = setting(None, help="bombs need a bag")
    pseudoboots: Switch = setting(None, help="dashes without the boots")
    collection_rate: Switch = setting(None, help="the game counts what was collected")
    hints: Switch = setting(None, help="hints on tiles; default false")
    shufflebosses: Literal["none", "simple", "unique", "full", "random"] | None = setting(
        None, help="stable needs the setting enemizer; default none"
    )
    shuffleenemies: Literal["none", "shuffled", "random", "legacy"] | None = setting(
        None, help="stable needs the setting enemizer; default none"
    )
    enemy_damage: Literal["default", "shuffled", "random"] | None = setting(
        None, help="stable needs the setting enemizer; default default"
    )
    enemy_health: Literal["default", "easy", "normal", "hard", "expert"] | None = setting(
        None, help="stable needs the setting enemizer; default default"
    )
    startinventory: str | None = setting(None, help="items to start with, a list with commas")
    usestartinventory: Switch = setting(None, help="whether startinventory counts")
    customitemarray: Mapping[str, Any] | None = setting(
        None, help="how many of each item there are; needs custom=true"
    )
    args: Mapping[str, Any] = setting(
        factory=dict, help="the randomizer's other settings; any key that is no option goes here"
    )
    spoiler_only: bool = setting(
        False, help="makes no game, only its spoiler, to look at; needs spoilers on"
    )
    mask_settings: bool = setting(False, help="hide the settings from players too")


OURS = frozenset({"args", "spoiler_only", "mask_settings"})
"""Options that the randomizer has no name for."""

ENEMIZED = {
    "shufflebosses": "none",
    "shuffleenemies": "none",
    "enemy_damage": "default",
    "enemy_health": "default",
}
"""What the enemizer does, and the choice that needs none."""

DECIDED = frozenset(
    {
        "bps",
        "calc_playthrough",
        "count",
        "create_rom",
        "create_spoiler",
        "customizer",
        "diags",
        "enemizercli",
        "filename",
        "gui",
        "jsonout",
        "lang",
        "loglevel",
        "multi",
        "mystery",
        "names",
        "outputname",
        "outputpath",
        "patch",
        "print_custom_yaml",
        "race",
        "rom",
        "saveonexit",
        "securerandom",
        "settingsfile",
        "skip_playthrough",
        "spoiler",
        "spoilers",
        "suppress_meta",
        "suppress_rom",
        "suppress_spoiler",
        "teams",
        "tournament",
    }
)
"""Settings of the randomizer that the call decides: where files are, and what is made."""

_ITEMS = """
bow progressivebow boomerang redmerang hookshot mushroom powder firerod icerod bombos ether
quake lamp hammer shovel flute bugnet book bottle somaria byrna cape mirror boots powerglove
titansmitt progressiveglove flippers pearl heartpiece heartcontainer sancheart sword1 sword2
sword3 sword4 progressivesword shield1 shield2 shield3 progressiveshield mail2 mail3
progressivemail halfmagic quartermagic bombsplus5 bombsplus10 arrowsplus5 arrowsplus10 arrow1
arrow10 bomb1 bomb3 bomb10 rupee1 rupee5 rupee20 rupee50 rupee100 rupee300 blueclock greenclock
redclock silversupgrade generickeys triforcepieces triforcepiecesgoal triforce rupoor rupoorcost
"""
ITEMS = tuple(_ITEMS.split())
"""What customitemarray has a number for."""
