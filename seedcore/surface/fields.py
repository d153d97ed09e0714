"""
What can be given to a class of options or settings, field by field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from seedcore.settings.structure import LISTS, fields_of
from seedcore.settings.words import expected, rule_of
from seedcore.surface.plain import plain

Kind = Literal["text", "integer", "number", "switch", "choice", "list", "table", "any"]

_KINDS: Mapping[Any, Kind] = {
    bool: "switch",
    int: "integer",
    float: "number",
    str: "text",
    Path: "text",
}


@attrs.frozen(kw_only=True)
class Field:
    """
    One thing that a person can give, as every surface needs to know it.

    ``name`` is what is written, nested ones as ``outer.inner``. ``kind`` is what to ask with, and
    ``choices`` are the texts to choose from where they are known. ``type`` and ``allowed`` say in
    words what fits, ``least`` and ``most`` as numbers. The default of a secret is ``***``.
    """

    name: str
    kind: Kind = "any"
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    type: str = ""
    allowed: str | None = None
    least: float | None = None
    most: float | None = None
    secret: bool = False
    help: str = ""


def declared_fields(declared: type[Any] | None) -> Iterator[Field]:
    """
    Yield each field of a class of options or settings, nested ones as ``outer.inner``.
    """
    for name, field in fields_of(declared).items() if declared else ():
        yield from _fields(name, field, _default_of(field), str(field.metadata.get("help", "")))


def _fields(name: str, field: Any, default: Any, explained: str) -> Iterator[Field]:
    inner = _nested(field.type)
    if inner is not None:
        for key, each in fields_of(inner).items():
            held = getattr(default, each.name) if isinstance(default, inner) else _default_of(each)
            told = str(each.metadata.get("help", "")) or explained
            yield from _fields(f"{name}.{key}", each, held, told)
        return
    secret = bool(field.metadata.get("secret"))
    required = default is attrs.NOTHING
    kind, choices = _asked_with(field.type)
    least, most = _bounds(field.validator)
    yield Field(
        name=name,
        kind=kind,
        choices=choices,
        type=expected(field.type),
        required=required,
        default=None if required else "***" if default and secret else plain(default),
        allowed=rule_of(field.validator) or None,
        least=least,
        most=most,
        secret=secret,
        help=explained,
    )


def _default_of(field: Any) -> Any:
    default = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return None if default.takes_self else default.factory()
    return default


def _parts(kind: Any) -> list[Any]:
    """
    Return what a value may be, without ``None``.
    """
    if get_origin(kind) is Annotated:
        return _parts(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [part for part in get_args(kind) if part is not NoneType]
    return [kind]


def _nested(kind: Any) -> type[Any] | None:
    """
    Return the class whose fields stand in place of one of *kind*, also where it may be left out.
    """
    parts = _parts(kind)
    alone = parts[0] if len(parts) == 1 else None
    return alone if isinstance(alone, type) and attrs.has(alone) else None


def _asked_with(kind: Any) -> tuple[Kind, tuple[str, ...]]:
    """
    Return how to ask for one of *kind*, and the texts to choose from.
    """
    parts = _parts(kind)
    if len(parts) != 1:
        return "any", ()
    outer = get_origin(parts[0]) or parts[0]
    if outer is Literal:
        return "choice", tuple(map(str, get_args(parts[0])))
    if outer in (*LISTS, Sequence):
        return "list", ()
    if isinstance(outer, type) and issubclass(outer, Enum):
        return "choice", tuple(str(member.value) for member in outer)
    if isinstance(outer, type) and issubclass(outer, Mapping):
        return "table", ()
    return _KINDS.get(outer, "any"), ()


def _bounds(validator: Any) -> tuple[float | None, float | None]:
    """
    Return the least and the most that attrs' own validators allow, where they say so.
    """
    least: float | None = None
    most: float | None = None
    optional = type(validator).__name__ == "_OptionalValidator"  # not_ has one inside, too
    inner = validator.validator if optional else None
    for part in (*getattr(validator, "_validators", ()), *([inner] if inner else ())):
        low, high = _bounds(part)
        least, most = low if least is None else least, high if most is None else most
    bound = getattr(validator, "bound", None)
    if isinstance(bound, (int, float)):
        if validator.compare_op == ">=":
            least = bound
        elif validator.compare_op == "<=":
            most = bound
    return least, most
