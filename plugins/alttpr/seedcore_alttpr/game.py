"""
A game that the site made or kept: what it says, and whether that is what was asked.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import attrs

from seedcore import ProviderResponseFormatError, Seed
from seedcore_alttpr.body import NOTHING, dotted
from seedcore_alttpr.icons import file_select_code

HASH = re.compile(r"[A-Za-z0-9]{10,40}")

LOGIC = {
    "none": "NoGlitches",
    "overworld_glitches": "OverworldGlitches",
    "hybrid_major_glitches": "HybridMajorGlitches",
    "major_glitches": "MajorGlitches",
    "no_logic": "NoLogic",
}

SCALARS = (str, int, float)

MASKED_META = frozenset({
    "allow_quickswap",
    "build",
    "logic",
    "name",
    "notes",
    "size",
    "special",
    "spoilers",
    "tournament",
})  # fmt: skip
"""All that the site says about a game whose settings are masked."""


@attrs.frozen(kw_only=True)
class Mirror:
    """
    An option that a game's meta repeats; *override* is the key of custom that decides instead.
    """

    option: str
    meta: str
    override: str | None = None
    table: str = attrs.field(init=False)
    name: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        table, _, name = self.option.rpartition(".")
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "name", name)

    def asked(self, body: Mapping[str, Any]) -> object:
        """
        Return the value of the option in *body*, ``None`` if it isn't there.
        """
        table = body.get(self.table, NOTHING) if self.table else body
        return table.get(self.name)


MIRRORS = (
    Mirror(option="item_placement", meta="item_placement", override="itemPlacement"),
    Mirror(option="dungeon_items", meta="dungeon_items", override="dungeonItems"),
    Mirror(option="accessibility", meta="accessibility", override="accessibility"),
    Mirror(option="goal", meta="goal", override="goal"),
    Mirror(option="crystals.ganon", meta="entry_crystals_ganon"),  # what was asked, not rolled
    Mirror(option="crystals.tower", meta="entry_crystals_tower"),
    Mirror(option="mode", meta="mode"),
    Mirror(option="entrances", meta="shuffle"),  # only there if they are shuffled
    Mirror(option="weapons", meta="weapons", override="mode.weapons"),
    Mirror(option="hints", meta="hints"),
    Mirror(option="item.pool", meta="item_pool", override="item.pool"),
    Mirror(option="item.functionality", meta="item_functionality", override="item.functionality"),
    Mirror(option="enemizer.boss_shuffle", meta="enemizer.boss_shuffle"),
    Mirror(option="enemizer.enemy_shuffle", meta="enemizer.enemy_shuffle"),
    Mirror(option="enemizer.enemy_damage", meta="enemizer.enemy_damage"),
    Mirror(option="enemizer.enemy_health", meta="enemizer.enemy_health"),
    Mirror(option="enemizer.pot_shuffle", meta="enemizer.pot_shuffle"),
    Mirror(option="allow_quickswap", meta="allow_quickswap", override="allow_quickswap"),
    Mirror(option="pseudoboots", meta="pseudoboots", override="pseudoboots"),
)


@attrs.frozen(kw_only=True)
class Game:
    """
    One game, its shape checked; ``spoiler`` is what the site shows of it besides ``meta``.
    """

    hash: str
    patch: list[Any]
    meta: Mapping[str, Any]
    spoiler: Mapping[str, Any]
    generated: str | None

    @property
    def facts(self) -> dict[str, Any]:
        """
        What meta says in plain texts, numbers and switches.
        """
        return {key: value for key, value in self.meta.items() if isinstance(value, SCALARS)}

    def seed(self, site: str, settings: Mapping[str, Any], **extra: Any) -> Seed:
        """
        Return what a surface shows; never anything of the spoiler.
        """
        meta = self.facts
        extras = {
            "title": _plain(meta.get("name")),
            "notes": _plain(meta.get("notes")),
            "generated": self.generated,
            "festive": bool(meta.get("special")),
            "customizer": meta.get("difficulty") == "custom",
            "masked": meta.get("spoilers") == "mystery",
            "logic": meta.get("logic"),
            "goal": meta.get("goal"),
            "meta": meta,
            **extra,
        }
        return Seed(
            url=f"{site}/h/{self.hash}",
            id=self.hash,
            code=file_select_code(self.patch),
            version=meta.get("build"),
            settings=settings,
            extra={key: value for key, value in extras.items() if value is not None},
        )


def read_game(document: object) -> Game:
    """
    Return the game in *document*. Raises ProviderResponseFormatError for what is none.
    """
    if not isinstance(document, Mapping):
        _reject("it answered with something that is no game")
    found, spoiler = document.get("hash"), document.get("spoiler")
    if not (isinstance(found, str) and HASH.fullmatch(found)):
        _reject("its game has no hash")
    patch = document.get("patch")
    if not (isinstance(patch, list) and patch):
        _reject("its game has no patch")
    meta = spoiler.get("meta") if isinstance(spoiler, Mapping) else None
    if not (isinstance(spoiler, Mapping) and isinstance(meta, Mapping)):
        _reject("its game doesn't say which settings it has")
    generated = document.get("generated")
    return Game(
        hash=found,
        patch=patch,
        meta=meta,
        spoiler={key: value for key, value in spoiler.items() if key != "meta"},
        generated=generated if isinstance(generated, str) else None,
    )


def check_game(game: Game, body: Mapping[str, Any], *, customizer: bool) -> None:
    """
    Raise ProviderResponseFormatError unless *game* is the one that *body* asked for.

    The site answers a body that it can't read, or that lost a flag, with a default game and
    all of its spoiler: such a game must not be handed out.
    """
    _check_spoiler(game, body)
    difficulty = game.meta.get("difficulty")
    if customizer and difficulty not in (None, "custom"):
        _reject("it answered with a game that is none of the customizer")
    if difficulty == "custom" and not customizer:
        _reject("it answered with a game of the customizer, which wasn't asked for")
    if not game.meta.get("special"):  # a festive game may do with its settings what it likes
        _check_settings(game, body)


def _check_spoiler(game: Game, body: Mapping[str, Any]) -> None:
    # One that must be hidden is judged by itself.
    if body["spoilers"] in ("on", "generate") and not game.spoiler:
        _reject("it answered without the spoiler that was asked for")
    if game.meta.get("tournament") is not body["tournament"]:
        wanted = "one without spoilers" if body["tournament"] else "one with spoilers"
        _reject(f"it made another kind of game than {wanted}")
    # The answer may show nothing yet, and the site all of it later.
    if game.meta.get("spoilers", body["spoilers"]) != body["spoilers"]:
        _reject(f"it made another game than was asked: its meta.spoilers isn't {body['spoilers']}")


def _check_settings(game: Game, body: Mapping[str, Any]) -> None:
    overridden = dotted(body.get("custom", NOTHING))
    for mirror in MIRRORS:
        asked, made = mirror.asked(body), game.meta.get(mirror.meta)
        # A build that doesn't repeat an option says nothing about it.
        if asked is None or made is None or mirror.override in overridden:
            continue
        if mirror.option == "item_placement" and _is_crowd_control(body):
            continue  # which is always advanced
        _check_same(mirror.option, asked, made)
    made = game.meta.get("logic")
    if "glitches" in body and "logic" not in overridden and made in LOGIC.values():
        _check_same("glitches", LOGIC[body["glitches"]], made)


def _is_crowd_control(body: Mapping[str, Any]) -> bool:
    return bool(body.get("item", NOTHING).get("pool") == "crowd_control")


def _check_same(option: str, asked: object, made: object) -> None:
    if str(asked) != str(made):  # crystals come back as text or number, as they went
        _reject(f"it made another game than was asked: {option} is {made}, not {asked}")


def _reject(text: str) -> NoReturn:
    raise ProviderResponseFormatError(text)


def settings_of(game: Game) -> dict[str, Any]:
    """
    Return the settings that a kept game says it has, in the shape of a preset's.
    """
    settings: dict[str, Any] = {}
    meta = game.facts
    glitches = {logic: name for name, logic in LOGIC.items()}
    for option, value in [
        ("glitches", glitches.get(meta.get("logic", ""))),
        *((mirror.option, meta.get(mirror.meta)) for mirror in MIRRORS),
    ]:
        if value is not None:
            table, _, name = option.rpartition(".")
            (settings.setdefault(table, {}) if table else settings)[name] = value
    return settings


def _plain(text: object) -> str | None:
    """
    Return a title or notes, which the site keeps as HTML, as text.
    """
    if not isinstance(text, str):
        return None
    replacements: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
        (r"(?i)<br\s*/?>\s*|</p>\s*(?=<p)", "\n"),
        (r"<[^<>]*>", ""),
    )
    for pattern, words in replacements:
        text = re.sub(pattern, words, text)
    return html.unescape(text).strip()
