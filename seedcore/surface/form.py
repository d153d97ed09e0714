"""
What an operation takes, for whichever surface asks for it, and how that becomes a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

import attrs

from seedcore.adapt import KEPT
from seedcore.errors import SettingsError, UnknownOperationError
from seedcore.model import Spoilers
from seedcore.settings.structure import convert
from seedcore.surface.fields import Field, declared_fields
from seedcore.surface.words import value_of

if TYPE_CHECKING:
    from seedcore.plugins import Provider

PREFIX = "options."
"""Stands before an option whose name a call has already, such as ``options.preset``."""

_CALL = (
    Field(name="preset", kind="text", type="text", help="a preset: a name, or namespace/name"),
    Field(
        name="race", kind="switch", type="true or false", default=False, help="a seed for a race"
    ),
    Field(
        name="spoilers",
        kind="choice",
        choices=get_args(Spoilers),
        type=f"one of {', '.join(get_args(Spoilers))}",
        help="off for a race, else what the settings say",
    ),
    Field(name="branch", kind="text", type="text", help="the branch of the provider's generator"),
    Field(name="settings", kind="table", type="a table", help="a whole settings document"),
)


@attrs.frozen(kw_only=True)
class Form:
    """
    What one operation of a provider takes: ``call`` for every seed alike, ``own`` of its own.

    ``any`` says that it takes further names that nobody has declared.
    """

    provider: str
    operation: str
    rolls: bool
    call: tuple[Field, ...] = ()
    own: tuple[Field, ...] = ()
    any: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """
        All of it by the names that ``arguments`` reads.
        """
        taken = {field.name for field in self.call}
        return (
            *self.call,
            *(
                attrs.evolve(field, name=PREFIX + field.name) if field.name in taken else field
                for field in self.own
            ),
        )

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return what *given* by name means to ``runner.generate``, or to ``runner.call``.

        Texts become what their field is: a switch, a number, a list. An empty text is nothing,
        unless the field is a text of the operation's own. Raises SettingsError for a switch or a
        settings document that can't be one, and for the name of a limit; the call itself checks
        all else.
        """
        if not self.rolls:
            return self.own_arguments(given)
        known = {field.name: field for field in self.call}
        arguments: dict[str, Any] = {}
        options: dict[str, Any] = {}
        for name, value in given.items():
            field = known.get(name)
            if field is None:
                options[name.removeprefix(PREFIX)] = value
            elif value not in ("", None):
                arguments[name] = _read(field, value)
        own = self.own_arguments(options)
        return {**arguments, "options": own} if own else arguments

    def own_arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return the options, or the arguments of an operation that makes no seeds, by name.
        """
        if not self.rolls:
            check_names(given)
        known = {field.name: field for field in self.own}
        return {
            name: _meant(known.get(name), value)
            for name, value in given.items()
            if not _is_nothing(known.get(name), value)
        }


def check_names(arguments: Iterable[str]) -> None:
    """
    Refuse what a call itself is given beside the arguments of an operation. Raises SettingsError.
    """
    for name in arguments:
        if name in KEPT:
            msg = f"No operation can have an argument {name!r}: it is a limit of the call."
            raise SettingsError(msg)


def form_of(provider: Provider, operation: str = "generate") -> Form:
    """
    Return what *operation* of a loaded *provider* takes. Raises UnknownOperationError.
    """
    known = provider.operations.get(operation)
    if known is None:
        raise UnknownOperationError(provider.name, operation, provider.operations)
    if known.rolls:
        documents = known.documents
        return Form(
            provider=provider.name,
            operation=operation,
            rolls=True,
            call=_CALL,
            own=tuple(declared_fields(documents.options)),
            any=documents.options is None or documents.open_options is not None,
        )
    own = (
        Field(
            name=name,
            kind="text" if name in known.texts else "any",
            type="text" if name in known.texts else "",
            required=name in known.needs,
        )
        for name in sorted(known.takes or ())
    )
    return Form(
        provider=provider.name,
        operation=operation,
        rolls=False,
        own=tuple(own),
        any=known.takes is None,
    )


def _is_nothing(field: Field | None, value: Any) -> bool:
    return value is None or (value == "" and field is not None and field.kind != "text")


def _meant(field: Field | None, value: Any) -> Any:
    """
    Return a text as JSON where that can be meant; the call converts all else, and names faults.
    """
    if not isinstance(value, str) or (field is not None and field.kind in _AS_TEXT):
        return value
    return value_of(value)


_AS_TEXT = ("text", "choice", "switch")


def _read(field: Field, value: Any) -> Any:
    """
    Return *value* as one of the arguments that every seed takes.
    """
    if field.kind == "switch":
        try:
            return convert(value, bool)
        except Exception:  # noqa: BLE001 - its words are not for people
            msg = f"{field.name} must be {field.type}."
        raise SettingsError(msg)
    if field.kind == "table" and isinstance(value, str):
        document = value_of(value)
        if not isinstance(document, Mapping):
            msg = f"{field.name} must be a JSON object: names and values in braces."
            raise SettingsError(msg)
        return document
    return value
