"""
How the site answers: in an envelope with a status of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seedcore import Pending, ProviderResponseFormatError
from seedcore_avianart.options import HASH

if TYPE_CHECKING:
    import aiohttp

Response = Mapping[str, Any]
"""What an envelope holds."""

FAILED = "failure"
FINISHED = (None, "", "finished")
"""Statuses of a seed that is done: the site leaves the status out then."""
UNDER_WAY = ("pregeneration", "generating", "postgen")
"""Statuses of a seed that isn't, whatever else there may be already."""
SEED = ("patch", "bps_t0_p1", "spoiler")
"""What only a finished seed has; which of them depends on the randomizer behind the preset."""


class EnvelopeError(Exception):
    """
    The site refused or failed.

    ``status``, ``text`` and ``headers`` are what seedcore reads of the exceptions of a client.
    ``enveloped`` says that the interface answered, and not only a server without it.
    """

    def __init__(
        self, status: int, text: str, headers: Mapping[str, str], *, enveloped: bool = True
    ) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.text = text
        self.headers = headers
        self.enveloped = enveloped


async def response_of(reply: aiohttp.ClientResponse) -> Response | None:
    """
    Return what the envelope holds; ``None`` where the site knows nothing.

    Raises EnvelopeError for a status that isn't 200, be it HTTP's or the envelope's.
    """
    if reply.status != 200:
        text = await reply.text(errors="replace")
        words = _words_in(text, reply.status)
        enveloped = words is not None
        raise EnvelopeError(reply.status, words or text, reply.headers, enveloped=enveloped)
    envelope = await reply.json(content_type=None)
    status = _status(envelope)
    response = envelope["response"]
    if status != 200:
        raise EnvelopeError(status, _words(response, status), {})
    if response is not None and not isinstance(response, Mapping):
        text = "its envelope holds something else than a seed"
        raise ProviderResponseFormatError(text)
    return response


def _status(envelope: Any) -> int:
    status = envelope.get("status") if isinstance(envelope, Mapping) else None
    if isinstance(status, str) and status.isascii() and status.isdecimal():
        status = int(status)
    is_status = isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599
    if not is_status or "response" not in envelope:
        text = "its answer isn't an envelope with a status and a response"
        raise ProviderResponseFormatError(text)
    assert isinstance(status, int)
    return status


def _words_in(text: str, status: int) -> str | None:
    """
    Return the words of an envelope that came with an HTTP status; ``None`` for anything else.
    """
    try:
        return _words(json.loads(text)["response"], status)
    except (KeyError, RecursionError, TypeError, ValueError):
        return None


def _words(response: Any, status: int) -> str:
    words = response.get("message") if isinstance(response, Mapping) else response
    if isinstance(words, str) and words:
        return words
    return f"its status is {status}, and it says no more"


def new_hash(response: Response | None) -> str:
    """
    Return the hash of the seed that was just asked for.
    """
    key = response.get("hash") if response is not None else None
    if isinstance(key, str) and HASH.fullmatch(key):
        return key
    text = "it took the request, and its answer has no hash to ask for the seed by"
    raise ProviderResponseFormatError(text)


def is_seed(response: Response) -> bool:
    """
    Whether *response* is a finished seed, and not only its hash.

    What has all of a seed is one, whatever word the site has for that.
    """
    if response.get("status") in (FAILED, *UNDER_WAY):
        return False
    return any(response.get(name) is not None for name in SEED)


def judge(response: Response | None, key: str) -> Response | Pending:
    """
    Return the finished or failed seed, or that it isn't done. *key* is the hash asked for.
    """
    if response is None:  # between two files of it the site knows nothing for a moment
        return Pending("not there yet")
    if response.get("hash", key) != key:
        text = "it answered with another seed than was asked for"
        raise ProviderResponseFormatError(text)
    status = response.get("status")
    if status == FAILED or is_seed(response):
        return response
    if status in FINISHED or not isinstance(status, str):
        text = "its answer is neither a status nor a seed"
        raise ProviderResponseFormatError(text)
    # The message is the generator's last line of output, which may tell about the seed.
    attempts = response.get("attempts")
    return Pending(f"{status}, attempt {attempts}" if isinstance(attempts, int) else status)
