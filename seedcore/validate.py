"""
What a surface may ask, checked before anything is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from seedcore.call import Call
from seedcore.contract.classify import PLUGIN_ERROR
from seedcore.errors import (
    InvalidPresetError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    SettingsError,
    did_you_mean,
)
from seedcore.hookspecs import Documents
from seedcore.model import (
    GIVEN,
    LONGEST_NAME,
    NOTHING_GIVEN,
    Request,
    SeedRequest,
    Spoilers,
    read_only,
)
from seedcore.options import combined, copied
from seedcore.settings import structure

if TYPE_CHECKING:
    from seedcore.presets import Preset

LONGEST_TIME = 1e9
"""Seconds; nobody waits longer."""


def checked_name(value: object, what: str) -> str:
    """
    Return *value* if it is a short printable text.

    Raises SettingsError: a wrong surface or call_id is a mistake of the calling program.
    """
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_NAME:
        return value
    msg = f"{what} must be a printable text of 1 to {LONGEST_NAME} characters."
    raise SettingsError(msg)


def checked_seconds(value: Any, what: str) -> float:
    """
    Return *value* if it is a positive number of seconds. Raises SettingsError.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and 0 < value <= LONGEST_TIME:
        return float(value)
    msg = f"{what} must be a number of seconds greater than 0."
    raise SettingsError(msg)


def request_of(call: Call, arguments: dict[str, Any]) -> Request:
    """
    Return the request of *call*.

    Raises ProviderInvalidRequestError with a sentence for the person who asked, and
    ProviderCapabilityError for what the provider has not declared it can do.
    """
    operation = call.operation
    if operation.rolls:
        return _seed_request(call, arguments)
    for name in operation.texts.intersection(arguments):
        if type(arguments[name]) is int:  # an id of digits alone, typed on the command line
            arguments[name] = str(arguments[name])
    if operation.takes is None:
        for name in GIVEN:
            if name in arguments:
                text = f"{operation.name} takes no argument {name!r}; the runner gives that"
                raise ProviderInvalidRequestError(text)
    else:
        _only_known(arguments, operation.takes, operation.name)
    missing = operation.needs.difference(arguments)
    if missing:
        text = f"{operation.name} needs {', '.join(sorted(missing))}"
        raise ProviderInvalidRequestError(text)
    return Request(
        provider=call.lane.name,
        operation=operation.name,
        surface=call.surface,
        call_id=call.call_id,
        arguments=read_only(arguments),
    )


SEED_ARGUMENTS: Mapping[str, Any] = {
    "preset": None,
    "settings": None,
    "race": False,
    "spoilers": None,
    "branch": None,
    "options": None,
    "sealed": False,
    "reveal_at": None,
    "by": None,
}
"""What ``generate`` takes, with the defaults."""

SPOILERS = get_args(Spoilers)


def _only_known(
    arguments: dict[str, Any], known: Collection[str], operation: str
) -> dict[str, Any]:
    for name in arguments:
        if name not in known:
            takes = ", ".join(sorted(known)) or "nothing"
            text = (
                f"{operation} has no argument {name!r}, it takes {takes}."
                f"{did_you_mean(name, known)}"
            )
            raise ProviderInvalidRequestError(text)
    return arguments


def _seed_request(call: Call, arguments: dict[str, Any]) -> SeedRequest:
    asked, name = arguments, call.operation.name
    if asked.keys() != SEED_ARGUMENTS.keys():  # through call("...", "generate", ...)
        asked = {**SEED_ARGUMENTS, **_only_known(arguments, SEED_ARGUMENTS, name)}
    preset, branch, settings = asked["preset"], asked["branch"], asked["settings"]
    race, sealed, spoilers = asked["race"], asked["sealed"], asked["spoilers"]
    if preset is not None:
        check_text("preset", preset)
    if branch is not None:
        check_text("branch", branch)
    if spoilers is None:
        spoilers = "off" if race else call.lane.settings.spoilers
    if race is not False or sealed is not False or spoilers != "off":
        _check_switches(race, sealed, spoilers)
    reveal_at = asked["reveal_at"]
    if spoilers == "delayed" or reveal_at is not None:
        reveal_at = _reveal_at(call, spoilers, reveal_at)
    if settings is not None and not isinstance(settings, Mapping):
        text = "settings must be a mapping of names to values"
        raise ProviderInvalidRequestError(text)
    if isinstance(call.preset, ProviderError):
        raise call.preset
    found = call.preset
    return SeedRequest(
        provider=call.lane.provider.name,
        operation=name,
        surface=call.surface,
        call_id=call.call_id,
        preset=found.name if found else preset,
        settings=_own_copy(settings),
        race=race,
        spoilers=spoilers,
        branch=found.branch or branch if found else branch,
        options=_options_of(call, asked, found),
        sealed=sealed,
        given=(asked["options"] or NOTHING_GIVEN) if found else None,
        reveal_at=reveal_at,
        by=None if asked["by"] is None else _by(asked["by"]),
    )


def check_text(what: str, value: object) -> None:
    """
    Refuse what is no short printable text. Raises ProviderInvalidRequestError.
    """
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= LONGEST_NAME:
        text = f"{what} must be a printable text of 1 to {LONGEST_NAME} characters"
        raise ProviderInvalidRequestError(text)


def _check_switches(race: object, sealed: object, spoilers: object) -> None:
    for what, value in (("race", race), ("sealed", sealed)):
        if not isinstance(value, bool):
            text = f"{what} must be true or false"
            raise ProviderInvalidRequestError(text)
    if spoilers not in SPOILERS:
        text = f"spoilers is one of {', '.join(SPOILERS)}"
        raise ProviderInvalidRequestError(text)
    if race and spoilers == "on":
        text = "a race seed has no spoilers; use spoilers off, or roll without race"
        raise ProviderInvalidRequestError(text)


def _by(given: object) -> str:
    from seedcore.presets.names import checked_author  # few calls say who asked

    return checked_author(given)


def _reveal_at(call: Call, spoilers: Spoilers, given: object) -> float | None:
    """
    Return the time that was given for a spoiler race's log, in seconds since 1970.
    """
    if spoilers != "delayed":
        text = "reveal_at is for spoiler races: use it with spoilers delayed"
        raise ProviderInvalidRequestError(text)
    if not call.lane.provider.declaration.delayed:
        text = "it can't make spoiler logs that are revealed later; use spoilers off"
        raise ProviderCapabilityError(text)
    runtime = call.lane.runtime
    if runtime.logs is None and not call.dry:
        text = "spoiler logs that are revealed later need the database, which is switched off here"
        raise ProviderCapabilityError(text)
    if runtime.logs is not None and (fault := runtime.logs.fault()):
        text = f"its spoiler log couldn't be kept: {fault}"
        raise ProviderCapabilityError(text)
    if given is None:
        return None
    now = runtime.clock.time()
    due = given.timestamp() if isinstance(given, datetime) and given.tzinfo else given
    if (
        isinstance(due, bool)
        or not isinstance(due, (int, float))
        or not now < due < now + LONGEST_TIME
    ):
        text = "reveal_at must be a time to come: a datetime with its zone, or seconds since 1970"
        raise ProviderInvalidRequestError(text)
    return float(due)


def _own_copy(given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """
    Return a copy that shares nothing with the caller's, who may use his for the next call.
    """
    if not given:
        return NOTHING_GIVEN
    try:
        return read_only(copied(given))
    except RecursionError:
        text = "it contains itself, or is nested too deeply"
        raise ProviderInvalidRequestError(text) from None


def _options_of(call: Call, asked: Mapping[str, Any], preset: Preset | None) -> Any:
    """
    Return the options of a seed: those given, over a document, over the preset's.
    """
    documents: Documents = call.operation.documents
    options, declared = asked["options"], documents.options
    if declared is None and not options:
        return NOTHING_GIVEN
    whole = declared is not None and isinstance(options, declared)
    if whole and preset is None and (documents.presets is None or not asked["settings"]):
        return options
    if whole:
        text = "options are complete already: give a mapping beside a preset or settings"
        raise ProviderInvalidRequestError(text)
    if options is not None and not isinstance(options, Mapping):
        text = "options must be a mapping of names to values"
        raise ProviderInvalidRequestError(text)
    if declared is None:
        return _own_copy(options)
    if preset is not None and preset.built is not None and not (asked["settings"] or options):
        return preset.built
    try:
        return structure(declared, _document(documents, asked, preset), subject="option")
    except SettingsError as error:
        words = str(error).rstrip(".")
    if preset is not None and (fault := preset.fault()):
        text = f"the preset {preset.name!r} doesn't fit: {fault}"
        raise InvalidPresetError(text)
    raise ProviderInvalidRequestError(words)


def _document(
    documents: Documents, asked: Mapping[str, Any], preset: Preset | None
) -> Mapping[str, Any]:
    """
    Return all that was given about the options, in their shape; what comes later wins.
    """
    options = asked["options"] or {}
    if documents.presets is None:
        return combined(documents, (options,))
    document = asked["settings"] or {}
    taken = {key: value for key, value in document.items() if key not in documents.ignored_options}
    return combined(documents, (preset.options if preset else {}, taken, options))


def _of_the_preset(call: Call, error: ProviderInvalidRequestError) -> ProviderError:
    """
    Return *error* as one about the preset if the caller has added nothing to it.
    """
    request, preset = call.request, call.preset
    alone = isinstance(request, SeedRequest) and not (request.given or request.settings)
    if type(error) is not ProviderInvalidRequestError or not alone or preset is None:
        return error
    assert not isinstance(preset, ProviderError)
    text = f"the preset {preset.name!r} doesn't fit: {error.provider_message}"
    return InvalidPresetError(text)


def check_request(call: Call) -> None:
    """
    Let the provider look at the request. Raises the ProviderError that it has for it.
    """
    check = call.lane.provider.check
    assert check is not None
    try:
        returned = check(call.request)
    except ProviderInvalidRequestError as error:
        raise _of_the_preset(call, error) from None
    except (ProviderError, KeyboardInterrupt):
        raise
    except SettingsError as error:
        raise ProviderInvalidRequestError(str(error).rstrip(".")) from None
    except BaseException as error:
        text = f"its check raised {type(error).__name__}; this is a bug of its plugin"
        raise ProviderResponseFormatError(text, reason=PLUGIN_ERROR) from error
    if returned is not None:  # a coroutine, most likely, that nobody has run
        text = f"its check returned {type(returned).__name__}; this is a bug of its plugin"
        raise ProviderResponseFormatError(text, reason=PLUGIN_ERROR)
