"""
The requests that a seed takes: one makes it, the others ask how it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seedcore import (
    Pending,
    ProviderError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
)
from seedcore_ootr.reply import State, document_of, log_of, mapping_of, state_of

if TYPE_CHECKING:
    # Showing or listing the plugin must not pay for importing aiohttp.
    import aiohttp

    from seedcore import Context
    from seedcore_ootr.wish import Wish

CREATE = "api/v2/seed/create"
SOON = 30.0
"""Seconds after which what belongs to a finished seed must be there."""
UNSAID = 3
"""Looks at a seed that is done and still says that it is being made; one may be too early."""


async def create(wish: Wish, context: Context) -> tuple[Mapping[str, Any], str]:
    """
    Ask for a seed; return the answer, and where the site is.
    """
    async with context.http.post(
        CREATE,
        params={"key": context.settings.key, **wish.query},
        json=wish.document,
        allow_redirects=False,  # a redirected POST becomes a GET, which makes nothing
    ) as reply:
        created = mapping_of(await document_of(reply))
        return created, str(reply.url.with_query(None)).removesuffix(CREATE)


async def outcome(key: str, context: Context) -> State:
    """
    Ask for the status of a seed until it is final.
    """
    unsaid = 0

    async def look() -> State | Pending:
        nonlocal unsaid
        state = await status_of(key, context)
        if isinstance(state, Pending) and state.progress == 1:
            unsaid += 1
            if unsaid == UNSAID:
                text = "it is done with the seed, and doesn't say whether it made one"
                raise ProviderResponseFormatError(text)
        return state

    return await context.poll(
        look, interval=2.0, growth=1.2, longest=10.0, deadline=context.settings.poll_timeout
    )


async def status_of(key: str, context: Context) -> State | Pending:
    """
    Ask for the status of a seed once.
    """
    async with asked("status", key, context) as reply:
        if reply.status == 204:
            return Pending("not known yet")
        return state_of(await document_of(reply))


async def details_of(key: str, context: Context) -> tuple[Mapping[str, Any], str]:
    """
    Return the details of a finished seed; empty, and why, where they can't be had.

    A seed is made by then, and without its code it is one all the same.
    """

    async def look() -> Mapping[str, Any] | Pending:
        async with asked("details", key, context) as reply:
            if reply.status == 204:
                return Pending("no details yet")
            details = mapping_of(await document_of(reply))
            return {"log": log_of(details), "created": details.get("creationTimestamp")}

    try:
        return await context.poll(look, deadline=SOON), "its details don't have it"
    except ProviderError as error:
        return {}, f"its details can't be had: {_short(error)}"


def _short(error: ProviderError) -> str:
    # Not in the site's own words: it may repeat the address, and with it the key.
    if error.status_code is not None:
        return f"the site answers with status {error.status_code}"
    if isinstance(error, ProviderTimeoutError):
        return "they weren't there in time"
    if isinstance(error, ProviderResponseFormatError):
        return "the site answers with something else"
    return "the site doesn't answer"


def asked(what: str, key: str, context: Context) -> aiohttp.client._RequestContextManager:
    """
    Ask about a seed.
    """
    params = {"key": context.settings.key, "id": key}
    return context.http.get(f"api/v2/seed/{what}", params=params)
