"""
Reading a preset's YAML without trusting it: every size has a limit, and nothing is executed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from seedcore.errors import InvalidPresetError, clean_text
from seedcore.options import copied
from seedcore.presets.values import NOT_TEXT, Builder, Unreadable

if TYPE_CHECKING:
    import yaml

MOST_BYTES = 64 * 2**10
KEPT = 2 * 2**20
"""Characters of documents that are kept as they were read."""


def read(content: str | bytes, *, provider: str, name: str) -> dict[str, Any]:
    """
    Return the mapping that *content* is: texts, numbers, booleans, ``None``, lists, mappings.

    Keys are texts, as they were written. Raises InvalidPresetError with the preset's name, and
    line and column of what is wrong.
    """
    try:
        document: dict[str, Any] = copied(_KNOWN.get(text_of(content)))
    except Unreadable as refused:
        text = f"the preset {name!r}: {refused}"
    else:
        return document
    # Raised out here, so that no __context__ carries the library's words.
    raise InvalidPresetError(text, provider=provider)


def text_of(content: object) -> str:
    """
    Return *content* as text, or raise ``Unreadable`` for what can't be a document.
    """
    if not isinstance(content, (str, bytes)):
        what = f"it must be a text, not {type(content).__name__}"
        raise Unreadable(what)
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        what = f"it is longer than {MOST_BYTES // 1024} KiB, the most that is read"
        raise Unreadable(what)
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    except UnicodeDecodeError:
        what = "it is binary, no UTF-8 text"
        raise Unreadable(what) from None
    if found := NOT_TEXT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        what = f"it is binary: line {line} has a control character"
        raise Unreadable(what)
    return text.removeprefix("\ufeff")


def decoded(content: str | bytes) -> str:
    """
    Return the text of a document that was read before.
    """
    return content if isinstance(content, str) else content.decode("utf-8-sig")


class _Documents:
    """
    Documents by their text, the least used forgotten first: one of 50 kB takes 0.1 s to parse.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()  # loops of several threads may share this module

    def get(self, text: str) -> dict[str, Any]:
        """
        Return the document of *text*, which must not be changed; raises ``Unreadable``.
        """
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
        parsed = _parsed(text)
        with self._lock:
            if text not in self._known:
                self._known[text] = parsed
                self._size += len(text)
            while self._size > KEPT:
                self._size -= len(self._known.popitem(last=False)[0])
        return parsed


_KNOWN = _Documents()


def _parsed(text: str) -> dict[str, Any]:
    import yaml

    try:
        document = Builder(yaml.SafeLoader(text)).document()
    except Unreadable:
        raise
    except yaml.MarkedYAMLError as error:
        refused = Unreadable(_words(error), error.problem_mark or error.context_mark)
    except Exception as error:  # noqa: BLE001 - an odd escape makes the library raise anything
        refused = Unreadable(f"it is no valid YAML ({type(error).__name__})")
    else:
        if isinstance(document, dict):
            return document
        refused = Unreadable("it must be a mapping, with a line 'settings:'")
    raise refused from None


def _words(error: yaml.MarkedYAMLError) -> str:
    words = clean_text(error.problem or "it is no valid YAML", 120)
    words = words.replace("'<stream end>'", "the end").replace("'<block end>'", "less indentation")
    if "cannot start any token" in words:
        words += "; indent with spaces, and quote what begins with a special character"
    return words
