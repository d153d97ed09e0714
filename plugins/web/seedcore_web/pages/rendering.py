"""
Templates, and what stands in them: every text is printable and escaped, every link a web address.
"""

from __future__ import annotations

import functools
import hashlib
import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jinja2
from aiohttp import web
from markupsafe import Markup, escape

from seedcore.surface.plain import plain, printable

SHORT = 160
"""Characters of a text in a table; its own page has the whole of it."""
STATIC = {"style.css": "text/css", "live.js": "text/javascript"}
ICONS = {
    "ok": "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM4.6 8.3l2.3 2.3 4.6-5",
    "wait": "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM8 1v14",
    "pause": "M2 2h12v12H2ZM6.2 5v6M9.8 5v6",
    "warn": "M8 1.6 15 14H1ZM8 6v4M8 11.4v.9",
    "bad": "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1ZM5.5 5.5l5 5M10.5 5.5l-5 5",
    "off": "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM3.2 12.8 12.8 3.2",
    "lock": "M3 7h10v8H3ZM5 7V4.5a3 3 0 0 1 6 0V7",
}
"""Shapes that differ without their colour."""


def page(request: web.Request, template: str, status: int = 200, /, **names: Any) -> web.Response:
    """
    Return a page of *names*, for the visitor of *request*.
    """
    from seedcore_web.pages.visitor import visitor_of  # which may show the page of an error

    shown = environment().get_template(template)
    text = shown.render(visitor=visitor_of(request), here=request.path, **names)
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


@functools.cache
def environment() -> jinja2.Environment:
    """
    Return the templates, compiled once.
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("seedcore_web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_harmless,
    )
    made.filters.update(
        moment=moment,
        clock=clock,
        short=short,
        since=since,
        span=span,
        typed=typed,
        pretty=pretty,
        part=_part,
        query=query,
    )
    made.globals.update(icons=ICONS, static=static, web_link=web_link)
    return made


def _harmless(value: Any) -> Any:
    # Markup was made here, and has the line breaks of its text areas.
    if value is None:
        return ""
    return printable(value) if type(value) is str else value


def static(name: str) -> str:
    """
    Return the address of a file, which changes with what is in it.
    """
    return f"/static/{name}?v={content_of(name)[1]}"


@functools.cache
def content_of(name: str) -> tuple[bytes, str]:
    """
    Return a file of this package, and a digest of it.
    """
    content = resources.files("seedcore_web").joinpath("static", name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


async def send_static(request: web.Request) -> web.StreamResponse:
    """
    Answer with the style or the script of the pages.
    """
    name = request.match_info["name"]
    if name not in STATIC:
        raise web.HTTPNotFound
    content, digest = content_of(name)
    lasting = request.query.get("v") == digest
    kept = "public, max-age=31536000, immutable" if lasting else "no-cache"
    headers = {"Cache-Control": kept, "ETag": f'"{digest}"'}
    if any(each.value in (digest, "*") for each in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=content,
        content_type=STATIC[name],
        charset="utf-8",
        headers=headers,
    )


# --------------------------------------------------------------------- filters


def web_link(address: object) -> str | None:
    """
    Return *address* if it leads to a web page; nothing else may become a link.
    """
    text = str(address or "")
    try:
        parts = urlsplit(text)
        found = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return None
    return text if found and text.isprintable() and not set(text) & set(' "<>\\') else None


def clock(seconds: float) -> Markup:
    """
    Return the time of day, for what is to come within hours.
    """
    return moment(None, seconds, "%H:%M:%S")


def moment(
    micro: int | None, seconds: float | None = None, pattern: str = "%Y-%m-%d %H:%M:%S"
) -> Markup:
    """
    Return epoch microseconds, or *seconds*, as a time in UTC.
    """
    if micro is None and seconds is None:
        return Markup("")
    since = seconds if seconds is not None else (micro or 0) / 1e6
    try:
        when = datetime.fromtimestamp(since, UTC)
    except (ValueError, OverflowError, OSError):  # of a row that somebody has damaged
        return Markup("unknown")
    shown = when.strftime(pattern)
    return Markup('<time datetime="{}">{}</time>').format(f"{when:%Y-%m-%dT%H:%M:%SZ}", shown)


def span(milliseconds: float | None) -> str:
    """
    Return a length of time for people.
    """
    if milliseconds is None:
        return ""
    seconds = milliseconds / 1e3
    if seconds < 1:
        tiny = 0 <= milliseconds < 0.05
        return "< 0.1 ms" if tiny else f"{milliseconds:.{0 if milliseconds >= 10 else 1}f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def since(milliseconds: float) -> str:
    """
    Return a moment of a call, counted from its start.
    """
    return span(milliseconds) if milliseconds > 0 else "0 ms"


def short(text: object, most: int = SHORT) -> str:
    """
    Return the beginning of a long text.
    """
    whole = str(text or "")
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def typed(text: object) -> Markup:
    """
    Return what was typed into several lines, as it was.
    """
    lines = str("" if text is None else text).replace("\r\n", "\n").split("\n")
    return Markup("\n").join(escape(printable(line)) for line in lines)


def pretty(value: object) -> Markup:
    """
    Return *value* as JSON over several lines.
    """
    return typed(json.dumps(plain(value), indent=2, ensure_ascii=False))


def query(values: dict[str, Any]) -> str:
    """
    Return *values* as the query of an address, without those that are empty.
    """
    return urlencode({name: text for name, text in values.items() if text})


def _part(text: object) -> str:
    return quote(str(text).encode("utf-8", "replace"), safe="")
