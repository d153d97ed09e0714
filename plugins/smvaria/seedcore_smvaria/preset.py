"""
The site's presets: settings, and skills, whose passwords go no further.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from seedcore import (
    PresetNotFoundError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
)
from seedcore_smvaria.site import Answer, ask, read
from seedcore_smvaria.wish import DECIDED, DEFAULT, Sent, Wish, sent_of

if TYPE_CHECKING:
    from seedcore import Context

MOST_LEVELS = 8
SETTINGS, SKILLS = "randoPresetWebService", "presetWebService"
ORIGIN = "extStats"
"""Who asks for settings. For any other the site keeps them in a session."""


def settings_form(name: str) -> dict[str, str]:
    """
    Return the form that asks for a settings preset.
    """
    return {"randoPreset": name, "origin": ORIGIN}


async def sent_for(wish: Wish, context: Context, branch: str | None) -> Sent:
    """
    Ask for the presets that *wish* names, and return what is sent for the seed.
    """
    presets = []
    for name in dict.fromkeys((DEFAULT, wish.settings_preset)):
        try:
            answer = await read(context, SETTINGS, branch=branch, form=settings_form(name))
        except ProviderInvalidRequestError as error:
            raise missing(error, "settings", name) from error
        presets.append(settings_in(answer))
    named = [preset["preset"] for preset in presets if isinstance(preset.get("preset"), str)]
    name = wish.skills_preset or (named[-1] if named else "regular")
    try:
        answer = await read(context, SKILLS, branch=branch, form={"preset": name})
    except ProviderInvalidRequestError as error:
        raise missing(error, "skills", name) from error
    return sent_of(wish, presets, name, skills_in(answer, context))


async def settings_of(name: str, context: Context, branch: str | None) -> dict[str, Any]:
    """
    Return a settings preset. Raises PresetNotFoundError.
    """
    try:
        return settings_in(await ask(context, SETTINGS, branch=branch, form=settings_form(name)))
    except ProviderInvalidRequestError as error:
        raise missing(error, "settings", name) from error


async def skills_of(name: str, context: Context, branch: str | None) -> dict[str, Any]:
    """
    Return a skills preset without its password. Raises PresetNotFoundError.
    """
    try:
        answer = await ask(context, SKILLS, branch=branch, form={"preset": name})
    except ProviderInvalidRequestError as error:
        raise missing(error, "skills", name) from error
    return skills_in(answer, context)


def missing(error: ProviderInvalidRequestError, kind: str, name: str) -> ProviderError:
    """
    Return *error* as one about a preset, in the words of the site.
    """
    if error.status_code != 400:
        return error
    text = f"it has no {kind} preset {name!r} that can be used: {error.provider_message}"
    return PresetNotFoundError(text, status_code=400)


def settings_in(answer: Answer) -> dict[str, Any]:
    """
    Return the settings of an answer: texts, numbers and lists of texts by the site's names.
    """
    settings = {}
    for key, value in answer.mapping.items():
        if key != "preset" and key in DECIDED:
            continue
        listed = value if isinstance(value, list) else [value]
        if isinstance(value, bool) or not all(
            isinstance(each, (str, int, float)) for each in listed
        ):
            text = "its settings preset has something else than texts, numbers and lists of them"
            raise ProviderResponseFormatError(text)
        settings[key] = value
    return settings


def skills_in(answer: Answer, context: Context) -> dict[str, Any]:
    """
    Return the skills of an answer, without the hash of the password that protects them there.
    """
    skills = answer.mapping
    if not isinstance(skills.get("Knows"), Mapping):
        text = "its skills preset doesn't say what a player knows"
        raise ProviderResponseFormatError(text)
    for password in _passwords(skills, MOST_LEVELS):
        context.hide(password)
    plain: dict[str, Any] = _without_passwords(skills, MOST_LEVELS)
    return plain


def _is_password(key: str) -> bool:
    return "password" in key.casefold()


def _passwords(value: Any, levels: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if _is_password(key) and isinstance(item, str):
                yield item
            elif levels:
                yield from _passwords(item, levels - 1)


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
            if not _is_password(key)
        }
    if isinstance(value, list):
        return [_without_passwords(item, levels - 1) for item in value]
    return value
