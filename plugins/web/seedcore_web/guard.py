"""
What stands before every endpoint: the key, its scope, where a browser comes from, and the body.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from aiohttp import web

from seedcore_web.access import ACCESS, CALLER, Caller, caller_of, without_keys
from seedcore_web.endpoints import Answer, Endpoint
from seedcore_web.limits import BODY, BODY_SECONDS
from seedcore_web.problems import Refusal

ANY = "any"
"""The scope of what every key opens."""
IN_URL = frozenset({"access_token", "api_key", "apikey", "auth_key"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def guarded(endpoint: Endpoint) -> Answer:
    """
    Return what answers at *endpoint*, for whoever may ask there.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        if endpoint.scope:
            await admit(request, endpoint.scope)
        elif endpoint.method not in SAFE:
            check_origin(request)
        if endpoint.scope == "generate" and endpoint.method == "GET":
            check_meant(request)
        if request.body_exists:
            await read_body(request)
        return await endpoint.answer(request)

    return answer


async def admit(request: web.Request, scope: str) -> None:
    """
    Find out who asks, and refuse who may not.
    """
    access = request.app[ACCESS]
    caller = await access.who(request)
    if caller is None:
        message = (
            "This needs a key that is in use: send 'Authorization: Bearer seedcore_...'. "
            "The operator makes one with seedcore web key add."
        )
        raise Refusal(401, "KeyNeeded", message, WWW_Authenticate="Bearer")
    request[CALLER] = caller
    access.count(caller)
    if request.method not in SAFE and caller.sent_by_itself:
        check_origin(request)
    if scope != ANY:
        require(caller, scope)


def require(caller: Caller, scope: str) -> None:
    """
    Raise Refusal unless *caller* may do what needs *scope*.
    """
    if not caller.allows(scope):
        has = ", ".join(caller.scopes)
        message = f"This needs a key with the scope {scope}; {caller.name!r} has {has}."
        raise Refusal(403, "NotAllowed", message)


def check_url(request: web.Request) -> None:
    """
    Refuse a key in the address: addresses are logged, kept and passed on.
    """
    address = request.path_qs
    if without_keys(address) != address or IN_URL & request.query.keys():
        message = (
            "A key never belongs in an address: send 'Authorization: Bearer seedcore_...', and "
            "revoke a key that was sent like this."
        )
        raise Refusal(400, "BadRequest", message)


def check_origin(request: web.Request) -> None:
    """
    Refuse what a page of somewhere else makes a browser send.

    JSON can't be sent from there: a browser asks first, and is refused.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
        raise Refusal(403, "NotAllowed", "Another site's page may not ask that.")
    if site not in (None, "same-origin", "none"):
        raise Refusal(403, "NotAllowed", "Another site's page may not ask that.")
    known = origin is not None or site is not None
    if not known and request.content_type != "application/json":
        message = "Send it from a page of this server, or as JSON: Content-Type: application/json."
        raise Refusal(403, "NotAllowed", message)


def check_meant(request: web.Request) -> None:
    """
    Refuse to roll because a browser looks ahead, or because a page of elsewhere shows it.
    """
    if request.headers.get("Sec-Purpose") or request.headers.get("Purpose") == "prefetch":
        message = "Each visit of this address rolls a seed: it can't be fetched ahead."
        raise Refusal(403, "NotAllowed", message)
    site, caller = request.headers.get("Sec-Fetch-Site"), caller_of(request)
    if caller.by_cookie and site is None:
        message = (
            "Your browser doesn't tell where this link comes from, as it does over HTTPS, so that "
            "any page might roll seeds with your key. Roll with the form, or send the key yourself."
        )
        raise Refusal(403, "NotAllowed", message)
    if caller.sent_by_itself and site not in (None, "same-origin", "none"):
        raise Refusal(403, "NotAllowed", "Another site's page may not roll seeds here.")


async def read_body(request: web.Request) -> None:
    """
    Read the body, so that whoever answers has it; refuse one that is too large or too slow.
    """
    if (request.content_length or 0) > BODY:
        raise Refusal(413, "TooLarge", "The body is too large; 1 MiB is the most.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refusal(415, "UnsupportedMediaType", "Send the body as it is, not compressed.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            await request.read()
    except TimeoutError:
        message = f"The body did not arrive within {BODY_SECONDS:.0f} seconds."
        raise Refusal(408, "TooSlow", message, Connection="close") from None
    except (web.RequestPayloadError, ConnectionError):
        raise Refusal(400, "BadRequest", "The body was cut off, or is no HTTP.") from None
