"""
A server with something on every page: providers with options of every kind, seeds and failures.
"""

from __future__ import annotations

import contextlib
import html.parser
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, Self

import attrs
from aiohttp import ClientSession, CookieJar, web
from yarl import URL

from seedcore import (
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    Registry,
    Rolled,
    Runner,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
    secret,
    setting,
)
from seedcore.testing import LeapingClock
from seedcore_web.app import make_app

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>{{ 7*7 }}\x1b[31mred\x1b[0m"
    "\u202eevil\u2066 &amp; " + "x" * 1_900
)
"""What an upstream, or whoever types, may send."""


@attrs.frozen(kw_only=True)
class Item:
    """
    Options that stand in one of their own.
    """

    pool: Literal["normal", "hard", "expert"] = setting("normal", help="how many items there are")
    hints: bool | None = setting(None, help="whether signs give hints")


@attrs.frozen(kw_only=True)
class TowerOptions:
    """
    One option of each kind.
    """

    players: int = setting(
        1,
        help="players of a multiworld",
        validator=[attrs.validators.ge(1), attrs.validators.le(8)],
    )
    goal: Literal["boss", "triforce", "pedestal"] = setting("boss", help="what ends the game")
    quickswap: bool = setting(True, help="L and R change the item")
    speed: float | None = setting(None, help="how fast everybody walks")
    names: tuple[str, ...] = setting((), help="the names of the players")
    start: dict[str, int] = setting(attrs.Factory(dict), help="what everybody begins with")
    note: str | None = setting(None, help="a line for the players")
    passphrase: str = secret("", help="opens the settings of the league")
    item: Item = Item()


@attrs.frozen(kw_only=True)
class Needs:
    """
    An option that nobody can do without.
    """

    flags: str = setting(help="the flags")


class Tower:
    """
    Rolls at once, or raises ``faults`` one after the other first.
    """

    def __init__(self) -> None:
        self.rolled = 0
        self.faults: list[Exception] = []
        self.seed: dict[str, Any] = {}
        self.asked: list[SeedRequest] = []
        self.logs: dict[str, Any] = {}

    @hookimpl
    async def generate(self, request: SeedRequest) -> Rolled:
        """
        Roll a seed.
        """
        self.asked.append(request)
        if self.faults:
            raise self.faults.pop(0)
        self.rolled += 1
        made = {
            "url": f"https://seeds.example/h/{self.rolled:06}",
            "id": f"{self.rolled:06}",
            "code": "Bow / Boomerang / Hookshot / Bombs / Lamp",
            "version": "31.1",
            "settings": {"preset": request.preset or "none", "mode": "open"},
        }
        logs = self.logs if request.spoilers == "delayed" else {}
        return Rolled(Seed(**{**made, **self.seed}), logs=logs)

    @operation(effect="repeatable", rolls=True)
    async def mystery(self, request: SeedRequest) -> Seed:
        """
        Roll a seed of weights.
        """
        self.rolled += 1
        return Seed(url=f"https://seeds.example/m/{self.rolled:06}")


def lines(request: SeedRequest) -> Seed:
    """
    Return a line to type, of whatever options.
    """
    given = " ".join(f"{name}={value}" for name, value in sorted(request.options.items()))
    return Seed(extra={"text": f"flags {given or 'none'}"})


@attrs.define(eq=False)
class World:
    """
    The running server, and what is behind it.
    """

    runner: Runner
    tower: Tower
    app: web.Application
    url: str
    client: ClientSession

    async def get(self, path: str, **asked: Any) -> Page:
        """
        Ask for a page.
        """
        return await self.ask("GET", path, **asked)

    async def post(self, path: str, form: dict[str, str] | None = None, **asked: Any) -> Page:
        """
        Send a form from a page of the server.
        """
        return await self.ask("POST", path, data=form or {}, **asked)

    async def ask(self, method: str, path: str, *, key: str | None = None, **asked: Any) -> Page:
        """
        Ask for something, as a browser on a page of the server does.
        """
        headers = {"Origin": self.url, **asked.pop("headers", {})}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        url = URL(f"{self.url}{path}", encoded=True)
        sent = self.client.request(method, url, headers=headers, allow_redirects=False, **asked)
        async with sent as reply:
            text = await reply.text()
            return Page.of(reply.status, dict(reply.headers), text)

    async def roll(self, **given: Any) -> Seed:
        """
        Roll a seed from elsewhere.
        """
        return await self.runner.generate("tower", **{"surface": "discord", **given})

    async def recorded(self) -> None:
        """
        Wait until the rows of failures are written, too.
        """
        store = self.runner.store
        assert store is not None
        await store.flush()


@contextlib.asynccontextmanager
async def world(directory: Path, **told: Any) -> AsyncIterator[World]:
    """
    Serve a world of its own, whose database is in *directory*.
    """
    presets = directory / "presets" / "tower"
    presets.mkdir(parents=True, exist_ok=True)
    for name, goal in (("open", "boss"), ("standard", "triforce"), ("ambrosia", "pedestal")):
        document = f"title: {name}\nsettings:\n  goal: {goal}\n"
        presets.joinpath(f"{name}.yaml").write_text(document, "utf-8")
    tower = Tower()
    registry = Registry(discover=False)
    declared = provider(
        title="Tower of Hera", options=TowerOptions, presets="presets", delayed=True
    )
    registry.add("tower", _declared(tower, declared))
    registry.add("lines", lines)
    registry.add("flags", provider(options=Needs)(_flags))
    settings = {
        "preset_directories": [str(directory / "presets")],
        "spool_directory": str(directory / "spool"),
        "storage_directory": str(directory / "storage"),
        **told.pop("settings", {}),
    }
    options = {"database": f"sqlite://{directory}/audit.sqlite3", "clock": LeapingClock(), **told}
    async with contextlib.AsyncExitStack() as stack:
        runner = Runner(registry=registry, sinks=[], settings=settings, **options)
        await stack.enter_async_context(runner)
        app = make_app(runner)
        url = await stack.enter_async_context(serving(app))
        client = await stack.enter_async_context(ClientSession(cookie_jar=CookieJar(unsafe=True)))
        yield World(runner=runner, tower=tower, app=app, url=url, client=client)


def _declared(tower: Tower, declared: Any) -> Any:
    declared(type(tower))
    return tower


def _flags(request: SeedRequest) -> Seed:
    return Seed(extra={"text": request.options.flags})


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """
    Serve *app* on a port of its own, and return its address.
    """
    running = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await running.setup()
    try:
        await web.TCPSite(running, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{running.addresses[0][1]}"
    finally:
        await running.cleanup()


async def populated(world: World) -> dict[str, str]:
    """
    Roll seeds that went well, late, or not at all; return the call_ids by what they are for.
    """
    found = {}
    for number in range(12):
        preset = ("open", "standard", "ambrosia")[number % 3]
        surface = ("discord", "racetime", "web", "cli")[number % 4]
        seed = await world.roll(preset=preset, race=number % 4 == 1, surface=surface)
        found["plain"] = seed.meta.call_id
    for fault in (
        ProviderInvalidRequestError("there is no goal 'everything'; allowed: boss, triforce"),
        ProviderInvalidRequestError("players is 12; at most 8"),
        ProviderResponseFormatError("the answer has no permalink", status_code=200),
    ):
        world.tower.faults = [fault]
        with contextlib.suppress(Exception):
            await world.runner.generate("tower", surface="discord", call_id="never/went well")
    found["failed"] = "never/went well"
    await world.recorded()
    return found


def unavailable(status: int = 503) -> ProviderUnavailableError:
    """
    Return what a site says that is down.
    """
    return ProviderUnavailableError("the site is down for maintenance", status_code=status)


# ------------------------------------------------------------------ reading pages

VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
APART = frozenset({"body", "dl", "div", "main", "section", "table", "tbody", "tr", "ul"})
"""What has children that a browser shows apart."""
SVG_EMPTY = frozenset({"path", "rect", "line", "circle"})
HEADING = re.compile(r"h[1-6]")


@attrs.define(eq=False)
class Element:
    """
    An element of a page.
    """

    tag: str
    attributes: dict[str, str | None]
    children: list[Element | str] = attrs.Factory(list)

    def all(self, tag: str | None = None, **wanted: str) -> list[Element]:
        """
        Return the elements below with this tag and these attributes, in order.
        """
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                has = all(
                    child.attributes.get(name.replace("_", "-").strip("-")) == value
                    for name, value in wanted.items()
                )
                if (tag is None or child.tag == tag) and has:
                    found.append(child)
                found += child.all(tag, **wanted)
        return found

    @property
    def text(self) -> str:
        """
        All text below.
        """
        parts = [each if isinstance(each, str) else each.text for each in self.children]
        apart = " " if self.tag in APART else ""
        return " ".join(apart.join(parts).split())


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID | SVG_EMPTY:
            self.faults.append(f"<{tag}/> is not closed by that")
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or self.open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes <{self.open[-1].tag}>")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@attrs.frozen(kw_only=True)
class Page:
    """
    An answer; ``root`` is what the parser made of it, ``faults`` what is wrong with it.
    """

    status: int
    headers: dict[str, str]
    source: str
    root: Element
    faults: tuple[str, ...]

    @classmethod
    def of(cls, status: int, headers: dict[str, str], source: str) -> Self:
        """
        Read a page.
        """
        reader = _Reader()
        if "text/html" in headers.get("Content-Type", ""):
            reader.feed(source)
            reader.close()
            if len(reader.open) > 1:
                reader.faults.append(f"<{reader.open[-1].tag}> is never closed")
            reader.faults += faults_of(reader.root)
        return cls(
            status=status,
            headers=headers,
            source=source,
            root=reader.root,
            faults=tuple(reader.faults),
        )

    @property
    def text(self) -> str:
        """
        What can be read on it.
        """
        return self.root.text

    def form(self, action: str) -> dict[str, str]:
        """
        Return what a browser would send of the form with this action, as it is.
        """
        [form] = [
            each
            for each in self.root.all("form")
            if (each.attributes.get("action") or "").partition("?")[0] == action
        ]
        sent: dict[str, str] = {}
        for each in form.all():
            name = each.attributes.get("name")
            if not name:
                continue
            if each.tag == "input":
                boxed = each.attributes.get("type") == "checkbox"
                if not boxed or "checked" in each.attributes:
                    sent[name] = each.attributes.get("value") or ""
            elif each.tag == "textarea":
                sent[name] = "".join(str(child) for child in each.children).removeprefix("\n")
            elif each.tag == "select":
                options = each.all("option")
                chosen = [one for one in options if "selected" in one.attributes] or options[:1]
                sent[name] = (chosen[-1].attributes.get("value") or "") if chosen else ""
        return sent


def faults_of(root: Element) -> list[str]:
    """
    Return what is wrong with a page for those who can't see it, and for a strict browser.
    """
    everything = root.all()
    ids = [each.attributes["id"] for each in everything if each.attributes.get("id")]
    faults = [f"the id {each} is there twice" for each in sorted(set(ids)) if ids.count(each) > 1]
    labelled = {each.attributes.get("for") for each in root.all("label")}
    for each in everything:
        faults += _inline(each)
        faults += _nowhere(each, ids)
        faults += _unnamed(each, labelled)
    for tag in ("h1", "main"):
        number = len([one for one in everything if one.tag == tag and one.text])
        faults += [] if number == 1 else [f"{number} x <{tag}>"]
    if not root.all("html", lang="en"):
        faults.append("no language")
    return faults + _out_of_order(everything)


def _inline(element: Element) -> list[str]:
    own, tag = element.attributes, element.tag
    faults = [f"<{tag}> has {name}" for name in own if name.startswith("on") or name == "style"]
    if tag == "style":
        faults.append("a style of its own")
    if tag == "script" and not (own.get("src") or "").startswith("/static/"):
        faults.append("a script that isn't ours")
    return faults


def _nowhere(element: Element, ids: list[str | None]) -> list[str]:
    """
    Return what it refers to that isn't there, and links that lead where they must not.
    """
    own = element.attributes
    names = ("aria-labelledby", "aria-describedby", "for", "list")
    named = [(name, one) for name in names for one in (own.get(name) or "").split()]
    faults = [f"{name} {one} is nowhere" for name, one in named if one not in ids]
    address = own.get("href") or ""
    if element.tag != "a" or (address.startswith(("/", "#")) and not address.startswith("//")):
        return faults
    if not address.startswith(("https://", "http://")):
        faults.append(f"a link to {address[:40]!r}")
    elif own.get("rel") != "noopener noreferrer":
        faults.append(f"a link that leaves without rel: {address}")
    return faults


def _unnamed(element: Element, labelled: set[str | None]) -> list[str]:
    own, tag = element.attributes, element.tag
    asked = tag in ("input", "select", "textarea") and own.get("type") != "hidden"
    faults = []
    if asked and own.get("id") not in labelled:
        faults.append(f"{own.get('name')} has no label")
    if tag == "table" and not element.all("caption"):
        faults.append("a table without a caption")
    if tag == "th" and own.get("scope") not in ("col", "row"):
        faults.append(f"the heading {element.text!r} of a table has no scope")
    if tag == "button" and not element.text:
        faults.append("a button without words")
    return faults


def _out_of_order(everything: list[Element]) -> list[str]:
    levels = [int(each.tag[1]) for each in everything if HEADING.fullmatch(each.tag)]
    pairs = itertools.pairwise([0, *levels])
    return [f"<h{level}> follows <h{before}>" for before, level in pairs if level > before + 1]
