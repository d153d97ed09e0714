"""
What the site answers, checked before anything is made of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from seedcore import ProviderResponseFormatError
from seedcore_samus.identity import guid_in, slug_of

if TYPE_CHECKING:
    import aiohttp

MODES = {"normal": "seed", "multiworld": "multiworld"}
"""The first part of a permalink, by the mode of the seed."""


@attrs.frozen(kw_only=True)
class Stored:
    """
    One seed of the site; ``settings`` are without the spoiler key, ``number`` is empty for a race.
    """

    guid: str
    randomizer: str
    mode: str
    code: str
    version: str
    number: str
    players: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def slug(self) -> str:
        """
        The name in its permalink.
        """
        return slug_of(self.guid)

    def permalink(self, root: str) -> str:
        """
        Return where the seed is, on the site at *root*.
        """
        return f"{root}/{MODES[self.mode]}/{self.slug}"


def stored(document: Any) -> Stored:
    """
    Return the seed that *document* describes. Raises ProviderResponseFormatError.
    """
    seed = document if isinstance(document, Mapping) else {}
    guid, mode = guid_in(seed.get("guid")), _text(seed, "mode")
    if guid is None or mode not in MODES:
        _refuse("its guid or its mode isn't one")
    worlds = worlds_of(seed)
    return Stored(
        guid=guid,
        randomizer=_text(seed, "gameId"),
        mode=mode,
        code=_text(seed, "hash"),
        version=_text(seed, "gameVersion"),
        number=str(seed.get("seedNumber") or ""),
        players=tuple(_text(world, "player") for world in worlds),
        settings={
            name: value for name, value in settings_in(worlds[0]).items() if name != "spoilerKey"
        },
    )


def _refuse(what: str) -> NoReturn:
    text = f"its answer isn't a seed: {what}"
    raise ProviderResponseFormatError(text)


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        _refuse(f"{name} is missing or isn't a text")
    return value


def worlds_of(seed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """
    Return the worlds of a seed. Raises ProviderResponseFormatError if it has none.
    """
    worlds = seed.get("worlds")
    if not isinstance(worlds, list) or not worlds:
        _refuse("worlds is missing or empty")
    if not all(isinstance(world, Mapping) for world in worlds):
        _refuse("worlds isn't a list of worlds")
    return worlds


def settings_in(world: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Return the settings of a world, which are JSON in a text. Raises ProviderResponseFormatError.
    """
    try:
        settings = json.loads(_text(world, "settings"))
    except ValueError:
        settings = None
    if not isinstance(settings, Mapping):
        _refuse("the settings of a world can't be read")
    return settings


def check_made(made: Stored, randomizer: str, sent: Mapping[str, str]) -> None:
    """
    Raise ProviderResponseFormatError if the seed isn't what was asked for.
    """
    asked = {"gameId": randomizer, "mode": sent["gamemode"], "players": sent["players"]}
    got = {"gameId": made.randomizer, "mode": made.mode, "players": str(len(made.players))}
    wrong = [
        f"{name} is {value}, not {asked[name]}"
        for name, value in got.items()
        if value != asked[name]
    ]
    if wrong:
        text = f"it made another seed than was asked for: {'; '.join(wrong)}"
        raise ProviderResponseFormatError(text)


async def log(reply: aiohttp.ClientResponse, *, yaml: bool) -> Mapping[str, Any] | str:
    """
    Return the spoiler log in *reply*: a text of YAML, or a mapping without the key.
    """
    if not yaml:
        return _without_key(await document(reply))
    text = await _plain(reply)
    if not isinstance(text, str) or not text.strip():
        words = "its answer isn't a spoiler log in YAML"
        raise ProviderResponseFormatError(words)
    return text


def _without_key(document: Any) -> Mapping[str, Any]:
    """
    Return a log in which the worlds' settings say only that there is a key, as for the seed.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("locations"), list):
        text = "its answer isn't a spoiler log: locations is missing or isn't a list"
        raise ProviderResponseFormatError(text)
    seed = document.get("seed")
    if not isinstance(seed, Mapping):
        _refuse("seed is missing")
    return {**document, "seed": {**seed, "worlds": [_masked(world) for world in worlds_of(seed)]}}


def _masked(world: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = settings_in(world)
    if "spoilerKey" not in settings:
        return world
    return {**world, "settings": json.dumps({**settings, "spoilerKey": "true"})}


async def catalogue(reply: aiohttp.ClientResponse) -> list[Mapping[str, Any]]:
    """
    Return the options that *reply* lists.
    """
    found = await _plain(reply)
    if isinstance(found, str):
        found = _read(found)
    options = found.get("options") if isinstance(found, Mapping) else None
    if not isinstance(options, list) or not all(isinstance(each, Mapping) for each in options):
        text = "its answer isn't a randomizer with its options; check the option release"
        raise ProviderResponseFormatError(text)
    return options


async def _plain(reply: aiohttp.ClientResponse) -> Any:
    """
    Return what the site wrote as a text: it is one in JSON as well, if JSON is all that is taken.
    """
    if reply.content_type == "application/json":
        return await document(reply)
    text = await reply.text("utf-8", "replace")
    if reply.content_type != "text/plain":
        _refuse_kind(text, "a text")
    return text


async def document(reply: aiohttp.ClientResponse) -> Any:
    """
    Return the JSON in *reply*. Raises ProviderResponseFormatError if it is something else.
    """
    text = await reply.text("utf-8", "replace")
    if reply.content_type != "application/json":
        _refuse_kind(text, "JSON")
    return _read(text)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (RecursionError, ValueError):  # with the whole text in it
        _refuse_kind(text, "JSON")


def _refuse_kind(text: str, wanted: str) -> NoReturn:
    kind = {"": "nothing", "<": "a web page"}.get(text.strip()[:1], "something else")
    words = f"it answered with {kind} in place of {wanted}"
    raise ProviderResponseFormatError(words) from None
