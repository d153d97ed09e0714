"""
A stand-in for alttpr.com: a script for FaultUpstream that validates, makes and keeps games as the
site does, with its literal statuses, headers and bodies.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedcore.testing import Received, Reply

JSON = "application/json"
PAGE = "text/html; charset=UTF-8"
HTML = "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{title}</body></html>"

ALLOWED = {
    "glitches": "none overworld_glitches hybrid_major_glitches major_glitches no_logic",
    "item_placement": "basic advanced",
    "dungeon_items": "standard mc mcs full",
    "accessibility": "items locations none",
    "goal": "ganon fast_ganon dungeons pedestal triforce-hunt ganonhunt completionist",
    "crystals.ganon": "0 1 2 3 4 5 6 7 random",
    "crystals.tower": "0 1 2 3 4 5 6 7 random",
    "mode": "standard open inverted retro",
    "entrances": "none simple restricted full crossed insanity",
    "enemizer.boss_shuffle": "none simple full random",
    "enemizer.enemy_shuffle": "none shuffled random",
    "enemizer.pot_shuffle": "on off",
    "hints": "on off",
    "weapons": "randomized assured vanilla swordless",
    "item.pool": "normal hard expert crowd_control",
    "item.functionality": "normal hard expert",
    "enemizer.enemy_damage": "default shuffled random",
    "enemizer.enemy_health": "default easy hard expert",
}
DEFAULTS = {
    "item_placement": ("item_placement", "basic"),
    "item_pool": ("item.pool", "normal"),
    "item_functionality": ("item.functionality", "normal"),
    "dungeon_items": ("dungeon_items", "standard"),
    "accessibility": ("accessibility", "items"),
    "goal": ("goal", "ganon"),
    "mode": ("mode", "standard"),
    "weapons": ("weapons", "randomized"),
    "hints": ("hints", "on"),
    "entry_crystals_ganon": ("crystals.ganon", "7"),
    "entry_crystals_tower": ("crystals.tower", "7"),
    "tournament": ("tournament", False),
    "allow_quickswap": ("allow_quickswap", True),
    "pseudoboots": ("pseudoboots", False),
    "enemizer.boss_shuffle": ("enemizer.boss_shuffle", "none"),
    "enemizer.enemy_shuffle": ("enemizer.enemy_shuffle", "none"),
    "enemizer.enemy_damage": ("enemizer.enemy_damage", "default"),
    "enemizer.enemy_health": ("enemizer.enemy_health", "default"),
    "enemizer.pot_shuffle": ("enemizer.pot_shuffle", "off"),
}
LOGIC = {
    "none": "NoGlitches",
    "overworld_glitches": "OverworldGlitches",
    "hybrid_major_glitches": "HybridMajorGlitches",
    "major_glitches": "MajorGlitches",
    "no_logic": "NoLogic",
}
NEEDED = ("item.require.Lamp", "rom.freeItemMenu", "rom.freeItemText")
MASKED = {"name", "notes", "logic", "build", "tournament", "spoilers", "size", "special"}
MASKED |= {"allow_quickswap"}
TODAY = "2026-11-21T00:00:00.000000Z"


def recorded(name: str) -> Reply:
    """
    Return a recorded answer, from the folder ``replies``.
    """
    path = Path(__file__).with_name("replies") / f"{name}.json"
    exchange = json.loads(path.read_text(encoding="utf-8"))
    body = exchange["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(status=exchange["status"], headers=exchange["headers"], body=text.encode())


def page(status: int, title: str, **headers: str) -> Reply:
    """
    Return one of the framework's HTML pages.
    """
    body = HTML.format(title=title).encode()
    return Reply(status=status, headers={"Content-Type": PAGE, **headers}, body=body)


class Site:
    """
    The site. ``sent`` holds the bodies it was sent, ``kept`` its games by hash; ``next`` is
    answered before anything is looked at, ``pages`` where a game is looked up, and ``unlucky``
    games can't be won. It allows *limit* counts in its minute, two for each game, and only a
    *festive* one has the festive endpoint.
    """

    def __init__(self, *, festive: bool = False, limit: int = 60) -> None:
        self.festive = festive
        self.limit = limit
        self.used = 0
        self.sent: list[Any] = []
        self.kept: dict[str, dict[str, Any]] = {}
        self.next: deque[Reply] = deque()
        self.pages: deque[Reply] = deque()
        self.unlucky = 0
        self.special = False

    def __call__(self, received: Received) -> Reply:
        wants_json = JSON in received.headers.get("accept", "")
        if received.method == "POST":
            self.sent.append(_parsed(received.body))
        if (reply := self._next(received)) is not None:
            return reply
        parts = received.path.strip("/").split("/")
        self.special = parts[0] == "festive"
        if self.special and self.festive:
            parts = parts[1:]
        match received.method, parts:
            case "POST", ["api", "randomizer" | "customizer" as endpoint]:
                return self._post(endpoint, wants_json)
            case "GET", ["api", "randomizer" | "customizer"]:
                return page(301, "Redirecting", Location=f"/en{received.path}")
            case "GET", ["hash", found] if found in self.kept:
                # JSON without a content type of its own.
                return _json(200, self.kept[found], kind=PAGE)
            case "GET", ["api", "h", found] if found in self.kept:
                md5 = "edc01f3db798ae4dfe21101311598d44"
                return _json(200, {"hash": found, "md5": md5, "bpsLocation": f"/bps/{md5}.bps"})
            case "GET", ["api", "daily"]:
                return self._daily()
            case "GET", ["randomizer" | "customizer" as which, "settings"]:
                return recorded("settings" if which == "randomizer" else "customizer_settings")
        return _json(404, {"message": ""}) if wants_json else page(404, "Not Found")

    def _next(self, received: Received) -> Reply | None:
        """
        Return what is to be answered, if anything is, and keep it if it is a game that was made.
        """
        if self.pages and received.path.startswith("/hash/"):
            return self.pages.popleft()
        if not self.next:
            return None
        reply = self.next.popleft()
        document = _parsed(reply.body)
        if received.method == "POST" and isinstance(document, dict) and "hash" in document:
            spoiler = document.get("spoiler")
            meta = spoiler.get("meta") if isinstance(spoiler, dict) else None
            self.kept[str(document["hash"])] = {**document, "spoiler": {"meta": meta}}
        return reply

    def _post(self, endpoint: str, wants_json: bool) -> Reply:
        limit = min(self.limit, 50) if endpoint == "customizer" else self.limit
        headers = {"X-RateLimit-Limit": str(limit)}
        if self.used >= limit:
            headers |= {"Retry-After": "57", "X-RateLimit-Remaining": "0"}
            if wants_json:
                return _json(429, {"message": "Too Many Attempts."}, **headers)
            return page(429, "Too Many Requests", **headers)
        self.used += 2  # both limiters count it
        headers["X-RateLimit-Remaining"] = str(max(0, limit - self.used))
        body = self.sent[-1]
        asked = dotted(body)
        if endpoint == "randomizer":
            wrong = [name for name, words in ALLOWED.items() if not _allowed(asked, name, words)]
            if wrong and not wants_json:
                return page(302, "Redirecting", Location="/", **headers)
            if wrong:
                errors = {name: ["validation.in"] for name in wrong}
                message = "The given data was invalid."
                return _json(422, {"message": message, "errors": errors}, **headers)
        else:
            fault = _customizer_fault(body, asked)
            if fault == "crash":
                return page(500, "Server Error", **headers)
            if fault:
                return self._stopped(fault, headers)
        if self.unlucky:
            self.unlucky -= 1
            return self._stopped("Game Unwinnable", headers)
        return _json(200, self._made(asked, customizer=endpoint == "customizer"), **headers)

    def _stopped(self, text: str, headers: Mapping[str, str]) -> Reply:
        return Reply(status=409, headers={"Content-Type": PAGE, **headers}, body=text.encode())

    def _made(self, asked: Mapping[str, Any], *, customizer: bool) -> dict[str, Any]:
        template = json.loads(recorded("open").body)
        meta = {key: asked.get(name, default) for key, (name, default) in DEFAULTS.items()}
        spoilers = asked.get("spoilers", "off")
        if not asked.get("tournament", True):
            spoilers = "on"
        elif spoilers not in ("on", "off", "generate", "mystery"):
            spoilers = "off"
        meta |= {"logic": LOGIC[asked.get("glitches", "none")], "spoilers": spoilers}
        meta |= {"build": "2024-02-18", "worlds": 1, "world_id": 1, "size": 2}
        if customizer:
            meta["difficulty"] = "custom"
            meta["allow_quickswap"] = asked.get("custom.allow_quickswap", meta["allow_quickswap"])
        if asked.get("entrances", "none") != "none":
            meta["shuffle"] = asked["entrances"]
        if asked.get("item.pool") == "crowd_control" and not customizer:
            meta["item_placement"] = "advanced"
        if self.special:
            meta["special"] = True
        if asked.get("name"):
            meta["name"] = asked["name"]
        if asked.get("notes"):
            meta["notes"] = f"<p>{asked['notes']}</p>"
        whole = {**template["spoiler"], "meta": meta}
        shown, later = _shown(whole)
        game = {**template, "logic": meta["logic"], "hash": f"Hash{len(self.kept):06d}"}
        self.kept[game["hash"]] = {**game, "spoiler": later}
        del self.kept[game["hash"]]["current_rom_hash"]
        return {**game, "spoiler": shown}

    def _daily(self) -> Reply:
        if "Daily00000" not in self.kept:
            asked = {"mode": "open", "tournament": True, "name": "Daily: open"}
            game = self._made(asked, customizer=False)
            self.kept["Daily00000"] = {**self.kept.pop(game["hash"]), "hash": "Daily00000"}
        return _json(200, {"hash": "Daily00000", "daily": TODAY})


def dotted(nested: Any, before: str = "") -> dict[str, Any]:
    """
    Return *nested* with dotted keys, as the site's framework reads it.
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items() if isinstance(nested, dict) else ():
        if isinstance(value, dict) and value:
            flat |= dotted(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = value
    return flat


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (RecursionError, ValueError):
        return {}  # which is why a body that isn't JSON gets a default game


def _allowed(asked: Mapping[str, Any], name: str, words: str) -> bool:
    return name not in asked or str(asked[name]) in words.split()


def _customizer_fault(body: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    if not isinstance(body.get("custom"), dict):
        return "foreach() argument must be of type array|object, null given"
    placed = [*(body.get("l") or {}).values()].count("TriforcePiece:1")
    required = int(asked.get("custom.item.Goal.Required") or 0)
    there = int(asked.get("custom.item.count.TriforcePiece") or 0) + placed
    if asked.get("goal") in ("triforce-hunt", "ganonhunt") and required > there:
        return "Not enough Triforce Pieces for the hunt"
    for key in NEEDED:
        if f"custom.{key}" not in asked:
            return f'Undefined array key "{key}"'
    return "" if isinstance(body.get("l"), (dict, list)) else "crash"


def _shown(spoiler: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return what of *spoiler* the caller gets, and what everybody gets later.
    """
    meta = spoiler["meta"]
    only_meta = {"meta": meta}
    if not meta["tournament"]:
        return spoiler, spoiler
    without_playthrough = {key: value for key, value in spoiler.items() if key != "playthrough"}
    match meta["spoilers"]:
        case "on":
            return without_playthrough, without_playthrough
        case "generate":
            return without_playthrough, only_meta
        case "mystery":
            masked = {"meta": {key: value for key, value in meta.items() if key in MASKED}}
            return masked, masked
    return only_meta, only_meta


def _json(status: int, document: Any, *, kind: str = JSON, **headers: str) -> Reply:
    body = json.dumps(document).encode()
    return Reply(status=status, headers={"Content-Type": kind, **headers}, body=body)
