"""
An endpoint of the API with all that OpenAPI says about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
from aiohttp import web

from seedcore.surface.plain import plain
from seedcore_web.api.schemas import Schema
from seedcore_web.endpoints import Endpoint

BASE = "/api/v1"


@attrs.frozen(kw_only=True)
class Described(Endpoint):
    """
    ``answers`` names the schema of each good answer; ``problems`` are the statuses of others
    beside those that every endpoint has. A body that isn't ``required`` may be left out.
    """

    summary: str
    answers: Mapping[int, str]
    query: Mapping[str, Schema] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: Schema | None = None
    required: bool = True
    problems: tuple[int, ...] = ()


def json_of(value: Any, status: int = 200, **headers: str) -> web.Response:
    """
    Return *value* as JSON; names of *headers* are written with ``_``.
    """
    return web.Response(
        text=json.dumps(plain(value), allow_nan=False),
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): text for name, text in headers.items()},
    )
