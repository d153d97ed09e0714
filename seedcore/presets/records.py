"""
What callers get: a preset, a revision of one, what saving and importing came to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

Source = Literal["directory", "database", "plugin"]


class Operator(str):
    """
    Whoever runs the program. It is a type, so that nobody becomes one by the name they chose.
    """

    __slots__ = ()


OPERATOR = Operator("operator")
"""Who may write presets without a namespace, and in everybody's."""


NOBODY = ""
"""The owner of namespaces that the operator made: no name of anybody."""


def is_operator(by: str) -> bool:
    """
    Whether *by* is the operator, and not somebody who is called so.
    """
    return isinstance(by, Operator)


@attrs.frozen(kw_only=True)
class Preset:
    """
    A preset that was found.

    ``provider`` is the one to be called, which may be another than was asked for, and
    ``operation`` what is called there. ``options`` are the settings, this caller's own copy.
    ``text`` is the document as it was written, ``target`` the taker itself, and ``built`` its
    options where nothing in them can be changed, so that all calls may share them.
    """

    provider: str
    operation: str = "generate"
    name: str
    options: Mapping[str, Any]
    branch: str | None
    title: str | None
    description: str | None
    source: Source
    text: str
    target: Any = attrs.field(default=None, repr=False, eq=False)
    built: Any = attrs.field(default=None, repr=False, eq=False)

    def fault(self) -> str | None:
        """
        Return what is wrong with the preset by itself, as a sentence without its end.
        """
        from seedcore.presets.meaning import fault_of

        return fault_of(self.options, self.target) if self.built is None else None


@attrs.frozen(kw_only=True)
class Written:
    """
    A document before anybody has read it; ``path`` is its file's, if it has one.
    """

    name: str
    text: str | bytes
    source: Source
    path: str | None = None


@attrs.frozen(kw_only=True)
class Saved:
    """
    What saving came to.

    ``unchanged`` says that the newest revision had this text already, and none was made.
    ``notes`` are sentences about what was ignored or could not be checked.
    """

    provider: str
    name: str
    revision: int
    unchanged: bool = False
    notes: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Revision:
    """
    One saving or deletion of a preset; ``created_at`` is epoch microseconds.
    """

    revision: int
    saved_by: str
    created_at: int
    deleted: bool
    text: str


@attrs.frozen(kw_only=True)
class Namespace:
    """
    Whose presets those called ``name/...`` are; ``collaborators`` may save and delete them too.
    """

    name: str
    owner: str
    collaborators: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Draft:
    """
    A document to be imported; ``origin`` says where it is from, such as a path.

    A namespace that nobody has yet gets *owner* (else whoever imports) and *collaborators*.
    """

    provider: str
    name: str
    text: str | bytes
    origin: str
    owner: str | None = None
    collaborators: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Outcome:
    """
    What the import of one document came to; ``problem`` is the sentence if it is off.
    """

    origin: str
    provider: str
    name: str
    state: Literal["saved", "unchanged", "off"]
    problem: str | None = None
    notes: tuple[str, ...] = ()
