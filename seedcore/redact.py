"""
Takes the values of secret settings out of everything that leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

MASK = "***"
SHORTEST = 4
"""A secret of fewer characters would mask half of every text; it isn't one."""

PLAIN = "/?:@!$'()*,"
"""What yarl leaves as it is in a query, and so what a site may repeat of an address."""


class Redactor:
    """
    Replaces every secret value, plain or percent-encoded, by ``***``.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        self._secrets = sorted(forms, key=len, reverse=True)

    @property
    def active(self) -> bool:
        """
        Whether there is any secret to look for.
        """
        return bool(self._secrets)

    def text(self, text: str) -> str:
        """
        Return *text* without secrets.
        """
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def fields(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        Return *fields* with secrets taken out of their values; their names are our own.
        """
        if not self._secrets:
            return fields
        return {name: self.plain(value) for name, value in fields.items()}

    def plain(self, value: Any) -> Any:
        """
        Return plain data (mappings, lists, texts) without secrets; keys are searched too.
        """
        if not self._secrets:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.plain(key): self.plain(item) for key, item in value.items()}
        if isinstance(value, (list, set, frozenset)):
            return [self.plain(item) for item in value]
        if isinstance(value, (date, Decimal, UUID, PurePath)):  # what a row shows as text
            return self.text(str(value))
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 999:
            return MASK if str(value) in self._secrets else value
        if isinstance(value, tuple):
            items = map(self.plain, value)
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        return value


def _forms(secret: str) -> Iterator[str]:
    """
    Yield *secret* as it may stand in a text or a URL, with hex digits in either case.
    """
    yield secret
    for encoded in (quote(secret, safe=""), quote_plus(secret), quote_plus(secret, safe=PLAIN)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
