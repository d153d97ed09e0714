"""
A stand-in for ootrandomizer.com: it makes seeds one after the other, and blocks who asks too often.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import attrs

from seedcore.testing import FaultUpstream, Received, Reply, replies

KEY = "key-for-tests"
FIRST = 1234567
MOST, SECONDS, BLOCKED = 20, 10.0, 60.0
"""Requests in so many seconds; whoever sends more is answered nothing else for a minute."""
UNKNOWN: Any = None
"""In a course: the site doesn't know the seed yet, and answers 204."""
COURSE = (
    UNKNOWN,
    {"status": 0, "progress": 0, "positionQueue": 2},
    {"status": 0, "progress": 40},
)
"""What it says of a seed until that is done."""
FLOOD = "<html><head><title>429</title></head><body>Too many requests</body></html>"


def recorded(name: str) -> dict[str, Any]:
    """
    Return the body in a file of replies.
    """
    text = Path(__file__).with_name("replies").joinpath(f"{name}.json").read_text("utf-8")
    body: dict[str, Any] = json.loads(text)["body"]
    return body


@attrs.define(kw_only=True)
class Made:
    """
    One seed: what is still to be said before it is done, and how it ends.
    """

    course: deque[Any]
    end: int


class Site:
    """
    The site, while the context is open.

    ``course`` is what each seed goes through, ``ends`` the statuses of those asked for next.
    ``first``, ``looks``, ``details`` and ``passwords`` answer in place of the site, each once.
    ``clock`` says what time it is, for those who ask too often.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.upstream = FaultUpstream()
        self.clock = clock
        self.key = KEY
        self.course: tuple[Any, ...] = COURSE
        self.for_ever = False
        self.ends: deque[int] = deque()
        self.first: deque[Reply | Callable[[Received], Reply]] = deque()
        self.looks: deque[Reply] = deque()
        self.details: deque[Reply] = deque()
        self.passwords: deque[Reply] = deque()
        self.times: list[float] = []
        self.floods = 0
        self.made: dict[str, Made] = {}
        self._blocked = -BLOCKED

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

    def asked(self, what: str) -> list[Received]:
        """
        The requests whose path ends with *what*.
        """
        return [received for received in self.upstream.requests if received.path.endswith(what)]

    def answer(self, received: Received) -> Reply:
        """
        Answer as the site does.
        """
        if self._flooded():
            return replies.typed("text/html", FLOOD, 429)
        query = received.query
        if received.path.endswith("/api/version"):
            return replies.json_reply(recorded("version"))
        if query.get("key") != self.key:
            return replies.typed("text/plain", f"invalid API key {query.get('key')}", 403)
        match received.method, received.path.rpartition("/")[2]:
            case "POST", "create":
                answer = self.first.popleft() if self.first else self._create
                return answer(received) if callable(answer) else answer
            case "GET", "status":
                return self.looks.popleft() if self.looks else self._status(query.get("id", ""))
            case "GET", "details":
                if self.details:
                    return self.details.popleft()
                return self._finished(query.get("id", ""), "details")
            case "GET", "pw":
                if self.passwords:
                    return self.passwords.popleft()
                return self._finished(query.get("id", ""), "password")
        return replies.typed("text/html", "<html>Cannot GET</html>", 404)

    def _flooded(self) -> bool:
        now = self.clock()
        self.times.append(now)
        lately = [moment for moment in self.times if now - moment < SECONDS]
        if len(lately) > MOST:
            self._blocked = now
        flooded = now - self._blocked < BLOCKED
        self.floods += flooded
        return flooded

    def _create(self, received: Received) -> Reply:
        query = received.query
        document = json.loads(received.body)
        if not isinstance(document.get("logic_rules", "glitchless"), str):
            return replies.typed("text/plain", "Invalid settings: logic_rules", 400)
        if query.get("version", "8.1.0") not in ("8.1.0", "6.1.0", "dev_8.1.45"):
            return replies.typed("text/plain", "Requested version is not available", 409)
        key = self.begin()
        # 'locked' counts as soon as it is there, 'encrypt' only if it is true.
        hidden = "locked" in query or query.get("encrypt") == "true"
        shown = document.get("create_spoiler", True) and not hidden
        created = {**recorded("created"), "id": key, "spoilers": shown}
        if "version" in query:
            created["version"] = query["version"].rpartition("_")[2]
        return replies.json_reply(created)

    def begin(self) -> int:
        """
        Begin a new seed, and return its id.
        """
        key = FIRST + len(self.made)
        end = self.ends.popleft() if self.ends else 1
        self.made[str(key)] = Made(course=deque(self.course), end=end)
        return key

    @staticmethod
    def echo(status: int) -> Callable[[Received], Reply]:
        """
        Return what refuses a request in words that repeat its address.
        """
        return lambda received: replies.typed(
            "text/plain", f"cannot POST {received.target} as {received.query['key']}", status
        )

    def _status(self, key: str) -> Reply:
        made = self.made.get(key)
        if made is None:
            return replies.typed("text/plain", "", 404)
        if made.course:
            last = self.for_ever and len(made.course) == 1
            said = made.course[0] if last else made.course.popleft()
            return replies.status(204) if said is UNKNOWN else replies.json_reply(said)
        return replies.json_reply({"status": made.end, "progress": 100})

    def _finished(self, key: str, what: str) -> Reply:
        made = self.made.get(key)
        if made is None or made.course:
            return replies.typed("text/plain", "", 404)
        return replies.json_reply(recorded(what))
