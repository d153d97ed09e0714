"""
Spoiler races: seeds whose log nobody sees before its time.
"""

from __future__ import annotations

import gzip
import json
import pickle
import sqlite3
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs
import pytest

from seedcore import (
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    RevealError,
    SpoilerLeakError,
)
from seedcore.testing import replies
from seedcore_samus import contract
from seedcore_samus.options import KEY as FITS
from seedcore_samus.shown import new_key

KEY, OTHER = "k4vNq8ZtW2mXc6RyB0sJ-_", "Zb1Yc2Xd3We4Vf5Ug6Th7S"
ME = "racetime:1"
LOCATION = "Morphing Ball"
"""Where something is, in every log of the stand-in."""


@pytest.fixture
async def runner(runner_for, database):
    """
    A runner with a database, whose spoiler races have known keys.
    """
    async with runner_for(database, keys=iter([KEY, OTHER])) as opened:
        yield opened


async def roll(runner, provider="smz3", **asked):
    """
    Roll the seed of a spoiler race.
    """
    given = {"race": True, "spoilers": "delayed", "by": ME, "surface": "tests", **asked}
    return await runner.generate(provider, **given)


def logs_asked_for(upstream):
    """
    Return the query of each request for a log.
    """
    return [each.query for each in upstream.requests if "/api/spoiler/" in each.path]


def let_it_be_later(database):
    """
    Make all logs due.
    """
    with sqlite3.connect(database.removeprefix("sqlite://")) as connection:
        connection.execute("UPDATE seedcore_logs SET reveal_at = 0")


@pytest.mark.parametrize(("provider", "yaml"), [("sm", "false"), ("smz3", "true")])
@pytest.mark.parametrize("race", [True, False])
async def test_a_spoiler_race_is_made_with_a_key(runner, sent, upstream, *, provider, yaml, race):
    """
    The site hides all of it, which is looked at, and gives the log to who has the key.
    """
    seed = await roll(runner, provider, race=race)

    (body,) = sent()
    assert ("true", KEY) == (body["race"], body["spoilerKey"])
    assert [{"yaml": "false"}, {"yaml": yaml, "key": KEY}] == logs_asked_for(upstream)
    assert None is seed.spoiler_url
    assert "seed_number" not in seed.extra
    assert None is not seed.meta.reveal_at


@pytest.mark.parametrize("provider", ["sm", "smz3"])
async def test_the_log_is_revealed_when_it_is_due(runner, database, provider):
    """
    As YAML where the site writes that, and without the key.
    """
    call_id = (await roll(runner, provider)).meta.call_id
    with pytest.raises(RevealError, match="is sealed until"):
        await runner.reveal(call_id, by=ME)

    let_it_be_later(database)
    found = await runner.reveal(call_id, by=ME)

    text = Path(unquote(urlsplit(found.link).path)).read_text()
    assert LOCATION in text
    assert KEY not in text
    if provider == "sm":
        assert LOCATION == json.loads(text)["locations"][0]["locationName"]
    else:
        assert text.startswith("Game: SMZ3 11.3.2 ")


async def test_a_log_that_repeats_the_key_is_kept_without(runner, site, database):
    """
    It is masked in a text as in JSON.
    """
    site.logs += [None, replies.typed("text/plain", f"spoilerKey: {KEY}\n{LOCATION}: x\n")]
    call_id = (await roll(runner)).meta.call_id

    let_it_be_later(database)
    found = await runner.reveal(call_id, by=ME)

    text = Path(unquote(urlsplit(found.link).path)).read_text()
    assert f"spoilerKey: true\n{LOCATION}: x\n" == text


async def test_each_race_has_a_key_of_its_own(runner, sent, site):
    """
    One key gives one log away.
    """
    site.guids.append("00112233445566778899aabbccddeeff")
    await roll(runner)
    await roll(runner)

    assert [KEY, OTHER] == [body["spoilerKey"] for body in sent()]


def test_nobody_guesses_a_key():
    """
    It has 128 random bits, in characters that are the same in JSON and in an address.
    """
    keys = {new_key() for _ in range(100)}

    assert 100 == len(keys)
    assert {22} == {len(key) for key in keys}
    assert all(FITS.fullmatch(key) for key in keys)


async def test_who_gives_a_key_uses_it(runner, sent, upstream):
    """
    And may read the log before others, which is his to answer for.
    """
    await roll(runner, options={"spoiler_key": "given-by-somebody"})

    assert ["given-by-somebody"] == [body["spoilerKey"] for body in sent()]
    assert "given-by-somebody" == logs_asked_for(upstream)[1]["key"]


@pytest.mark.parametrize("provider", ["sm", "smz3"])
@pytest.mark.parametrize("options", [{}, {"spoiler_key": KEY}])
async def test_key_and_log_are_seen_nowhere(
    runner_for, database, left, rows_of, storage, *, provider, options
):
    """
    Seed, row, events, kept result and the database have neither; one sealed file has the log.
    """
    asked = {"call_id": "once", "options": options}
    async with runner_for(database, keys=iter([KEY])) as runner:
        seed = await roll(runner, provider, **asked)
        again = await roll(runner, provider, **asked)
        while_open = left()
    (row,) = await rows_of(database)

    assert seed.url == again.url
    seen = f"{attrs.asdict(seed)} {attrs.asdict(again)} {row} {pickle.dumps(seed)!r}".encode()
    for everything in (while_open, left(), seen):
        assert seed.id.encode() in everything
        for secret in (KEY, "spoilerKey", LOCATION, "itemId"):
            assert secret.encode() not in everything
    (sealed,) = [path for path in storage.rglob("*") if path.is_file()]
    log = gzip.decompress(sealed.read_bytes())
    assert LOCATION.encode() in log
    assert KEY.encode() not in log


async def test_a_dry_run_makes_no_key(runner, upstream):
    """
    Nor anything else.
    """
    await roll(runner, dry_run=True)
    seed = await roll(runner)

    assert contract.SLUG == seed.id
    assert KEY == logs_asked_for(upstream)[1]["key"]


async def test_a_key_with_spoilers_for_all_is_refused(runner, upstream):
    """
    There would be nothing to open.
    """
    with pytest.raises(ProviderInvalidRequestError, match="leave spoiler_key out"):
        await roll(runner, race=False, spoilers="on", options={"spoiler_key": KEY})

    assert [] == upstream.requests


# ------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize("race", [True, False])
async def test_a_log_that_opens_without_its_key_is_a_leak(runner, site, upstream, race):
    """
    It is not asked for with the key any more.
    """
    site.logs.append(contract.log(contract.seed("smz3", "11.3.2", {})))

    with pytest.raises(SpoilerLeakError, match="its log to who has no key"):
        await roll(runner, race=race)

    assert [{"yaml": "false"}] == logs_asked_for(upstream)


async def test_an_answer_that_shows_a_spoiler_is_a_leak(runner, site, upstream):
    """
    As for any race.
    """
    site.strips = False

    with pytest.raises(SpoilerLeakError, match="the locations of its items"):
        await roll(runner)

    assert 1 == len(upstream.requests)


async def test_a_log_that_fails_is_asked_for_again(runner, site, sent, upstream):
    """
    And no second seed is made.
    """
    site.logs += [None, replies.status(503), replies.typed("text/html", "", 502)]

    seed = await roll(runner)

    assert (1, False) == (seed.meta.attempts, seed.meta.possible_duplicate)
    assert (1, 4) == (len(sent()), len(logs_asked_for(upstream)))


WRONG = {
    "a key that is not taken": (replies.status(400), ProviderResponseFormatError),
    "no such seed": (replies.status(404), ProviderResponseFormatError),
    "a web page": (replies.typed("text/html", f"<p>{KEY}"), ProviderResponseFormatError),
    "an outage": (replies.json_reply({"error": f"{KEY}: x"}, 503), ProviderUnavailableError),
    "a refusal": (replies.json_reply({"error": f"bad key {KEY}"}, 422), ProviderError),
    "half a log": (replies.typed("application/json", f'{{"{LOCATION}'), ProviderError),
}


@pytest.mark.parametrize(("log", "error"), WRONG.values(), ids=WRONG)
async def test_a_spoiler_race_without_its_log_is_none(runner, site, sent, left, *, log, error):
    """
    The call fails, one seed is thrown away, and the key is nowhere, though the site repeats it.
    """
    site.logs += [None, *[log] * 3]

    with pytest.raises(error) as caught:
        await roll(runner)

    assert 1 == len(sent())
    found = caught.value
    seen = f"{found} {found!r} {found.user_message} {json.dumps(found.to_json())}".encode()
    for everything in (seen, pickle.dumps(found), left()):
        assert KEY.encode() not in everything
        assert LOCATION.encode() not in everything
    assert found.call_id.encode() in left()


async def test_a_second_attempt_has_a_key_of_its_own(runner, site, sent, upstream, left):
    """
    Neither is seen.
    """
    site.faults.append(replies.json_reply({"message": f"spoilerKey={KEY}"}, 500))

    await roll(runner)

    assert [KEY, OTHER] == [body["spoilerKey"] for body in sent()]
    assert OTHER == logs_asked_for(upstream)[1]["key"]
    assert KEY.encode() not in left()
    assert OTHER.encode() not in left()
