"""
What the site's answers say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from seedcore import (
    Pending,
    ProviderAuthenticationError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
)
from seedcore_ootr.wish import VERSION, id_of

if TYPE_CHECKING:
    import aiohttp

NO_WORDS = ("", "{}", "[]", "null")

REFUSALS: Mapping[int, tuple[type[ProviderError], str]] = {
    400: (ProviderInvalidRequestError, "it refused the settings, and doesn't say why"),
    403: (
        ProviderAuthenticationError,
        (
            "it refused the key, or the key may not do this: encrypted seeds and seeds of several "
            "worlds need rights of their own"
        ),
    ),
    404: (ProviderInvalidRequestError, "it doesn't know this: it never was there, or has expired"),
    409: (
        ProviderInvalidRequestError,
        (
            "it doesn't have this version of the generator, or several fit; the operation version "
            "names the newest of a branch"
        ),
    ),
}
"""What a status means that comes without words."""

MOVED = "it answers with a redirect to elsewhere, where no seed would be made; check base_url"

WORKING, FAILED = 0, 3
DONE = (1, 2)

State = Literal["finished", "failed"]


async def document_of(reply: aiohttp.ClientResponse) -> Any:
    """
    Return the JSON of an answer, or raise what its status means.
    """
    if reply.status >= 400:
        text = (await reply.text(errors="replace")).strip("\ufeff \t\r\n")
        # A page is for people with a browser.
        silent = text in NO_WORDS or text.startswith("<")
        if silent and reply.status in REFUSALS:
            kind, words = REFUSALS[reply.status]
            raise kind(words, status_code=reply.status)
        reply.raise_for_status()
    if reply.status >= 300:  # of a request whose redirects are not followed
        raise ProviderResponseFormatError(MOVED, status_code=reply.status)
    return await reply.json(content_type=None)


def mapping_of(document: Any) -> Mapping[str, Any]:
    """
    Return *document* if it is a mapping, as every answer of the site is.
    """
    if isinstance(document, Mapping):
        return document
    text = "its answer isn't the JSON object that it promises"
    raise ProviderResponseFormatError(text)


def new_id(created: Mapping[str, Any]) -> str:
    """
    Return the id of the seed that was just asked for.
    """
    try:
        return id_of(created.get("id"))
    except ProviderInvalidRequestError:
        text = "it took the request, and its answer has no id to ask for the seed by"
        raise ProviderResponseFormatError(text) from None


def check_open(created: Mapping[str, Any]) -> None:
    """
    Refuse a seed whose spoiler isn't shown.
    """
    if created.get("spoilers") is not True:
        text = "it doesn't say that the spoiler is shown, where one was asked for"
        raise ProviderResponseFormatError(text)


def leak_of(created: Mapping[str, Any]) -> str | None:
    """
    Name what everybody is shown of a seed by the answer to the request for it; ``None`` if nothing.
    """
    if created.get("spoilers") is False:
        return None
    if created.get("spoilers") is True:
        return "its spoiler log"
    return "perhaps its spoiler log, since its answer doesn't say that this is hidden"


def state_of(document: Any) -> State | Pending:
    """
    Return how a seed ended, or that it is still being made, how far, and behind how many.
    """
    answer = mapping_of(document)
    status, progress = answer.get("status"), _number(answer.get("progress"))
    if not isinstance(status, int) or isinstance(status, bool):
        text = "its answer has no status of the seed"
        raise ProviderResponseFormatError(text)
    if status in DONE or status == FAILED:
        return "failed" if status == FAILED else "finished"
    if status != WORKING and progress is not None and progress >= 100:
        text = f"it is done with the seed, with a status that means nothing here: {status}"
        raise ProviderResponseFormatError(text)
    words = ["generating" if status == WORKING else f"status {status}"]
    if progress is not None:
        words.append(f"{progress:g} %")
    if place := _number(answer.get("positionQueue")):
        words.append(f"place {place:g} in the queue")
    part = None if progress is None else min(max(progress / 100, 0.0), 1.0)
    return Pending(", ".join(words), part)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and -1e9 < value < 1e9 else None


def log_of(document: Any) -> Mapping[str, Any]:
    """
    Return the settings log in the details of a seed; empty where there is none to be read.

    It is JSON in a text, and the seed is good, whatever became of it.
    """
    log = mapping_of(document).get("settingsLog")
    if isinstance(log, str):
        try:
            log = json.loads(log)
        except (RecursionError, ValueError):
            log = None
    return log if isinstance(log, Mapping) else {}


def code_of(log: Mapping[str, Any]) -> str | None:
    """
    Return the file-select code, joined with slashes.
    """
    icons = log.get("file_hash")
    if isinstance(icons, list) and icons and all(isinstance(icon, str) for icon in icons):
        return "/".join(icons)
    return None


def notes_of(document: Any) -> list[str] | Pending:
    """
    Return the notes of a password, or that they aren't there yet.
    """
    notes = mapping_of(document).get("pw")
    if not notes:
        return Pending("no password yet")
    if isinstance(notes, list) and all(isinstance(note, str) for note in notes):
        return notes
    text = "its answer has no password of notes"
    raise ProviderResponseFormatError(text)


def version_of(document: Any) -> str:
    """
    Return the newest version of a branch.
    """
    version = mapping_of(document).get("currentlyActiveVersion")
    if isinstance(version, str) and VERSION.fullmatch(version):
        return version
    text = "its answer doesn't name a version"
    raise ProviderResponseFormatError(text)
