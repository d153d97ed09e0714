"""
What one call of a plugin asks of its site, and what the contract that it ships answers.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import attrs
from ours import SURFACE

import seedcore
from seedcore.testing import FaultUpstream, LeapingClock, Received, Reply
from seedcore.testing.conformance.case import Case, case_of, filled_in
from seedcore.testing.conformance.find import shipped
from seedcore.testing.conformance.rules import RULES

CLIENTS_OWN = frozenset(
    {"host", "accept-encoding", "user-agent", "content-type", "content-length", "cookie"}
)
"""Headers that any client writes by itself."""
JSON = "application/json"

Answers = Mapping[tuple[str, str], Reply]
"""What the site says, by method and path; of several answers the last: nothing is waited for."""


@attrs.frozen(kw_only=True)
class Asked:
    """
    One request as a plain client makes it; *reads_json* tells whether its answer is JSON.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    """The argument of aiohttp that it is: ``json``, ``data``, or none."""
    reads_json: bool

    @classmethod
    def of(cls, received: Received, reply: Reply) -> Self:
        """
        Return the request that came over the wire, and got *reply*.
        """
        written = received.headers.get("content-type", "").startswith(JSON)
        body: dict[str, Any] = {"json": json.loads(received.body)} if written else {}
        headers = {
            name: text
            for name, text in received.headers.items()
            if name not in CLIENTS_OWN and (name, text) != ("accept", "*/*")
        }
        if received.body and not written:
            body = {"data": received.body}
            headers["content-type"] = received.headers.get("content-type", "")
        return cls(
            method=received.method,
            path=received.path,
            query=received.query,
            headers=headers,
            body=body,
            reads_json=reply.body[:1] in (b"{", b"["),
        )


@attrs.frozen(kw_only=True)
class Exchange:
    """
    A call that succeeds: what is passed to ``generate``, what is asked then, what is answered.
    """

    provider: str
    request: Mapping[str, Any]
    settings: Mapping[str, Any]
    asked: tuple[Asked, ...]
    answers: Answers

    @property
    def name(self) -> str:
        """
        The provider, and what is special about the call.
        """
        preset = self.request.get("preset")
        return f"{self.provider}, preset {preset}" if preset else f"{self.provider}, no preset"


async def exchanges() -> AsyncIterator[Exchange]:
    """
    Yield the calls of ``generate`` of every installed provider that asks a site for something.

    It is the call that the contract of the plugin describes, and if that has no preset, one with
    the first preset of the plugin that gets what the contract answers.
    """
    for name in seedcore.Registry().names:
        contracts = [one for one in shipped(name) if one.operation == "generate"]
        if not contracts:
            continue
        case = case_of(contracts[0], tuple(RULES))
        found = await _exchange(name, case, case.request)
        if not found.asked:
            continue
        yield found
        if found.request.get("preset") is None and (with_preset := await _with_preset(name, case)):
            yield with_preset


async def _with_preset(name: str, case: Case) -> Exchange | None:
    async with seedcore.Runner(database=None, sinks=()) as runner:
        presets = await runner.presets.names(name)
    for preset in presets:
        try:
            return await _exchange(name, case, {"preset": preset})
        except seedcore.ProviderError:  # the contract's answer is that to another request
            continue
    return None


async def _exchange(name: str, case: Case, request: Mapping[str, Any]) -> Exchange:
    """
    Make the call twice: to learn the answers, and to learn what is asked where they are these.
    """
    answers: dict[tuple[str, str], Reply] = {}

    def by_contract(received: Received) -> Reply:
        reply = case.answer(received, len(site.requests) - 1)
        answers[received.method, received.path] = reply
        return reply

    async with FaultUpstream() as site:
        settings = {**filled_in(case.settings, site.url), "base_url": site.url}
        for script in (by_contract, lambda asked: answers[asked.method, asked.path]):
            site.requests.clear()
            site.script(script)
            async with seedcore.Runner(
                settings={"providers": {name: settings}},
                database=None,
                sinks=(),
                clock=LeapingClock(),
            ) as runner:
                await runner.generate(name, surface=SURFACE, **request)
        asked = (Asked.of(one, answers[one.method, one.path]) for one in site.requests)
        return Exchange(
            provider=name,
            request=request,
            settings=case.settings,
            asked=tuple(asked),
            answers=answers,
        )
