"""
The two names of a seed: the guid that the site's interface wants, the slug in its permalink.

A slug is the sixteen bytes of the guid in URL-safe base64 without padding: 22 characters.
"""

from __future__ import annotations

import base64
import binascii
import re

from seedcore import ProviderInvalidRequestError

_GUID = re.compile(r"[0-9a-f]{32}")


def guid_in(text: object) -> str | None:
    """
    Return *text* as a guid, 32 hex digits in lower case; ``None`` if it isn't one.
    """
    found = text.lower() if isinstance(text, str) else ""
    return found if _GUID.fullmatch(found) else None


def slug_of(guid: str) -> str:
    """
    Return the slug of a guid.
    """
    return base64.urlsafe_b64encode(bytes.fromhex(guid)).rstrip(b"=").decode()


def guid_of(given: object) -> str:
    """
    Return the guid that is meant by a slug or a guid, with dashes or without.

    Raises ProviderInvalidRequestError for anything else.
    """
    text = given.strip() if isinstance(given, str) else ""
    guid = guid_in(text.replace("-", "")) if len(text) != 22 else _decoded(text)
    if guid is None:
        words = (
            "id must be the name of a seed as its permalink ends with, 22 letters, digits, - "
            "and _, or its guid, 32 hex digits"
        )
        raise ProviderInvalidRequestError(words)
    return guid


def _decoded(slug: str) -> str | None:
    try:
        guid = base64.b64decode(f"{slug}==", altchars=b"-_", validate=True).hex()
    except (binascii.Error, ValueError):
        return None
    # The last character has four bits to spare: other spellings are no names of the site.
    return guid if slug_of(guid) == slug else None
