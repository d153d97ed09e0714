"""
What a document says: which provider it is for, its options, and what in it means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore.errors import (
    InvalidPresetError,
    PluginError,
    ProviderError,
    SettingsError,
    UnknownProviderError,
    clean_text,
    did_you_mean,
)
from seedcore.hookspecs import Declaration
from seedcore.model import NOTHING_GIVEN, SeedRequest
from seedcore.options import combined, is_unchangeable, merged
from seedcore.presets.names import is_plain
from seedcore.settings.structure import Fields, Refused, fields_of, missing_from, structure

if TYPE_CHECKING:
    from seedcore.plugins import Provider, Registry

SWITCHES: Mapping[str, str] = {"doors": "doors", "avianart": "avianart"}
"""Keys that name a provider when they are true; the first of them wins, over 'randomizer' too."""
SHOWN = ("goal_name", "description", "studytime")
"""Keys for people, or for surfaces; a provider may have an option of that name too."""
KEYS = ("settings", "randomizer", "branch", *SWITCHES, *SHOWN)
LONGEST_TEXT = 200
LONGEST_DESCRIPTION = 2_000


@attrs.frozen(kw_only=True)
class Meaning:
    """
    A document understood; ``unknown`` are its keys that nothing takes.
    """

    target: str
    options: dict[str, Any]
    branch: str | None
    title: str | None
    description: str | None
    unknown: tuple[str, ...]


def target_of(document: Mapping[str, Any], provider: str, name: str) -> str:
    """
    Return the name of the provider that *document* is for. Raises InvalidPresetError.
    """
    for key in SWITCHES:
        if not isinstance(document.get(key, False), bool):
            raise _invalid(provider, name, f"{key} must be true or false")
    for key, target in SWITCHES.items():
        if document.get(key):
            return target
    target = document.get("randomizer", provider)
    if not isinstance(target, str) or not is_plain(target):
        raise _invalid(provider, name, "randomizer must be the name of a provider")
    return target


def loaded(registry: Registry, target: str, provider: str, name: str) -> Provider:
    """
    Return the provider that a preset is for. Raises InvalidPresetError with the remedy.
    """
    shown = clean_text(target, 60)
    try:
        return registry.load(target)
    except UnknownProviderError as error:
        remedy = f"which is not installed: pip install {error.distribution}"
    except PluginError as error:
        remedy = f"which can't be used: {error}"
    raise _invalid(provider, name, f"it is for the provider {shown!r}, {remedy}")


def meaning_of(
    document: Mapping[str, Any], target: Provider | str, provider: str, name: str
) -> Meaning:
    """
    Return what *document* asks of *target*, which is only a name if it isn't installed.

    Raises InvalidPresetError.
    """
    # Where nobody is there to say what a document must have, it may have anything.
    settings = document.get("settings", {} if isinstance(target, str) else None)
    if not isinstance(settings, Mapping):
        raise _invalid(provider, name, _lacking(document))
    branch = document.get("branch")
    if branch is not None and not (
        isinstance(branch, str) and branch.isprintable() and 0 < len(branch) <= LONGEST_TEXT
    ):
        raise _invalid(provider, name, f"branch must be a text of 1 to {LONGEST_TEXT} characters")
    declaration = None if isinstance(target, str) else target.declaration
    options = dict(settings)
    fields: Fields = {}
    if declaration is not None:
        fields = _fields(declaration)
        for key in declaration.ignored_options:
            options.pop(key, None)
    own = {key: value for key, value in document.items() if key in fields and key not in _CORE}
    return Meaning(
        target=target if isinstance(target, str) else target.name,
        options=merged(options, own),
        branch=branch,
        title=_text(document.get("goal_name"), LONGEST_TEXT),
        description=_text(document.get("description"), LONGEST_DESCRIPTION),
        unknown=tuple(key for key in document if key not in own and key not in KEYS),
    )


def fault_of(options: Mapping[str, Any], target: Provider) -> str | None:
    """
    Return why *options* alone don't fit *target*; ``None`` if they do.
    """
    declared = target.declaration.options
    if declared is None:
        return None
    try:
        structure(declared, combined(target.declaration, [options]), subject="option")
    except SettingsError as error:
        return str(error).rstrip(".")
    return None


def built_of(meaning: Meaning, target: Provider) -> Any:
    """
    Return the options that *meaning* asks for, if they fit and nothing in them can be changed.

    What doesn't fit is refused by each call, together with what else that was given.
    """
    declared = target.declaration.options
    if declared is None:
        return None
    try:
        values = combined(target.declaration, [meaning.options])
        built = structure(declared, values, subject="option")
    except SettingsError:
        return None
    return built if is_unchangeable(built) else None


def _lacking(document: Mapping[str, Any]) -> str:
    if "settings" in document:
        return "'settings' must be a mapping"
    typed = next((key for key in document if did_you_mean(key, ["settings"])), None)
    return "'settings' is missing" + (f"; write it for {clean_text(typed, 60)!r}" if typed else "")


_CORE = ("settings", "randomizer", "branch", *SWITCHES)
"""Keys that mean the same for every provider, whatever options it has."""


def notes_of(meaning: Meaning, target: Provider | str, provider: str, name: str) -> tuple[str, ...]:
    """
    Check the options as a call would, and return sentences about what means nothing.

    Raises InvalidPresetError for options that a call would refuse.
    """
    if isinstance(target, str):
        return (f"not checked: the provider {clean_text(target, 60)!r} is not installed",)
    declared = target.declaration.options
    known = [*KEYS, *_fields(target.declaration)]
    notes = tuple(
        f"unknown key {clean_text(key, 60)!r} is ignored.{did_you_mean(key, known)}".removesuffix(
            "."
        )
        for key in meaning.unknown
    )
    if declared is None:
        return notes
    try:
        values = combined(target.declaration, [meaning.options])
        if _fields(target.declaration) and (missing := missing_from(declared, values)):
            return (*notes, f"not checked: it leaves {', '.join(missing)} to whoever rolls it")
        built = structure(declared, values, subject="option")
    except SettingsError as error:
        text = str(error).rstrip(".")
    else:
        return (*notes, *_refused(target, name, built, meaning.branch))
    raise _invalid(provider, name, text)


def _refused(target: Provider, name: str, options: Any, branch: str | None) -> tuple[str, ...]:
    """
    Return what the provider's own check says to a call with nothing but the preset.

    It is no fault of the preset: a caller may add what is missing.
    """
    if target.check is None:
        return ()
    request = SeedRequest(
        provider=target.name,
        operation="generate",
        surface="presets",
        call_id="presets",
        preset=name,
        options=options,
        branch=branch,
        given=NOTHING_GIVEN,
    )
    try:
        target.check(request)
    except ProviderError as error:
        return (f"a call with nothing else is refused: {error.provider_message}",)
    except SettingsError as error:
        return (f"a call with nothing else is refused: {error}".rstrip("."),)
    except Exception as error:  # noqa: BLE001 - a plugin's own mistake, which every call meets
        return (f"not checked: the check of {target.name} raised {type(error).__name__}",)
    return ()


def _fields(declaration: Declaration) -> Fields:
    try:
        return fields_of(declaration.options) if declaration.options else {}
    except Refused:  # the class is wrong, which every call of the provider says
        return {}


def _text(value: object, limit: int) -> str | None:
    return clean_text(value, limit) or None if isinstance(value, (str, int, float)) else None


def _invalid(provider: str, name: str, what: str) -> InvalidPresetError:
    return InvalidPresetError(f"the preset {name!r}: {what}", provider=provider)
