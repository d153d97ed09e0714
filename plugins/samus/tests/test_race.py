"""
A race is fair: nothing of its seed can be read, and the key to its log leaves no trace.
"""

from __future__ import annotations

import json
import pickle

import attrs
import pytest

from seedcore import (
    ProviderError,
    ProviderInvalidRequestError,
)
from seedcore.testing import replies
from seedcore_samus import contract

KEY = "k4vNq8ZtW2mXc6RyB0sJ"


@pytest.mark.parametrize("provider", ["sm", "smz3"])
@pytest.mark.parametrize("race", [True, False])
async def test_without_spoilers_the_site_hides_everything(runner, sent, provider, race):
    """
    Race or not, exactly ``true`` is sent: any other spelling hides nothing.
    """
    seed = await runner.generate(provider, race=race, surface="tests")

    assert ["true"] == [body["race"] for body in sent()]
    assert None is seed.spoiler_url
    assert "seed_number" not in seed.extra


async def test_the_number_of_a_race_is_not_shown(runner, site):
    """
    Whoever gave it knows it already, and the site draws from another one.
    """
    seed = await runner.generate("smz3", options={"seed": "5"}, race=True, surface="tests")

    assert "seed_number" not in seed.extra
    assert {"guid", "mode", "players"} == {*seed.extra}


async def test_a_race_with_spoilers_is_refused(runner, upstream):
    """
    It would be none.
    """
    with pytest.raises(ProviderInvalidRequestError, match="a race seed has no spoilers"):
        await runner.generate("smz3", race=True, spoilers="on", surface="tests")

    assert [] == upstream.requests


# ------------------------------------------------------------------------- the key


@pytest.mark.parametrize("asked", [{"race": True}, {}])
async def test_the_number_of_a_hidden_seed_is_seen_nowhere(runner_for, database, left, sent, asked):
    """
    It is sent; neither seed nor row nor events have it.
    """
    async with runner_for(database) as runner:
        seed = await runner.generate(
            "smz3", options={"seed": "0019191919"}, surface="tests", **asked
        )

    assert ["0019191919"] == [body["seed"] for body in sent()]
    assert "seed" not in seed.settings
    assert seed.id.encode() in left()
    assert b"19191919" not in left()


async def test_the_number_of_a_seed_for_all_stays(runner_for, database, left):
    """
    Who may look into it may know it.
    """
    options = {"seed": "19191919"}
    async with runner_for(database) as runner:
        seed = await runner.generate("smz3", options=options, spoilers="on", surface="tests")

    assert ("19191919", "19191919") == (seed.settings["seed"], seed.extra["seed_number"])
    assert b"19191919" in left()


async def test_a_number_that_is_echoed_in_a_failure_is_taken_out(runner_for, database, left, site):
    """
    Also as the site has read it, without zeros before it.
    """
    site.faults.append(replies.json_reply({"error": "no 19191919, nor 0019191919"}, 422))
    async with runner_for(database) as runner:
        with pytest.raises(ProviderError) as caught:
            await runner.generate(
                "smz3", options={"seed": "0019191919"}, race=True, surface="tests"
            )

    assert "no ***, nor 00***" == caught.value.provider_message
    assert b"19191919" not in left()


@pytest.mark.parametrize("provider", ["sm", "smz3"])
async def test_a_key_is_sent_and_seen_nowhere(runner_for, database, left, sent, provider):
    """
    The answer has it; the seed, the row, the events and the kept result have not.
    """
    asked = {"race": True, "options": {"spoiler_key": KEY}, "call_id": "once", "surface": "tests"}
    async with runner_for(database) as runner:
        seed = await runner.generate(provider, **asked)
        again = await runner.generate(provider, **asked)
        while_open = left()
    afterwards = left()

    assert [KEY] == [body["spoilerKey"] for body in sent()]
    assert (seed.url, None) == (again.url, seed.spoiler_url)
    assert KEY not in repr(attrs.asdict(seed)) + repr(pickle.dumps(seed))
    for everything in (while_open, afterwards):
        assert seed.id.encode() in everything
        assert KEY.encode() not in everything
        assert b"spoilerKey" not in everything


ECHOES = {
    "in a refusal": replies.json_reply({"error": f"bad spoilerKey {KEY}"}, 422),
    "in a text": replies.typed("text/plain", f"unexpected {KEY} in body", 400),
    "in a crash": replies.json_reply({"message": f"spoilerKey={KEY}"}, 500),
    "in a pause": replies.json_reply(
        {"error": f"wait with {KEY}"}, 429, headers={"Retry-After": "30"}
    ),
    "in a page": replies.typed("text/html", f"<html>{KEY}</html>", 500),
    "in another answer": replies.json_reply({"guid": KEY, "mode": KEY}),
    "in a broken answer": replies.typed("application/json", f'{{"guid": "{KEY}'),
    "in settings that can't be read": replies.json_reply(
        {
            **json.loads(contract.seed("smz3", "11.3.2", {}).body),
            "worlds": [{"player": KEY, "settings": f"{{{KEY}"}],
        }
    ),
    "with a spoiler": replies.json_reply(
        {
            **json.loads(contract.seed("smz3", "11.3.2", {"spoilerKey": KEY}).body),
            "seedNumber": KEY,
        }
    ),
}


CALLS = {
    "generate": {"race": True, "options": {"spoiler_key": KEY}},
    "spoiler": {"id": contract.GUID, "key": KEY},
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("operation", CALLS)
async def test_a_key_that_is_echoed_in_a_failure_is_taken_out(
    runner_for, database, left, *, site, echo, operation
):
    """
    Of the error, its pickle, its JSON, the events and the row of the failure.
    """
    site.faults.extend([echo] * 3)
    async with runner_for(database) as runner:
        with pytest.raises(ProviderError) as caught:
            await runner.call("smz3", operation, surface="tests", **CALLS[operation])
    error = caught.value

    assert KEY not in str(error) + repr(error) + error.user_message + json.dumps(error.to_json())
    assert KEY.encode() not in pickle.dumps(error)
    assert error.call_id.encode() in left()
    assert KEY.encode() not in left()


async def test_a_key_with_spoilers_for_all_is_refused(runner, upstream):
    """
    There would be nothing to open.
    """
    with pytest.raises(ProviderInvalidRequestError, match="leave spoiler_key out"):
        await runner.generate("smz3", spoilers="on", options={"spoiler_key": KEY}, surface="tests")

    assert [] == upstream.requests


async def test_the_log_opens_with_the_key_and_not_without(runner, site):
    """
    What a surface does when the race begins; the key in the log is masked as for the seed.
    """
    seed = await runner.generate("smz3", race=True, options={"spoiler_key": KEY}, surface="tests")

    for key in (None, "another-key", KEY.lower()):
        with pytest.raises(ProviderInvalidRequestError, match="opens only with the key"):
            await runner.call("smz3", "spoiler", id=seed.id, key=key, surface="tests")
    log = await runner.call("smz3", "spoiler", id=seed.id, key=KEY, surface="tests")
    assert "Morphing Ball" == log["locations"][0]["locationName"]
    assert KEY not in json.dumps(log)
    assert KEY in json.dumps(site.seeds["samus.link"])
    text = await runner.call("smz3", "spoiler", id=seed.id, key=KEY, yaml=True, surface="tests")
    assert text.startswith("Game: SMZ3 11.3.2 ")


async def test_a_race_without_a_key_never_opens(runner):
    """
    Not even with an empty one.
    """
    seed = await runner.generate("sm", race=True, surface="tests")

    with pytest.raises(ProviderInvalidRequestError, match="opens only with the key"):
        await runner.call("sm", "spoiler", id=seed.id, surface="tests")
