"""
Takes the values of secret settings out of everything that leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""A secret of fewer characters would mask half of every text; it isn't one."""


class Redactor:
    """
    Replaces every secret value, plain or percent-encoded, by ``***``.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {
            form
            for secret in secrets
            if len(secret) >= SHORTEST
            for form in (secret, quote(secret, safe=""), quote_plus(secret))
        }
        self._secrets = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """
        Return *text* without secrets.
        """
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

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
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.plain, value))
        return value
