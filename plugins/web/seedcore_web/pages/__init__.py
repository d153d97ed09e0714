"""
The pages for people: readable without a script, and up to date with one.
"""

from __future__ import annotations

from seedcore_web.endpoints import Endpoint
from seedcore_web.pages.call import reveal, show_call
from seedcore_web.pages.lists import show_failures, show_seeds
from seedcore_web.pages.live import prepare, send_events
from seedcore_web.pages.overview import show_overview
from seedcore_web.pages.rendering import send_static
from seedcore_web.pages.roll import choose, roll, show_form
from seedcore_web.pages.sign_in import show_sign_in, sign_in, sign_out

PAGES: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/", answer=show_overview, scope="read"),
    Endpoint(method="GET", path="/seeds", answer=show_seeds, scope="read"),
    Endpoint(method="GET", path="/failures", answer=show_failures, scope="read"),
    Endpoint(method="GET", path="/calls/{call_id}", answer=show_call, scope="read"),
    Endpoint(method="POST", path="/calls/{call_id}/reveal", answer=reveal, scope="read"),
    Endpoint(method="GET", path="/events", answer=send_events, scope="read"),
    # Looking at a form rolls nothing, so it asks for its scope by itself.
    Endpoint(method="GET", path="/roll", answer=choose, scope="any"),
    Endpoint(method="GET", path="/roll/{provider}", answer=show_form, scope="any"),
    Endpoint(method="POST", path="/roll/{provider}", answer=roll, scope="generate"),
    Endpoint(method="GET", path="/sign-in", answer=show_sign_in),
    Endpoint(method="POST", path="/sign-in", answer=sign_in),
    Endpoint(method="POST", path="/sign-out", answer=sign_out),
    Endpoint(method="GET", path="/static/{name}", answer=send_static),
)

__all__ = ["PAGES", "prepare"]
