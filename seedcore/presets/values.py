"""
The value of one YAML document, made of the parser's events; what is too large or odd is refused.

PyYAML's own constructor would expand aliases before anybody could count, call itself for each
level, take the last of two equal keys, and make dates and sets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from seedcore.errors import clean_text

MOST_NODES = 10_000
"""Values and keys, each counted as often as an alias repeats it."""
MOST_LEVELS = 20
LONGEST_NUMBER = 100
"""Characters; longer ones take Python a noticeable time."""

NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, and halves of surrogate pairs."""

_TAG = "tag:yaml.org,2002:"
_REFUSED_TAGS = {
    "timestamp": "a date",
    "binary": "binary",
    "set": "a set",
    "omap": "an ordered map",
}


class Unreadable(Exception):  # noqa: N818 - it never leaves the modules about documents
    """
    What is wrong, and where.
    """

    def __init__(self, what: str, mark: Any = None) -> None:
        # PyYAML counts from 0, people and editors from 1.
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        super().__init__(f"{place}{what}")


@attrs.define(eq=False)
class _Open:
    """
    A list or mapping whose end has not come yet.
    """

    value: Any
    mark: Any
    anchor: str | None
    nodes: int = 1
    levels: int = 0
    key: str | None = None
    merged: list[Any] = attrs.Factory(list)


@attrs.frozen
class _Anchored:
    value: Any
    nodes: int
    levels: int


class Builder:
    """
    Makes one document's value of its events.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0
        self._root: Any = None

    def document(self) -> Any:
        """
        Return its value; ``None`` for an empty document.
        """
        import yaml

        takes: dict[type[Any], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._take_scalar,
            yaml.AliasEvent: self._take_alias,
            yaml.SequenceStartEvent: self._begin,
            yaml.MappingStartEvent: self._begin,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
        }
        documents = 0
        while self._loader.check_event():
            event = self._loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    what = "a second document begins, and a preset is one"
                    raise Unreadable(what, event.start_mark)
            elif take := takes.get(type(event)):
                take(event)
        return self._root

    # ------------------------------------------------------------------ events

    def _begin(self, event: Any) -> None:
        import yaml

        is_map = isinstance(event, yaml.MappingStartEvent)
        self._check_tag(event.tag, ("map",) if is_map else ("seq",), event.start_mark)
        if self._open and self._awaits_key():
            what = "a key must be a plain text"
            raise Unreadable(what, event.start_mark)
        self._count(1, event.start_mark)
        if len(self._open) >= MOST_LEVELS:
            self._refuse_depth(event.start_mark)
        self._declare(event)
        self._open.append(_Open({} if is_map else [], event.start_mark, event.anchor))

    def _end(self, event: Any) -> None:
        ended = self._open.pop()
        for merged in ended.merged:  # what a mapping says itself wins
            ended.value = {**merged, **ended.value}
        if ended.anchor is not None:
            self._anchors[ended.anchor] = _Anchored(ended.value, ended.nodes, ended.levels + 1)
        self._put(ended.value, ended.nodes, ended.levels + 1, event.start_mark)

    def _take_scalar(self, event: Any) -> None:
        self._count(1, event.start_mark)
        if self._open and self._awaits_key():
            self._take_key(event)
            return
        value = self._scalar(event)
        if event.anchor is not None:
            self._declare(event)
            self._anchors[event.anchor] = _Anchored(value, 1, 0)
        self._put(value, 1, 0, event.start_mark)

    def _take_alias(self, event: Any) -> None:
        name = clean_text(event.anchor, 40)
        if event.anchor not in self._anchors:
            what = f"nothing is called &{name}"
            raise Unreadable(what, event.start_mark)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            what = f"&{name} contains itself"
            raise Unreadable(what, event.start_mark)
        self._count(anchored.nodes, event.start_mark)
        if self._open and self._awaits_key():
            what = "a key must be a plain text"
            raise Unreadable(what, event.start_mark)
        if len(self._open) + anchored.levels > MOST_LEVELS:
            self._refuse_depth(event.start_mark)
        self._put(anchored.value, anchored.nodes, anchored.levels, event.start_mark)

    def _take_key(self, event: Any) -> None:
        mapping = self._open[-1]
        key = event.value
        self._check_text(key, event.start_mark)
        if event.anchor is not None:
            self._declare(event)
            self._anchors[event.anchor] = _Anchored(key, 1, 0)
        if key == _MERGE and event.implicit[0]:
            mapping.key = _MERGE_KEY
        elif key in mapping.value:
            what = f"the key {clean_text(key, 40)!r} is there twice"
            raise Unreadable(what, event.start_mark)
        else:
            mapping.key = key
            mapping.value[key] = None  # the place of the first of two equal keys
        mapping.nodes += 1

    # ------------------------------------------------------------------ values

    def _put(self, value: Any, nodes: int, levels: int, mark: Any) -> None:
        if not self._open:
            self._root = value
            return
        holder = self._open[-1]
        holder.nodes += nodes
        holder.levels = max(holder.levels, levels)
        if isinstance(holder.value, list):
            holder.value.append(value)
            return
        key, holder.key = holder.key, None
        if key == _MERGE_KEY:
            holder.merged += _mappings(value, mark)
        else:
            holder.value[key] = value

    def _awaits_key(self) -> bool:
        return isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _declare(self, event: Any) -> None:
        if event.anchor is None:
            return
        if event.anchor in self._anchors:
            what = f"&{clean_text(event.anchor, 40)} is there twice"
            raise Unreadable(what, event.start_mark)
        self._anchors[event.anchor] = None

    def _scalar(self, event: Any) -> Any:
        import yaml

        mark = event.start_mark
        tag = event.tag
        if tag in (None, "!"):
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = self._check_tag(tag, ("str", "int", "float", "bool", "null", "value", "merge"), mark)
        if kind in ("str", "value", "merge"):
            self._check_text(event.value, mark)
            return event.value
        if kind == "null":
            return None
        if len(event.value) > LONGEST_NUMBER:
            what = f"a number has at most {LONGEST_NUMBER} characters; quote a text"
            raise Unreadable(what, mark)
        make = getattr(self._loader, f"construct_yaml_{kind}")
        try:
            value = make(yaml.ScalarNode(tag, event.value, mark, mark))
        except (ValueError, KeyError, IndexError, OverflowError):
            what = f"{clean_text(event.value, 40)!r} is not what its tag says"
            raise Unreadable(what, mark) from None
        if isinstance(value, float) and not math.isfinite(value):
            what = "a number must be finite"
            raise Unreadable(what, mark)
        return value

    # ------------------------------------------------------------------ checks

    def _check_tag(self, tag: str | None, allowed: tuple[str, ...], mark: Any) -> str:
        kind = (tag or "").removeprefix(_TAG)
        if tag in (None, "!") or (kind != tag and kind in allowed):
            return kind
        if kind in _REFUSED_TAGS:
            advice = "; a text needs quotes" if kind == "timestamp" else ""
            what = f"{_REFUSED_TAGS[kind]} is no value that a preset may have{advice}"
        else:
            what = f"the tag {clean_text(kind, 40)!r} is not allowed"
        raise Unreadable(what, mark)

    def _check_text(self, text: str, mark: Any) -> None:
        if NOT_TEXT.search(text):
            what = "a text must not have control characters"
            raise Unreadable(what, mark)

    def _count(self, nodes: int, mark: Any) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            what = f"it has more than {MOST_NODES:,} values, those that aliases repeat included"
            raise Unreadable(what, mark)

    def _refuse_depth(self, mark: Any) -> None:
        what = f"it is nested more than {MOST_LEVELS} levels deep"
        raise Unreadable(what, mark)


_MERGE = "<<"
_MERGE_KEY = "<<\x00"
"""No text of a document, which has no NUL."""


def _mappings(value: Any, mark: Any) -> Iterable[Mapping[str, Any]]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in found):
        what = "<< takes a mapping or a list of mappings"
        raise Unreadable(what, mark)
    return found
