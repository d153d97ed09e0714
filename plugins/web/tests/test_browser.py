"""
The pages in a real browser: by keyboard, live, dark, on a phone, and without a script.

``SCREENSHOTS=folder`` keeps pictures of them, for a person to look at.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from seedcore import Clock, ProviderRateLimitError, ProviderTimeoutError
from seedcore.testing import module_beside

beside = module_beside(__file__, "page_world")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


@attrs.define(eq=False)
class Visit:
    """
    A browser beside a running server, and what its console complains of.
    """

    world: Any
    browser: Browser
    pictures: Path
    complaints: list[str] = attrs.Factory(list)

    async def context(self, **options: Any) -> BrowserContext:
        """
        Return a browser of its own: no cookies, nothing kept.
        """
        context = await self.browser.new_context(
            **{"viewport": DESK, "base_url": self.world.url, **options}
        )
        context.set_default_timeout(10_000)
        return context

    async def page(self, **options: Any) -> Page:
        """
        Return an empty page.
        """
        page = await (await self.context(**options)).new_page()
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    async def picture(self, page: Page, name: str) -> None:
        """
        Keep a picture of the whole page.
        """
        await page.screenshot(path=self.pictures / f"{name}.png", full_page=True)


@contextlib.asynccontextmanager
async def visiting(directory: Path, **told: Any) -> AsyncIterator[Visit]:
    """
    Visit a server of one's own; nothing may be on the console at the end.
    """
    if CHROMIUM is None:
        missing = "chromium is not installed; CHROMIUM can name another one"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    pictures = Path(os.environ.get("SCREENSHOTS") or directory / "screenshots")
    async with beside.world(directory, **told) as world, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, env={**os.environ, "HOME": str(directory)}
        )
        made = Visit(world, browser, pictures)
        yield made
        await browser.close()
    assert [] == made.complaints


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    """
    A visit of a server whose own waits take no time.
    """
    async with visiting(tmp_path) as made:
        yield made


async def focused(page: Page) -> str:
    """
    Return the name or the words of what has the focus.
    """
    found: str = await page.evaluate(
        "document.activeElement.name || document.activeElement.textContent.trim()"
    )
    return found


async def tab_to(page: Page, name: str) -> None:
    """
    Press Tab until that has the focus, which everybody can see.
    """
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await focused(page) == name:
            width = await page.evaluate(
                "parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
            )
            assert width >= 2
            return
    pytest.fail(f"Tab never reaches {name!r}")


async def overflow(page: Page) -> int:
    """
    Return by how much the page is wider than the screen.
    """
    wider: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wider


async def test_a_seed_is_rolled_with_the_keyboard(visit: Visit) -> None:
    """
    From the overview to the form, to the seed, to its timeline, without a mouse.
    """
    page = await visit.page()
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await focused(page) == "Skip to the content"
    await tab_to(page, "provider")
    await page.keyboard.type("tower")
    await tab_to(page, "Choose options")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Roll a seed: Tower of Hera")
    await tab_to(page, "preset")
    await page.keyboard.type("open")
    await page.keyboard.press("Escape")  # closes the list of presets
    await tab_to(page, "race")
    await page.keyboard.press("Space")
    await tab_to(page, "Roll")
    await page.keyboard.press("Enter")
    link = page.get_by_role("link", name="https://seeds.example/h/000001")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await tab_to(page, "Timeline of the call")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Succeeded")).to_be_visible()
    await expect(page.get_by_role("img", name="Attempts of the call over time")).to_be_visible()
    [asked] = visit.world.tower.asked
    assert (asked.preset, asked.race) == ("open", True)


async def test_an_open_page_follows_what_happens_elsewhere(visit: Visit) -> None:
    """
    A new seed appears by itself; focus, what is typed and what is opened stay.
    """
    await beside.populated(visit.world)
    page = await visit.page()
    async with page.expect_response("**/events"):
        await page.goto("/")
    await expect(page.locator("#live")).to_be_visible()
    table = page.locator("#failures summary")
    await table.click()
    link = page.locator("#seeds a[href^='/calls/']").nth(3)
    address = await link.get_attribute("href")
    await link.focus()

    seed = await visit.world.roll(preset="standard")

    await expect(page.locator("#seeds")).to_contain_text(seed.url)
    await expect(page.get_by_role("status")).to_contain_text("new seeds")
    kept = await page.evaluate("document.activeElement.getAttribute('href')")
    assert address == kept
    visit.world.tower.faults = [beside.unavailable() for _ in range(9)]
    with pytest.raises(Exception, match="maintenance"):
        await visit.world.roll()
    await visit.world.recorded()
    await expect(page.locator("#failures")).to_contain_text("ProviderUnavailableError")
    await expect(page.locator("#chart-table")).to_have_attribute("open", "")
    await expect(page.locator("#seeds")).to_contain_text(seed.url)


async def test_everything_works_without_a_script(visit: Visit) -> None:
    """
    Forms roll, refuse and filter; nothing waits for a script.
    """
    page = await visit.page(java_script_enabled=False)
    await page.goto("/roll/tower")
    await page.get_by_label("Preset").fill("opne")
    await page.get_by_label("Note").fill("kept")
    await page.get_by_role("button", name="Roll").click()
    await expect(page.get_by_role("alert")).to_contain_text("Did you mean 'open'?")
    await expect(page.get_by_label("Note")).to_have_value("kept")
    await page.get_by_label("Preset").fill("open")
    await page.get_by_role("button", name="Roll").click()
    await expect(page.get_by_text("https://seeds.example/h/000001")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("https://seeds.example/h/000001")).to_be_visible()
    await page.goto("/seeds")
    await page.get_by_label("From").fill("web")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_text("https://seeds.example/h/000001")).to_be_visible()
    assert 1 == visit.world.tower.rolled
    # Of the refused preset, which is the browser's own note of a status.
    visit.complaints = [each for each in visit.complaints if "404" not in each]


async def test_a_double_click_rolls_once(tmp_path: Path) -> None:
    """
    However the clicks fall, there is one seed.
    """
    async with visiting(tmp_path, clock=Clock()) as visit:  # the second one waits for the first
        page = await visit.page()
        await page.goto("/roll/tower")
        await page.get_by_role("button", name="Roll").dblclick(no_wait_after=True)
        await expect(page.get_by_text("https://seeds.example/h/000001")).to_be_visible()

        assert 1 == visit.world.tower.rolled


async def test_a_refused_form_has_the_focus_on_what_is_wrong(visit: Visit) -> None:
    """
    Who can't see the page hears the sentence first, and the form comes next.
    """
    page = await visit.page()
    for path, label, button in (
        ("/roll/tower", "Preset", "Roll"),
        ("/sign-in", "Key", "Sign in"),
    ):
        await page.goto(path)
        await page.get_by_label(label).fill("nonsense")
        await page.get_by_role("button", name=button).click()
        await expect(page.locator("#error")).to_be_focused()
    visit.complaints = [each for each in visit.complaints if "40" not in each]


async def test_a_link_on_another_site_finds_who_has_signed_in(visit: Visit) -> None:
    """
    As from a chat: 127.0.0.1 and localhost are two sites.
    """
    text, _ = await visit.world.runner.store.keys.add("bot", ["read"])
    page = await visit.page()
    await page.goto("/sign-in")
    await page.get_by_label("Key").fill(text)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    other = visit.world.url.replace("127.0.0.1", "localhost")
    await page.goto(f"{other}/sign-in")

    await page.evaluate("address => { location.href = address }", f"{visit.world.url}/seeds")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Seeds")


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
async def test_every_page_fits(visit: Visit, look: str) -> None:
    """
    Nothing is wider than the screen, and each theme has its own colours.
    """
    options: dict[str, Any] = {
        "light": {},
        "dark": {"color_scheme": "dark"},
        "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True},
    }[look]
    await beside.populated(visit.world)
    visit.world.tower.faults = [
        beside.unavailable(),
        ProviderTimeoutError("no answer within 60 s"),
        ProviderRateLimitError("slow down", status_code=429, retry_after=2.0),
    ]
    seed = await visit.world.roll(preset="open", race=True)
    page = await visit.page(**options)
    paths = {
        "overview": "/",
        "form": "/roll/tower",
        "call": f"/calls/{seed.meta.call_id}",
        "failures": "/failures",
        "seeds": "/seeds",
        "sign-in": "/sign-in",
    }
    for name, path in paths.items():
        await page.goto(path)
        assert 0 == await overflow(page), name
        assert [] == await page.evaluate(OVER), name
        await visit.picture(page, f"{look}-{name}")
    paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(250, 250, 248)") == (look != "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_contrast(visit: Visit, scheme: str) -> None:
    """
    Each text stands out from what is behind it as WCAG AA wants it, 4.5 to 1.
    """
    await beside.populated(visit.world)
    page = await visit.page(color_scheme=scheme)
    for path in ("/", "/failures", "/roll/tower", "/calls/never%2Fwent%20well", "/nothing"):
        await page.goto(path)
        assert [] == await page.evaluate(CONTRAST), path
    visit.complaints = [each for each in visit.complaints if "404" not in each]


OVER = """() => {
  const faults = [];
  for (const text of document.querySelectorAll(".timeline .label")) {
    if (!getComputedStyle(text).paintOrder.startsWith("stroke")) faults.push("no rim");
    const [one, other] = [text, text.parentElement.querySelector("rect")]
      .map((each) => each.getBBox());
    const apart = one.x >= other.x + other.width || one.x + one.width <= other.x
      || one.y >= other.y + other.height;
    const inside = one.x >= 0 && one.x + one.width <= 760;
    if (!apart || !inside) faults.push(text.textContent);
  }
  return faults;
}"""
"""The words of a timeline that lie on their bar."""

CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3)
    .map((each) => each / 255)
    .map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = parts(getComputedStyle(each).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const faults = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !element.checkVisibility() || element.closest(".unseen, .skip, option")) continue;
    const style = getComputedStyle(element);
    const ink = parts(element instanceof SVGElement ? style.fill : style.color);
    const paper = behind(element);
    let strength = 1;
    for (let each = element; each; each = each.parentElement)
      strength *= parseFloat(getComputedStyle(each).opacity);
    const mixed = ink.map((each, at) => each * strength + paper[at] * (1 - strength));
    const [low, high] = [light(mixed), light(paper)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faults.push(`${element.tagName} ${element.textContent.trim()} ${ratio}`);
  }
  return faults;
}"""
