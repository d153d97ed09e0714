"""
What of a finished seed a person is shown, and what must not be in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedcore import ProviderResponseFormatError
from seedcore_avianart.reply import Response, is_seed

CODE_NAMES: Mapping[str, str] = {
    "Bomb": "Bombs",
    "Powder": "Magic Powder",
    "Rod": "Ice Rod",
    "Ocarina": "Flute",
    "Bug Net": "Bugnet",
    "Bottle": "Empty Bottle",
    "Potion": "Green Potion",
    "Cane": "Somaria",
    "Pearl": "Moon Pearl",
    "Key": "Big Key",
}
"""Icons that are called otherwise elsewhere; the other 22 have the same name everywhere."""

RACE = ("true", "yes", "1")
"""How it may be written that a seed is a race, in whichever case, as a text or not."""
SHOWN: Mapping[str, str] = {"title": "seed_name", "notes": "seed_notes"}


def meta_of(response: Response) -> Mapping[str, Any]:
    """
    Return what is known about the seed, apart from where things are.
    """
    spoiler = response.get("spoiler")
    meta = spoiler.get("meta") if isinstance(spoiler, Mapping) else None
    return meta if isinstance(meta, Mapping) else {}


def code_of(response: Response) -> str | None:
    """
    Return the file-select code, joined with slashes.
    """
    # Presets of the randomizer of alttpr.com have it beside the spoiler.
    code = meta_of(response).get("hash") or response.get("fshash")
    if not isinstance(code, str):
        return None
    icons = [icon.strip() for icon in code.split(",")]
    return "/".join(CODE_NAMES.get(icon, icon) for icon in icons if icon) or None


def version_of(response: Response) -> str | None:
    """
    Return the version of the generator.
    """
    version = meta_of(response).get("version")
    return version if isinstance(version, str) else None


def extra_of(response: Response, attempts: int | None) -> dict[str, Any]:
    """
    Return title, notes, attempts and times, as far as the site tells them.
    """
    meta, times = meta_of(response), response.get("meta")
    times = times if isinstance(times, Mapping) else {}
    texts = {name: meta.get(key) for name, key in SHOWN.items()}
    extra: dict[str, Any] = {name: text for name, text in texts.items() if isinstance(text, str)}
    numbers = {
        "attempts": attempts,
        "startgen": times.get("startgen"),
        "gentime": times.get("gentime", meta.get("gentime")),
    }
    extra |= {name: number for name, number in numbers.items() if isinstance(number, int)}
    return extra


def check_open(response: Response) -> None:
    """
    Refuse a seed that has no spoiler to show.
    """
    if not _beside_meta(response):
        text = "it made a seed without a public spoiler where it was asked for one with it"
        raise ProviderResponseFormatError(text)


def leak_of(*answers: Response) -> str | None:
    """
    Name what *answers* show that people must not see of a race seed; ``None`` if that is nothing.
    """
    found = dict.fromkeys(kind for answer in answers for kind in _shown(answer))
    return ", ".join(found) or None


def _shown(answer: Response) -> list[str]:
    meta = meta_of(answer)
    found = ["where its items are"] if _beside_meta(answer) else []
    if "seed" in meta:
        found.append("its seed number")
    # Presets of the randomizer of alttpr.com say tournament where the others say race.
    if not found and is_seed(answer) and not _is_race(meta.get("race", meta.get("tournament"))):
        found.append("all of it, since it isn't said to be a race")
    return found


def _beside_meta(response: Response) -> bool:
    spoiler = response.get("spoiler") or {}
    return bool(set(spoiler) - {"meta"}) if isinstance(spoiler, Mapping) else True


def _is_race(value: Any) -> bool:
    # Anything else isn't taken for one: the page of a seed that is none shows all of it.
    return isinstance(value, (str, int)) and str(value).strip().lower() in RACE
