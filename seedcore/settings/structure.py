"""
Plain values (TOML, JSON, text of the environment) to instances of attrs classes.

typed-settings converts lists, tables, paths, dates and unions. Scalars and choices are
converted here, since the library cuts 3.7 to 3 and takes ``true`` for 1. Like all its
messages those quote the value; ours never do.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from enum import Enum
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from weakref import WeakKeyDictionary

import attrs

from seedcore.errors import SettingsError, clean_text, did_you_mean

T = TypeVar("T")
Fields = Mapping[str, "attrs.Attribute[Any]"]

_FIELDS: WeakKeyDictionary[type[Any], Fields] = WeakKeyDictionary()
_NEEDED: WeakKeyDictionary[type[Any], tuple[str, ...]] = WeakKeyDictionary()
LISTS: tuple[Any, ...] = (list, tuple, set, frozenset)


class Refused(Exception):  # noqa: N818 - it never leaves this package
    """
    A value that doesn't fit: *rule* completes the sentence that begins with its key.
    """

    def __init__(self, rule: str, *path: str) -> None:
        super().__init__(rule, *path)
        self.rule = rule.rstrip(".")
        self.path = path

    def __str__(self) -> str:
        return f"{'.'.join(self.path)} {self.rule}.".lstrip()


def structure(cls: type[T], values: Mapping[str, Any], *, subject: str) -> T:
    """
    Return an instance of the attrs class *cls* made of plain *values*.

    Raises ``SettingsError`` for a key that is unknown, missing or whose value doesn't fit;
    its sentence begins with *subject*, names the key and what is allowed, never the value.
    """
    try:
        return build(cls, values)
    except Refused as refused:
        msg = f"{subject}: {refused}"
    # Raised out here, so that no __context__ carries the library's words.
    raise SettingsError(msg)


def names_of(cls: type[Any]) -> tuple[str, ...]:
    """
    Return the keys of *cls*. Raises ``SettingsError`` for a class that can't be used.
    """
    try:
        return tuple(fields_of(cls))
    except Refused as refused:
        msg = str(refused)
    raise SettingsError(msg)


def fields_of(cls: type[Any]) -> Fields:
    """
    Return what can be given to *cls*, by the name a person writes.
    """
    if cls in _FIELDS:
        return _FIELDS[cls]
    if not attrs.has(cls):
        rule = f"{cls.__name__} must be an attrs class"
        raise Refused(rule)
    try:
        attrs.resolve_types(cls)
    except NameError as error:
        rule = f"{cls.__name__} uses the type {error.name!r}, which its module doesn't define"
        raise Refused(rule) from None
    fields = {field.alias or field.name: field for field in attrs.fields(cls) if field.init}
    _NEEDED[cls] = tuple(key for key, field in fields.items() if field.default is attrs.NOTHING)
    return _FIELDS.setdefault(cls, fields)


def missing_from(cls: type[Any], values: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the keys without a default that *values* lacks.
    """
    fields_of(cls)
    return tuple(key for key in _NEEDED[cls] if key not in values)


def build(cls: type[T], values: object) -> T:
    """
    Return an instance of *cls*, or raise ``Refused``.
    """
    fields = fields_of(cls)
    if not isinstance(values, Mapping):
        rule = "must be a table"
        raise Refused(rule)
    for key in values:
        if key not in fields:
            known = ", ".join(fields) or "none"
            rule = f"is unknown.{did_you_mean(str(key), fields)} Known: {known}"
            raise Refused(rule, clean_text(key, 80))
    missing = missing_from(cls, values)
    if missing:
        rule = "must be given"
        raise Refused(rule, ", ".join(missing))
    converted = {key: _converted(key, fields[key], value) for key, value in values.items()}
    try:
        return cls(**converted)
    except Exception as error:  # noqa: BLE001 - the checks of plugins raise anything
        refused = _culprit(fields, converted, error)
    raise refused


def _converted(key: str, field: attrs.Attribute[Any], value: Any) -> Any:
    if field.converter is not None:
        return value  # its author knows better than the annotation
    try:
        return convert(value, field.type)
    except Refused as inner:
        refused = Refused(inner.rule, key, *inner.path)
    except Exception:  # noqa: BLE001 - the library raises anything
        refused = Refused(_demand(key, field), key)
    raise refused


def _demand(key: str, field: attrs.Attribute[Any]) -> str:
    """
    Return the range that the field's own check names, else its type.
    """
    from seedcore.settings.words import expected

    try:
        if field.validator is not None:
            field.validator(None, field, math.nan)  # in no range
    except SettingsError as complaint:
        return str(complaint).removeprefix(f"{key} ")
    except Exception:  # noqa: BLE001, S110 - a check that isn't written for people
        pass
    return f"must be {expected(field.type)}"


def convert(value: Any, kind: Any) -> Any:
    """
    Return *value* as *kind*, or raise an exception whose words must not be shown.
    """
    if type(value) is kind and kind is not float:
        return value
    try:
        conversion = _known_conversion(kind)
    except TypeError:  # an annotation that can't be hashed
        conversion = _conversion(kind)
    return conversion(value)


Conversion = Callable[[Any], Any]


def _conversion(kind: Any) -> Conversion:
    """
    Return what makes a *kind* of a plain value: annotations are looked into once.
    """
    if kind in (Any, None, object):
        return _as_it_is
    origin, args = get_origin(kind), get_args(kind)
    if origin is None and isinstance(kind, type):
        return _conversion_to_class(kind)
    if origin is Annotated:
        return functools.partial(convert, kind=args[0])
    if origin is Literal:
        return _choice({allowed: (allowed, str(allowed)) for allowed in args})
    if origin in (Union, UnionType) and NoneType in args and len(args) == 2:
        inner = args[args[0] is NoneType]
        return lambda value: None if value is None else convert(value, inner)
    if origin in (dict, Mapping, MutableMapping) and args == (str, Any):
        return _named
    if origin is Sequence:
        listed = tuple.__class_getitem__((args[0], ...))
        return functools.partial(_convert_composite, kind=listed, outer=tuple)
    return functools.partial(_convert_composite, kind=kind, outer=origin)


_known_conversion = functools.lru_cache(maxsize=4096)(_conversion)


def _named(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(type(name) is str for name in value):
        return dict(value)
    raise TypeError


def _as_it_is(value: Any) -> Any:
    return value


def _conversion_to_class(kind: type) -> Conversion:
    if issubclass(kind, Enum):
        return _choice({m: (m, m.value, str(m.value), m.name) for m in kind})
    if kind in _SCALARS:
        return _SCALARS[kind]

    def to_instance(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        return build(kind, value) if attrs.has(kind) else _convert_composite(value, kind, kind)

    return to_instance


def _convert_composite(value: Any, kind: Any, outer: Any) -> Any:
    if outer in LISTS and not isinstance(value, (str, *LISTS)):
        raise TypeError
    # The most common list needs no library, whose import takes 60 ms.
    if kind == tuple[str, ...] and isinstance(value, str):
        return tuple(_split(value))
    return _library()(value, kind)


@functools.cache
def _library() -> Callable[[Any, Any], Any]:
    from typed_settings.converters import TSConverter

    class Composites(TSConverter):
        """
        typed-settings' converter, asking ``convert`` for everything inside a list or table.
        """

        def structure(self, obj: Any, cl: Any) -> Any:
            return convert(obj, cl)

    composites = Composites(resolve_paths=False, strlist_sep=_split)
    return functools.partial(TSConverter.structure, composites)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _choice(spellings: Mapping[Any, tuple[Any, ...]]) -> Conversion:
    # Types are compared too: True is no 1.
    known: dict[tuple[type, Any], Any] = {}
    for allowed, forms in spellings.items():
        for form in forms:
            with contextlib.suppress(TypeError):  # a member may have a list as its value
                known.setdefault((type(form), form), allowed)

    def choose(value: Any) -> Any:
        for meant in (value, *_meant(value)):
            if (type(meant), meant) in known:
                return known[type(meant), meant]
        raise ValueError

    return choose


def _meant(value: Any) -> tuple[str, ...]:
    """
    Return the texts that YAML and TOML read as *value* where somebody left out the quotes.
    """
    if isinstance(value, bool):
        return ("on", "yes", "true") if value else ("off", "no", "false")
    return (str(value),) if isinstance(value, int) else ()


_SWITCH = {"true": True, "yes": True, "on": True, "1": True}
_SWITCH |= {"false": False, "no": False, "off": False, "0": False}


def _switch(value: Any) -> bool:
    word = str(value) if isinstance(value, int) else value
    return _SWITCH[word.strip().lower()]


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _decimal(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError
    return number


def _text(value: Any) -> str:
    # A whole number loses nothing; "1.10" read as a number by TOML or JSON would.
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TypeError
    return str(value)


_SCALARS: Mapping[type, Callable[[Any], Any]] = {
    bool: _switch,
    int: _whole,
    float: _decimal,
    str: _text,
}


def _culprit(fields: Fields, given: Mapping[str, Any], error: Exception) -> Refused:
    """
    Find out which field made the constructor fail, by asking each one again.
    """
    from seedcore.settings.words import rule_of

    probe = SimpleNamespace(**{fields[key].name: value for key, value in given.items()})
    for key, value in given.items():
        field = fields[key]
        converter: Any = field.converter
        if isinstance(converter, attrs.Converter):
            continue
        try:
            checked = converter(value) if converter else value
            if field.validator is not None:
                field.validator(probe, field, checked)
        except SettingsError as complaint:
            return Refused(_words_of(complaint, fields, given).removeprefix(f"{key} "), key)
        except Exception:  # noqa: BLE001
            return Refused(rule_of(field.validator) or "is refused by its own check", key)
    if isinstance(error, SettingsError):
        return Refused(_words_of(error, fields, given))
    return Refused(f"the values of {', '.join(given) or 'the defaults'} don't fit together")


def _words_of(error: SettingsError, fields: Fields, given: Mapping[str, Any]) -> str:
    """
    Return the sentence of a check that was written for people, without secrets.
    """
    words = str(error)
    for key, value in given.items():
        if fields[key].metadata.get("secret") and value:
            words = words.replace(str(value), "***")
    return words
