"""
Whether a request comes from this machine, which needs no key while there are none.
"""

from __future__ import annotations

import ipaddress
import re

from aiohttp import web

from seedcore_web.problems import Refusal

FORWARDED = re.compile(
    r"(?i)forwarded|via|x-forwarded(-.*)?|x-real-ip|x-original-.*|(.*-)?client-?ip|cf-.*"
)
"""Headers of a request that comes through a proxy, from who knows where."""


def is_local(request: web.Request) -> bool:
    """
    Whether the request comes from this machine, as far as that can be told.
    """
    peer = (request.transport and request.transport.get_extra_info("peername")) or ("",)
    here = is_loopback(peer[0]) and _names_loopback(request.headers.get("Host"))
    return here and _through(request) is None


def _through(request: web.Request) -> str | None:
    return next((name for name in request.headers if FORWARDED.fullmatch(name)), None)


def check_local(request: web.Request) -> None:
    """
    Raise Refusal unless the request comes from this machine, and from nowhere beyond it.
    """
    if is_local(request):
        return
    through = _through(request)
    why = f" (the header {through} says that this came from elsewhere)" if through else ""
    message = (
        "This server has no keys, so it answers this machine alone, under the name localhost"
        f"{why}. Make a key on the server: seedcore web key add NAME --scope generate"
    )
    raise Refusal(403, "NotAllowed", message)


def _names_loopback(host: str | None) -> bool:
    """
    Whether the name that was asked for is this machine's own.

    A page of elsewhere can lead its own name to 127.0.0.1, and a browser would ask us.
    """
    if not host:
        return False
    name = re.sub(r":\d+$", "", host.lower()).removeprefix("[").removesuffix("]")
    return name == "localhost" or is_loopback(name)


def is_loopback(address: str) -> bool:
    """
    Whether *address* is one of this machine itself; a name is none.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)
