"""
The hash of a preset's password stays on the site.
"""

from __future__ import annotations

import json

import pytest

from seedcore import ProviderInvalidRequestError, ProviderUnavailableError


@pytest.fixture
def nested(site, say):
    """
    A preset of skills with more passwords than the site has.
    """
    inner = {"PassWord": "a" * 64, "plain": [{"password_hash": "b" * 64, "Mockball": [True, 1]}]}
    site.skills["nested"] = {**say.document("season_races_skills"), "more": inner}
    return ("a" * 64, "b" * 64)


@pytest.mark.parametrize("asked", [{"race": True}, {"spoilers": "on"}])
async def test_no_password_is_sent_or_handed_out(
    *, runner_for, upstream, site, say, events, nested, tmp_path, asked
):
    """
    Not in the form, the seed, an event or a row; and everything else of the skills is sent.
    """
    address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    seeds = []
    async with runner_for(upstream.url, database=address) as runner:
        for name in ("Season_Races", "casual", "nested"):
            options = {"settings_preset": "Season_Races", "skills_preset": name}
            seeds.append(
                await runner.generate("smvaria", options=options, surface="tests", **asked)
            )
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")
    sent = [received.body.decode() for received in upstream.requests]
    seen = f"{sent} {seeds!r} {[event.fields() for event in events]} {stored}"

    assert "password" not in seen.casefold()
    for password in (say.PASSWORD, say.OTHER_PASSWORD, *nested):
        assert password not in seen
    skills = json.loads(site.sent()[0]["paramsFileTarget"])
    assert {"score", "Controller", "Knows", "Settings"} == {*skills}
    assert {"plain": [{"Mockball": [True, 1]}]} == json.loads(site.sent()[2]["paramsFileTarget"])[
        "more"
    ]


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_site_that_repeats_a_password_is_not_repeated(
    *, runner_for, upstream, site, say, events, tmp_path, status
):
    """
    Neither in the error nor in what is written about it.
    """
    words = f"no such thing as {say.PASSWORD}"
    body = {"status": "NOK", "errorMsg": words} if status == 200 else words
    site.then("randomizerWebService", *[say.typed(body, status)] * 3)
    address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    async with runner_for(upstream.url, database=address) as runner:
        with pytest.raises((ProviderInvalidRequestError, ProviderUnavailableError)) as caught:
            await runner.generate("smvaria", preset="season_races", race=True, surface="tests")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")

    assert "no such thing as ***" in caught.value.provider_message
    seen = f"{caught.value!r} {caught.value.to_json()} {[e.fields() for e in events]} {stored}"
    assert say.PASSWORD not in seen


async def test_a_preset_that_is_read_has_no_password(ask, say, nested):
    """
    The rest is as the site has it.
    """
    whole = say.document("season_races_skills")
    read = await ask("skill_preset", name="Season_Races")
    more = (await ask("skill_preset", name="nested"))["more"]

    assert {key: value for key, value in whole.items() if key != "password"} == read
    assert {"plain": [{"Mockball": [True, 1]}]} == more


async def test_what_is_too_deep_to_be_looked_through_is_left_out(ask, site, say):
    """
    There could be a password in it.
    """
    deep = {"password": "c" * 64}
    for _ in range(12):
        deep = {"in": [deep]}
    site.skills["deep"] = {**say.document("season_races_skills"), "deep": deep}

    assert "c" * 64 not in repr(await ask("skill_preset", name="deep"))
