"""
A stand-in for avianart.games: it takes requests for seeds, works at them, and answers in envelopes.
"""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attrs

from seedcore.testing import FaultUpstream, Received, Reply, replies

PRESETS = ("crosskeys", "crosshunt", "somebody/crosskeys", "kaesden/casualboots")
KEYS = ("PpQXn7COf", "2rZ", "f9K0aB")
"""Hashes of the first seeds it makes."""
COURSE = ("pregeneration", "generating", "generating", "postgen")
"""What it says of a seed until that is done."""
FOR_EVER = "for ever"


def recorded(name: str) -> dict[str, Any]:
    """
    Return what a file of replies has as the envelope's response.
    """
    text = Path(__file__).with_name("replies").joinpath(f"{name}.json").read_text("utf-8")
    response: dict[str, Any] = json.loads(text)["body"]["response"]
    return response


def enveloped(response: Any, status: int = 200, **changes: Any) -> Reply:
    """
    Return an answer as the site gives it, whose own status is *status*.
    """
    return replies.json_reply({"status": status, "response": response}, **changes)


def refused(status: int, words: str, **changes: Any) -> Reply:
    """
    Return an error as the site tells it: inside an HTTP 200.
    """
    return enveloped({"message": words}, status, **changes)


@attrs.define(kw_only=True)
class Made:
    """
    One seed, and what is still to be said before it is done.
    """

    key: str
    race: bool
    course: deque[str]
    attempts: int = 1


class Site:
    """
    The site, while the context is open.

    ``course`` is what each seed goes through, ``ends`` how those asked for next end: ``done`` or
    ``failure``. ``first`` and ``looks`` answer in place of the site, each once.
    """

    def __init__(self) -> None:
        self.upstream = FaultUpstream()
        self.course: tuple[str, ...] = COURSE
        self.ends: deque[str] = deque()
        self.first: deque[Reply] = deque()
        self.looks: deque[Reply] = deque()
        self.key: str | None = None
        self.finished: dict[str, Any] | None = None
        """What a finished seed looks like, in place of the usual."""
        self.made: dict[str, Made] = {}
        self._keys = deque(KEYS)

    async def __aenter__(self) -> Self:
        await self.upstream.start()
        self.upstream.script(self.answer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.upstream.stop()

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return self.upstream.url

    @property
    def posts(self) -> list[Received]:
        """
        The requests for new seeds.
        """
        return [received for received in self.upstream.requests if received.method == "POST"]

    @property
    def gets(self) -> list[Received]:
        """
        The looks at seeds.
        """
        return [received for received in self.upstream.requests if received.method == "GET"]

    def answer(self, received: Received) -> Reply:
        """
        Answer as the site does.
        """
        if not received.path.endswith("/api.php"):
            return replies.typed("text/html", "<html>404</html>", 404)
        if self.key is not None and received.headers.get("authorization") != self.key:
            return refused(401, "Invalid API key")
        if received.method == "POST":
            return self.first.popleft() if self.first else self._generate(received)
        if self.looks:
            return self.looks.popleft()
        return self._permlink(received.query.get("hash", ""))

    def _generate(self, received: Received) -> Reply:
        arguments = _arguments(received.body)
        if received.query.get("action") != "generate" or arguments is None:
            return refused(400, "Unknown action")
        preset = received.query.get("preset", "")
        name = f"{arguments['namespace']}/{preset}" if "namespace" in arguments else preset
        if name not in PRESETS:
            return refused(404, f"Preset {preset} not found")
        key = self._keys.popleft()
        # A flag counts as soon as it is there, whatever it says.
        self.made[key] = Made(key=key, race="race" in arguments, course=deque(self.course))
        return enveloped({**recorded("generating"), "hash": key})

    def _permlink(self, key: str) -> Reply:
        made = self.made.get(key)
        if made is None:
            return enveloped(None)
        if made.course:
            # The last word of a course that ends with FOR_EVER is said for ever.
            for_ever = list(made.course)[1:] == [FOR_EVER]
            status = made.course[0] if for_ever else made.course.popleft()
            return enveloped(self._working(made, status))
        if self.ends and self.ends.popleft() == "failure":
            return enveloped({**recorded("failure"), "hash": key})
        seed = self.finished or recorded("race" if made.race else "open")
        return enveloped({**copy.deepcopy(seed), "hash": key})

    def _working(self, made: Made, status: str) -> Mapping[str, Any]:
        if status == "generating":
            made.attempts += 1
        working = {**recorded("generating"), "status": status, "hash": made.key}
        return {**working, "attempts": made.attempts, "message": "Could not reach Kakariko Well"}


def _arguments(body: bytes) -> Mapping[str, Any] | None:
    """
    Return the arguments of a body that is a list of one object with ``args``.
    """
    try:
        (only,) = json.loads(body)
        arguments = only["args"]
    except (KeyError, TypeError, ValueError):
        return None
    return arguments if isinstance(arguments, Mapping) else None
