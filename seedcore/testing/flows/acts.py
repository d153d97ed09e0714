"""
What comes of one call, and how a flow says it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from seedcore.errors import SeedcoreError
from seedcore.model import Seed
from seedcore.testing.replies import Reply

NOT_OURS_TO_SEND = ("content-length", "transfer-encoding", "content-encoding", "connection")
"""Headers of a recorded reply that belong to how it was transferred."""


class Overdue(Exception):  # noqa: N818 - a finding
    """
    A call that was given up: it waits in real time, where the runner's own waits take none.
    """


@attrs.frozen(kw_only=True)
class Act:
    """
    What came of one call: its ``value`` or ``error``, and how that is written in a flow, ``gets``.

    ``seconds`` are virtual ones.
    """

    lap: int
    gets: Any
    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0

    @property
    def call_id(self) -> str | None:
        """
        The id of a seed's call.
        """
        return self.value.meta.call_id if isinstance(self.value, Seed) else None

    @property
    def outcome(self) -> str:
        """
        What the caller got, in a few words.
        """
        if self.error is None:
            return "a seed" if isinstance(self.value, Seed) else "a result"
        if isinstance(self.error, Overdue):
            return f"nothing ({self.error})"
        said = getattr(self.error, "user_message", "") or str(self.error)
        return f"{type(self.error).__name__} ({said[:300]})"


def failure_of(error: BaseException) -> dict[str, str]:
    """
    Return an error as a flow has it.
    """
    # Not the whole sentence: it may name a time of day.
    message = getattr(error, "provider_message", "") if isinstance(error, SeedcoreError) else ""
    return {"error": type(error).__name__, "message": message or str(error)}


def shown(value: Any) -> Any:
    """
    Return a result as a flow has it: plain data, of a seed without its meta.
    """
    if isinstance(value, Seed):
        value = attrs.asdict(value, recurse=False, filter=lambda field, _: field.name != "meta")
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return attrs.asdict(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


def reply_of(recorded: Mapping[str, Any]) -> Reply:
    """
    Return what the site answers for a reply of a flow.
    """
    body = recorded.get("text", "")
    headers = {
        name: text
        for name, text in recorded.get("headers", {}).items()
        if name.lower() not in NOT_OURS_TO_SEND
    }
    if "json" in recorded:
        body = json.dumps(recorded["json"])
        headers.setdefault("Content-Type", "application/json")
    return Reply(status=recorded["status"], headers=headers, body=body.encode())
