"""
What may be shown of settings, and which texts must not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs

from seedcore.settings.keys import masked_url
from seedcore.settings.sources import Layer
from seedcore.settings.structure import fields_of


@attrs.frozen(kw_only=True)
class SettingLine:
    """
    One setting as ``seedcore show`` prints it; the value of a secret is masked already.
    """

    key: str
    value: Any
    origin: str
    help: str
    secret: bool


def lines_of(cls: type[Any], instance: Any, layer: Layer) -> Iterator[SettingLine]:
    """
    Yield the settings of *instance* that *cls* declares.
    """
    for key, field in fields_of(cls).items():
        secret = bool(field.metadata.get("secret"))
        yield SettingLine(
            key=key,
            value=_plain(getattr(instance, field.name), secret=secret),
            origin=layer[key].origin if key in layer else "default",
            help=str(field.metadata.get("help", "")),
            secret=secret,
        )


def _plain(value: Any, *, secret: bool = False) -> Any:
    """
    Return *value* as something that may be shown: a number, a text or a list of them.
    """
    if secret and value not in (None, ""):
        return "***"
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (int, float)):
        return value
    text = str(value)
    return masked_url(text) if "://" in text else text


def secrets_of(value: Any, *, secret: bool = False) -> Iterator[str]:
    """
    Yield the texts inside *value* that are marked as secret.
    """
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            marked = secret or bool(field.metadata.get("secret"))
            yield from secrets_of(getattr(value, field.name), secret=marked)
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from secrets_of(item, secret=secret)
    elif secret and value and isinstance(value, (str, int)) and value is not True:
        yield str(value)


def password_of(url: str | None) -> Iterator[str]:
    """
    Yield the password of *url* as written and decoded, or else its user name: a token.
    """
    parts = urlsplit(url or "")
    password = parts.password or parts.username
    if password:
        yield password
        yield unquote(password)
