"""
A stand-in for varia.run: a script for FaultUpstream that validates, makes and keeps seeds as the
site does, with its literal statuses, headers and bodies.
"""

from __future__ import annotations

import html
import json
import re
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from seedcore.testing import Received, Reply

HTML = "text/html; charset=utf-8"
PASSWORD = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
"""The hash in the recorded preset of skills; the others have it turned round."""
OTHER_PASSWORD = PASSWORD[::-1]

SWITCHES = """
    suitsRestriction hideItems strictMinors areaLayout doorsColorsRando allowGreyDoors escapeRando
    removeEscapeEnemies bossRandomization minimizer funCombat funMovement funSuits layoutPatches
    variaTweaks nerfedCharge itemsounds elevators_speed fast_doors spinjumprestart rando_speed
    animals No_Music random_music Infinite_Space_Jump refill_before_save hud revealMap
    scavRandomized relaxed_round_robin_cf hiddenObjectives distributeObjectives better_reserves
    disable_spark_damage
"""
MULTIS = {
    "majorsSplit": "Full FullWithHUD Major Chozo Scavenger",
    "progressionSpeed": "slowest slow medium fast fastest basic VARIAble speedrun",
    "areaRandomization": "off full light",
    "tourian": "Vanilla Fast Disabled",
    "logic": "vanilla mirror",
}
DIFFICULTIES = "easy medium hard harder hardcore mania infinity random"
CUSTOM = ("areaLayoutCustom", "variaTweaksCustom", "layoutCustom")
SGL23 = {
    "elevators_speed": "off",
    "majorsSplit": "Major",
    "progressionSpeed": "speedrun",
    "areaRandomization": "full",
    "bossRandomization": "on",
    "maxDifficulty": "harder",
    "preset": "Season_Races",
}
SHORT = {
    "preset": "regular",
    "objectiveRandom": "true",
    "nbObjective": 2,
    "objectiveMultiSelect": ["kill kraid", "kill ridley", "kill shaktool"],
    "tourian": "Disabled",
}
TICKET = (
    "<html><body><h1>Internal error</h1>Ticket issued: "
    '<a href="/admin/default/ticket/solver/127.0.0.1.x">solver/127.0.0.1.x</a></body></html>'
)


def recorded(name: str) -> Reply:
    """
    Return a recorded answer, from the folder ``replies``.
    """
    path = Path(__file__).with_name("replies") / f"{name}.json"
    exchange = json.loads(path.read_text(encoding="utf-8"))
    body = exchange["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(status=exchange["status"], headers=exchange["headers"], body=text.encode())


def document(name: str) -> Any:
    """
    Return the JSON of a recorded answer.
    """
    return json.loads(recorded(name).body)


def typed(body: Any, status: int = 200, **headers: str) -> Reply:
    """
    Return an answer as the site types all of them.
    """
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(status=status, headers={"Content-Type": HTML, **headers}, body=text.encode())


def refused(words: str) -> Reply:
    """
    Return how a parameter is refused: a JSON text.
    """
    return typed(json.dumps(words), 400)


def no_seed(words: str) -> Reply:
    """
    Return how the generator says that there is no seed: with status 200.
    """
    return typed({"status": "NOK", "errorMsg": words})


class Site:
    """
    The site. ``forms`` are those that it was sent by path, ``kept`` its seeds by their keys.

    ``next`` is answered to the next requests for a path, before anything is looked at, and
    *public* sites have no race mode. ``added`` is what a roll has besides, and ``page`` changes
    the page of a seed.
    """

    def __init__(self) -> None:
        self.public = False
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.kept: dict[str, dict[str, str]] = {}
        self.next: dict[str, deque[Reply]] = {}
        self.added: dict[str, Any] = {}
        self.page = lambda text: text
        skills = document("season_races_skills")
        newcomer = {**skills, "score": 99, "password": OTHER_PASSWORD}
        self.skills = {"Season_Races": skills, "regular": newcomer, "casual": newcomer}
        self.settings = {
            "default": document("default_settings"),
            "Season_Races": document("season_races_settings"),
            "SGL23Online": SGL23,
            "objectives_short": SHORT,
        }

    def then(self, path: str, *replies: Reply) -> None:
        """
        Answer the next requests for *path* with *replies*.
        """
        self.next.setdefault(path, deque()).extend(replies)

    def sent(self, path: str = "randomizerWebService") -> list[dict[str, str]]:
        """
        The forms that were sent to *path*.
        """
        return [form for where, form in self.forms if where == path]

    def __call__(self, received: Received) -> Reply:
        path = received.path.strip("/").removeprefix("beta/")
        # It takes the query for a form as well.
        form = {**received.query, **dict(parse_qsl(received.body.decode(), keep_blank_values=True))}
        self.forms.append((path, form))
        waiting = self.next.get(path.partition("/")[0])
        if waiting:
            return waiting.popleft()
        match path.split("/"):
            case ["randoPresetWebService"]:
                return self._preset(form)
            case ["presetWebService"]:
                return self._skills(form)
            case ["skillPresetListWebService"]:
                return recorded("skill_names")
            case ["randomizerWebService"]:
                return self._roll(form)
            case ["customizer", key]:
                return typed(self.page(self._page(key)))
        return typed("<html><body><h1>invalid request</h1></body></html>", 404)

    def _preset(self, form: dict[str, str]) -> Reply:
        name = form.get("randoPreset")
        if name is None:
            return typed("Missing parameter rando preset", 400)
        if not re.fullmatch(r"\w*", name):
            return typed("Preset name must be alphanumeric", 400)
        if form.get("origin") not in ("extStats", "randomizer"):
            return typed("Unknown origin", 400)
        if name not in self.settings:
            return recorded("unknown_settings")
        return typed(self.settings[name], **{"Set-Cookie": "session_id_solver=1"})

    def _skills(self, form: dict[str, str]) -> Reply:
        name = form.get("preset")
        if name is None:
            return typed("Missing parameter preset", 400)
        if not re.fullmatch(r"\w*", name):
            return recorded("bad_name")
        if name not in self.skills:
            return typed("Preset not found", 400)
        return typed(self.skills[name])

    def _roll(self, form: dict[str, str]) -> Reply:
        missing = [key for key in CUSTOM if key not in form]
        fault = self._fault({**self.settings["default"], **form})
        if fault:
            return refused(fault)
        if "Controller" not in json.loads(form["paramsFileTarget"]):
            return no_seed("randomizerWebService: can't load the preset")
        if form["raceMode"] == "on" and self.public:
            return recorded("no_race_mode")
        key = f"cdacc21d-e48d-4dec-ab91-{len(self.kept):012x}"
        number = 2943143084842318129 if form["seed"] == "0" else int(form["seed"])
        self.kept[key] = {**form, "seed": str(number)}
        roll = {
            "max_size": 3145476,
            "fileName": f"VARIA_Randomizer_MX{number}_{form['preset']}.sfc",
            "errorMsg": "<br/>".join(f"Missing param set: {name}=[]" for name in missing),
            "seedKey": key,
            "status": "OK",
            **self.added,
        }
        if form.get("wantsCustomize") != "true":
            roll["ips"] = "UEFUQ0gQ8qAA"
        return typed({name: value for name, value in roll.items() if value is not None})

    def _fault(self, form: dict[str, Any]) -> str:
        for name in SWITCHES.split():
            if form.get(name) not in ("on", "off", "random"):
                return f"Wrong value for {name}, authorized values: on/off"
        for name, values in MULTIS.items():
            if form.get(name) not in (*values.split(), "random"):
                return f"Wrong value for {name}, authorized values: {values.split()}"
        drawn = form["objectiveRandom"]
        checks = {
            "Wrong value for max difficulty": form["maxDifficulty"] in DIFFICULTIES.split(),
            "Wrong value for paramsFileTarget, must be a JSON string": _is_json(form),
            "Wrong value for seed, must be an int": form["seed"].isdigit(),
            "objectiveRandom must be either true or false": drawn in ("true", "false"),
            "You cannot choose more than 18 objectives": drawn == "true"
            or form["objective"].count(",") < 18,
            "Unknown preset": form["preset"] in self.skills,
            "Wrong value for race mode, must on/off": form["raceMode"] in ("on", "off"),
        }
        return next((words for words, fits in checks.items() if not fits), "")

    def _page(self, key: str) -> str:
        seed = self.kept.get(key)
        if seed is None:
            said = f"document.getElementById('flash').innerHTML = \"Seed {key} not found\";"
            return (
                f"<!DOCTYPE html><script>var seedParams = null;var isRace = false;{said}</script>"
            )
        race = seed["raceMode"]
        rows = {"Skills preset": seed["preset"], "Seed": seed["seed"], "Race mode": race}
        rows |= {"Majors Split": seed["majorsSplit"], "Progression speed": seed["progressionSpeed"]}
        cells = "".join(
            f"<tr><td>{name}</td><td>{html.escape(text)}</td></tr>" for name, text in rows.items()
        )
        protected = "true" if race == "on" else "false"
        return (
            "<!DOCTYPE html><html><head><title>Super Metroid VARIA Customizer</title></head>"
            f"<script>const seedParams = {{'majorsSplit': '{seed['majorsSplit']}'}};"
            f"seedKey = '{key}';var isRace = {protected};isRace = false;</script>"
            f"<h4>Randomizer Parameters</h4><table>{cells}</table></html>"
        )


def _is_json(form: dict[str, Any]) -> bool:
    try:
        json.loads(form.get("paramsFileTarget", ""))
    except ValueError:
        return False
    return True
