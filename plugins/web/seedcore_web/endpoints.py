"""
What a path of the web server is: who may ask it, and what answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
from aiohttp import web

from seedcore import Runner

RUNNER: web.AppKey[Runner] = web.AppKey("runner", Runner)
"""The open runner of the application."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.frozen(kw_only=True)
class Endpoint:
    """
    One method of one path; ``scope`` is what a key must allow, empty for who needs none.
    """

    method: str
    path: str
    answer: Answer
    scope: str = ""
