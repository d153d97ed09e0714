"""
One exchange with the site: which branch is asked, and what its refusals mean.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore import (
    ProviderAuthenticationError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    SettingsError,
    secret,
    setting,
    web_address,
)

if TYPE_CHECKING:
    from seedcore import Context

BRANCHES = ("live", "beeta", "tournament")

BAD_LUCK = ("Game Unwinnable", "Unable to generate", "No Available Locations", "Cannot Place Prize")
"""How the texts begin that another roll of the dice may not meet."""

MOST_FIELDS = 20

WORDS = ("message", "error", "detail")
"""Where a refusal in JSON has its words."""


@attrs.frozen(kw_only=True)
class Settings:
    """
    Where the branches are, and how to get in where a site asks for that.
    """

    username: str = setting("", help="name for basic authentication; with password or not at all")
    password: str = secret("", help="password for basic authentication")
    beeta_url: str = setting(
        "https://beeta.alttpr.com", help="the branch beeta", validator=web_address
    )
    tournament_url: str = setting(
        "https://tournament.alttpr.com", help="the branch tournament", validator=web_address
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.username) != bool(self.password):
            msg = "username and password are needed together; set the other one, or neither"
            raise SettingsError(msg)
        if ":" in self.username:
            msg = "username can't have a colon, which would begin the password"
            raise SettingsError(msg)


@attrs.frozen
class Answer:
    """
    A JSON document, and the address of the site that gave it, without a slash at the end.
    """

    document: Any
    site: str


def check_branch(branch: str | None) -> None:
    """
    Raise ProviderInvalidRequestError for a branch that the site doesn't have.
    """
    if branch not in (None, *BRANCHES):
        text = f"branch is one of {', '.join(BRANCHES)}"
        raise ProviderInvalidRequestError(text)


async def ask(
    context: Context, path: str, *, branch: str | None = None, body: Mapping[str, Any] | None = None
) -> Answer:
    """
    Return what the site answers to a GET, or with *body* to a POST.

    Raises ProviderInvalidRequestError for what it refuses, ProviderResponseFormatError for what
    is no JSON.
    """
    async with context.http.request(
        "GET" if body is None else "POST",
        _address(context.settings, branch, path),
        json=body,
        headers=_headers(context.settings),
        allow_redirects=False,
    ) as reply:
        text = await reply.text("utf-8", "replace")
        if reply.status >= 300:
            _refusal(reply.status, text, login=bool(context.settings.username))
            reply.raise_for_status()
        return Answer(_document(text), str(reply.url).removesuffix(f"/{path}"))


def _address(settings: Settings, branch: str | None, path: str) -> str:
    others = {"beeta": settings.beeta_url, "tournament": settings.tournament_url}
    # A relative path goes to base_url, which is the live site unless somebody has set it.
    return f"{others[branch].rstrip('/')}/{path}" if branch in others else path


def _headers(settings: Settings) -> dict[str, str]:
    # Without Accept a refusal is a redirect to a page that doesn't say why.
    headers = {"Accept": "application/json"}
    if settings.username:
        login = f"{settings.username}:{settings.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    return headers


def _refusal(status: int, text: str, *, login: bool) -> None:
    """
    Raise what the site's own dialect means by *status*.
    """
    if status < 400:
        words = (
            f"it answered with a redirect ({status}) to a page in place of JSON: either it refuses "
            "what was asked and won't say why, or its address (base_url) has changed"
        )
        raise ProviderInvalidRequestError(words, status_code=status)
    if status == 401:
        words = "it wants a login: set username and password"
        if login:
            words = "it doesn't take this login; check username and password"
        raise ProviderAuthenticationError(words, status_code=status)
    if status == 422:
        words = _fields(text) or _said(text) or "it refuses an option and doesn't say which"
        raise ProviderInvalidRequestError(words, status_code=status)
    if status == 409:
        said = _said(text)
        words = said or "its generator stopped and doesn't say why"
        lucky = said.startswith(BAD_LUCK)
        if lucky:
            words = f"its generator gave up: {said}. That can be bad luck; ask again, or for less"
        # It isn't down, so this must not count against it as an outage would; but the next game
        # may be one that can be won.
        raise ProviderInvalidRequestError(words, status_code=status, retryable=lucky)


def _fields(text: str) -> str:
    """
    Return what a 422 says about each field, without the framework's general sentence; empty if
    it says nothing about any.
    """
    try:
        errors = json.loads(text)["errors"]
        if isinstance(errors, list):
            return "; ".join([each for each in errors if isinstance(each, str)][:MOST_FIELDS])
        wrong = [
            _field(name, message)
            for name, messages in errors.items()
            for message in ([messages] if isinstance(messages, str) else messages)
        ]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        wrong = []
    return "; ".join(wrong[:MOST_FIELDS])


def _field(name: str, message: object) -> str:
    if message == "validation.in":
        return f"{name} isn't one of the allowed values ({message})"
    return f"{name}: {message}"


def _said(text: str) -> str:
    """
    Return the words of a refusal: its message if it is JSON, nothing if it is a page.
    """
    bare = _bare(text)
    if bare[:1] in ("{", "["):
        try:
            document = json.loads(bare)
        except (RecursionError, ValueError):
            return ""
        named = [document.get(key) for key in WORDS] if isinstance(document, Mapping) else []
        return next((words for words in named if words and isinstance(words, str)), "")
    return "" if bare[:1] == "<" else bare


def _bare(text: str) -> str:
    return text.strip().removeprefix("\ufeff").lstrip()


def _document(text: str) -> Any:
    # The content type says nothing: stored games are JSON that is served as text/html.
    try:
        return json.loads(text)
    except (RecursionError, ValueError):
        kind = {"": "nothing", "<": "a web page"}.get(_bare(text)[:1], "something else")
        words = f"it answered with {kind} in place of JSON"
        raise ProviderResponseFormatError(words) from None
