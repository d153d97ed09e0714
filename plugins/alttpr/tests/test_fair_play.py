"""
An answer is handed out only if it is the game that was asked for, and shows no more than it may.
"""

from __future__ import annotations

import base64
import json

import attrs
import pytest
from hypothesis import given, strategies as st

from seedcore import (
    ProviderAuthenticationError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    SpoilerLeakError,
)
from seedcore_alttpr.game import check_game, read_game, settings_of
from seedcore_alttpr.spoiler import logs_of, shown_in

OPEN = {"mode": "open", "goal": "ganon", "item_placement": "advanced", "hints": "off"}


def changed(reply, change):
    """
    Return a recorded answer whose document *change* has changed.
    """
    document = json.loads(reply.body)
    change(document)
    return attrs.evolve(reply, body=json.dumps(document).encode())


ITEMS = "the locations of its items"
NUMBER = "the number that makes it again"
MASKED = "the settings, which must be masked,"
PLAYTHROUGH = "the playthrough"


def thrown_away(found):
    """
    Return how the sentence about a leak ends.
    """
    return f"it shows {found}. The seed was thrown away"


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("unparsable", f"{PLAYTHROUGH} in its answer and {ITEMS} in its answer"),
        ("flag_absent", f"{PLAYTHROUGH} in its answer and {ITEMS} in its answer"),
        ("open", f"{PLAYTHROUGH} in its answer and {ITEMS} in its answer"),
        ("masked", f"{MASKED} in its answer"),
    ],
)
async def test_a_spoiled_game_is_thrown_away(
    make, site, upstream, recorded, *, events, answer, found
):
    """
    The site answers so when it can't read a body or misses its flag, with status 200.
    """
    mystery = answer == "masked"
    site.next.append(recorded("race" if mystery else answer))

    with pytest.raises(SpoilerLeakError) as caught:
        await make(**OPEN, mask_settings=mystery)

    assert thrown_away(found) == caught.value.provider_message
    assert 1 == caught.value.attempts == len(site.sent) == len(upstream.requests)
    [event] = [event for event in events if event.event == "leak_refused"]
    assert ("ERROR", {"leak": found}) == (event.level, event.extra)
    told = f"{caught.value.to_json()} {events}"
    assert json.loads(recorded(answer).body)["hash"] not in told
    assert "PegasusBoots" not in told


async def test_a_casual_game_without_spoilers_must_not_have_one(make, site, recorded):
    """
    As a race; there only the page isn't asked for.
    """
    site.next.append(recorded("open"))

    with pytest.raises(SpoilerLeakError, match=ITEMS):
        await make(**OPEN, race=False, spoilers="off")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda spoiler: spoiler.update(Shops=[]), ITEMS),
        (lambda spoiler: spoiler.update({"A new one": None}), ITEMS),
        (lambda spoiler: spoiler.update(playthrough={}), PLAYTHROUGH),
        (lambda spoiler: spoiler["meta"].update(seed=1), NUMBER),
    ],
)
async def test_one_region_is_too_much(make, site, recorded, change, found):
    """
    Nothing but meta may be there, and in it no seed.
    """
    site.next.append(changed(recorded("race"), lambda game: change(game["spoiler"])))

    with pytest.raises(SpoilerLeakError) as caught:
        await make(**OPEN)

    assert thrown_away(f"{found} in its answer") == caught.value.provider_message


# ------------------------------------------------------------------- the public page


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda spoiler: spoiler.update({"Hyrule Castle": {"Sanctuary:1": "Hammer:1"}}), ITEMS),
        (lambda spoiler: spoiler.update(playthrough={}), PLAYTHROUGH),
        (lambda spoiler: spoiler["meta"].update(seed=7_654_321), NUMBER),
    ],
)
async def test_what_only_the_page_shows(make, site, upstream, recorded, *, events, change, found):
    """
    A game is for everybody to look up: one that shows more there than in the answer is thrown
    away as well.
    """
    site.next.append(recorded("race"))
    site.pages.append(changed(recorded("kept_race"), lambda game: change(game["spoiler"])))

    with pytest.raises(SpoilerLeakError) as caught:
        await make(**OPEN)

    assert thrown_away(f"{found} in its page") == caught.value.provider_message
    assert [found + " in its page"] == [
        event.extra["leak"] for event in events if event.event == "leak_refused"
    ]
    assert ["/api/randomizer", "/hash/PzEXTZAIaa"] == [each.target for each in upstream.requests]
    told = f"{caught.value.to_json()} {events}"
    assert not [each for each in ("PzEXTZAIaa", "Hammer", "7654321") if each in told]


async def test_the_page_of_a_masked_game_shows_no_settings(make, site, recorded):
    """
    It has to be the game that was asked for, and still say less.
    """
    site.next += [recorded("masked"), recorded("masked")]
    site.pages.append(
        changed(recorded("kept_masked"), lambda game: game["spoiler"]["meta"].update(goal="ganon"))
    )

    with pytest.raises(SpoilerLeakError) as caught:
        await make(**OPEN, mask_settings=True)
    assert thrown_away(f"{MASKED} in its page") == caught.value.provider_message

    site.pages.append(recorded("kept_masked"))
    assert "A86y9szjaa" == (await make(**OPEN, mask_settings=True)).id


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({"race": True}, True),
        ({"race": True, "mask_settings": True}, True),
        ({"race": True, "customizer": True}, True),
        ({"race": False, "spoilers": "off"}, False),
        ({"race": False, "spoilers": "off", "mask_settings": True}, False),
        ({"race": False, "spoilers": "on"}, False),
    ],
)
async def test_who_pays_for_the_page(make, upstream, arguments, asked):
    """
    Races do; of a game that nobody races the answer is enough.
    """
    seed = await make(**OPEN, **arguments)

    targets = [each.target for each in upstream.requests if each.method == "GET"]
    assert ([f"/hash/{seed.id}"] if asked else []) == targets


@pytest.mark.parametrize(
    ("kind", "error", "words", "looks"),
    [
        ("gone", ProviderResponseFormatError, "doesn't have the game that it made", 5),
        ("broken", ProviderUnavailableError, "is not available", 5),
        ("garbage", ProviderResponseFormatError, "a web page in place of JSON", 1),
        ("half", ProviderResponseFormatError, "has no patch", 1),
        ("another", ProviderResponseFormatError, "another game than was asked for", 1),
        ("login", ProviderAuthenticationError, "it wants a login", 1),
    ],
)
async def test_a_page_that_nobody_can_read(
    make, site, upstream, recorded, *, page, kind, error, words, looks
):
    """
    What nobody could judge is not handed out; and no second game is made for that.
    """
    race = recorded("kept_race")
    kinds = {
        "gone": recorded("unknown_hash"),
        "broken": page(500, "Server Error"),
        "garbage": page(200, "We will be back"),
        "half": changed(race, lambda game: game.pop("patch")),
        "another": changed(race, lambda game: game.update(hash="A86y9szjaa")),
        "login": page(401, "Unauthorized"),
    }
    site.next.append(recorded("race"))
    site.pages += [kinds[kind]] * 9

    with pytest.raises(error, match=words) as caught:
        await make(**OPEN)

    assert (1, 1 + looks) == (len(site.sent), len(upstream.requests))
    assert "generate" == caught.value.operation
    assert "PzEXTZAIaa" not in str(caught.value.to_json())


@pytest.mark.parametrize("kind", ["gone", "broken", "busy"])
async def test_a_page_that_comes_later(make, site, upstream, recorded, *, page, kind):
    """
    It is asked again by itself: the game is made, and another would only cost more.
    """
    kinds = {
        "gone": recorded("unknown_hash"),
        "broken": page(503, "Be right back"),
        "busy": recorded("rate_limit"),
    }
    site.next.append(recorded("race"))
    site.pages.append(
        attrs.evolve(kinds[kind], headers={**kinds[kind].headers, "retry-after": "0.01"})
    )

    assert "PzEXTZAIaa" == (await make(**OPEN)).id
    assert ["POST", "GET", "GET"] == [each.method for each in upstream.requests]


# ------------------------------------------------------------- the game that was asked


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
                optional=dict.fromkeys(("Shops", "Special", "Bosses", "Light World"), anything),
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
        shown_in({"its answer": game}, masked=True)
        logs_of(game, seed.text)
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
