"""
The site's presets: settings, and skills, whose passwords go no further.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from seedcore import (
    PresetNotFoundError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
)
from seedcore_smvaria.site import Answer, ask, read
from seedcore_smvaria.wish import DECIDED, DEFAULT, FIELD, Sent, Wish, sent_of

if TYPE_CHECKING:
    from seedcore import Context

MOST_LEVELS = 8
MOST_SETTINGS, LARGEST = 500, 64 * 2**10
"""Settings of a preset, and bytes of one of either kind; the site's own have 60, and 2 KiB."""
SETTINGS, SKILLS = "randoPresetWebService", "presetWebService"
ORIGIN = "extStats"
"""Who asks for settings. For any other the site keeps them in a session."""

_PASSWORD = re.compile(r"passw|^pass$|pwd|hash", re.IGNORECASE)


def settings_form(name: str) -> dict[str, str]:
    """
    Return the form that asks for a settings preset.
    """
    return {"randoPreset": name, "origin": ORIGIN}


async def sent_for(wish: Wish, context: Context, branch: str | None) -> tuple[Sent, frozenset[str]]:
    """
    Ask for the presets that *wish* names, and return what is sent for the seed.

    With it come the passwords of the presets, which the site may repeat.
    """
    presets, passwords = [], frozenset[str]()
    for name in dict.fromkeys((DEFAULT, wish.settings_preset)):
        try:
            answer = await read(context, SETTINGS, branch=branch, form=settings_form(name))
        except ProviderInvalidRequestError as error:
            raise missing(error, "settings", name) from error
        settings, hashes = settings_in(answer, context)
        presets.append(settings)
        passwords |= hashes
    named = [preset["preset"] for preset in presets if isinstance(preset.get("preset"), str)]
    name = wish.skills_preset or (named[-1] if named else "regular")
    try:
        answer = await read(context, SKILLS, branch=branch, form={"preset": name})
    except ProviderInvalidRequestError as error:
        raise missing(error, "skills", name) from error
    skills, hashes = skills_in(answer, context)
    return sent_of(wish, presets, name, skills), passwords | hashes


async def settings_of(name: str, context: Context, branch: str | None) -> dict[str, Any]:
    """
    Return a settings preset. Raises PresetNotFoundError.
    """
    try:
        answer = await ask(context, SETTINGS, branch=branch, form=settings_form(name))
    except ProviderInvalidRequestError as error:
        raise missing(error, "settings", name) from error
    return settings_in(answer, context)[0]


async def skills_of(name: str, context: Context, branch: str | None) -> dict[str, Any]:
    """
    Return a skills preset without its password. Raises PresetNotFoundError.
    """
    try:
        answer = await ask(context, SKILLS, branch=branch, form={"preset": name})
    except ProviderInvalidRequestError as error:
        raise missing(error, "skills", name) from error
    return skills_in(answer, context)[0]


def missing(error: ProviderInvalidRequestError, kind: str, name: str) -> ProviderError:
    """
    Return *error* as one about a preset, in the words of the site.
    """
    if error.status_code != 400:
        return error
    text = f"it has no {kind} preset {name!r} that can be used: {error.provider_message}"
    return PresetNotFoundError(text, status_code=400)


def settings_in(answer: Answer, context: Context) -> tuple[dict[str, Any], frozenset[str]]:
    """
    Return the settings of an answer, and the passwords that it has besides.

    Settings are texts, numbers and lists of texts by the site's names.
    """
    settings: dict[str, Any] = {}
    found, passwords = _looked_through(answer, "settings", context)
    if len(found) > MOST_SETTINGS:
        text = f"its settings preset has {len(found):,} settings, and {MOST_SETTINGS} are the most"
        raise ProviderResponseFormatError(text)
    for key, value in found.items():
        if _PASSWORD.search(key) or (key != "preset" and key in DECIDED):
            continue
        if not FIELD.fullmatch(key):
            text = "names in its settings preset must have 1 to 64 letters, digits and _"
            raise ProviderResponseFormatError(text)
        if not all(map(_is_sent, value if isinstance(value, list) else [value])):
            text = "its settings preset has something else than texts, numbers and lists of them"
            raise ProviderResponseFormatError(text)
        settings[key] = value
    return settings, passwords


def _is_sent(value: Any) -> bool:
    return value.isprintable() if isinstance(value, str) else type(value) in (int, float)


def skills_in(answer: Answer, context: Context) -> tuple[dict[str, Any], frozenset[str]]:
    """
    Return the skills of an answer, and apart from them the password that protects them there.
    """
    skills, passwords = _looked_through(answer, "skills", context)
    if not isinstance(skills.get("Knows"), Mapping):
        text = "its skills preset doesn't say what a player knows"
        raise ProviderResponseFormatError(text)
    return _without_passwords(skills, MOST_LEVELS), passwords


def _looked_through(
    answer: Answer, kind: str, context: Context
) -> tuple[Mapping[str, Any], frozenset[str]]:
    """
    Return an answer and the passwords in it, which get into no row, event or error any more.
    """
    size = len(answer.text.encode())
    if size > LARGEST:
        text = f"its {kind} preset has {size:,} bytes, and {LARGEST:,} are the most"
        raise ProviderResponseFormatError(text)
    found = answer.mapping
    passwords = frozenset(_passwords(found))
    for password in passwords:
        context.hide(password)
    return found, passwords


def _passwords(document: Any) -> Iterator[str]:
    """
    Yield every text below a name that says that it is a password, however deep.
    """
    rest = [(document, False)]
    while rest:
        value, within = rest.pop()
        if isinstance(value, Mapping):
            rest += [(item, within or bool(_PASSWORD.search(key))) for key, item in value.items()]
        elif isinstance(value, list):
            rest += [(item, within) for item in value]
        elif within and isinstance(value, str):
            yield value


def _without_passwords(value: Any, levels: int) -> Any:
    """
    Return a copy of *value*; nothing is in it below so many *levels*.
    """
    if isinstance(value, (Mapping, list)) and not levels:
        return None
    if isinstance(value, Mapping):
        return {
            key: _without_passwords(item, levels - 1)
            for key, item in value.items()
            if not _PASSWORD.search(key)
        }
    if isinstance(value, list):
        return [_without_passwords(item, levels - 1) for item in value]
    return value
