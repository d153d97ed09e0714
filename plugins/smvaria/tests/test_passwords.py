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


async def test_a_password_is_taken_out_before_words_are_cut(*, make, site, say):
    """
    What is left of one at the end of a line would be no password that anybody knows.
    """
    site.then("randomizerWebService", say.typed(f"{'x' * 480} {say.PASSWORD}", 400))
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await make(preset="season_races", race=True)

    assert caught.value.provider_message.endswith("x ***")


@pytest.mark.parametrize("asked", [{"race": True}, {"spoilers": "on"}])
async def test_a_seed_does_not_repeat_a_password_either(make, site, say, nested, asked):
    """
    The site has made one, and says it in a warning, a name or what it forced.
    """
    said = " ".join([*nested, say.PASSWORD])
    # Cut at the end of a line, what is left of it would be no password that anybody knows.
    site.added = {"errorMsg": f"{'x' * 480} {said}<br>{said}", "forcedArgs": {"suits": said}}
    site.added["fileName"] = f"{said}.sfc"
    site.settings["SGL23Online"]["PasswordHash"] = say.PASSWORD
    options = {"settings_preset": "SGL23Online", "skills_preset": "nested"}
    seed = await make(**options, **asked)

    assert "*** *** ***" == seed.extra["warnings"][-1]
    for password in (*nested, say.PASSWORD):
        assert password[:10] not in repr(seed)


@pytest.mark.parametrize("key", ["passwordHash", "Password", "pwd", "pass", "HASH"])
@pytest.mark.parametrize("value", ["d" * 64, ["d" * 64], {"of": ["d" * 64]}])
async def test_settings_have_passwords_too(
    *, runner_for, upstream, site, events, tmp_path, key, value
):
    """
    Whatever they are called, and however they are kept, they are taken out.
    """
    site.settings["SGL23Online"] = {**site.settings["SGL23Online"], key: value}
    address = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    asked = {"surface": "tests", "options": {"settings_preset": "SGL23Online"}}
    async with runner_for(upstream.url, database=address) as runner:
        seed = await runner.generate("smvaria", **asked, race=True)
        read = await runner.call("smvaria", "settings_preset", surface="tests", name="SGL23Online")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")
    sent = [received.body.decode() for received in upstream.requests]

    seen = f"{sent} {seed!r} {read} {[event.fields() for event in events]} {stored}"
    assert "d" * 64 not in seen
    assert key not in {*site.sent()[0], *read, *seed.settings}


@pytest.mark.parametrize(
    "hidden",
    [
        {"l": [{"password": "e" * 64}]},
        {"password": ["e" * 64]},
        {"password": [{"of": {"it": "e" * 64}}]},
        {"pwd": "e" * 64},
        {"hash": "e" * 64},
    ],
)
async def test_a_password_is_known_wherever_it_is(*, make, site, say, upstream, hidden):
    """
    It is neither sent on, nor told if the site repeats it.
    """
    site.skills["regular"] |= hidden
    site.then("randomizerWebService", say.no_seed(f"no such thing as {'e' * 64}"))

    with pytest.raises(ProviderInvalidRequestError, match=r"no such thing as \*\*\*$"):
        await make(race=True)

    assert "e" * 64 not in str([received.body for received in upstream.requests])


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
