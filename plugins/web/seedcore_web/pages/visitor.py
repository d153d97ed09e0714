"""
Who looks at a page, as far as anybody knows.
"""

from __future__ import annotations

import attrs
from aiohttp import web

from seedcore_web.access import CALLER, Caller


@attrs.frozen
class Visitor:
    """
    Whoever looks at a page; ``caller`` is ``None`` where no key was asked for.
    """

    caller: Caller | None = None

    @property
    def signed_in(self) -> str | None:
        """
        The name of the key that a browser has signed in with.
        """
        caller = self.caller
        return caller.name if caller is not None and caller.by_cookie else None

    def may(self, scope: str) -> bool:
        """
        Whether pages and buttons that need *scope* are worth showing.
        """
        return self.caller is not None and self.caller.allows(scope)

    @property
    def home(self) -> str:
        """
        The page to begin with: the overview, or the forms for who may only roll.
        """
        return "/roll" if self.may("generate") and not self.may("read") else "/"


def visitor_of(request: web.Request) -> Visitor:
    """
    Return who looks.
    """
    return Visitor(request.get(CALLER))
