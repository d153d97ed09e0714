"""
An object that is stored, and a storage: whoever can keep one and give it out again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import attrs

from seedcore.errors import ProviderResponseFormatError

SEALED = "sealed/"
"""What keys of spoiler logs begin with, so that a bucket's policy can tell them from the others."""
PUBLIC_NAME = re.compile(
    r"(?!(sealed|revealed)(/|$)|.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,7}"
)
"""Names of public objects: paths of plain names."""


@attrs.frozen(kw_only=True)
class Stored:
    """
    What is known of an object besides its bytes; the key of a private one is a secret.
    """

    key: str = attrs.field(repr=False)
    content_type: str = "application/octet-stream"
    encoding: str | None = None
    filename: str | None = None
    public: bool = False


class Storage(Protocol):
    """
    Keeps objects; ``name`` is the provider's, empty for the local directory.
    """

    name: str

    async def put(self, stored: Stored, content: bytes) -> str | None:
        """
        Keep *content*, also over what has its key; return the address if it is public.
        """

    async def link(self, stored: Stored, seconds: int) -> str:
        """
        Return an address of a private object that works for *seconds*.
        """


def stored_of(facts: Mapping[str, Any]) -> Stored:
    """
    Return what *facts*, which another version may have written, say of an object.
    """
    known = attrs.fields_dict(Stored)
    return Stored(**{name: value for name, value in facts.items() if name in known})


class Provided:
    """
    A storage that is a provider: its operations ``put`` and ``link``, under the contract.

    *call* takes provider, operation, texts to hide in all that is written of the call, arguments.
    """

    def __init__(self, name: str, call: Callable[..., Awaitable[Any]]) -> None:
        self.name = name
        self._call = call

    async def put(self, stored: Stored, content: bytes) -> str | None:
        """
        Keep *content*; return the address if it is public. Raises what calls raise.
        """
        facts = attrs.asdict(stored)
        hide = () if stored.public else (stored.key,)
        address = await self._call(self.name, "put", hide=hide, content=content, **facts)
        if address is None or isinstance(address, str):
            return address
        raise self._broken(address)

    async def link(self, stored: Stored, seconds: int) -> str:
        """
        Return an address that works for *seconds*. Raises what calls raise.
        """
        facts = {"key": stored.key, "seconds": seconds}
        found = await self._call(self.name, "link", hide=(stored.key,), **facts)
        if isinstance(found, str):
            return found
        raise self._broken(found)

    def _broken(self, value: object) -> ProviderResponseFormatError:
        text = f"it returned {type(value).__name__} in place of an address"
        return ProviderResponseFormatError(text, provider=self.name)
