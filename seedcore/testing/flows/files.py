"""
What stands in the file of a flow, and whether that is what must stand there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from seedcore.errors import SeedcoreError

FEWEST_WORDS = 4
"""Words of a reason: fewer are none."""
TODAY: Mapping[str, type] = {
    "call": str,
    "sends": list,
    "runs": list,
    "gets": object,
    "audit": dict,
}
OURS = ("arguments", "settings", "core", "providers")
SEND = ("method", "url", "query", "headers", "json", "form", "text")
REPLY = ("status", "headers", "json", "text")


class BadFlow(SeedcoreError):  # noqa: N818 - it is a finding
    """
    A file doesn't say what a flow must say.
    """


@attrs.frozen(kw_only=True)
class Difference:
    """
    One place where ours is meant to differ, and why.
    """

    where: str
    ours: Any
    reason: str


@attrs.frozen(kw_only=True)
class Flow:
    """
    One file: what is called, what the site answers, and what today's bot sends and gets.

    ``course`` says how the runs of a program end; it is empty where none is run. ``path`` is
    where the file lies, if it is one.
    """

    provider: str
    operation: str
    about: str
    today: Mapping[str, Any]
    ours: Mapping[str, Any]
    replies: list[Mapping[str, Any]]
    differences: list[Difference] = attrs.field(factory=list)
    course: list[str] = attrs.field(factory=list)
    path: Path | None = None

    @property
    def file(self) -> str:
        """
        What the file is called.
        """
        return self.path.name if self.path else f"a flow of {self.provider}"


def flows_in(folder: Path) -> list[Flow]:
    """
    Return the flows of all files in *folder*, by name. Raises BadFlow for the first bad one.
    """
    flows = [read(path) for path in sorted(folder.glob("*.json"))]
    for flow in flows:
        if not flow.file.startswith(f"{flow.provider}_"):
            msg = f"{flow.path}: it is about {flow.provider}, so its name begins {flow.provider}_."
            raise BadFlow(msg)
    return flows


def read(path: Path) -> Flow:
    """
    Return the flow in the file *path*. Raises BadFlow with what is wrong, and where.
    """
    try:
        return flow_of(json.loads(path.read_text(encoding="utf-8")), path)
    except json.JSONDecodeError as error:
        msg = f"{path}: line {error.lineno}, column {error.colno}: it is no JSON ({error.msg})."
        raise BadFlow(msg) from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        msg = f"{path}: it can't be read: {why}."
        raise BadFlow(msg) from None
    except BadFlow as error:
        msg = f"{path}: {error}"
        raise BadFlow(msg) from None


def flow_of(document: Any, path: Path | None = None) -> Flow:
    """
    Return the flow that *document* describes, as it stands in *path*. Raises BadFlow.
    """
    _only(document, "the file", Flow, optional=("differences", "course"), unnamed=("path",))
    for name in ("provider", "operation", "about"):
        _is(document[name], str, name)
    _check_today(_is(document["today"], dict, "today"))
    for name, given in _known(_is(document["ours"], dict, "ours"), "ours", OURS):
        _is(given, dict, f"ours.{name}")
    for where, reply in _each(document["replies"], "replies", REPLY):
        _is(reply.get("status"), int, f"{where}.status")
        _is(reply.get("headers", {}), dict, f"{where}.headers")
        _is(reply.get("text", ""), str, f"{where}.text")
    for place, word in enumerate(_is(document.get("course", []), list, "course")):
        _is(word, str, f"course[{place}]")
    differences = _is(document.get("differences", []), list, "differences")
    listed = [_difference(each, place) for place, each in enumerate(differences)]
    return Flow(**{**document, "differences": listed, "path": path})


def _check_today(today: dict[str, Any]) -> None:
    for name, given in _known(today, "today", tuple(TODAY)):
        if given is not None or name != "audit":
            _is(given, TODAY[name], f"today.{name}")
    for where, send in _each(today.get("sends", []), "today.sends", SEND):
        for name in ("method", "url"):
            _is(send.get(name), str, f"{where}.{name}")
        for name in ("query", "headers"):
            _is(send.get(name, {}), dict, f"{where}.{name}")


def _difference(given: Any, place: int) -> Difference:
    _only(given, f"differences[{place}]", Difference)
    _is(given["where"], str, f"differences[{place}].where")
    if len(str(given["reason"]).split()) < FEWEST_WORDS:
        msg = f"the reason of {given['where']} is no sentence: {given['reason']!r}"
        raise BadFlow(msg)
    return Difference(**given)


KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object", int: "a number"}


def _is(given: Any, kind: type, where: str) -> Any:
    if not isinstance(given, kind) or (kind is int and isinstance(given, bool)):
        msg = f"{where} must be {KINDS[kind]}, and is {json.dumps(given, default=str)[:80]}"
        raise BadFlow(msg)
    return given


def _known(given: dict[str, Any], what: str, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """
    Yield what is *given*. Raises BadFlow for names that mean nothing.
    """
    unknown = {*given} - {*names}
    if unknown:
        msg = f"{what} has {', '.join(sorted(unknown))}; it may have {', '.join(sorted(names))}"
        raise BadFlow(msg)
    yield from given.items()


def _each(given: Any, where: str, names: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Yield each object of a list with its place.
    """
    for place, item in enumerate(_is(given, list, where)):
        here = f"{where}[{place}]"
        for _ in _known(_is(item, dict, here), here, names):
            pass
        yield here, item


def _only(
    given: Any,
    what: str,
    kind: type,
    optional: tuple[str, ...] = (),
    unnamed: tuple[str, ...] = (),
) -> None:
    """
    Raise BadFlow unless *given* has the fields of *kind*, and no others.
    """
    _is(given, dict, what)
    names = [name for name in attrs.fields_dict(kind) if name not in unnamed]
    missing = [name for name in names if name not in given and name not in optional]
    unknown = [name for name in given if name not in names]
    if missing or unknown:
        msg = f"{what} lacks {missing} and has {unknown}, which means nothing"
        raise BadFlow(msg)
