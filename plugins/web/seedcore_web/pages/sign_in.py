"""
Signing in with a key, so that a browser sends it by itself, and signing out.
"""

from __future__ import annotations

import re

from aiohttp import web

from seedcore_web import access
from seedcore_web.pages.rendering import page
from seedcore_web.pages.visitor import Visitor

WRONG = "That is not a key of this server, or it is revoked."
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\s]*")


async def show_sign_in(request: web.Request) -> web.Response:
    """
    Answer with the form.
    """
    return sign_in_page(request, then=own_path(request.query.get("then")))


async def sign_in(request: web.Request) -> web.StreamResponse:
    """
    Sign in, and go to where the visitor wanted to be.
    """
    then = own_path((await request.post()).get("then"))
    signed_in = await access.sign_in(request)
    if signed_in is None:
        return sign_in_page(request, 401, message=WRONG, then=then)
    response, key = signed_in
    # Who may only roll finds nothing on the first page.
    home = Visitor(access.Caller(key=key)).home
    response.headers["Location"] = home if then == "/" else then
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """
    Sign out.
    """
    return await access.sign_out(request)


def sign_in_page(
    request: web.Request, status: int = 200, *, message: str = "", then: str = "/"
) -> web.Response:
    """
    Return the form, with what was wrong, and where to go from there.
    """
    return page(request, "sign_in.html", status, message=message, then=then)


def own_path(given: object) -> str:
    """
    Return where to go after signing in: a page of this server, whatever was given.
    """
    text = str(given or "/")
    return text if text.isascii() and text.isprintable() and _OWN_PATH.fullmatch(text) else "/"
