"""
A stand-in for samus.link and its releases, with their literal statuses, headers and bodies.

``Site.answer`` is a script of a FaultUpstream. Each host has a store of seeds of its own, and
``faults`` are answered first, one for each request.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any

from seedcore.testing import Received, Reply, replies

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
PAGE = "text/html; charset=utf-8"
ENEMIES = ["GEEMER", "RIPPER", "ATOMIC", "POWAMP", "SCISER", "NAMIHE", "PUROMI", "ALCOON"]

SMZ3: dict[str, list[str]] = {
    "smlogic": ["normal", "hard"],
    "goal": ["defeatboth", "fastganondefeatmotherbrain", "alldungeonsdefeatmotherbrain"],
    "opentower": ["sevencrystals", "random", "nocrystals", "onecrystal", "fivecrystals"],
    "keyshuffle": ["none", "keysanity"],
}
SM: dict[str, list[str]] = {
    "logic": ["tournament", "casual"],
    "goal": ["defeatmb"],
    "placement": ["split", "full"],
}
RANDOMIZERS: dict[str, dict[str, Any]] = {
    "smz3": {
        "name": "Super Metroid & A Link to the Past Combo Randomizer",
        "version": "11.3.2",
        "options": SMZ3,
    },
    "sm": {"name": "Super Metroid Item Randomizer", "version": "3.1", "options": SM},
}
ITEMS = {"etank", "charge", "boots", "random", "morph"}
NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")


class Failure(Exception):  # noqa: N818 - whatever went wrong there
    """
    An exception of the site's own: nobody is told which.
    """


class Site:
    """
    The site; ``guids`` are those of the next seeds, ``unlucky`` how many fills fail.
    """

    def __init__(self) -> None:
        self.guids = deque(["1c9c4b1b3b0f4f5f8a4fd0d6f4f1a2b3"])
        self.faults: deque[Reply] = deque()
        self.logs: deque[Reply | None] = deque()
        """What those get who ask for logs next; ``None``: what the site has."""
        self.unlucky = 0
        self.strips = True
        self.seeds: dict[str, dict[str, dict[str, Any]]] = {}
        """By host and guid, with all that a race hides."""

    def answer(self, received: Received) -> Reply:
        """
        Answer one request.
        """
        if self.faults:
            return self.faults.popleft()
        query = received.query
        seeds = self.seeds.setdefault(received.headers["host"], {})
        # A copy may be below a path.
        _, _, path = received.path.partition("/api/")
        match received.method, ["api", *path.split("/")]:
            case "POST", ["api", "randomizers", name, "generate"]:
                return self._generate(seeds, name, received.body)
            case "GET", ["api", "randomizers", name]:
                return _text(_catalogue(name), received)
            case "GET", ["api", "seed", guid]:
                return _seed(seeds, guid)
            case "GET", ["api", "spoiler", guid]:
                if self.logs and (log := self.logs.popleft()) is not None:
                    return log
                yaml = query.get("yaml", "").lower() == "true"
                return _spoiler(seeds, guid, query.get("key"), received, yaml=yaml)
        return replies.typed(PAGE, "<!DOCTYPE html><div id=root></div>")

    def _generate(self, seeds: dict[str, dict[str, Any]], name: str, body: bytes) -> Reply:
        try:
            document = json.loads(body)
            options = {key: _as_text(value) for key, value in document.items()}
        except (ValueError, AttributeError):
            return replies.typed(PAGE, "<h1>Error.</h1>", 500)
        if not options or name not in RANDOMIZERS:
            return replies.status(400)
        try:
            seed = self._made(name, options)
        except (Failure, KeyError):
            return replies.status(500)
        seeds[seed["guid"]] = seed
        worlds = seed["worlds"]
        if self.strips and options.get("race") == "true":
            worlds = [{**world, "worldState": None, "locations": None} for world in worlds]
        return replies.typed(JSON, json.dumps({**seed, "worlds": worlds}))

    def _made(self, name: str, options: dict[str, str]) -> dict[str, Any]:
        number = options["seed"]
        if number and not (NUMBER.fullmatch(number) and 0 <= int(number) < 2**31):
            raise Failure
        number = number or "1789654321"
        race = _switch(options.get("race", "false"))
        mode = _known(options.get("gamemode"), ["normal", "multiworld"])
        names = ["Player"] if mode == "normal" else [*_players(options)]
        _check_items(options)
        if self.unlucky:
            self.unlucky -= 1
            raise Failure
        if options.get("race") == "true":  # no other spelling
            options = {**options, "seed": ""}
            number = ""
        guid = self.guids.popleft()
        settings = json.dumps(options)
        about = RANDOMIZERS[name]
        return {
            "id": 4711,
            "guid": guid,
            "mode": mode,
            "seedNumber": number,
            "spoiler": "[]" if race else '[{"Morphing Ball":"Morphing Ball"}]',
            "gameName": about["name"],
            "gameVersion": about["version"],
            "gameId": name,
            "hash": " ".join(ENEMIES[int(digit, 16) % 8] for digit in guid[:4]),
            "players": len(names),
            "worlds": [_world(place, each, settings, name) for place, each in enumerate(names)],
        }


def _as_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise ValueError
    return value if isinstance(value, str) else json.dumps(value)


def _switch(text: str) -> bool:
    if text.strip().lower() not in {"true", "false"}:
        raise Failure
    return text.strip().lower() == "true"


def _known(text: str | None, values: list[str]) -> str:
    # A value that it doesn't know becomes the default, and nobody is told.
    return text.lower() if text is not None and text.lower() in values else values[0]


def _players(options: dict[str, str]) -> list[str]:
    names = [options[f"player-{place}"] for place in range(int(options.get("players", "1")))]
    shown = [re.sub(r" +", " ", re.sub(r"[^A-Za-z0-9]", " ", name)).strip() for name in names]
    if not all(shown):
        raise Failure
    return shown


def _check_items(options: dict[str, str]) -> None:
    if "initialitems" in options:
        names = [part.split(":")[0].strip().lower() for part in options["initialitems"].split(",")]
        if len({*names}) < len(names) or not ITEMS.issuperset(names):
            raise Failure


def _world(place: int, player: str, settings: str, name: str) -> dict[str, Any]:
    state = json.dumps({"towerCrystals": 7, "dropPrizes": {"stun": "Green"}})
    return {
        "id": 9001 + place,
        "worldId": place,
        "seedId": 4711,
        "guid": f"{place:032x}",
        "player": player,
        "settings": settings,
        "state": 0,
        "patch": "AAAAAAEAAA==",
        "sramBackup": None,
        "locations": [{"locationId": 0, "itemId": 194, "itemWorldId": place}],
        "worldState": state if name == "smz3" else None,
    }


def _seed(seeds: dict[str, dict[str, Any]], guid: str) -> Reply:
    if guid not in seeds:
        return replies.status(500)  # it looks into it before it looks whether it is there
    seed = json.loads(json.dumps(seeds[guid]))
    for world in seed["worlds"]:
        settings = json.loads(world["settings"])
        world["locations"] = None
        if settings.get("race") == "true":
            world["worldState"] = None
        if "spoilerKey" in settings:
            world["settings"] = json.dumps({**settings, "spoilerKey": "true"})
    return replies.typed(JSON, json.dumps(seed))


def _spoiler(
    seeds: dict[str, dict[str, Any]], guid: str, key: str | None, received: Received, *, yaml: bool
) -> Reply:
    if guid not in seeds:
        return replies.status(404)
    seed = seeds[guid]
    locations: list[dict[str, Any]] = []
    for world in seed["worlds"]:
        settings = json.loads(world["settings"])
        if "race" not in settings:
            return replies.status(500)
        if settings["race"] == "true" and settings.get("spoilerKey", object()) != key:
            return replies.status(400)
        locations += [
            {"locationName": "Morphing Ball", "itemName": "Morphing Ball", "worldId": 0, **each}
            for each in world["locations"]
        ]
    worlds = [{**world, "locations": None, "patch": None} for world in seed["worlds"]]
    if not yaml:
        document = {"seed": {**seed, "worlds": worlds}, "locations": locations}
        return replies.typed(JSON, json.dumps(document))
    first = json.loads(seed["worlds"][0]["settings"])
    state = seed["worlds"][0]["worldState"]
    if state is None or not {"smlogic", "goal", "keyshuffle"}.issubset(first):
        return replies.status(500)
    lines = [f"Game: SMZ3 {seed['gameVersion']} {seed['hash']}", "Meta:", f"  guid: {guid}"]
    lines += [f"  {name}: {first[name]}" for name in ("smlogic", "goal", "keyshuffle")]
    return _text(
        "\n".join([*lines, "Regions:", "  Brinstar Blue:", "    Morphing Ball: x", ""]), received
    )


def _catalogue(name: str) -> str:
    about = RANDOMIZERS.get(name)
    if about is None:
        return "null"
    options = [
        {
            "key": key,
            "description": key.capitalize(),
            "type": "dropdown",
            "values": {value: value.capitalize() for value in values},
            "default": values[0],
        }
        for key, values in about["options"].items()
    ]
    document = {"id": name, "name": about["name"], "version": about["version"], "options": options}
    return json.dumps(document, indent=2)


def _text(text: str, received: Received) -> Reply:
    if received.headers.get("accept") == "application/json":
        return replies.typed(JSON, json.dumps(text))
    return replies.typed(TEXT, text)
