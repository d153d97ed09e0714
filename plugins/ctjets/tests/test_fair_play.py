"""
A seed without spoilers shows none to anybody.
"""

from __future__ import annotations

import pytest

from seedcore import ProviderResponseFormatError, SpoilerLeakError
from seedcore.testing import replies

GIVEN_AWAY = ("Zenan Bridge", "Gate Key")


async def refusal(runner, **asked):
    """
    Return why a seed without spoilers is thrown away.
    """
    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.generate("ctjets", surface="tests", **asked)
    return caught.value


@pytest.mark.parametrize("asked", [{"race": True}, {}, {"spoilers": "off"}])
async def test_a_spoiler_for_everybody_is_a_leak(runner, site, events, asked):
    """
    The site takes the form, and shows the spoiler all the same: the seed is nobody's.
    """
    site.leaks = True

    error = await refusal(runner, **asked)

    assert SpoilerLeakError is type(error)
    assert (
        "it shows where key items, characters and bosses are and its spoiler log to whoever asks "
        "for that. The seed was thrown away"
    ) == error.provider_message
    assert 1 == error.attempts
    (event,) = [event for event in events if event.event == "leak_refused"]
    seen = f"{error} {error!r} {error.to_json()} {[one.fields() for one in events]}"
    for words in (*GIVEN_AWAY, "AbCdEfGhIjKl000"):
        assert words not in seen
    assert "ERROR" == event.level


@pytest.mark.parametrize(
    "part",
    [
        '<div class="tab-content" id="spoiler_section"></div>',
        '<input type="button" id="spoiler_log_button" value="Show Spoiler Log">',
        '<a class="btn" href="/spoiler_log/AbCdEfGhIjKl000.txt">Download Spoiler Log</a>',
        '<table class="table" id="key_item_table"></table>',
        "<table id=boss_table></table>",
        "<table id='character_table'></table>",
        '<div id = "spoiler_section"></div>',
        '<div ID\n=\n" spoiler_section"></div>',
        '<div id="spoiler&#95;section"></div>',
        '<a href="/spoiler_log&#47;AbCdEfGhIjKl000.txt">Log</a>',
    ],
)
async def test_any_part_of_it_is_enough(runner, site, part):
    """
    The page of a race has none of these.
    """
    link = '<a id="seed_share" href="/share/AbCdEfGhIjKl000/">Seed share link</a>'
    site.pages += [replies.typed("text/html", link + part)]

    error = await refusal(runner, race=True)

    assert SpoilerLeakError is type(error)
    assert "it shows where key items, characters and bosses are." in error.provider_message


@pytest.mark.parametrize(
    "log",
    [
        {"key_items": []},
        {"cheating": "allowed"},
        {"cheating": "not_allowed", "key_items": [{"location": "Zenan Bridge"}]},
    ],
)
async def test_a_log_for_who_knows_its_address_is_a_leak(runner, site, log):
    """
    All the site may say there is that cheating is not allowed.
    """
    site.logs += [replies.json_reply(log)]

    error = await refusal(runner, race=True)

    assert SpoilerLeakError is type(error)
    assert "it shows its spoiler log to whoever asks for that." in error.provider_message


@pytest.mark.parametrize(
    "reply",
    [
        replies.typed("text/html", "<h1>Maintenance</h1>"),
        replies.typed("application/json", '{"cheating": "not_'),
        replies.typed("application/json", "[" * 100_000),
        replies.json_reply({}),
        replies.json_reply([]),
        replies.json_reply(None),
        replies.json_reply("not_allowed"),
    ],
)
async def test_without_a_word_about_it_nobody_gets_the_seed(runner, site, reply):
    """
    What can't be told is no proof.
    """
    site.logs += [reply]

    error = await refusal(runner, race=True)

    assert ProviderResponseFormatError is type(error)
    assert "spoiler log" in error.provider_message


async def test_an_older_version_has_no_log_to_ask_for(site, runner_for, rom_file):
    """
    Its page is looked at all the same.
    """
    options = {"version": "3.1.0", "difficulty": "hard", "shop_prices": "normal"}
    options |= {"tech_rando": "normal", "duplicate_char_assignments": "7f7f7f7f7f7f7f"}
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        seed = await runner.generate("ctjets", surface="tests", race=True, options=options)
        site.leaks = True
        error = await refusal(runner, race=True, options=options)

    assert "AbCdEfGhIjKl000" == seed.id
    assert "GET /3_1_0/spoiler_log/AbCdEfGhIjKl000.json" == site.asked[2]
    assert "it shows where key items, characters and bosses are." in error.provider_message


async def test_a_newer_version_must_have_one(runner, site, say):
    """
    It doesn't know the seed that it has just made: nothing is sure then.
    """
    site.logs += [say.reply_of("spoiler_json_unknown")]

    with pytest.raises(Exception, match="Seed does not exist"):
        await runner.generate("ctjets", surface="tests", race=True)
