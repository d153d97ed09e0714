"""
What can be given to a class of options or settings, field by field.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from seedcore.cli.output import Row, plain


def declared_rows(declared: type[Any] | None) -> Iterator[Row]:
    """
    Yield a row for each field of a class of options or settings, nested ones as ``outer.inner``.
    """
    from seedcore.settings.structure import fields_of

    for name, field in fields_of(declared).items() if declared else ():
        yield from _rows_of(name, field, _default_of(field), str(field.metadata.get("help", "")))


def _rows_of(name: str, field: Any, default: Any, explained: str) -> Iterator[Row]:
    import attrs

    from seedcore.settings.structure import fields_of
    from seedcore.settings.words import expected, rule_of

    inner = _nested(field.type)
    if inner is not None:
        for key, each in fields_of(inner).items():
            held = getattr(default, each.name) if isinstance(default, inner) else _default_of(each)
            told = str(each.metadata.get("help", "")) or explained
            yield from _rows_of(f"{name}.{key}", each, held, told)
        return
    secret = bool(field.metadata.get("secret"))
    required = default is attrs.NOTHING
    yield {
        "name": name,
        "type": expected(field.type),
        "required": required,
        "default": None if required else "***" if default and secret else plain(default),
        "allowed": rule_of(field.validator) or None,
        "secret": secret,
        "help": explained,
    }


def _default_of(field: Any) -> Any:
    import attrs

    default = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return None if default.takes_self else default.factory()
    return default


def _nested(kind: Any) -> type[Any] | None:
    """
    Return the class whose fields stand in place of one of *kind*, also where it may be left out.
    """
    import attrs

    parts = [part for part in get_args(kind) or (kind,) if part is not NoneType]
    alone = parts[0] if len(parts) == 1 and get_origin(kind) in (None, Union, UnionType) else None
    return alone if isinstance(alone, type) and attrs.has(alone) else None
