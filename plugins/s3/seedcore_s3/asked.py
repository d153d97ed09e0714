"""
What may be asked: keys, contents, times, and the name that a browser saves a file as.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from seedcore import ProviderInvalidRequestError

LARGEST = 64 * 2**20
"""Bytes of one object: it is sent as one request, out of memory."""
LONGEST_KEY = 900
LONGEST_LINK = 7 * 24 * 3600
"""Seconds: a signature of S3 isn't good for longer."""
LONGEST_FILENAME = 150
CONTENT_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}( *;[\x20-\x7e]{1,100})?", re.ASCII)


def check(arguments: Mapping[str, Any]) -> None:
    """
    Refuse *arguments* of any operation that can't be right; no sentence has a key in it.
    """
    faults = (_CHECKS[name](value) for name, value in arguments.items() if name in _CHECKS)
    fault = next((found for found in faults if found), None)
    if fault:
        raise ProviderInvalidRequestError(fault)


def fault_of_key(key: object) -> str | None:
    """
    Return what is wrong with *key*.
    """
    if not isinstance(key, str) or not key:
        return "the key must be a text, and not empty"
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "the key must be text that can be written as UTF-8"
    if size > LONGEST_KEY:
        return f"the key has {size:,} bytes, and {LONGEST_KEY} are allowed"
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in key):
        return "the key has control characters; leave them out"
    if any(part in {"", ".", ".."} for part in key.split("/")):
        return (
            "the key must be a path such as logs/one.json, without a slash at either end and "
            "without parts that are empty, '.' or '..'"
        )
    return None


def _fault_of_content(content: object) -> str | None:
    if not isinstance(content, bytes):
        return f"the content must be bytes, not {type(content).__name__}"
    if len(content) > LARGEST:
        return f"the content has {len(content):,} bytes, and {LARGEST:,} are allowed"
    return None


def _fault_of_content_type(content_type: object) -> str | None:
    if isinstance(content_type, str) and CONTENT_TYPE.fullmatch(content_type):
        return None
    return "content_type must be one such as application/json or text/plain; charset=utf-8"


def _fault_of_encoding(encoding: object) -> str | None:
    known = encoding in {None, "gzip"} if isinstance(encoding, (str, type(None))) else False
    return None if known else "encoding must be gzip, for content that is gzip already, or none"


def _fault_of_filename(filename: object) -> str | None:
    if filename is None or (isinstance(filename, str) and _plain(filename)):
        return None
    return "filename must be a name to save the file as, such as spoiler.json, or none"


def _fault_of_seconds(seconds: object) -> str | None:
    whole = isinstance(seconds, int) and not isinstance(seconds, bool)
    if whole and 1 <= seconds <= LONGEST_LINK:  # type: ignore[operator]
        return None
    return f"seconds must be a whole number from 1 to {LONGEST_LINK:,} (7 days)"


def _fault_of_public(public: object) -> str | None:
    return None if isinstance(public, bool) else "public must be true or false"


_CHECKS = {
    "key": fault_of_key,
    "content": _fault_of_content,
    "content_type": _fault_of_content_type,
    "encoding": _fault_of_encoding,
    "filename": _fault_of_filename,
    "seconds": _fault_of_seconds,
    "public": _fault_of_public,
}


def disposition_of(filename: str) -> str:
    """
    Return the header that makes a browser save a file as *filename*.
    """
    name = _plain(filename)
    plain = "".join(letter if letter.isascii() else "_" for letter in name)
    header = f'attachment; filename="{plain}"'
    return header if plain == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"


def _plain(filename: str) -> str:
    """
    Return *filename* without folders, and without what a file system or a header stumbles over.
    """
    name = re.split(r"[/\\]", filename)[-1]
    letters = (letter for letter in name if letter.isprintable() and letter not in '"%*:<>?|')
    return "".join(letters)[:LONGEST_FILENAME].strip(" .")
