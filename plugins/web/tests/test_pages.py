"""
The pages: complete without a script, readable by everybody, and harmless whatever is on them.
"""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from seedcore import ProviderRateLimitError, ProviderTimeoutError
from seedcore.testing import module_beside
from seedcore_web.pages.rendering import span, web_link

beside = module_beside(__file__, "page_world")

WAIT = "\u2013"
"""Stands for the number of an attempt where there was none."""

PAGES = [
    "/",
    "/seeds",
    "/seeds?provider=tower&surface=discord&since=24h",
    "/failures",
    "/failures?since=7d",
    "/roll",
    "/roll/tower",
    "/roll/tower?operation=mystery",
    "/roll/lines",
    "/roll/flags",
    "/sign-in",
    "/nothing",
]


@pytest.fixture
async def world(tmp_path):
    """
    A server with providers and an empty database.
    """
    async with beside.world(tmp_path) as running:
        yield running


@pytest.fixture
async def found(world):
    """
    The same with seeds and failures: the call_ids of some.
    """
    return await beside.populated(world)


def path_of(call_id: str) -> str:
    """
    Return the path of the page of a call.
    """
    return f"/calls/{quote(call_id, safe='')}"


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_well_formed(world, found, path):
    """
    Tags are closed, ids unique, inputs labelled, headings in order, nothing is inline.
    """
    page = await world.get(path)

    assert () == page.faults
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"


async def test_an_empty_overview_says_so(world):
    """
    Before the first seed there is a sentence in place of each table.
    """
    page = await world.get("/")

    assert () == page.faults
    assert "No seed has been rolled yet." in page.text
    assert "No call has failed." in page.text


async def test_the_overview_has_providers_seeds_and_failures(world, found):
    """
    What an operator looks for first is there as text.
    """
    page = await world.get("/")

    assert "https://seeds.example/h/000012" in page.text
    assert "ProviderInvalidRequestError 2" in page.text
    [row] = [row for row in page.root.all("tr") if row.text.startswith("tower")]
    assert "tower in use circuit closed generate, mystery 12 3" in row.text


async def test_circuits_and_pauses_are_named(world):
    """
    An open circuit says until when, an expired one that the next call tries it.
    """
    state = world.runner.store.state._database
    for name, until in (("generate", 90_000_000), ("mystery", -1_000_000)):
        await state.execute(
            "INSERT INTO seedcore_breakers (provider, operation, state, generation, open_until, "
            "reopened, successes, updated_at) "
            "VALUES ('tower', ?, 'open', 3, {now} + ?, 1, 0, {now})",
            *(name, until),
        )
    await state.execute(
        "INSERT INTO seedcore_gates (provider, credential, closed_until, guess, status_code, "
        "message, updated_at) VALUES ('lines', '', {now} + 90000000, 2, 429, 'slow', {now})"
    )

    page = await world.get("/")

    [tower] = [row for row in page.root.all("tr") if row.text.startswith("tower")]
    assert "circuit open generate until" in tower.text
    assert "circuit half-open mystery the next call tries it" in tower.text
    [line] = [row for row in page.root.all("tr") if row.text.startswith("lines")]
    assert "paused until" in line.text
    [ready] = [row for row in page.root.all("tr") if row.text.startswith("flags")]
    assert "circuit closed" in ready.text  # by itself, "closed" reads as the provider's state


async def test_a_route_is_a_provider_of_its_own_name(tmp_path):
    """
    The overview says where it leads, and its form is that of the provider it leads to.
    """
    routes = {"best": {"to": {"tower": 0.9, "lines": 0.1}, "fallback": ["flags"]}}
    async with beside.world(tmp_path, settings={"routes": routes}) as world:
        page = await world.get("/")
        form = await world.get("/roll/best")

    assert "goes to tower 90%, lines 10%; in an outage flags" in page.text
    assert "Tower of Hera" in form.text
    assert form.form("/roll/best")["item.pool"] == ""


async def test_without_a_database_the_providers_are_shown(tmp_path):
    """
    The overview says what is missing; pages that are nothing without it say why.
    """
    async with beside.world(tmp_path, database=None) as world:
        overview, seeds = await world.get("/"), await world.get("/seeds")
        program = json.loads((await world.get("/api/v1/audit")).source)
        rolled = await world.post(
            "/roll/lines", (await world.get("/roll/lines")).form("/roll/lines")
        )

    assert () == overview.faults + seeds.faults
    assert "uses no database" in overview.text
    assert seeds.status == program["status"] == 503
    assert program["detail"] in seeds.text
    assert "flags none" in rolled.text


async def test_seeds_are_filtered_and_paged(world):
    """
    The link to older ones keeps the filter, and ends where there are none.
    """
    for number in range(60):
        await world.roll(surface="discord" if number % 10 else "cli")
    first = await world.get("/seeds?surface=discord&provider=tower&since=1h")
    assert len(first.root.all("tbody")[0].all("tr")) == 50

    [older] = first.root.all("a", rel="next")
    second = await world.get(older.attributes["href"])

    assert len(second.root.all("tbody")[0].all("tr")) == 4
    assert [] == second.root.all("a", rel="next")
    assert second.form("/seeds") == {"provider": "tower", "surface": "discord", "since": "1h"}
    nothing = await world.get("/seeds?surface=nobody")
    assert "No seed fits." in nothing.text


async def test_a_span_that_there_is_none_of_is_refused(world):
    """
    The sentence says what can be asked for.
    """
    page = await world.get("/seeds?since=ever")

    assert page.status == 400
    assert "since is one of 1h, 24h, 7d, 30d, or empty." in page.text


async def test_a_call_is_told_attempt_by_attempt(world):
    """
    Picture and table have each attempt with its error, and what was waited for.
    """
    world.tower.faults = [
        beside.unavailable(),
        ProviderTimeoutError("no answer"),
        ProviderRateLimitError("slow down", status_code=429, retry_after=2.0),
    ]
    seed = await world.roll(preset="open", race=True)

    page = await world.get(path_of(seed.meta.call_id))

    assert () == page.faults
    rows = [row.text for row in page.root.all("table")[0].all("tbody")[0].all("tr")]
    assert [row.rpartition("Error")[0] + "Error" for row in rows[0:5:2]] == [
        "1 ProviderUnavailableError",
        "2 ProviderTimeoutError",
        "3 ProviderRateLimitError",
    ]
    assert rows[1].startswith(f"{WAIT} pause before a retry")
    assert rows[5].startswith(f"{WAIT} rate-limit pause")
    assert rows[6].startswith("4 success")
    [picture] = page.root.all("svg", role="img")
    assert len(picture.all("g")) == 7
    assert "Attempt 1: ProviderUnavailableError (503)" in picture.all("desc")[0].text


async def test_a_call_that_failed_is_told_too(world, found):
    """
    An id that was tried again has each of its failures, and any id can be looked at.
    """
    page = await world.get(path_of(found["failed"]))

    assert () == page.faults
    assert len([each for each in page.root.all("h2") if each.text == "Failed"]) == 3
    assert "the answer has no permalink" in page.text


async def test_a_call_that_nobody_knows(world):
    """
    It is no error of ours, and the page says what may help.
    """
    page = await world.get("/calls/none")

    assert page.status == 404
    assert "No call is recorded as 'none'." in page.text


async def test_the_way_along_a_route_is_told(tmp_path):
    """
    A seed that somebody else served says who failed before.
    """
    routes = {"tower": {"to": "tower", "fallback": ["lines"]}}
    async with beside.world(tmp_path, settings={"routes": routes}) as world:
        world.tower.faults = [beside.unavailable() for _ in range(9)]
        seed = await world.roll()
        await world.recorded()  # that of tower stands below, and was led nowhere
        page = await world.get(path_of(seed.meta.call_id))

    assert "Failed" in page.text
    [way] = page.root.all("p", **{"class": "way"})
    assert way.text == (
        "Asked for tower, tower failed (ProviderUnavailableError), served by lines."
    )


@pytest.mark.parametrize("report", ["[]", "{}", '{"attempts": [{}]}', '{"attempts": 5}', "null"])
async def test_a_damaged_report_is_no_error(world, report):
    """
    The rest of the row is shown.
    """
    seed = await world.roll()
    database = world.runner.store.queries._database
    await database.execute("UPDATE seedcore_calls SET report = ?", report)

    page = await world.get(path_of(seed.meta.call_id))

    assert page.status == 200
    assert "No attempts are recorded of it." in page.text


# ------------------------------------------------------------------ what must not be seen


async def test_a_sealed_seed_is_nowhere(world):
    """
    No page has its permalink, hash, code or settings until its unsealing is recorded.
    """
    world.tower.seed = {
        "url": "https://seeds.example/SECRET-url",
        "id": "SECRET-id",
        "code": "SECRET-code",
        "settings": {"seed": "SECRET-settings"},
        "extra": {"text": "SECRET-text"},
    }
    seed = await world.roll(sealed=True)
    call = path_of(seed.meta.call_id)
    for path in ("/", "/seeds", call):
        page = await world.get(path)
        assert "SECRET" not in page.source
        assert "sealed" in page.text
    assert "Settings" not in [each.text for each in page.root.all("h2")]

    await world.runner.store.unseal(seed.meta.call_id, "operator")

    assert "https://seeds.example/SECRET-url" in (await world.get(call)).text


async def test_a_log_is_revealed_when_it_is_due(world):
    """
    Before that the page says when; then a button gives a link, and that is recorded.
    """
    world.tower.logs = {"spoiler": {"boss": "SECRET"}, "progression": {"bow": "SECRET"}}
    seed = await world.roll(spoilers="delayed", race=True)
    call = path_of(seed.meta.call_id)
    early, refused = await world.get(call), await world.post(f"{call}/reveal")
    assert "Spoiler log sealed until" in early.text
    assert [] == early.root.all("button")
    assert refused.status == 403
    assert "is sealed until" in refused.text

    logs = world.runner.store.logs
    await logs._database.execute("UPDATE seedcore_logs SET reveal_at = 1")
    due = await world.get(call)
    shown = await world.post(f"{call}/reveal", {"kind": "spoiler"})

    assert ["Reveal: progression", "Reveal"] == [each.text for each in due.root.all("button")]
    assert () == due.faults + shown.faults
    assert "The log is revealed" in shown.text
    assert "SECRET" not in shown.source
    assert len(await logs.reveals(seed.meta.call_id)) == 1


async def test_only_who_asked_may_reveal(world):
    """
    Another key sees that there is a log, and has no button for it.
    """
    mine, _ = await world.runner.store.keys.add("mine", ["read"])
    other, _ = await world.runner.store.keys.add("other", ["read"])
    world.tower.logs = {"spoiler": "SECRET"}
    seed = await world.roll(spoilers="delayed", race=True, by="web:mine")
    call = path_of(seed.meta.call_id)
    await world.runner.store.logs._database.execute("UPDATE seedcore_logs SET reveal_at = 1")

    assert len((await world.get(call, key=mine)).root.all("button")) == 1
    assert [] == (await world.get(call, key=other)).root.all("button")
    assert (await world.post(f"{call}/reveal", key=other)).status == 404
    assert (await world.post(f"{call}/reveal", key=mine)).status == 200


async def test_what_an_upstream_sends_is_harmless(world):
    """
    Markup, escape sequences, bidirectional marks and long texts are text, on every page.
    """
    world.tower.seed = {
        "url": "javascript:alert(document.domain)",
        "id": beside.HOSTILE,
        "code": beside.HOSTILE,
        "version": beside.HOSTILE,
        "spoiler_url": "data:text/html,<script>alert(1)</script>",
        "settings": {beside.HOSTILE: [beside.HOSTILE]},
    }
    seed = await world.roll(spoilers="on")
    world.tower.faults = [beside.unavailable().filled(provider_message=beside.HOSTILE)] * 9
    with pytest.raises(Exception, match="alert"):
        await world.roll(call_id="hostile")
    await world.recorded()
    form = await world.get("/roll/tower")
    world.tower.faults = []
    rolled = await world.post("/roll/tower", {**form.form("/roll/tower"), "spoilers": "on"})
    paths = ["/", "/seeds", "/failures", path_of(seed.meta.call_id), "/calls/hostile"]
    pages = [rolled, *[await world.get(path) for path in paths]]

    for page in pages:
        assert page.status == 200
        assert () == page.faults
        for mark in ("\x1b", "\u202e", "\u2066", "49<"):
            assert mark not in page.source
        [script] = page.root.all("script")
        assert script.attributes["src"].startswith("/static/live.js")
        assert [] == page.root.all("img")


async def test_what_is_typed_is_harmless(world):
    """
    A refused form shows it again, in the inputs and in the sentence.
    """
    form = (await world.get("/roll/tower")).form("/roll/tower")
    sent = {**form, "preset": beside.HOSTILE, "names": beside.HOSTILE, "goal": beside.HOSTILE}

    page = await world.post("/roll/tower", sent)

    assert page.status in (404, 422)
    assert () == page.faults
    assert len(page.root.all("script")) == 1
    assert "{{ 7*7 }}" in page.form("/roll/tower")["names"]


@pytest.mark.parametrize(
    "path",
    [
        "/seeds?provider=%3Cscript%3E&surface=%22%3E%3Cimg%20src=x%3E",
        "/seeds?before=%00&provider=%F0%9F%8C%B1",
        "/roll/%3Cscript%3E",
        "/roll/tower?operation=%3Cscript%3E",
        "/roll?provider=%2F%2Fevil.example",
        "/roll/tower?preset=%22%3E%3Cscript%3E&goal=%3C",
        "/calls/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/calls/%FF%FE",
        "/sign-in?then=https:%2F%2Fevil.example",
        "/static/..%2Fpages%2Froll.py",
    ],
)
async def test_an_address_is_harmless(world, path):
    """
    Whatever stands in it, the answer is a page without it as markup, or a sentence.
    """
    page = await world.get(path)

    assert page.status < 500
    assert () == page.faults
    assert len(page.root.all("script")) == 1
    assert "evil.example" not in "".join(page.headers.values())


@pytest.mark.parametrize(
    ("address", "is_link"),
    [
        ("https://seeds.example/h/1?x=1&y=2#z", True),
        ("http://[::1]:8080/", True),
        ("javascript:alert(1)", False),
        ("JavaScript:alert(1)", False),
        (" https://seeds.example", False),
        ("https://seeds.example/\u202e", False),
        ("https://[", False),
        ("https://x:99999/", False),
        ("//seeds.example", False),
        ("data:text/html,x", False),
        ("https:seeds.example", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_become_links(address, is_link):
    """
    Everything else is shown as text.
    """
    assert is_link == (web_link(address) is not None)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "< 0.1 ms"), (0.04, "< 0.1 ms"), (0.06, "0.1 ms"), (12.3, "12 ms"), (None, "")],
)
def test_nothing_takes_no_time(milliseconds, text):
    """
    What took less than can be measured is said to.
    """
    assert text == span(milliseconds)


# ------------------------------------------------------------------------------ keys


async def test_a_browser_signs_in_and_out(world):
    """
    A page that needs a key shows the form, and the key leads back to it.
    """
    text, _ = await world.runner.store.keys.add("bot", ["read"])
    asked = await world.get("/seeds?since=1h")
    assert asked.status == 401
    assert () == asked.faults
    form = asked.form("/sign-in")
    wrong = await world.post("/sign-in", {**form, "key": "seedcore_0_wrong"})
    assert wrong.status == 401
    assert "That is not a key of this server" in wrong.text

    signed_in = await world.post("/sign-in", {**form, "key": text})

    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/seeds?since=1h")
    page = await world.get("/seeds?since=1h")
    assert page.status == 200
    assert "Roll" not in page.root.all("nav")[0].text
    assert text not in page.source
    await world.post("/sign-out")
    assert (await world.get("/seeds")).status == 401


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/\\evil", "x", "/a b"])
async def test_signing_in_leads_to_this_server(world, then):
    """
    Where to go then can't be another site.
    """
    text, _ = await world.runner.store.keys.add("bot", ["read"])

    signed_in = await world.post("/sign-in", {"then": then, "key": text})

    assert signed_in.headers["Location"] == "/"


async def test_a_key_that_may_only_roll_can_roll(world):
    """
    It has the forms, and neither seeds nor failures of others.
    """
    text, _ = await world.runner.store.keys.add("roller", ["generate"])

    form = await world.get("/roll/lines", key=text)
    rolled = await world.post("/roll/lines", form.form("/roll/lines"), key=text)

    assert (form.status, rolled.status) == (200, 200)
    assert "Timeline" not in rolled.text
    for path in ("/", "/seeds", "/failures", "/events"):
        assert (await world.get(path, key=text)).status == 403


@pytest.mark.parametrize(
    ("scopes", "then", "leads_to"),
    [
        (["generate"], "/", "/roll"),
        (["generate"], "/seeds", "/seeds"),
        (["generate", "read"], "/", "/"),
        (["read"], "/", "/"),
        (["admin"], "/", "/"),
    ],
)
async def test_signing_in_leads_to_a_page_that_the_key_opens(world, scopes, then, leads_to):
    """
    Who may only roll begins with the forms, unless another page was asked for.
    """
    text, _ = await world.runner.store.keys.add("bot", scopes)

    signed_in = await world.post("/sign-in", {"then": then, "key": text})
    page = await world.get(leads_to)

    assert leads_to == signed_in.headers["Location"]
    [brand] = page.root.all("a", **{"class": "brand"})
    assert brand.attributes["href"] == ("/roll" if scopes == ["generate"] else "/")


async def test_a_link_from_a_chat_opens_the_page(world):
    """
    The browser sends the key along, as it does not with what a page elsewhere sends by itself.
    """
    text, _ = await world.runner.store.keys.add("bot", ["read"])

    signed_in = await world.post("/sign-in", {"key": text})
    page = await world.get("/seeds", headers={"Sec-Fetch-Site": "cross-site"})

    assert "SameSite=Lax" in signed_in.headers["Set-Cookie"]
    assert page.status == 200


async def test_styles_and_script_are_kept_by_browsers(world):
    """
    Their addresses change with what is in them.
    """
    page = await world.get("/")
    [sheet] = page.root.all("link", rel="stylesheet")
    style = await world.get(sheet.attributes["href"])
    other = await world.get("/static/style.css")

    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["Cache-Control"]
    assert other.headers["Cache-Control"] == "no-cache"
    assert (await world.get("/static/rendering.py")).status == 404


@pytest.mark.parametrize(
    ("known", "status"),
    [("{}", 304), ('"other", W/{}', 304), ("*", 304), ('"other"', 200), ("nonsense", 200)],
)
async def test_a_file_that_a_browser_has_is_not_sent_again(world, known, status):
    """
    It asks with what it has; how long that is kept is said again.
    """
    async with world.client.get(f"{world.url}/static/style.css") as first:
        tag = first.headers["ETag"]

    headers = {"If-None-Match": known.format(tag)}
    async with world.client.get(f"{world.url}/static/style.css", headers=headers) as again:
        text = await again.text()

    assert (status, status == 304) == (again.status, not text)
    assert (tag, "no-cache") == (again.headers["ETag"], again.headers["Cache-Control"])


def test_the_script_makes_no_markup_of_text():
    """
    Neither code nor style is made while the page is open.
    """
    script = beside.Path(__file__).parents[1] / "seedcore_web" / "static" / "live.js"
    source = script.read_text("utf-8")

    for word in ("eval", "innerHTML =", "insertAdjacentHTML", "document.write", ".style"):
        assert word not in source
    assert len(source.splitlines()) < 120
    assert json.dumps("changed") in source
