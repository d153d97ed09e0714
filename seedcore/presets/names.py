"""
Which names a preset may have, asked for and saved.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from seedcore.errors import SettingsError, clean_text

LONGEST_NAME = 50
LONGEST_AUTHOR = 200
"""Characters of who saves a preset, such as ``discord:1234``."""
NO_NAMESPACE = ""
"""Where presets are that everybody may use by their name alone."""

_SAVED = re.compile(r"[a-z0-9_-][a-z0-9._-]{0,49}")
_UNFIT = re.compile(r'[/\\:*?"<>|]')
"""What no file name may have, here or on other systems."""
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, with any ending."""


class BadName(ValueError):  # noqa: N818 - it never leaves this package
    """
    The sentence about a name, without the name's own characters that a terminal can't show.
    """


class Name(NamedTuple):
    """
    A preset's name in its two parts; ``namespace`` is empty for one that all may use.
    """

    namespace: str
    own: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.own}" if self.namespace else self.own


def asked_name(text: object) -> Name:
    """
    Return the name that somebody asks for: in a namespace without capital letters, else as it is.

    Raises ``BadName`` for what can't be a plain file name.
    """
    if not isinstance(text, str):
        msg = f"a preset's name is a text, not {type(text).__name__}"
        raise BadName(msg)
    own, slash, rest = text.partition("/")
    if not slash:
        return Name(NO_NAMESPACE, _plain(text))
    if "/" in rest:
        msg = f"{shown(text)} is no name: it is 'name' or 'namespace/name'"
        raise BadName(msg)
    return Name(_plain(own).lower(), _plain(rest).lower())


def saved_name(text: object) -> Name:
    """
    Return the name under which a preset may be saved, without capital letters.

    Raises ``BadName``.
    """
    name = asked_name(text)
    name = Name(name.namespace.lower(), name.own.lower())
    for part in name if name.namespace else (name.own,):
        if not _SAVED.fullmatch(part):
            msg = (
                f"{shown(str(name))} is no name to save under: namespace and name are each 1 to "
                f"{LONGEST_NAME} letters (a to z), digits, '_', '-' and '.', not '.' first"
            )
            raise BadName(msg)
    return name


def saved_namespace(text: str) -> str:
    """
    Return the name of a namespace, without capital letters. Raises ``BadName``.
    """
    return saved_name(f"{text.removesuffix('/')}/x").namespace


def is_plain(text: object) -> bool:
    """
    Whether *text* is one visible file name that all systems take.
    """
    return (
        isinstance(text, str)
        and 0 < len(text) <= LONGEST_NAME
        and text.isprintable()
        and not text.startswith(".")
        and text == text.strip()
        and not _UNFIT.search(text)
        and not _DEVICE.fullmatch(text)
    )


def _plain(text: str) -> str:
    if is_plain(text):
        return text
    msg = (
        f"{shown(text)} is no name: it has 1 to {LONGEST_NAME} characters, does not begin with "
        "'.', and is no path"
    )
    raise BadName(msg)


def checked_author(by: object) -> str:
    """
    Return *by* if it says who saves. Raises SettingsError: the calling program is wrong.
    """
    if (
        isinstance(by, str)
        and by.isprintable()
        and 0 < len(by.strip()) <= LONGEST_AUTHOR >= len(by)
    ):
        return by
    msg = (
        f"'by' must be a printable text of 1 to {LONGEST_AUTHOR} characters, such as discord:1234."
    )
    raise SettingsError(msg)


def shown(text: str) -> str:
    """
    Return *text* in quotes, cut where it is long.
    """
    return repr(clean_text(text, LONGEST_NAME + 10))
