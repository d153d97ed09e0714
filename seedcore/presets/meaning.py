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
from seedcore.hookspecs import Documents
from seedcore.model import NOTHING_GIVEN, SeedRequest
from seedcore.options import combined, is_unchangeable, merged
from seedcore.presets.names import is_plain
from seedcore.presets.takers import Taker, taker_of
from seedcore.settings.structure import Fields, Refused, fields_of, missing_from, structure

if TYPE_CHECKING:
    from seedcore.plugins import Registry

SWITCHES: Mapping[str, str] = {"doors": "alttprdoor", "avianart": "avianart"}
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


def loaded(registry: Registry, target: str, provider: str, name: str) -> Taker:
    """
    Return who a preset is for. Raises InvalidPresetError with the remedy.
    """
    shown = clean_text(target, 60)
    try:
        return taker_of(registry, target)
    except UnknownProviderError as error:
        remedy = f"which is not installed: pip install {error.distribution}"
    except PluginError as error:
        remedy = f"which can't be used: {error}"
    raise _invalid(provider, name, f"it is for the provider {shown!r}, {remedy}")


def meaning_of(
    document: Mapping[str, Any], target: Taker | str, provider: str, name: str
) -> Meaning:
    """
    Return what *document* asks of *target*, which is only a name if it isn't installed.

    Raises InvalidPresetError.
    """
    documents = None if isinstance(target, str) else target.documents
    settings = _settings_of(document, documents)
    if not isinstance(settings, Mapping):
        raise _invalid(provider, name, _lacking(document))
    branch = document.get("branch")
    if branch is not None and not (
        isinstance(branch, str) and branch.isprintable() and 0 < len(branch) <= LONGEST_TEXT
    ):
        raise _invalid(provider, name, f"branch must be a text of 1 to {LONGEST_TEXT} characters")
    options = dict(settings)
    fields: Fields = {}
    whole = False
    if documents is not None:
        fields, whole = _fields(documents), documents.whole_documents
        for key in documents.ignored_options:
            options.pop(key, None)
    own = {key: value for key, value in document.items() if key in fields and key not in _CORE}
    return Meaning(
        target=target if isinstance(target, str) else target.name,
        options=merged(options, own),
        branch=branch,
        title=_text(document.get("goal_name"), LONGEST_TEXT),
        description=_text(document.get("description"), LONGEST_DESCRIPTION),
        unknown=() if whole else tuple(k for k in document if k not in own and k not in KEYS),
    )


def _settings_of(document: Mapping[str, Any], documents: Documents | None) -> object:
    """
    Return the options in *document*; ``None`` if it has none and must.
    """
    if documents is None:  # where nobody says what a document must have, it may have anything
        return document.get("settings", {})
    if documents.whole_documents:
        return {key: value for key, value in document.items() if key not in _FOR_PEOPLE}
    return document.get("settings")


def fault_of(options: Mapping[str, Any], target: Taker) -> str | None:
    """
    Return why *options* alone don't fit *target*; ``None`` if they do.
    """
    declared = target.documents.options
    if declared is None:
        return None
    try:
        structure(declared, combined(target.documents, [options]), subject="option")
    except SettingsError as error:
        return str(error).rstrip(".")
    return None


def built_of(meaning: Meaning, target: Taker) -> Any:
    """
    Return the options that *meaning* asks for, if they fit and nothing in them can be changed.

    What doesn't fit is refused by each call, together with what else that was given.
    """
    declared = target.documents.options
    if declared is None:
        return None
    try:
        values = combined(target.documents, [meaning.options])
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
_FOR_PEOPLE = ("goal_name", "description", "randomizer", "branch")
"""Keys of a whole document that are none of its options."""


def notes_of(meaning: Meaning, target: Taker | str, provider: str, name: str) -> tuple[str, ...]:
    """
    Check the options as a call would, and return sentences about what means nothing.

    Raises InvalidPresetError for options that a call would refuse.
    """
    if isinstance(target, str):
        return (f"not checked: the provider {clean_text(target, 60)!r} is not installed",)
    declared = target.documents.options
    known = [*KEYS, *_fields(target.documents)]
    notes = tuple(
        f"unknown key {clean_text(key, 60)!r} is ignored.{did_you_mean(key, known)}".removesuffix(
            "."
        )
        for key in meaning.unknown
    )
    if declared is None:
        return notes
    try:
        values = combined(target.documents, [meaning.options])
        if _fields(target.documents) and (missing := missing_from(declared, values)):
            return (*notes, f"not checked: it leaves {', '.join(missing)} to whoever rolls it")
        built = structure(declared, values, subject="option")
    except SettingsError as error:
        text = str(error).rstrip(".")
    else:
        return (*notes, *_refused(target, name, built, meaning.branch))
    raise _invalid(provider, name, text)


def _refused(target: Taker, name: str, options: Any, branch: str | None) -> tuple[str, ...]:
    """
    Return what the provider's own check says to a call with nothing but the preset.

    It is no fault of the preset: a caller may add what is missing.
    """
    check = target.provider.check
    if check is None or target.operation is None:
        return ()
    request = SeedRequest(
        provider=target.provider.name,
        operation=target.operation.name,
        surface="presets",
        call_id="presets",
        preset=name,
        options=options,
        branch=branch,
        given=NOTHING_GIVEN,
    )
    try:
        check(request)
    except ProviderError as error:
        return (f"a call with nothing else is refused: {error.provider_message}",)
    except SettingsError as error:
        return (f"a call with nothing else is refused: {error}".rstrip("."),)
    except Exception as error:  # noqa: BLE001 - a plugin's own mistake, which every call meets
        return (f"not checked: the check of {target.provider.name} raised {type(error).__name__}",)
    return ()


def _fields(documents: Documents) -> Fields:
    try:
        return fields_of(documents.options) if documents.options else {}
    except Refused:  # the class is wrong, which every call of the provider says
        return {}


def _text(value: object, limit: int) -> str | None:
    return clean_text(value, limit) or None if isinstance(value, (str, int, float)) else None


def _invalid(provider: str, name: str, what: str) -> InvalidPresetError:
    return InvalidPresetError(f"the preset {name!r}: {what}", provider=provider)
