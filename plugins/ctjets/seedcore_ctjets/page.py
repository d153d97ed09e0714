"""
What the site's pages say. They are for people with a browser, and there is nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import attrs

from seedcore import ProviderResponseFormatError

LONGEST = 2**20
"""Characters of a page; the longest of the site's own has some 100,000."""
FEWEST_FIELDS = 10
"""Fields of a page that shows its form; with fewer it was cut, or scripts make the rest."""

# Every part is bounded, so that no page takes more than a few milliseconds.
_TAG = re.compile(r"<(?:input|select|textarea)\b([^<>]{0,2000})>", re.IGNORECASE)
_LINK = re.compile(r"<a\b([^<>]{0,2000})>([^<]{0,200})</a>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![\w:-])([A-Za-z_:-]{1,40})\s{0,5}=\s{0,5}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
)
_VERSION = re.compile(r"\bVersion\s{1,5}(\d{1,3}(?:\.\d{1,3}){1,3})\b")
_ERROR = re.compile(r"<h1>\s{0,20}Error\s{0,20}</h1>\s{0,20}<p>([^<]{0,8000})</p>", re.IGNORECASE)
_SUMMARY = re.compile(r"<pre\b[^<>]{0,200}>([^<]{0,20000})</pre>", re.IGNORECASE)
_SPOILER = re.compile(
    r"""/spoiler_log/|\bid\s{0,50}=\s{0,50}["']?\s{0,50}"""
    r"(?:spoiler_|key_item_table|character_table|boss_table)",
    re.IGNORECASE,
)

FORM_ERRORS = "Errors in the following form fields:"
FORGED = "CSRF verification failed"
"""What the site's 403 says of a form whose token and cookie don't belong together."""


@attrs.frozen(kw_only=True)
class Form:
    """
    The form to fill in: its token, the names of its fields and the version it calls itself.

    ``names`` is empty where the page doesn't show them.
    """

    token: str
    names: frozenset[str]
    version: str | None


def form_of(text: str) -> Form:
    """
    Return the form of an options page. Raises ProviderResponseFormatError.
    """
    token, names = "", set()
    for found in _TAG.finditer(_short(text)):
        attributes = dict(_attributes(found[1]))
        name = attributes.get("name", "")
        if name == "csrfmiddlewaretoken":
            token = attributes.get("value", "")
        elif name:
            names.add(name)
    if not token:
        words = "its options page has no form with a token (csrfmiddlewaretoken)"
        raise ProviderResponseFormatError(words)
    version = _VERSION.search(text)
    shown = names if len(names) >= FEWEST_FIELDS else set()
    return Form(token=token, names=frozenset(shown), version=version[1] if version else None)


def link_of(text: str) -> str:
    """
    Return where the share link of a seed's page leads; empty if it has none.
    """
    for found in _LINK.finditer(_short(text)):
        attributes = dict(_attributes(found[1]))
        if attributes.get("id") == "seed_share" or found[2].strip() == "Seed share link":
            return attributes.get("href", "")
    return ""


def said(text: str) -> str:
    """
    Return the words of an error page; empty if it is none.
    """
    found = _ERROR.search(text)
    return unescape(found[1]).strip() if found else ""


def refused_fields(words: str) -> list[str]:
    """
    Return the fields that an error page is about; empty if it is about something else.
    """
    return words.removeprefix(FORM_ERRORS).split() if words.startswith(FORM_ERRORS) else []


def shows_spoiler(text: str) -> bool:
    """
    Whether a seed's page has a spoiler log in it, or leads to one.
    """
    return _SPOILER.search(unescape(text)) is not None


def summary_of(text: str) -> str:
    """
    Return the settings as a seed's page shows them; empty if it doesn't.
    """
    found = _SUMMARY.search(text)
    return unescape(found[1]).strip() if found else ""


def _attributes(tag: str) -> Iterator[tuple[str, str]]:
    for name, *values in _ATTRIBUTE.findall(tag):
        yield name.lower(), unescape(next(filter(None, values), ""))


def _short(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    words = f"its page has {len(text):,} characters, and {LONGEST:,} are the most"
    raise ProviderResponseFormatError(words)
