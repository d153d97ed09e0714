"""
Which site is asked, and how it is got into.
"""

from __future__ import annotations

import base64

import pytest

from seedcore import ProviderInvalidRequestError, SettingsError
from seedcore.testing import FaultUpstream

OPERATIONS = [
    ("game", {"hash": "Hash000000"}, "/hash/Hash000000"),
    ("patch", {"hash": "Hash000000"}, "/api/h/Hash000000"),
    ("settings", {}, "/randomizer/settings"),
    ("customizer_settings", {}, "/customizer/settings"),
    ("daily", {}, "/api/daily"),
]


async def roll(runner, **arguments):
    """
    Make a race.
    """
    return await runner.generate("alttpr", race=True, surface="tests", **arguments)


@pytest.mark.parametrize("branch", ["beeta", "tournament"])
async def test_a_branch_is_another_site(upstream, runner_for, site, branch):
    """
    It is asked for the game, and it keeps it: the permalink is there.
    """
    async with FaultUpstream() as other:
        other.script(site)
        # A slash at the end of an address makes no difference.
        async with runner_for(upstream.url, **{f"{branch}_url": f"{other.url}/"}) as runner:
            seed = await roll(runner, branch=branch)

            assert f"{other.url}/h/{seed.id}" == seed.url
            assert [f"/hash/{seed.id}"] == [asked.target for asked in other.requests[1:]]
            for operation, arguments, target in OPERATIONS:
                await runner.call("alttpr", operation, surface="tests", branch=branch, **arguments)
                assert target in [asked.target for asked in other.requests]

    assert [] == upstream.requests


async def test_live_is_the_base_url(upstream, runner_for, site):
    """
    With or without its name, also below a path.
    """
    async with runner_for(f"{upstream.url}/festive/") as runner:
        site.festive = True
        for branch in (None, "live"):
            seed = await roll(runner, branch=branch)
            assert f"{upstream.url}/festive/h/{seed.id}" == seed.url


async def test_unknown_branches_are_refused_by_every_operation(runner, upstream):
    """
    The sentence lists those there are.
    """
    for operation, arguments, _ in OPERATIONS:
        with pytest.raises(ProviderInvalidRequestError, match="one of live, beeta, tournament"):
            await runner.call("alttpr", operation, surface="tests", branch="beta", **arguments)

    assert [] == upstream.requests


async def test_the_permalink_keeps_the_sites_name(upstream, runner_for):
    """
    What is sent elsewhere on the way has the address that was asked.
    """
    from random import Random

    from seedcore import Registry, Runner
    from seedcore_alttpr import Alttpr

    registry = Registry(discover=False)
    registry.add("alttpr", Alttpr(Random(1)))
    async with Runner(
        registry=registry, database=None, http_middlewares=[upstream.middleware]
    ) as runner:
        urls = [(await roll(runner, branch=name)).url for name in ("live", "beeta", "tournament")]

    assert [
        "https://alttpr.com/h/Hash000000",
        "https://beeta.alttpr.com/h/Hash000001",
        "https://tournament.alttpr.com/h/Hash000002",
    ] == urls


# ------------------------------------------------------------------------- credentials


async def test_both_credentials_are_sent(upstream, runner_for):
    """
    As basic authentication, with every request.
    """
    async with runner_for(upstream.url, username="bot", password="pässword") as runner:
        await roll(runner)
        await runner.call("alttpr", "settings", surface="tests")

    basic = "Basic " + base64.b64encode("bot:pässword".encode()).decode()
    assert [basic, basic, basic] == [asked.headers["authorization"] for asked in upstream.requests]


async def test_without_credentials_there_is_no_header(runner, upstream):
    """
    The public site wants none.
    """
    await roll(runner)

    assert "authorization" not in upstream.requests[0].headers


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"username": "bot"}, "username and password are needed together"),
        ({"password": "a secret one"}, "username and password are needed together"),
        ({"username": "b:t", "password": "a secret one"}, "username can't have a colon"),
    ],
)
async def test_half_a_login_is_refused(upstream, runner_for, settings, words):
    """
    It would be no login, and nobody would notice.
    """
    async with runner_for(upstream.url, **settings) as runner:
        with pytest.raises(SettingsError, match=words) as caught:
            await roll(runner)

    assert "a secret one" not in str(caught.value)
    assert [] == upstream.requests


@pytest.mark.parametrize("key", ["beeta_url", "tournament_url"])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "nope",
        "javascript:alert(1)",
        "ftp://x",
        "https://",
        "https://:80",
        "https://x?x=1",
        "https://x/?x=1",
        "https://x/#x",
        "https://x:0",
        "https://x:port",
        "https://[x",
        "https://x y",
        "https://me:secret@x",
    ],
)
async def test_an_address_that_is_none_is_refused(runner_for, key, url):
    """
    At once, whatever is asked; a login in it would be shown.
    """
    async with runner_for("https://alttpr.example", **{key: url}) as runner:
        with pytest.raises(SettingsError, match=f"{key} must be an http:// or https://") as caught:
            await roll(runner, dry_run=True)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("branch", [None, "beeta"])
async def test_cookies_are_not_kept(upstream, runner_for, site, recorded, branch):
    """
    The site sets some with every page that it keeps.
    """
    import attrs

    headers = {**recorded("settings").headers, "Set-Cookie": "laravel_session=1; Path=/"}
    async with runner_for(upstream.url, beeta_url=upstream.url) as runner:
        for _ in range(2):
            site.next.append(attrs.evolve(recorded("settings"), headers=headers))
            await runner.call("alttpr", "settings", surface="tests", branch=branch)

    assert ["cookie" in asked.headers for asked in upstream.requests] == [False, False]
