"""
An answer is handed out only if it is the game that was asked for, and shows no more than it may.
"""

from __future__ import annotations

import base64
import json

import attrs
import pytest
from hypothesis import given, strategies as st

from seedcore import ProviderInvalidRequestError, ProviderResponseFormatError
from seedcore_alttpr.game import check_game, read_game, settings_of

OPEN = {"mode": "open", "goal": "ganon", "item_placement": "advanced", "hints": "off"}


def changed(reply, change):
    """
    Return a recorded answer whose document *change* has changed.
    """
    document = json.loads(reply.body)
    change(document)
    return attrs.evolve(reply, body=json.dumps(document).encode())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("unparsable", "it answered with a spoiler although none may be seen"),
        ("flag_absent", "it answered with a spoiler although none may be seen"),
        ("open", "it answered with a spoiler although none may be seen"),
        ("masked", "it answered with the settings"),
    ],
)
async def test_a_spoiled_game_is_thrown_away(make, site, recorded, answer, words):
    """
    The site answers so when it can't read a body or misses its flag, with status 200.
    """
    mystery = answer == "masked"
    site.next.append(recorded("race" if mystery else answer))

    with pytest.raises(ProviderResponseFormatError, match=words) as caught:
        await make(**OPEN, mask_settings=mystery)

    assert 1 == caught.value.attempts == len(site.sent)
    assert json.loads(recorded(answer).body)["hash"] not in repr(caught.value.to_json())


async def test_one_region_is_too_much(make, site, recorded):
    """
    Nothing but meta may be there, and in it no seed.
    """
    site.next.append(changed(recorded("race"), lambda game: game["spoiler"].update(Shops=[])))
    site.next.append(changed(recorded("race"), lambda game: game["spoiler"]["meta"].update(seed=1)))

    for _ in range(2):
        with pytest.raises(ProviderResponseFormatError, match="although none may be seen"):
            await make(**OPEN)


async def test_a_game_that_is_no_race_is_thrown_away(make, site, recorded):
    """
    Without the flag anybody can have its spoiler later.
    """
    for flag in (False, "false", 1, None):

        def change(game, flag=flag):
            game["spoiler"]["meta"]["tournament"] = flag

        site.next.append(changed(recorded("race"), change))
    site.next.append(
        changed(recorded("race"), lambda game: game["spoiler"]["meta"].pop("tournament"))
    )

    for _ in range(5):
        with pytest.raises(ProviderResponseFormatError, match="than one without spoilers"):
            await make(**OPEN)


@pytest.mark.parametrize(
    ("answer", "options", "said", "wanted"),
    [
        ("race", {}, "on", "off"),
        ("race", {}, "generate", "off"),
        ("race", {}, "mystery", "off"),
        ("race", {}, None, "off"),
        ("masked", {"mask_settings": True}, "off", "mystery"),
        ("open", {"race": False, "spoilers": "on"}, "off", "on"),
    ],
)
@pytest.mark.parametrize("special", [False, True])
async def test_who_may_see_the_spoiler_is_as_asked(
    make, site, recorded, answer, options, *, said, wanted, special
):
    """
    The answer may show nothing yet and the site all of it later; festive games are no exception.
    """

    def change(game):
        game["spoiler"]["meta"]["spoilers"] = said
        if special:
            game["spoiler"]["meta"]["special"] = True

    site.next.append(changed(recorded(answer), change))

    with pytest.raises(ProviderResponseFormatError, match=f"meta.spoilers isn't {wanted}"):
        await make(**options)


async def test_a_game_with_a_spoiler_may_say_so(make, site, recorded):
    """
    The site turns whatever was sent into "on" then.
    """
    site.next.append(recorded("open"))

    assert (await make(**OPEN, race=False, spoilers="on")).id


async def test_a_spoiler_that_was_wanted_must_be_there(make, site, recorded):
    """
    Else the person would look for it in vain.
    """
    site.next.append(recorded("race"))

    with pytest.raises(ProviderResponseFormatError, match="without the spoiler"):
        await make(**OPEN, race=False, spoilers="on")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"goal": "dungeons"}, "goal is ganon, not dungeons"),
        ({"mode": "inverted"}, "mode is open, not inverted"),
        ({"weapons": "swordless"}, "weapons is randomized, not swordless"),
        ({"glitches": "no_logic"}, "glitches is NoGlitches, not NoLogic"),
        ({"accessibility": "none"}, "accessibility is items, not none"),
        ({"dungeon_items": "full"}, "dungeon_items is standard, not full"),
        ({"crystals.ganon": "3"}, "crystals.ganon is 7, not 3"),
        ({"crystals.tower": "random"}, "crystals.tower is 7, not random"),
        ({"item.pool": "expert"}, "item.pool is normal, not expert"),
        ({"enemizer.pot_shuffle": "on"}, "enemizer.pot_shuffle is off, not on"),
        ({"allow_quickswap": True}, "allow_quickswap is False, not True"),
        ({"hints": "on"}, "hints is off, not on"),
    ],
)
async def test_another_game_than_asked_is_thrown_away(make, site, recorded, option, words):
    """
    A default game would do for no one who asked for more.
    """
    site.next.append(recorded("race"))

    with pytest.raises(ProviderResponseFormatError, match=words):
        await make(**option)


@pytest.mark.parametrize(
    "options",
    [
        {"crystals": {"ganon": "random", "tower": 0}, "item": {"functionality": "hard"}},
        {"item": {"pool": "crowd_control"}, "item_placement": "basic"},
        {"entrances": "crossed", "dungeon_items": "mcs"},
        {"glitches": "major_glitches", "pseudoboots": True},
        {"enemizer": {"boss_shuffle": "full", "enemy_damage": "random", "pot_shuffle": "on"}},
        {"hints": True, "enemizer": {"pot_shuffle": False}},
        {},
    ],
)
async def test_what_the_site_makes_of_its_options_is_taken(make, site, options):
    """
    Random values stay "random" in meta, and crowd control has one placement.
    """
    seed = await make(**options)

    assert seed.id in site.kept


async def test_a_build_that_says_less_is_believed(make, site, recorded):
    """
    Only the flag of a race has to be there.
    """

    def change(game):
        game["spoiler"]["meta"] = {"tournament": True}
        game["patch"] = [{"20466": [49]}]
        del game["generated"]

    site.next.append(changed(recorded("race"), change))

    seed = await make(**OPEN, glitches="no_logic", customizer=True)

    assert (None, None) == (seed.code, seed.version)
    assert {"festive", "customizer", "masked", "meta"} == set(seed.extra)


async def test_a_newer_name_of_a_logic_is_believed(make, site, recorded):
    """
    Only the five known ones can be compared.
    """
    site.next.append(
        changed(recorded("race"), lambda game: game["spoiler"]["meta"].update(logic="er-1"))
    )

    assert "er-1" == (await make(glitches="no_logic")).extra["logic"]


async def test_a_game_of_the_randomizer_is_none_of_the_customizer(make, site, recorded):
    """
    Its meta says which it is.
    """
    site.next.append(
        changed(recorded("customizer"), lambda game: game["spoiler"]["meta"].update(difficulty="x"))
    )

    with pytest.raises(ProviderResponseFormatError, match="none of the customizer"):
        await make(customizer=True)


async def test_a_game_of_the_customizer_is_none_of_the_randomizer(make, site, recorded):
    """
    Nobody asked for its items.
    """
    site.next.append(recorded("customizer"))

    with pytest.raises(ProviderResponseFormatError, match="which wasn't asked for"):
        await make(**OPEN)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda game: game.clear(), "has no hash"),
        (lambda game: game.pop("hash"), "has no hash"),
        (lambda game: game.update(hash=12345678901), "has no hash"),
        (lambda game: game.update(hash="short"), "has no hash"),
        (lambda game: game.update(hash="../../evil"), "has no hash"),
        (lambda game: game.pop("patch"), "has no patch"),
        (lambda game: game.update(patch=[]), "has no patch"),
        (lambda game: game.update(patch={}), "has no patch"),
        (lambda game: game.pop("spoiler"), "which settings"),
        (lambda game: game.update(spoiler=[]), "which settings"),
        (lambda game: game["spoiler"].pop("meta"), "which settings"),
        (lambda game: game["spoiler"].update(meta=[]), "which settings"),
    ],
)
async def test_half_a_game_is_none(make, site, recorded, change, words):
    """
    Hash, patch and meta must be there.
    """
    site.next.append(changed(recorded("race"), change))

    with pytest.raises(ProviderResponseFormatError, match=words):
        await make(**OPEN)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
named = ("hash", "patch", "spoiler", "generated", "meta", "logic", "build", "name", "goal")
named += ("tournament", "spoilers", "special", "difficulty", "item_pool", "shuffle")


@given(
    document=anything
    | st.fixed_dictionaries(
        {"hash": st.just("PzEXTZAIaa"), "patch": st.lists(anything, min_size=1, max_size=3)},
        optional={
            "generated": anything,
            "spoiler": st.fixed_dictionaries(
                {"meta": st.dictionaries(st.sampled_from(named), anything) | anything},
                optional={"Shops": anything},
            ),
        },
    )
)
def test_any_answer_is_a_game_or_refused(document):
    """
    Whatever the site answers, no other exception comes of it.
    """
    body = {"tournament": True, "spoilers": "off", "glitches": "none", "item": {"pool": "hard"}}
    try:
        game = read_game(document)
        settings_of(game)
        seed = game.seed("https://alttpr.com", body)
        check_game(game, body, customizer=True)
    except ProviderResponseFormatError:
        return

    assert "https://alttpr.com/h/PzEXTZAIaa" == seed.url


@pytest.mark.parametrize("document", ["null", "[]", '"PzEXTZAIaa"', "[" * 100_000, "{", ""])
async def test_what_is_no_game_at_all(make, site, recorded, document):
    """
    Another document, or none.
    """
    site.next.append(attrs.evolve(recorded("race"), body=document.encode()))

    with pytest.raises(ProviderResponseFormatError):
        await make(**OPEN)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<html>We will be back</html>", "a web page"),
        ("\ufeff <html>We will be back</html>", "a web page"),
        ("", "nothing"),
        ("We will be back", "something else"),
    ],
)
async def test_a_page_is_named_and_not_shown(make, site, page, text, kind):
    """
    A maintenance page with status 200 must not reach a person.
    """
    site.next.append(attrs.evolve(page(200, ""), body=text.encode()))

    with pytest.raises(ProviderResponseFormatError, match=f"{kind} in place of JSON") as caught:
        await make(**OPEN)

    assert "back" not in caught.value.user_message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", {1, 2}, "\ud800"])
async def test_what_json_does_not_know_is_never_sent(make, site, value):
    """
    The site would take the body for none, and answer with a spoiled default game.
    """
    with pytest.raises(ProviderInvalidRequestError, match="JSON doesn't know"):
        await make(customizer=True, custom={"item.Goal.Required": value})

    assert [] == site.sent


@pytest.mark.parametrize(
    "options",
    [
        {"texts": {"uncle_leaving_text": "x" * 2**20}},
        {"l": {base64.b64encode(f"{n}:1".encode()).decode(): "Lamp:1" for n in range(20_000)}},
        {"forced_locations": [{"item": "é" * 2**17, "locations": ["TGluaydzIFVuY2xlOjE="]}]},
    ],
    ids=["text", "many", "forced"],
)
async def test_a_body_of_any_size_is_not_sent(make, site, options):
    """
    The sentence says how much is allowed.
    """
    with pytest.raises(ProviderInvalidRequestError, match=r"options have \d+ KiB; 256 are allowed"):
        await make(customizer=True, **options)

    assert [] == site.sent


async def test_a_body_up_to_the_limit_is_sent(make, site):
    """
    In bytes, not in characters.
    """
    await make(customizer=True, texts={"a": "é" * (127 * 1024)})

    assert 1 == len(site.sent)
