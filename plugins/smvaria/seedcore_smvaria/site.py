"""
One exchange with the site: where it goes, and what an answer or a refusal says.

The site calls everything HTML, JSON and bare sentences too.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore import (
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    setting,
    web_address,
)
from seedcore.errors import clean_text
from seedcore.redact import Redactor

if TYPE_CHECKING:
    from seedcore import Context

BRANCHES = ("live", "beta")
MOST_LINES, LONGEST_LINE = 20, 500
MOVED = (
    "it answers with a redirect to elsewhere, where no seed would be made; check its address "
    "(base_url or beta_url)"
)
CRASHED = "it crashed on this request, which only its own log explains"

_BREAK = re.compile(r"<\s*br[\s/]*>|</(?:p|div|li|pre|h\d)\s*>", re.IGNORECASE)
# A tag, and what could begin one: it may have no end, or be what is left around another one.
_TAG = re.compile(r"(?<!<)<+/?[a-z][^<>]*>|(?<!<)<+(?=[a-z/!?])", re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype|html|head|body|title|h1)\b", re.IGNORECASE)
_DUMP = "STUCK"
"""How the line begins behind which the generator tells all of a seed that came to nothing."""


@attrs.frozen
class Settings:
    """
    Where the other branch is.
    """

    beta_url: str = setting("https://beta.varia.run", help="the branch beta", validator=web_address)


@attrs.frozen
class Answer:
    """
    What was answered, and the address of the site that did, without a slash at the end.
    """

    text: str
    site: str

    @property
    def document(self) -> Any:
        """
        The JSON of it. Raises ProviderResponseFormatError.
        """
        try:
            return json.loads(self.text)
        except (RecursionError, ValueError):
            kind = {"": "nothing", "<": "a web page"}.get(_bare(self.text)[:1], "something else")
            text = f"it answered with {kind} in place of JSON"
        raise ProviderResponseFormatError(text)

    @property
    def mapping(self) -> Mapping[str, Any]:
        """
        The JSON object of it. Raises ProviderResponseFormatError.
        """
        document = self.document
        if isinstance(document, Mapping) and document:
            return document
        text = "its answer isn't the JSON object that it promises"
        raise ProviderResponseFormatError(text)


def check_branch(branch: object) -> None:
    """
    Raise ProviderInvalidRequestError for a branch that there isn't.
    """
    if branch not in (None, *BRANCHES):
        text = f"branch is one of {', '.join(BRANCHES)}"
        raise ProviderInvalidRequestError(text)


async def ask(
    context: Context,
    path: str,
    *,
    branch: str | None = None,
    form: Mapping[str, str] | None = None,
    secrets: Iterable[str] = (),
) -> Answer:
    """
    Return what the site answers to a GET, or with *form* to a POST, without *secrets*.

    Raises ProviderInvalidRequestError for what it refuses.
    """
    async with context.http.request(
        "GET" if form is None else "POST",
        # A relative path goes to base_url, which is the live site unless somebody has set it.
        f"{context.settings.beta_url.rstrip('/')}/{path}" if branch == "beta" else path,
        data=form,
        allow_redirects=False,  # a redirected POST becomes a GET, which makes nothing
    ) as reply:
        # At once: of what is cut in two, no half would be known for a secret.
        text = Redactor(secrets).text(await reply.text("utf-8", "replace"))
        if 300 <= reply.status < 400:
            raise ProviderResponseFormatError(MOVED, status_code=reply.status)
        if reply.status == 400:
            words = said(text) or "it refused what was asked, and doesn't say why"
            raise ProviderInvalidRequestError(words, status_code=400)
        if reply.status == 500 and ("web2py_error" in reply.headers or "Ticket issued" in text):
            raise ProviderUnavailableError(CRASHED, status_code=500)
        reply.raise_for_status()
        return Answer(text, str(reply.url.with_query(None)).removesuffix(f"/{path}"))


async def read(
    context: Context,
    path: str,
    *,
    branch: str | None = None,
    form: Mapping[str, str] | None = None,
) -> Answer:
    """
    Ask for what may be asked for again and again, as a read with attempts of its own.
    """

    async def look() -> Answer:
        return await ask(context, path, branch=branch, form=form)

    return await context.poll(look)


def said(text: str) -> str:
    """
    Return the words of a refusal, a JSON text or a bare one; nothing if it is a page.
    """
    bare = _bare(text)
    if bare[:1] in ('"', "[", "{"):
        try:
            words = json.loads(bare)
        except (RecursionError, ValueError):
            words = bare
        bare = words if isinstance(words, str) else ""
    return "" if _PAGE.search(bare) else "\n".join(lines_of(bare))


def lines_of(text: object) -> list[str]:
    """
    Return the lines of one of the site's messages, without its HTML.
    """
    if not isinstance(text, str):
        return []
    plain = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
    plain = _TAG.sub("", clean_text(plain, MOST_LINES * LONGEST_LINE))
    lines = [line for line in (line.strip() for line in plain.splitlines()) if line]
    stuck = next((at for at, line in enumerate(lines) if line.startswith(_DUMP)), len(lines))
    return [line[:LONGEST_LINE] for line in lines[: min(stuck + 1, MOST_LINES)]]


def _bare(text: str) -> str:
    return text.strip().removeprefix("\ufeff").lstrip()
