"""
What of a request is sent.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from seedcore import ProviderInvalidRequestError, SeedRequest
from seedcore_smvaria.options import HERE, NAMES, Options
from seedcore_smvaria.site import check_branch
from seedcore_smvaria.values import MOST_OBJECTIVES

DEFAULT = "default"
DECIDED: Mapping[str, str] = {
    "preset": "skills_preset chooses it",
    "randoPreset": "settings_preset chooses it",
    "paramsFileTarget": "skills_preset chooses it",
    "raceMode": "race and spoilers decide it",
    "seed": "it is an option of its own",
    "password": "nobody here needs one",
    "wantsCustomize": "it is always sent",
    "seedKey": "the site makes it",
}
"""Names of the site that can't be sent unchecked, and why."""
NEAR = 0.9
"""How alike two names are of which one is mistyped; the site's own are less."""
MOST_UNCHECKED, LONGEST = 100, 2_000

NAME = re.compile(r"[A-Za-z0-9_]{1,32}")
FIELD = re.compile(r"[A-Za-z0-9_]{1,64}")


@attrs.frozen(kw_only=True)
class Wish:
    """
    What is asked of the site, and whether nobody must be able to look into the seed.
    """

    settings_preset: str
    skills_preset: str | None
    own: Mapping[str, Any]
    hidden: bool


@attrs.frozen(kw_only=True)
class Sent:
    """
    The form for a seed, what of it is told, and which settings were left to chance.
    """

    form: Mapping[str, str] = attrs.field(repr=False)
    recorded: Mapping[str, str]
    chance: frozenset[str]


def wish_of(request: SeedRequest) -> Wish:
    """
    Return what *request* asks of the site. Raises ProviderInvalidRequestError.
    """
    check_branch(request.branch)
    options: Options = request.options
    settings_preset = options.settings_preset
    if request.preset is not None and not request.documented:  # a name of the site's own
        if settings_preset not in (DEFAULT, request.preset):
            text = "preset and settings_preset name two settings presets of the site; give one"
            raise ProviderInvalidRequestError(text)
        settings_preset = request.preset
    check_name(settings_preset, "settings_preset")
    if options.skills_preset is not None:
        check_name(options.skills_preset, "skills_preset")
    if len(options.objective or ()) > MOST_OBJECTIVES and options.objectiveRandom != "true":
        text = f"objective has at most {MOST_OBJECTIVES} names, unless objectiveRandom is true"
        raise ProviderInvalidRequestError(text)
    given = attrs.asdict(options, filter=lambda field, _: field.name not in HERE)
    own = {name: value for name, value in given.items() if value is not None}
    return Wish(
        settings_preset=settings_preset,
        skills_preset=options.skills_preset,
        own=own | _unchecked(options.unchecked),
        hidden=request.spoilers != "on",
    )


def check_name(name: object, what: str) -> str:
    """
    Return *name* if the site may have a preset of that name.
    """
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    text = f"{what} is a name of 1 to 32 letters, digits and _, such as Season_Races"
    raise ProviderInvalidRequestError(text)


def _unchecked(given: Mapping[str, Any]) -> dict[str, Any]:
    if len(given) > MOST_UNCHECKED:
        text = f"unchecked has {len(given)} names, and {MOST_UNCHECKED} are the most"
        raise ProviderInvalidRequestError(text)
    return {_key(key): _value(key, value) for key, value in given.items()}


def _key(key: object) -> str:
    if not isinstance(key, str) or not FIELD.fullmatch(key):
        text = "names in unchecked have 1 to 64 letters, digits and _"
    elif key in DECIDED:
        text = f"{key} can't be sent unchecked: {DECIDED[key]}"
    elif key in HERE:
        text = f"{key} is no name of the site, but an option beside unchecked"
    elif key not in NAMES and (meant := _meant(key)):
        text = f"the site has no setting {key!r}; did you mean {meant!r}?"
    else:
        return key
    raise ProviderInvalidRequestError(text)


def _meant(key: str) -> str | None:
    folded = {name.casefold(): name for name in (*NAMES, *DECIDED)}
    found = difflib.get_close_matches(key.casefold(), folded, n=1, cutoff=NEAR)
    return folded[found[0]] if found else None


def _value(key: str, value: object) -> str | tuple[str, ...]:
    if isinstance(value, bool):  # what YAML makes of a switch
        return "on" if value else "off"
    if isinstance(value, (list, tuple)) and value and all(type(part) is str for part in value):
        return tuple(value)
    text = str(value) if isinstance(value, (str, int, float)) else ""
    if 0 < len(text) <= LONGEST and text.isprintable():
        return text
    words = f"{key} in unchecked must be a text of 1 to {LONGEST} characters, a number, or texts"
    raise ProviderInvalidRequestError(words)


def sent_of(
    wish: Wish, presets: Sequence[Mapping[str, Any]], name: str, skills: Mapping[str, Any]
) -> Sent:
    """
    Return the form for a seed: *presets* of settings, the first one weakest, below the wish.
    """
    merged: dict[str, Any] = {"complexity": "advanced", "seed": "0", "logic": "vanilla"}
    for layer in (*presets, wish.own):
        merged |= layer
    if merged.get("objectiveRandom") == "true":
        # The site draws from this field, and its presets call that list otherwise.
        merged["objective"] = _drawn_from(presets, wish.own)
    recorded = {key: _joined(value) for key, value in merged.items()}
    recorded |= {"preset": name, "raceMode": "on" if wish.hidden else "off"}
    form = {
        **recorded,
        "paramsFileTarget": json.dumps(skills),
        "wantsCustomize": "true",  # without it the answer has the whole patch, which nobody reads
    }
    chance = {key for key, value in recorded.items() if value == "random"}
    if recorded.get("objectiveRandom") == "true":
        chance |= {"objective"}
    left_out = {"seed"} if wish.hidden else set()
    told = {key: value for key, value in recorded.items() if key not in left_out}
    return Sent(form=form, recorded=told, chance=frozenset(chance))


def _drawn_from(presets: Sequence[Mapping[str, Any]], own: Mapping[str, Any]) -> Any:
    """
    Return the objectives of which some are drawn.
    """
    if given := own.get("objective", own.get("objectiveMultiSelect")):
        return given
    for preset in reversed(presets):
        if named := preset.get("objectiveMultiSelect", preset.get("objective")):
            return named
    return "nothing"


def _joined(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)
