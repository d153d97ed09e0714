"""
What a runner sent: its requests, with the hosts that were meant, and what it gave to programs.
"""

from __future__ import annotations

import email.message
import email.parser
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from seedcore.testing import FaultUpstream, Received

MARK = "X-Sent"
"""The header by which a request that came is known as the one that was sent."""
PROGRAM = Path(__file__).parents[2] / "plugins" / "alttprdoor" / "tests" / "checkout"
"""A program in place of the Door Randomizer: it notes what it is given, and ends as it is told."""


class Sent:
    """
    Notes where each request was to go, before it is led to *upstream*.
    """

    def __init__(self, upstream: FaultUpstream) -> None:
        self._upstream = upstream
        self._meant: list[URL] = []

    async def middleware(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """
        Note the address and mark the request with its number.
        """
        request.headers[MARK] = str(len(self._meant))
        self._meant.append(request.url)
        return await handler(request)

    def requests(self) -> list[dict[str, Any]]:
        """
        Return what was sent, in order: method, url, query, headers and a body if there was one.
        """
        numbered = {int(one.headers[MARK.lower()]): one for one in self._upstream.requests}
        return [_request(self._meant[number], one) for number, one in sorted(numbered.items())]


class Ran:
    """
    The Door Randomizer's checkouts ``stable`` and ``unstable`` in *folder*.

    *course* says how its runs end, by the names that the program in its place has for that.
    """

    def __init__(self, folder: Path, course: Sequence[str]) -> None:
        self._checkouts = [folder / "stable", folder / "unstable"]
        for checkout in self._checkouts:
            shutil.copytree(PROGRAM, checkout)
            (checkout / "course.json").write_text(json.dumps(course))

    def settings(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return *own* with the settings that the provider can't do without.
        """
        from seedcore_alttprdoor.contract import ROM

        stable, unstable = map(str, self._checkouts)
        needed = {"rom": str(ROM), "checkout": stable, "unstable_checkout": unstable}
        return {**needed, **own}

    def provider(self, own: Mapping[str, Any]) -> Any:
        """
        Return the provider, which draws the same names in each replay.

        It takes the ROM of its contract, and the real one where the flow's *own* settings name it.
        """
        from seedcore_alttprdoor import Alttprdoor
        from seedcore_alttprdoor.contract import ROM, base_of

        return Alttprdoor(Random(1)) if "rom" in own else Alttprdoor(Random(1), base_of(ROM))

    def runs(self) -> list[dict[str, Any]]:
        """
        Return which checkout was run, in order, and the settings file that it got.
        """
        noted = [path for one in self._checkouts for path in sorted(one.glob("runs/*.json"))]
        return [
            {
                "checkout": path.parents[1].name,
                "settings": json.loads(path.read_text())["settings"],
            }
            for path in noted
        ]


def _request(meant: URL, received: Received) -> dict[str, Any]:
    headers = {name.title(): text for name, text in received.headers.items()}
    del headers[MARK]
    return {
        "method": received.method,
        "url": str(meant.with_query(None).with_fragment(None)),
        "query": _fields(meant.raw_query_string),
        "headers": headers,
        **_body(received),
    }


def _body(received: Received) -> dict[str, Any]:
    kind = received.headers.get("content-type", "")
    if not received.body:
        return {}
    text = received.body.decode("utf-8", "replace")
    if kind.startswith("application/json"):
        return {"json": json.loads(text)}
    if kind.startswith("application/x-www-form-urlencoded"):
        return {"form": _fields(text)}
    if kind.startswith("multipart/form-data"):
        return {"form": _parts(f"Content-Type: {kind}\n\n{text}")}
    return {"text": text}


def _fields(text: str) -> dict[str, Any]:
    """
    Return the fields of a query or a form; one that is there several times is a list.
    """
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        known = fields.get(name)
        earlier = known if isinstance(known, list) else [known]
        fields[name] = value if known is None else [*earlier, value]
    return fields


def _parts(text: str) -> dict[str, Any]:
    message = email.parser.Parser().parsestr(text)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload()
        for part in parts
    }
