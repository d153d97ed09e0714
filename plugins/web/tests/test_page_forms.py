"""
Rolling with a form: what it asks for, what it sends, and that it rolls once.
"""

from __future__ import annotations

import asyncio

import attrs
import pytest

from seedcore import Clock
from seedcore.surface.fields import Field
from seedcore.testing import module_beside
from seedcore_web.pages.inputs import _about

beside = module_beside(__file__, "page_world")
TOWER = "/roll/tower"


@pytest.fixture
async def world(tmp_path):
    """
    A server with providers and an empty database.
    """
    async with beside.world(tmp_path) as running:
        yield running


@pytest.fixture
async def form(world):
    """
    What the form of tower sends if nobody types anything.
    """
    return (await world.get(TOWER)).form(TOWER)


async def test_a_form_that_is_left_alone_sets_nothing(world, form):
    """
    Neither an unset option nor one with a default is sent to the provider by itself.
    """
    page = await world.post(TOWER, form)

    assert page.status == 200
    assert "https://seeds.example/h/000001" in page.text
    [asked] = world.tower.asked
    assert attrs.asdict(beside.TowerOptions()) == attrs.asdict(asked.options)
    assert (asked.preset, asked.race, asked.surface) == (None, False, "web")


async def test_everything_that_is_typed_arrives(world, form):
    """
    Texts become numbers, switches, lists and tables.
    """
    typed = {
        "preset": "open",
        "race": "true",
        "spoilers": "off",
        "players": "3",
        "goal": "pedestal",
        "quickswap": "false",
        "speed": "1.5",
        "names": '["Link", "Zelda"]',
        "start": '{"bombs": 3}',
        "note": " two words ",
        "item.pool": "hard",
        "item.hints": "true",
    }

    page = await world.post(TOWER, {**form, **typed})

    assert "open" in page.root.all("h1")[0].text
    [asked] = world.tower.asked
    assert asked.race is True
    assert attrs.asdict(asked.options) == {
        "players": 3,
        "goal": "pedestal",
        "quickswap": False,
        "speed": 1.5,
        "names": ("Link", "Zelda"),
        "start": {"bombs": 3},
        "note": " two words ",
        "passphrase": "",
        "item": {"pool": "hard", "hints": True},
    }


async def test_each_kind_has_an_input_that_fits(world):
    """
    Limits are the browser's too; a switch that may be unset has three answers.
    """
    page = await world.get(TOWER)

    [players] = page.root.all("input", name="players")
    limits = ("number", "1", "8", "1")
    assert limits == tuple(players.attributes[name] for name in ("type", "min", "max", "step"))
    [goal] = page.root.all("select", name="goal")
    shown = [each.text for each in goal.all("option")]
    assert ["Default: boss", "boss", "triforce", "pedestal"] == shown
    [hints] = page.root.all("select", name="item.hints")
    assert ["Not set", "Yes", "No"] == [each.text for each in hints.all("option")]
    [quickswap] = page.root.all("select", name="quickswap")
    assert quickswap.all("option")[0].text == "Default: Yes"
    [secret] = page.root.all("input", name="passphrase")
    assert secret.attributes["type"] == "password"
    presets = [each.attributes["value"] for each in page.root.all("datalist")[0].all("option")]
    assert ["ambrosia", "open", "standard"] == presets
    [preset] = page.root.all("input", name="preset")
    about = preset.attributes["aria-describedby"]
    assert page.root.all("p", id=about)[0].text == "A preset: a name, or namespace/name."


@pytest.mark.parametrize(
    ("explained", "expected"),
    [
        ("players, from 1 to 8", ["Players, from 1 to 8."]),
        ("1-8 players", ["1-8 players."]),
        ("the 18th player", ["The 18th player.", "From 1 to 8."]),
        ("", ["From 1 to 8."]),
    ],
)
def test_limits_are_told_once(explained, expected):
    """
    A help that has both numbers says it in its own words.
    """
    field = Field(
        name="players",
        kind="integer",
        least=1,
        most=8,
        allowed="at least 1 and at most 8",
        help=explained,
    )

    assert expected == list(_about(field, "", "number"))


async def test_a_form_rolls_once(tmp_path):
    """
    A double click and a reload of the answer show the same seed.
    """
    async with beside.world(tmp_path, clock=Clock()) as world:  # the second one waits for the first
        form = (await world.get(TOWER)).form(TOWER)
        both = await asyncio.gather(*(world.post(TOWER, form) for _ in range(2)))
        again = await world.post(TOWER, form)
        [row] = await world.runner.store.queries.calls()
        fresh = (await world.get(TOWER)).form(TOWER)

    assert 1 == world.tower.rolled
    for page in (*both, again):
        assert "https://seeds.example/h/000001" in page.text
    assert row["call_id"].startswith("web:form:")
    assert row["call_id"].endswith(form["_token"])
    assert fresh["_token"] != form["_token"]


async def test_the_token_of_one_key_is_not_that_of_another(world, form):
    """
    Who sends somebody else's form gets a seed of their own.
    """
    keys = [(await world.runner.store.keys.add(name, ["generate"]))[0] for name in ("one", "two")]

    pages = [await world.post(TOWER, form, key=key) for key in keys]

    assert [200, 200] == [page.status for page in pages]
    assert 2 == world.tower.rolled


@pytest.mark.parametrize("token", ["", "short", "g" * 32, "0" * 33, "../../x"])
async def test_a_form_needs_its_token(world, form, token):
    """
    One that came from elsewhere rolls nothing.
    """
    page = await world.post(TOWER, {**form, "_token": token})

    assert page.status == 400
    assert "Open its page again" in page.text
    assert 0 == world.tower.rolled


async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(world, form):
    """
    The form comes back with the sentence and a new token; secrets are typed anew.
    """
    typed = {
        "preset": "opne",
        "note": "keep <me>",
        "names": "[1,\n2]",
        "item.pool": "expert",
        "passphrase": "SECRET",
    }

    page = await world.post(TOWER, {**form, **typed})

    assert page.status == 404
    assert () == page.faults
    [alert] = page.root.all("div", role="alert")
    assert "there is no preset 'opne'. Did you mean 'open'?" in alert.text
    again = page.form(TOWER)
    assert {**typed, "passphrase": ""} == {name: again[name] for name in typed}
    assert "SECRET" not in page.source
    assert again["_token"] != form["_token"]
    assert "Not rolled" in page.root.all("title")[0].text


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ({"settings": "nonsense"}, 400, "settings must be a JSON object"),
        ({"race": "true", "spoilers": "on"}, 422, "a race seed has no spoilers"),
        ({"players": "12"}, 422, "players"),
        ({"goal": "everything"}, 422, "goal"),
    ],
)
async def test_each_refusal_has_its_status(world, form, typed, status, says):
    """
    It is that of the API, and nothing was rolled.
    """
    page = await world.post(TOWER, {**form, **typed})

    assert status == page.status
    assert says in page.root.all("div", role="alert")[0].text
    assert 0 == world.tower.rolled


async def test_a_failed_call_can_be_looked_at(world, form):
    """
    The sentence stands over the form, with a link to what was tried.
    """
    world.tower.faults = [beside.unavailable() for _ in range(9)]

    page = await world.post(TOWER, form)
    await world.recorded()

    assert page.status == 503
    assert int(page.headers["Retry-After"]) >= 1
    assert "the site is down for maintenance" in page.text
    [link] = [each for each in page.root.all("a") if each.text == "Timeline of the call"]
    assert "the site is down" in (await world.get(link.attributes["href"])).text


async def test_a_dry_run_asks_nobody(world, form):
    """
    The page says that there is no such seed, and the form may still roll.
    """
    dry = await world.post(TOWER, {**form, "_dry": "true"})
    real = await world.post(TOWER, form)

    assert "This was a dry run" in dry.text
    assert () == dry.faults
    assert "https://seeds.example/h/000001" in real.text


async def test_options_that_nobody_declared_are_typed_as_lines(world):
    """
    One on each line; a line that isn't one is named.
    """
    form = (await world.get("/roll/lines")).form("/roll/lines")
    more = "players=2\r\n\r\nname=Link and Zelda\r\npreset=own\r\n"

    page = await world.post("/roll/lines", {**form, "_more": more})
    wrong = await world.post("/roll/lines", {**form, "_more": "nonsense"})

    assert "flags name=Link and Zelda players=2 preset=own" in page.text
    assert wrong.status == 400
    assert "'nonsense' is not KEY=VALUE." in wrong.text
    assert wrong.form("/roll/lines")["_more"] == "nonsense"


async def test_what_is_required_is_asked_for_by_the_browser(world):
    """
    Where no preset can give it, the input is required.
    """
    page = await world.get("/roll/flags")
    sent = await world.post("/roll/flags", page.form("/roll/flags"))

    assert "required" in page.root.all("input", name="flags")[0].attributes
    assert sent.status == 422
    assert "flags" in sent.root.all("div", role="alert")[0].text


async def test_another_operation_has_a_form_of_its_own(world):
    """
    Only those that roll have one.
    """
    path = "/roll/tower?operation=mystery"
    page = await world.get(path)

    rolled = await world.post(path, page.form(TOWER))
    unknown = await world.get("/roll/tower?operation=presets")

    assert () == page.faults
    assert "https://seeds.example/m/000001" in rolled.text
    assert unknown.status == 404
    assert "It has: generate, mystery." in unknown.text


async def test_rolling_another_one_begins_with_the_same(world, form):
    """
    The link of the seed fills the form again, without its secrets.
    """
    typed = {"preset": "standard", "race": "true", "note": "ü & ?", "passphrase": "SECRET"}
    rolled = await world.post(TOWER, {**form, **typed})
    [link] = [each for each in rolled.root.all("a") if each.text == "Roll another like this"]

    page = await world.get(link.attributes["href"])

    again = page.form(TOWER)
    assert {**typed, "passphrase": ""} == {name: again[name] for name in typed}
    assert "SECRET" not in rolled.source
    assert again["_token"] != form["_token"]


async def test_another_sites_page_can_not_roll(world, form):
    """
    What a browser sends by itself is no wish of the person.
    """
    page = await world.post(TOWER, form, headers={"Origin": "https://evil.example"})

    assert page.status == 403
    assert 0 == world.tower.rolled


async def test_choosing_a_provider_leads_to_its_form(world):
    """
    An unknown one says which there are.
    """
    chosen = await world.get("/roll?provider=tower")
    unknown = await world.get("/roll?provider=towre")

    assert (303, TOWER) == (chosen.status, chosen.headers["Location"])
    assert unknown.status == 404
    assert "Did you mean 'tower'?" in unknown.text
