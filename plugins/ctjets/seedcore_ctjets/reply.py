"""
What the site answers: a page, or the dialect in which it refuses something.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from seedcore import (
    ProviderAuthenticationError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
)
from seedcore_ctjets.page import FORGED, refused_fields, said

if TYPE_CHECKING:
    import aiohttp


async def text_of(reply: aiohttp.ClientResponse, version: str, *, form: str | None = None) -> str:
    """
    Return a page, or raise what its status means.

    *form* is the version that the form calls itself which was sent, empty if it has none.
    """
    text = await reply.text("utf-8", "replace")
    if reply.status >= 300:
        _refuse(reply.status, text, version, form)
        reply.raise_for_status()
        words = "it answers with a redirect that leads nowhere"
        raise ProviderResponseFormatError(words, status_code=reply.status)
    return text


async def document_of(reply: aiohttp.ClientResponse, version: str) -> Any:
    """
    Return the JSON of an answer, or raise what its status means.
    """
    text = await text_of(reply, version)
    try:
        return json.loads(text)
    except (RecursionError, ValueError):
        words = "it answered with something else than JSON where its spoiler logs are"
        raise ProviderResponseFormatError(words) from None


def refuse_fields(text: str, version: str, form: str | None, status: int | None = None) -> None:
    """
    Raise what an error page says of the form, and which version that is; no other page.
    """
    words = said(text)
    if not words:
        return
    fields = refused_fields(words)
    if fields:
        words = f"its form refuses these fields: {', '.join(fields)}. {_versions(version, form)}"
    raise ProviderInvalidRequestError(words, status_code=status)


def _versions(version: str, form: str | None) -> str:
    if form and form != version:
        return f"It is the form of version {form}, and the options are for {version}"
    return f"They are missing or wrong; the form there may not be that of version {version}"


def _refuse(status: int, text: str, version: str, form: str | None) -> None:
    """
    Raise what the site's own dialect means by *status*.
    """
    if status == 403 and FORGED in text:
        words = (
            "it took the form for a forged one (403, CSRF): its token, its cookie and the address "
            "it came from must belong together, so ask again; if that doesn't help, check base_url"
        )
        # It is no credential: the next attempt has a new token.
        raise ProviderAuthenticationError(words, status_code=status, retryable=True)
    if 400 <= status < 500:
        refuse_fields(text, version, form, status)
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("", "<"):
        return  # words, or JSON that has some
    if status == 404:
        words = (
            f"nothing is there; the site may not have version {version}: check that, or base_url"
        )
        raise ProviderInvalidRequestError(words, status_code=status)
    if status == 500 and form is not None:
        words = (
            "it failed to make a seed (500), which it also does for settings that don't go "
            "together, and while it has no ROM itself"
        )
        raise ProviderUnavailableError(words, status_code=status)
