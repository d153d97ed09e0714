"""
What varia.run is asked and answers, for ``pytest`` and ``seedcore check smvaria``.
"""

from __future__ import annotations

import json

from seedcore.testing import ProviderContract, Received, Reply, replies
from seedcore_smvaria import smvaria

HTML = "text/html; charset=utf-8"
KEY = "cdacc21d-e48d-4dec-ab91-22ca92239b9d"
DEFAULT = {
    "preset": "regular",
    "majorsSplit": "Full",
    "progressionSpeed": "medium",
    "objective": ["kill all G4"],
    "objectiveRandom": "false",
    "nbObjective": 4,
}
SEASON_RACES = {
    "preset": "Season_Races",
    "majorsSplit": "Major",
    "progressionSpeed": "random",
    "progressionSpeedMultiSelect": ["slow", "medium", "fast"],
}
SKILLS = {
    "score": 275,
    "Controller": {"A": "Jump", "Moonwalk": False},
    "password": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    "Knows": {"Mockball": [True, 1]},
    "Settings": {"Kraid": "Quick Kill"},
}
ROLL = {
    "max_size": 3145476,
    "fileName": "VARIA_Randomizer_MX2943143084842318129_Season_Races.sfc",
    "errorMsg": "Missing param set: layoutCustom=[]",
    "seedKey": KEY,
    "status": "OK",
}
PAGE = (
    f"<html><body><script>seedKey = '{KEY}';var isRace = true;</script><table>"
    "<tr><td>Race mode</td><td>on</td></tr></table></body></html>"
)
READS_WITH_POST = {"effect-true": "the site is asked for presets with POST, by its own pages too"}


def page(body: str) -> Reply:
    """
    Return an answer as the site types all of them.
    """
    return replies.typed(HTML, body)


class SmvariaContract(ProviderContract):
    """
    A seed is made of presets, and its page is looked at.
    """

    provider = smvaria
    request = {"options": {"settings_preset": "Season_Races", "hud": "on"}}

    def upstream(self, received: Received) -> Reply:
        """
        Answer by path, and by the name of the preset.
        """
        match received.path:
            case "/randoPresetWebService":
                season = b"randoPreset=Season_Races" in received.body
                return page(json.dumps(SEASON_RACES if season else DEFAULT))
            case "/presetWebService":
                return page(json.dumps(SKILLS))
            case "/randomizerWebService":
                return page(json.dumps(ROLL))
        return page(PAGE)

    def leaking(self, received: Received) -> Reply:
        """
        Answer the same, but for a page that says that the seed has no race mode.
        """
        if received.path.startswith("/customizer/"):
            return page(PAGE.replace("isRace = true", "isRace = false").replace(">on<", ">off<"))
        return self.upstream(received)


class SkillPresetsContract(ProviderContract):
    """
    The names of the skills presets are a list.
    """

    provider = smvaria
    operation = "skill_presets"
    request = {}
    upstream = page(json.dumps(["newbie", "casual", "regular", "Season_Races"]))


class SkillPresetContract(ProviderContract):
    """
    A skills preset is a mapping.
    """

    provider = smvaria
    operation = "skill_preset"
    exempt = READS_WITH_POST
    request = {"name": "Season_Races"}
    upstream = page(json.dumps(SKILLS))


class SettingsPresetContract(ProviderContract):
    """
    A settings preset is one too.
    """

    provider = smvaria
    operation = "settings_preset"
    exempt = READS_WITH_POST
    request = {"name": "Season_Races"}
    upstream = page(json.dumps(SEASON_RACES))
