"""
Who asks: the key that is sent, or whoever sits at this machine while there are no keys.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import unquote

import attrs
from aiohttp import web

from seedcore import DatabaseError, Runner
from seedcore.presets import OPERATOR
from seedcore.store.keys import SCOPES, AccessKey
from seedcore_web.limits import PER_MINUTE, WRONG_PER_MINUTE, Buckets
from seedcore_web.local import check_local
from seedcore_web.problems import Refusal

Answer = TypeVar("Answer")

COOKIE = "seedcore_key"
"""Holds the key of a browser that has signed in."""
KEY = re.compile(r"seedcore_[0-9a-f]{12}_[\w-]*")
LOCAL = "local"


@attrs.frozen(kw_only=True)
class Caller:
    """
    Who asks; ``key`` is ``None`` for whoever sits at this machine while there are no keys.

    ``by_cookie`` says that a browser sent the key by itself.
    """

    key: AccessKey | None = None
    by_cookie: bool = False

    @property
    def name(self) -> str:
        """
        The name of the key.
        """
        return LOCAL if self.key is None else self.key.name

    @property
    def key_id(self) -> str:
        """
        What no other caller has, and everybody may see.
        """
        return LOCAL if self.key is None else self.key.key_id

    @property
    def scopes(self) -> tuple[str, ...]:
        """
        What the caller may do.
        """
        return SCOPES if self.key is None else self.key.scopes

    def allows(self, scope: str) -> bool:
        """
        Whether the caller may do what needs *scope*.
        """
        return self.key is None or self.key.allows(scope)

    @property
    def author(self) -> str:
        """
        Who that is in the records.
        """
        return f"web:{self.name}"

    @property
    def by(self) -> str:
        """
        Who asks for a spoiler log: an admin may see each that is due.
        """
        return OPERATOR if self.allows("admin") else self.author

    @property
    def sent_by_itself(self) -> bool:
        """
        Whether a browser sends what proves the right to ask whatever page asks it to.
        """
        return self.by_cookie or self.key is None


def without_keys(address: str) -> str:
    """
    Return a part of an address with ``***`` for each key in it, however it is written.
    """
    plain = address
    while (read := unquote(plain)) != plain:
        plain = read
    return KEY.sub("***", plain) if KEY.search(plain) else address


class Access:
    """
    Finds out who asks, and how often.

    What the database says is believed for ``FRESH`` seconds: a revoked key stops after that.
    """

    FRESH = 2.0
    KNOWN = 1_000
    """Keys remembered as good ones, which are looked at whatever else their address sends."""

    def __init__(
        self,
        runner: Runner,
        *,
        per_minute: int = PER_MINUTE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._per_minute = per_minute
        self._now = now
        self._keys: OrderedDict[bytes, tuple[AccessKey, float]] = OrderedDict()
        self._any: tuple[bool, float] | None = None
        self._wrong = Buckets(now)
        self._asked = Buckets(now)

    async def who(self, request: web.Request) -> Caller | None:
        """
        Return who asks, ``None`` for a key that opens nothing. Raises Refusal.
        """
        text, by_cookie = sent_key(request), False
        if text is None and (text := request.cookies.get(COOKIE)):
            by_cookie = True
        if text:
            key = await self.check(request, text)
            if key is not None:
                return Caller(key=key, by_cookie=by_cookie)
            if not by_cookie:
                return None
        if await self.has_keys():
            return None
        check_local(request)
        return Caller()

    async def check(self, request: web.Request, text: str) -> AccessKey | None:
        """
        Return the key whose text that is, or ``None``.

        Raises Refusal for an address that has sent many wrong ones, or if nobody can tell.
        """
        store, now = self._runner.store, self._now()
        if store is None:
            return None
        digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        known = self._keys.get(digest)
        if known is not None and now < known[1]:
            return known[0]
        peer = request.remote or ""
        # Whose key was good may share its address, that of a proxy, with others.
        if known is None and (wait := self._wrong.wait(peer, WRONG_PER_MINUTE)):
            message = f"Too many wrong keys came from here. Try again in {wait:.0f} seconds."
            raise Refusal(429, "TooManyRequests", message, wait=wait)
        key = await _told(store.keys.check(text))
        if key is None:
            self._keys.pop(digest, None)
            self._wrong.take(peer, WRONG_PER_MINUTE)
            return None
        self._keys[digest] = key, now + self.FRESH
        if len(self._keys) > self.KNOWN:
            self._keys.popitem(last=False)
        return key

    async def has_keys(self) -> bool:
        """
        Whether there is a key that opens anything. Raises Refusal if nobody can tell.
        """
        store, now = self._runner.store, self._now()
        if store is None:
            return False
        if self._any is None or now >= self._any[1]:
            self._any = await _told(store.keys.any_active()), now + self.FRESH
        return self._any[0]

    def count(self, caller: Caller) -> None:
        """
        Count a request of *caller*. Raises Refusal for one too many.
        """
        if caller.key is None:
            return
        allowed = caller.key.per_minute or self._per_minute
        if wait := self._asked.take(caller.key_id, allowed):
            message = f"This key may ask {allowed:,} times a minute. Try again in {wait:.0f} s."
            raise Refusal(429, "TooManyRequests", message, wait=wait)


async def _told(question: Awaitable[Answer]) -> Answer:
    # Where the database is and what is wrong with it is nothing for who has shown no key yet.
    try:
        return await question
    except DatabaseError:
        message = "Keys can't be checked right now: the database doesn't answer."
        raise Refusal(503, "Unavailable", message) from None


ACCESS: web.AppKey[Access] = web.AppKey("access", Access)
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
"""Who asks, where an endpoint has a scope."""


def caller_of(request: web.Request) -> Caller:
    """
    Return who asks; only of a request whose endpoint has a scope.
    """
    return request[CALLER]


def sent_key(request: web.Request) -> str | None:
    """
    Return the key of the header. Raises Refusal for a header that holds something else.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        message = "Send the key as 'Authorization: Bearer seedcore_...'."
        raise Refusal(401, "KeyNeeded", message, WWW_Authenticate="Bearer")
    return text.strip()


async def sign_in(request: web.Request) -> tuple[web.Response, AccessKey] | None:
    """
    Return an answer that leaves the key of the form with the browser, and the key; ``None`` for a
    wrong one. The browser also sends it where a link from elsewhere leads here, as from a chat.

    Raises Refusal as ``Access.check`` does.
    """
    text = str((await request.post()).get("key", "")).strip()
    key = await request.app[ACCESS].check(request, text) if text else None
    if key is None:
        return None
    response = web.Response(status=303)
    secure = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
    response.set_cookie(COOKIE, text, httponly=True, samesite="Lax", secure=secure, path="/")
    return response, key


async def sign_out(_: web.Request) -> web.Response:
    """
    Return an answer that makes the browser forget its key.
    """
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    response.del_cookie(COOKIE, path="/")
    return response
