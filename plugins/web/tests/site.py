"""
A running server, and a client that holds each answer of the API against its description.
"""

from __future__ import annotations

import json
import re
from types import TracebackType
from typing import Any, Self

import attrs
from aiohttp import ClientSession, CookieJar, web
from jsonschema import Draft202012Validator
from yarl import URL

from seedcore import Runner
from seedcore_web.api import DESCRIBED
from seedcore_web.api.described import Described
from seedcore_web.api.openapi import COMMON
from seedcore_web.api.schemas import SCHEMAS
from seedcore_web.server import Serving, served


@attrs.frozen(kw_only=True)
class Answer:
    """
    What came back; ``body`` is what JSON says, or the text.
    """

    status: int
    headers: Any
    body: Any
    text: str


class Site:
    """
    Serves *runner*, which is open, on loopback; an async context manager.
    """

    def __init__(self, runner: Runner, **told: Any) -> None:
        self.runner = runner
        self._served = served(runner, Serving(**{"port": 0, "log": False, **told}))
        self.app: web.Application
        self.url = ""

    async def __aenter__(self) -> Self:
        self.app, (address, *_) = await self._served.__aenter__()
        self.url = address.rstrip("/")
        self.client = ClientSession(cookie_jar=CookieJar(unsafe=True))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.client.close()
        await self._served.__aexit__(None, None, None)

    @property
    def port(self) -> int:
        """
        The port that was picked.
        """
        port = URL(self.url).port
        assert port is not None
        return port

    async def ask(self, method: str, path: str, *, key: str | None = None, **asked: Any) -> Answer:
        """
        Ask, and check that the answer is as described.
        """
        headers = {**asked.pop("headers", {})}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        url = URL(f"{self.url}{path}", encoded=True)
        sent = self.client.request(method, url, headers=headers, allow_redirects=False, **asked)
        async with sent as reply:
            text = await reply.text()
            is_json = "json" in reply.content_type
            answer = Answer(
                status=reply.status,
                headers=reply.headers,
                body=json.loads(text) if is_json else text,
                text=text,
            )
        if method != "HEAD":
            check(method, path, answer)
        return answer

    async def get(self, path: str, **asked: Any) -> Answer:
        """
        Ask with GET.
        """
        return await self.ask("GET", path, **asked)

    async def post(self, path: str, body: Any = None, **asked: Any) -> Answer:
        """
        Ask with POST and a JSON body.
        """
        if body is not None:
            asked["json"] = body
        return await self.ask("POST", path, **asked)

    async def roll(self, key: str | None = None, **asked: Any) -> Answer:
        """
        Roll a seed.
        """
        headers = asked.pop("headers", {})
        body = {"provider": "demo", **asked}
        return await self.post("/api/v1/generate", body, key=key, headers=headers)


def check(method: str, path: str, answer: Answer) -> None:
    """
    Hold *answer* against what is described for it.
    """
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    if answer.status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1
    if not path.startswith("/api/") or method == "OPTIONS":
        return
    endpoint = _described(method, path.partition("?")[0])
    name = None if endpoint is None else endpoint.answers.get(answer.status)
    if name is None or answer.headers["Content-Type"].startswith("application/problem+json"):
        assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
        assert answer.body["status"] == answer.status
        name = "Problem"
        if endpoint is not None:
            described = {*COMMON, *endpoint.problems, *endpoint.answers, 405, 408}
            assert answer.status in described, f"{answer.status} is not described"
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator(schema).validate(answer.body)


def _described(method: str, path: str) -> Described | None:
    for endpoint in DESCRIBED:
        pattern = re.sub(r"\{\w+\}", "[^/]+", re.sub(r"\{\w+:\.\+\}", ".+", endpoint.path))
        if endpoint.method == method and re.fullmatch(pattern, path):
            return endpoint
    return None
