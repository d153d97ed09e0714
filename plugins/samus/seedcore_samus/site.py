"""
Where the site is asked, and what its refusals mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore import (
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    SettingsError,
    setting,
    web_address,
)

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

NAME = "{release}"


def _with_a_place_for_the_name(_: object, field: attrs.Attribute[Any], value: str) -> None:
    web_address(_, field, value.replace(NAME, "beta"))
    if value.count(NAME) != 1:
        msg = f"{field.name} must have {NAME} in it once"
        raise SettingsError(msg)


def release_url(default: str) -> Any:
    """
    Return the setting that says where the site's other releases are.
    """
    return setting(
        default,
        help=f"where releases are; {NAME} becomes the option release",
        validator=_with_a_place_for_the_name,
    )


@attrs.frozen
class SmSettings:
    """
    What whoever runs the program may set for sm.
    """

    release_url: str = release_url("https://{release}.sm.samus.link")


@attrs.frozen
class Smz3Settings:
    """
    What whoever runs the program may set for smz3.
    """

    release_url: str = release_url("https://{release}.samus.link")


def address(settings: SmSettings | Smz3Settings, release: str | None, path: str) -> str:
    """
    Return where *path* is: on the site itself as it stands, on a release in full.
    """
    if release is None:
        return path
    return f"{settings.release_url.replace(NAME, release.lower()).rstrip('/')}/{path}"


def root(asked: URL, path: str) -> str:
    """
    Return the address of the site that was asked for *path*, without a slash at the end.
    """
    here = str(asked.with_query(None).with_fragment(None))
    if not here.endswith(f"/{path}"):
        raise ProviderResponseFormatError(MOVED)
    return here.removesuffix(f"/{path}")


MOVED = "it answers with a redirect to elsewhere; check base_url and the option release"


class SilentRefusal(Exception):  # noqa: N818 - what it is depends on the operation
    """
    A status of 400 or more without a body: there is nothing else to tell.

    ``of`` is the operation that asks for the same, where another one asked.
    """

    def __init__(self, status: int, headers: Mapping[str, str], of: str | None = None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.of = of


async def raise_for_refusal(reply: aiohttp.ClientResponse, of: str | None = None) -> None:
    """
    Raise SilentRefusal, or aiohttp's own error for a refusal with words.
    """
    if 300 <= reply.status < 400:
        raise ProviderResponseFormatError(MOVED, status_code=reply.status)
    if reply.status >= 400 and not (await reply.read()).strip():
        raise SilentRefusal(reply.status, reply.headers, of)
    reply.raise_for_status()


Meaning = tuple[type[ProviderError], str]

NO_SEED = "it has no such seed; check the id and the release"
NOT_THERE = (
    "it refused the request without a word, as it does for what it doesn't have; check base_url "
    "and the option release"
)
SILENT: Mapping[tuple[str, int], Meaning] = {
    ("generate", 400): (
        ProviderInvalidRequestError,
        (
            "it refused the request without a word, as it does for a randomizer it doesn't have; "
            "check the option release"
        ),
    ),
    # The settings were checked before. So it is mostly bad luck, and another try may help.
    ("generate", 500): (
        ProviderUnavailableError,
        (
            "it failed without a word. It does that when it finds no place for the items, when a "
            "release doesn't know an item of initialitems, and when it is broken; try again, with "
            "other settings if it stays so"
        ),
    ),
    ("seed", 404): (ProviderInvalidRequestError, NO_SEED),
    ("seed", 500): (
        ProviderUnavailableError,
        (
            "it failed without a word, which it also does for a seed that it doesn't have; check "
            "the id and the release"
        ),
    ),
    ("spoiler", 400): (
        ProviderInvalidRequestError,
        (
            "the log of a race opens only with the key that its seed was made with (the option "
            "spoiler_key), and never if there was none"
        ),
    ),
    ("spoiler", 404): (ProviderInvalidRequestError, NO_SEED),
    ("spoiler", 500): (
        ProviderUnavailableError,
        (
            "it failed without a word, which it also does for a seed that was made without saying "
            "whether it is for a race: it has no log"
        ),
    ),
}


def meaning(error: Exception, operation: str) -> ProviderError | None:
    """
    Say what a silent refusal of *operation* means; ``None`` if the status alone says it.
    """
    if not isinstance(error, SilentRefusal):
        return None
    asked = error.of or operation, error.status
    if asked in SILENT:
        kind, words = SILENT[asked]
    elif error.status in (400, 404):
        kind, words = ProviderInvalidRequestError, NOT_THERE
    else:
        return None  # what it always means
    return kind(words, status_code=error.status)
