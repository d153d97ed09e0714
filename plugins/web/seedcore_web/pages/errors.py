"""
What went wrong, as a page.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from seedcore.surface.shown import ShownError
from seedcore_web.pages.rendering import page

HEADINGS = {
    400: "That can't be read",
    401: "A key is needed",
    403: "Not allowed",
    404: "Nothing here",
    405: "Not that way",
    429: "Too many requests",
    500: "Something went wrong here",
    501: "The provider can't do that",
    502: "The provider gave no usable answer",
    503: "Not available right now",
    504: "No answer in time",
}


def error_page(request: web.Request, shown: ShownError, status: int) -> web.Response:
    """
    Return the page that says what *shown* says, to a person.
    """
    if status == 401 and request.method in ("GET", "HEAD"):
        from seedcore_web.pages.sign_in import own_path, sign_in_page  # it needs the access

        return sign_in_page(request, status, message=shown.message, then=own_path(request.path_qs))
    return page(request, "error.html", status, shown=shown, heading=heading_of(status))


def heading_of(status: int) -> str:
    """
    Return what *status* means, in few words.
    """
    try:
        return HEADINGS.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Something went wrong"
