"""
Where what ours does differs from what a flow says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedcore.testing.flows.files import Difference, Flow

ABSENT = "<absent>"
"""What stands for a value that isn't there."""
CLOSED = re.compile(r"today\.sends\[\d+\]\.(json|form|query)\b|today\.runs\b|today\.gets\[")
"""Where every key counts; elsewhere a file names only those that matter."""
KINDS: Mapping[str, type | tuple[type, ...]] = {"text": str, "number": (int, float)}
"""What ``{"any": ...}`` may ask for."""


def findings(flow: Flow, ours: Mapping[str, Any]) -> list[str]:
    """
    Return a sentence for each place where *ours* is neither as today nor as listed.
    """
    return [f"{where}: {problem}" for where, problem in found_in(flow, ours)]


def found_in(flow: Flow, ours: Mapping[str, Any]) -> list[tuple[str, str]]:
    """
    Return each place where *ours* is neither as today nor as listed, and what is wrong there.
    """
    listed = {difference.where: difference for difference in flow.differences}
    sends = [_filled(send) for send in flow.today.get("sends", ())]
    today = {**flow.today, "sends": sends, "runs": flow.today.get("runs", [])}
    today.pop("call", None)
    comparison = _Comparison(listed)
    found = [*comparison.of("today", today, {name: ours[name] for name in today})]
    found += [
        (where, "a difference is listed, and there is nothing at that place")
        for where in listed
        if where not in comparison.seen
    ]
    return found


def between(where: str, before: Any, now: Any) -> list[tuple[str, str]]:
    """
    Return each place where *now* isn't as *before*; every key counts.
    """
    comparison = _Comparison({}, before="at first", closed=True)
    return [*comparison.of(where, before, now)]


def _filled(send: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a request of the file with what it may leave out.
    """
    body = {name: send[name] for name in ("json", "form", "text") if send.get(name) is not None}
    named = {name.title(): text for name, text in send.get("headers", {}).items()}
    parts = {"query": send.get("query", {}), "headers": named}
    return {"method": send["method"], "url": send["url"], **parts, **body}


class _Comparison:
    """
    Walks through what today's bot has, and finds what ours has there.
    """

    def __init__(
        self, listed: Mapping[str, Difference], *, before: str = "today", closed: bool = False
    ) -> None:
        self._listed = listed
        self._before = before
        self._closed = closed
        self.seen: set[str] = set()

    def of(self, where: str, today: Any, ours: Any) -> Iterator[tuple[str, str]]:
        difference = self._listed.get(where)
        if difference is not None:
            self.seen.add(where)
            yield from _listed(difference, today, ours)
        elif isinstance(today, Mapping) and isinstance(ours, Mapping) and not _is_any(today):
            for key in dict.fromkeys([*today, *(key for key in ours if self._counts(where, key))]):
                here = _below(where, key)
                yield from self.of(here, today.get(key, ABSENT), ours.get(key, ABSENT))
        elif isinstance(today, list) and isinstance(ours, list):
            for place in range(max(len(today), len(ours))):
                pair = (each[place] if place < len(each) else ABSENT for each in (today, ours))
                yield from self.of(f"{where}[{place}]", *pair)
        elif not _matches(today, ours):
            now = "now" if self._closed else "ours"
            yield where, f"{self._before} {_shown(today)}, {now} {_shown(ours)}"

    def _counts(self, where: str, key: str) -> bool:
        """
        Whether a key that only ours may have is looked at.
        """
        if self._closed:
            return True
        here = _below(where, key)
        named = any(re.match(rf"{re.escape(here)}($|[.\[])", each) for each in self._listed)
        body = re.fullmatch(r"today\.sends\[\d+\]", where) and key in ("json", "form", "text")
        return named or bool(body) or bool(CLOSED.match(where))


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if re.fullmatch(r"[\w-]+", key) else f"{where}[{json.dumps(key)}]"


def _listed(difference: Difference, today: Any, ours: Any) -> Iterator[tuple[str, str]]:
    """
    Yield what is wrong with a difference that a file lists.
    """
    where = difference.where
    if _matches(today, ours):
        yield where, f"a difference is listed, and ours is as today, {_shown(ours)}"
    elif not _matches(difference.ours, ours, partly=not CLOSED.match(where)):
        yield where, f"listed as {_shown(difference.ours)}, ours {_shown(ours)}"


def _matches(expected: Any, found: Any, *, partly: bool = False) -> bool:
    """
    Whether *found* is what a file says; ``{"any": "text"}`` is every text.

    *partly*: of a mapping only the keys that the file names count; one without keys is empty.
    """
    if _is_any(expected):
        return isinstance(found, KINDS[expected["any"]]) and found not in ("", ABSENT)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        same = bool(partly and expected) or {*expected} == {*found}
        return same and all(
            key in found and _matches(item, found[key], partly=partly)
            for key, item in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected, found, strict=False)
        return len(expected) == len(found) and all(_matches(*pair, partly=partly) for pair in pairs)
    # True is no 1 in JSON.
    return type(expected) is type(found) and expected == found


def _is_any(expected: Any) -> bool:
    return isinstance(expected, Mapping) and [*expected] == ["any"] and expected["any"] in KINDS


def _shown(value: Any) -> str:
    text = "nothing" if value == ABSENT else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else f"{text[:300]} ..."
