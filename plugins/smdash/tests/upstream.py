"""
A stand-in for dashrando.net on loopback, with its literal statuses, headers and bodies.

``Upstream`` serves presets, seeds and their pages, remembers what was asked, and first
answers with whatever faults were queued.
"""

from __future__ import annotations

import asyncio
import json
import random
import string
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

import attrs
from aiohttp import web

TEXT = "text/plain;charset=UTF-8"
PAGE = "text/html; charset=utf-8"

PRESETS = {
    "data": [
        {"name": "Classic M/M", "tags": ["classic", "classic_mm", "standard_mm"]},
        {"name": "Surprise Surprise", "tags": ["surprise_surprise"]},
        {"name": "Chozo Bozo", "tags": ["chozo_bozo"]},
        {"name": "Mystery", "tags": ["mystery"]},
        {"name": "Mystery II", "tags": ["mystery-ii"]},
    ]
}
INVALID_PRESET = (
    "Invalid preset. Valid presets are: mystery, mystery-ii, classic, classic_mm, standard_mm, "
    "surprise_surprise, chozo_bozo, 2017_mm, mm, sgl23, sgl24, sgl25, spring24, mm_surprise, "
    "mm_area_surprise, full_surprise, chozo_surprise, chozo_area_surprise, classic_full, "
    "standard_full, chozo, chozo_bozo_area, chozo_area_shifted, mm_area_shuffled, "
    "full_area_shuffled, mm_area_scrambled, chozo_area_scrambled or full_area_scrambled"
)
VALID = INVALID_PRESET.partition(": ")[2].replace(" or ", ", ").split(", ")

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.frozen(kw_only=True)
class Asked:
    """
    One request as it came over the wire; ``target`` is the path with its query, undecoded.
    """

    method: str
    target: str
    headers: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Made:
    """
    One seed that exists at the upstream.
    """

    key: str
    preset: str
    race: bool
    spoiler: bool


class Upstream:
    """
    The site, while the context is open; *keys* are those of the first seeds it makes.
    """

    def __init__(self, keys: Iterable[str] = (), *, tls: SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.made: dict[str, Made] = {}
        self.url = ""
        self.pages: deque[tuple[int, str]] = deque()
        """Status and body of the next spoiler pages, in place of the site's own."""
        self._keys = deque(keys)
        self._tls = tls
        self._faults: deque[Fault] = deque()
        self._stalled = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        port = self._runner.addresses[0][1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stalled.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def targets(self) -> list[str]:
        """
        The path and query of each request, in order.
        """
        return [asked.target for asked in self.asked]

    # ------------------------------------------------- faults, each for one request

    def say(self, status: int, body: str = "", **headers: str) -> None:
        """
        Answer once with *status*, *body* and *headers* (``Retry_After`` for Retry-After).
        """
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        answer = {"Content-Type": TEXT, **named}

        async def fault(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body.encode(), headers=answer)

        self._faults.append(fault)

    def page(self) -> None:
        """
        Answer once with a page for people, as a proxy or a maintenance sign does.
        """
        self.say(200, "<!DOCTYPE html><html><body>Welcome</body></html>", Content_Type=PAGE)

    def reset(self) -> None:
        """
        Drop the connection once without an answer.
        """

        async def fault(request: web.Request) -> web.StreamResponse:
            _drop(request)
            return web.Response()

        self._faults.append(fault)

    def truncate(self) -> None:
        """
        Drop the connection once in the middle of a redirect's body.
        """

        async def fault(request: web.Request) -> web.StreamResponse:
            location = f"{self._origin(request)}/seed/6nkv3t4x7my0"
            headers = {"Content-Type": TEXT, "Location": location, "Content-Length": "90"}
            answer = web.StreamResponse(status=307, headers=headers)
            await answer.prepare(request)
            await answer.write(location[:10].encode())
            _drop(request)
            return answer

        self._faults.append(fault)

    def stall(self) -> None:
        """
        Leave one request without an answer until the context closes.
        """

        async def fault(_: web.Request) -> web.StreamResponse:
            await self._stalled.wait()
            return web.Response(status=503)

        self._faults.append(fault)

    # ------------------------------------------------------------------ the site

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        target = request.raw_path
        asked = Asked(method=request.method, target=target, headers=dict(request.headers))
        self.asked.append(asked)
        if self._faults:
            return await self._faults.popleft()(request)
        path, _, query = target.partition("?")
        match path.split("/")[1:]:
            case ["generate", preset]:
                return self._generate(request, unquote(preset), dict(parse_qsl(query)))
            case ["api", "presets"]:
                return _answer(200, json.dumps(PRESETS), "application/json")
            case ["seed", key]:
                return _answer(200 if key in self.made else 404, "<html>seed</html>", PAGE)
            case ["seed", key, "spoiler"]:
                return self._spoiler(key)
        return _answer(404, "<html>This page could not be found.</html>", PAGE)

    def _generate(
        self, request: web.Request, preset: str, wanted: dict[str, str]
    ) -> web.StreamResponse:
        if preset not in VALID:
            return _answer(422, INVALID_PRESET, TEXT)
        # Only race=1 is a race, but any spoiler that isn't empty is one: spoiler=0 as well.
        made = Made(
            key=self._keys.popleft() if self._keys else _new_key(),
            preset=preset,
            race=wanted.get("race") == "1" or preset.startswith("mystery"),
            spoiler=bool(wanted.get("spoiler")),
        )
        self.made[made.key] = made
        permalink = f"{self._origin(request)}/seed/{made.key}"
        return _answer(307, permalink, TEXT, Location=permalink)

    def _spoiler(self, key: str) -> web.StreamResponse:
        if self.pages:
            return _answer(*self.pages.popleft(), PAGE)
        if key not in self.made:
            return _answer(200, f"<html>Seed not found: {key}</html>", PAGE)
        status = 200 if self.made[key].spoiler else 404
        return _answer(status, "<html>spoiler</html>", PAGE)

    def _origin(self, request: web.Request) -> str:
        return f"{request.scheme}://{request.headers['Host']}"


def _answer(status: int, body: str, kind: str, **headers: str) -> web.Response:
    # The charset is spelled as the site spells it, which aiohttp's own arguments don't.
    fields: dict[str, Any] = {"Content-Type": kind, **headers}
    return web.Response(status=status, body=body.encode(), headers=fields)


def _new_key() -> str:
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=12))


def _drop(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
