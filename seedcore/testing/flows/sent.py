"""
What a runner sent: its requests, with the hosts that were meant.
"""

from __future__ import annotations

import email.message
import email.parser
import json
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientRequest
from yarl import URL

from seedcore.testing.upstream import FaultUpstream, Received

MARK = "X-Sent"
"""The header by which a request that came is known as the one that was sent."""
LAP: ContextVar[int] = ContextVar("lap", default=0)
"""Which of several calls a request belongs to."""


class Sent:
    """
    Notes where each request was to go, before it is led to *upstream*.
    """

    def __init__(self, upstream: FaultUpstream) -> None:
        self._upstream = upstream
        self._meant: list[tuple[URL, int]] = []

    def note(self, request: ClientRequest) -> int:
        """
        Note the address, and mark the request with its number, which is returned.
        """
        number = len(self._meant)
        request.headers[MARK] = str(number)
        self._meant.append((request.url, LAP.get()))
        return number

    def lap_of(self, number: int) -> int:
        """
        Return which call the request *number* belongs to.
        """
        return self._meant[number][1]

    def requests(self, lap: int) -> list[dict[str, Any]]:
        """
        Return what the call *lap* sent and was received, in order.

        Each has method, url, query, headers and a body if there was one.
        """
        numbered = {number_of(one): one for one in self._upstream.requests}
        return [
            _request(self._meant[number][0], one)
            for number, one in sorted(numbered.items())
            if self.lap_of(number) == lap
        ]


def number_of(received: Received) -> int:
    """
    Return the number with which a request was marked.
    """
    return int(received.headers[MARK.lower()])


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
