"""
The requests that a seed takes: its form, the seed itself, and what the site shows of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

import attrs

from seedcore import ProviderInvalidRequestError, ProviderResponseFormatError
from seedcore_ctjets.form import ID
from seedcore_ctjets.page import Form, form_of, link_of
from seedcore_ctjets.reply import document_of, refuse_fields, text_of

if TYPE_CHECKING:
    # Showing or listing the plugin must not pay for importing aiohttp.
    import aiohttp

    from seedcore import Context
    from seedcore_ctjets.form import Wish

HOSTS = ("ctjot.com", "www.ctjot.com")
"""The names of the site; its links have now one and now the other."""
DENIED: Mapping[str, Any] = {"cheating": "not_allowed"}
"""What the site answers in place of the spoiler log of a race seed."""
NOTHING: Mapping[str, Any] = {}
COOKIE = "csrftoken"
REDIRECTS = (301, 302, 303)

_COOKIE = re.compile(r"[\w.=+/-]{1,200}", re.ASCII)
_SHARE = re.compile(rf"/share/({ID.pattern})/?\Z")


@attrs.frozen(kw_only=True)
class Opened:
    """
    A form that was opened: *home* is where its version is, *address* where the form was.
    """

    home: str
    address: str
    cookie: str
    form: Form


@attrs.frozen(kw_only=True)
class Made:
    """
    A seed: its id, its permalink and the page there.
    """

    id: str
    url: str
    page: str

    def beside(self, path: str) -> str:
        """
        Return the address of something else of the same version.
        """
        return self.url.removesuffix(f"share/{self.id}/") + path


def folder_of(context: Context, version: str) -> str:
    """
    Return where a version is, below the site's address.
    """
    root: str = context.settings.root_version.replace("_", ".")
    return "" if version == root else f"{version.replace('.', '_')}/"


async def open_form(context: Context, version: str) -> Opened:
    """
    Ask for the form of a version, with the token and the cookie that go with it.
    """
    path = f"{folder_of(context, version)}options/"
    async with context.http.get(path, allow_redirects=True) as reply:
        form = form_of(await text_of(reply, version))
        cookie = reply.cookies.get(COOKIE)
        if cookie is None or not _COOKIE.fullmatch(cookie.value):
            words = f"its options page sets no cookie {COOKIE}, without which it takes no form"
            raise ProviderResponseFormatError(words)
        asked = reply.history[0] if reply.history else reply
        return Opened(
            home=str(asked.url.with_query(None)).removesuffix("options/"),
            address=str(reply.url.with_query(None)),
            cookie=cookie.value,
            form=form,
        )


async def make(wish: Wish, opened: Opened, rom: BinaryIO | None, context: Context) -> Made:
    """
    Send the form, and return the seed that comes of it.
    """
    async with context.http.post(
        urljoin(opened.address, "../generate-rom/"),
        data=_body(wish, opened, rom),
        # Over HTTPS the site takes a form from its own page only.
        headers={"Referer": opened.address, "Cookie": f"{COOKIE}={opened.cookie}"},
        allow_redirects=False,
    ) as reply:
        page = ""
        if reply.status in REDIRECTS:
            link = reply.headers.get("Location", "")
        else:
            page = await text_of(reply, wish.version, form=opened.form.version or "")
            link = link_of(page)
            if not link:
                refuse_fields(page, wish.version, opened.form.version)
        told = _told(str(reply.url), link)
    _check_host(told, opened, redirected=not page)
    key = key_of(told.path)
    url = f"{opened.home}share/{key}/"
    if page:
        return Made(id=key, url=url, page=page)
    # Its redirect is followed apart, so that a failure on the way makes no second seed.
    other = urlsplit(url)._replace(path=f"{told.path.rstrip('/')}/").geturl()
    return await context.poll(lambda: shared(context, url, wish.version, key, other=other))


def _body(wish: Wish, opened: Opened, rom: BinaryIO | None) -> aiohttp.FormData:
    import aiohttp

    body = aiohttp.FormData(default_to_multipart=True)
    body.add_field("csrfmiddlewaretoken", opened.form.token)
    for name, text in wish.fields.items():
        body.add_field(name, text)
    if rom is not None:
        # An open file is read piece by piece, each in a thread, and its size is known.
        kind = "application/octet-stream"
        body.add_field("rom_file", rom, filename="chronotrigger.sfc", content_type=kind)
    return body


def _told(address: str, link: str) -> SplitResult:
    """
    Return where a link or a redirect at *address* leads.
    """
    try:
        return urlsplit(urljoin(address, link) if link else "")
    except ValueError:  # of an IPv6 address
        text = "its answer leads to an address that is none"
        raise ProviderResponseFormatError(text) from None


def _check_host(told: SplitResult, opened: Opened, *, redirected: bool) -> None:
    """
    Refuse a seed that is said to be on another site.
    """
    if told.hostname in (None, urlsplit(opened.home).hostname, *HOSTS):
        return
    if redirected:
        text = "it redirects to another host, where none of its seeds can be"
        raise ProviderInvalidRequestError(text)
    text = "the share link of its seed leads to another host"
    raise ProviderResponseFormatError(text)


def key_of(link: str) -> str:
    """
    Return the id of the seed to whose page *link* leads.
    """
    found = _SHARE.search(link)
    if found:
        return found[1]
    text = "its answer leads to no page of a seed: there is no share link"
    raise ProviderResponseFormatError(text)


async def shared(
    context: Context, address: str, version: str, key: str, *, other: str | None = None
) -> Made:
    """
    Return a seed as everybody sees it at *address*, or at the *other* if nothing is there.
    """
    async with context.http.get(address, allow_redirects=True) as reply:
        if reply.status != 404 or other in (None, address):
            page = await text_of(reply, version)
            if key_of(link_of(page)) != key:
                text = "the page of the seed has the share link of another"
                raise ProviderResponseFormatError(text)
            asked = reply.history[0] if reply.history else reply
            return Made(id=key, url=str(asked.url), page=page)
    assert other is not None
    # The site itself names pages without the folder of their version.
    return await shared(context, other, version, key)


async def log_of(
    context: Context, address: str, version: str, *, missing: bool = False
) -> Mapping[str, Any]:
    """
    Return the spoiler log of a seed, or what the site says in place of it.

    Where it may be *missing*, it is NOTHING then.
    """
    async with context.http.get(address, allow_redirects=True) as reply:
        if reply.status == 404 and missing:
            return NOTHING
        document = await document_of(reply, version)
    if isinstance(document, Mapping) and document:
        return document
    text = "its spoiler log isn't the JSON object that it promises"
    raise ProviderResponseFormatError(text)
