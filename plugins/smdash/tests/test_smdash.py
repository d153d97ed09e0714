"""
The provider smdash through a runner, against a real server that answers as the site does.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import aiohttp
import pytest

import seedcore
from seedcore import (
    PresetNotFoundError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


async def status_of(url):
    """
    Fetch a page as a player's browser does.
    """
    async with aiohttp.ClientSession() as browser, browser.get(url) as reply:
        return reply.status


# ------------------------------------------------------------------------- seeds


async def test_a_preset_becomes_a_seed(runner, upstream):
    """
    A plain seed has the permalink, its key and the settings it was made with, and is no race.
    """
    seed = await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert f"{upstream.url}/seed/6nkv3t4x7my0" == seed.url
    assert "6nkv3t4x7my0" == seed.id
    assert None is seed.spoiler_url
    assert {"preset": "classic_mm", "race": False, "spoiler": False} == dict(seed.settings)
    assert (None, None) == (seed.code, seed.version)
    assert 1 == seed.meta.attempts
    assert False is seed.meta.possible_duplicate
    assert ["/generate/classic_mm"] == upstream.targets
    assert "GET" == upstream.asked[0].method


async def test_the_redirect_is_the_result_and_is_not_followed(runner, upstream):
    """
    One request is sent, and it is not one for the seed's page.
    """
    await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert 1 == len(upstream.asked)


async def test_a_race_is_asked_for_with_exactly_1(runner, upstream):
    """
    ``race=1`` is sent and nothing about spoilers; then it is looked whether any is shown.
    """
    seed = await runner.generate("smdash", preset="classic_mm", race=True, surface="tests")

    assert ["/generate/classic_mm?race=1", f"/seed/{seed.id}/spoiler"] == upstream.targets
    assert True is upstream.made[seed.id].race
    assert False is upstream.made[seed.id].spoiler
    assert True is seed.settings["race"]
    assert None is seed.spoiler_url


async def test_a_spoiler_has_a_page_of_its_own(runner, upstream):
    """
    The spoiler's address is the seed's with ``/spoiler``, and there is such a page.
    """
    seed = await runner.generate("smdash", preset="classic_mm", spoilers="on", surface="tests")

    assert ["/generate/classic_mm?spoiler=1"] == upstream.targets
    assert f"{seed.url}/spoiler" == seed.spoiler_url
    assert 200 == await status_of(seed.spoiler_url)


@pytest.mark.parametrize("race", [False, True])
async def test_without_a_spoiler_there_is_no_page(runner, upstream, race):
    """
    No spoiler parameter goes out at all, since the upstream takes any value for a yes.
    """
    seed = await runner.generate("smdash", preset="classic_mm", race=race, surface="tests")

    assert "spoiler" not in upstream.targets[0]
    assert 404 == await status_of(f"{seed.url}/spoiler")


async def test_a_race_with_spoilers_is_refused(runner, upstream):
    """
    The upstream would make one; it isn't asked.
    """
    with pytest.raises(ProviderInvalidRequestError, match="a race seed has no spoilers"):
        await runner.generate(
            "smdash", preset="classic_mm", race=True, spoilers="on", surface="tests"
        )

    assert [] == upstream.asked


async def test_delayed_spoilers_are_refused(runner, upstream):
    """
    The site can't reveal a spoiler later.
    """
    with pytest.raises(ProviderCapabilityError):
        await runner.generate("smdash", preset="classic_mm", spoilers="delayed", surface="tests")

    assert [] == upstream.asked


@pytest.mark.parametrize("preset", ["mystery", "mystery-ii"])
async def test_a_mystery_preset_is_known_to_be_a_race(runner, upstream, preset):
    """
    The settings say race, as the upstream makes it, though nobody asked for one.
    """
    seed = await runner.generate("smdash", preset=preset, surface="tests")

    assert [f"/generate/{preset}"] == upstream.targets
    assert upstream.made[seed.id].race is seed.settings["race"] is True


@pytest.mark.parametrize("asked", [{}, {"preset": ".."}, {"preset": "mystery", "spoilers": "on"}])
async def test_a_dry_run_refuses_what_a_real_one_would(runner, upstream, asked):
    """
    Before anybody is asked; what can be asked has a placeholder.
    """
    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate("smdash", surface="tests", dry_run=True, **asked)
    seed = await runner.generate("smdash", surface="tests", dry_run=True, preset="classic_mm")

    assert 0 == caught.value.attempts
    assert seed.url.startswith("https://dry-run.invalid/smdash/")
    assert [] == upstream.asked


async def test_a_mystery_preset_with_spoilers_is_refused(runner, upstream):
    """
    It would be a race seed with a public spoiler.
    """
    with pytest.raises(ProviderInvalidRequestError, match="mystery preset makes a race seed"):
        await runner.generate("smdash", preset="mystery", spoilers="on", surface="tests")

    assert [] == upstream.asked


# ------------------------------------------------------------------- wrong requests


async def test_an_unknown_preset_is_refused_in_the_upstreams_own_words(runner, upstream):
    """
    The list of valid presets reaches the person; nothing is tried again.
    """
    with pytest.raises(PresetNotFoundError) as caught:
        await runner.generate("smdash", preset="recall", surface="tests")

    error = caught.value
    assert error.provider_message.startswith("Invalid preset. Valid presets are: mystery,")
    assert error.provider_message.endswith("chozo_area_scrambled or full_area_scrambled")
    assert error.provider_message in error.user_message
    assert 422 == error.status_code
    assert "permanent" == error.stopped_by
    assert 1 == error.attempts == len(upstream.asked)


async def test_another_422_is_an_invalid_request(runner, upstream):
    """
    Not every 422 is about the preset; the upstream's words are kept.
    """
    upstream.say(422, "Too many flags.")

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert PresetNotFoundError is not type(caught.value)
    assert "Too many flags." == caught.value.provider_message
    assert 1 == caught.value.attempts


async def test_unknown_presets_never_close_the_provider(runner):
    """
    However many people mistype, the next good request is served.
    """
    for _ in range(15):
        with pytest.raises(PresetNotFoundError):
            await runner.generate("smdash", preset="recall", surface="tests")

    seed = await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert 1 == seed.meta.attempts


async def test_a_missing_preset_names_the_command_that_lists_them(runner, upstream):
    """
    Nothing is sent without a preset.
    """
    with pytest.raises(ProviderInvalidRequestError, match="seedcore call smdash presets"):
        await runner.generate("smdash", surface="tests")

    assert [] == upstream.asked


@pytest.mark.parametrize(
    ("preset", "target"),
    [
        ("../api/presets", "/generate/..%2Fapi%2Fpresets"),
        ("classic_mm?spoiler=1", "/generate/classic_mm%3Fspoiler=1"),
        ("classic_mm#x", "/generate/classic_mm%23x"),
        ("classic_mm/../../x", "/generate/classic_mm%2F..%2F..%2Fx"),
        ("%2e%2e", "/generate/%252e%252e"),
        ("\\\\evil.example", "/generate/%5C%5Cevil.example"),
        ("a b", "/generate/a%20b"),
    ],
)
async def test_a_preset_stays_one_part_of_the_path(runner, upstream, preset, target):
    """
    No name leads to another path or adds a parameter; the upstream says that it is unknown.
    """
    with pytest.raises(PresetNotFoundError, match="Valid presets are"):
        await runner.generate("smdash", preset=preset, surface="tests")

    assert [target] == upstream.targets


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        (".", "seedcore call smdash presets"),
        ("..", "seedcore call smdash presets"),
        ("classic\r\nX-Evil: 1", "preset must be a printable text"),
        ("\ud800", "preset must be a printable text"),
        ("classic\u202e", "preset must be a printable text"),
    ],
)
async def test_what_can_be_no_name_is_not_sent(runner, upstream, preset, words):
    """
    Dots alone would leave the path, control characters the request.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words):
        await runner.generate("smdash", preset=preset, surface="tests")

    assert [] == upstream.asked


@pytest.mark.parametrize(
    "wrong", [{"options": {"logic": "1"}}, {"settings": {"logic": "1"}}, {"branch": "beta"}]
)
async def test_what_the_site_does_not_take_is_refused(runner, upstream, wrong):
    """
    Nothing is ignored in silence: a preset is all there is to choose.
    """
    with pytest.raises(ProviderInvalidRequestError):
        await runner.generate("smdash", preset="classic_mm", surface="tests", **wrong)

    assert [] == upstream.asked


# ----------------------------------------------------------------------- bad weather


async def test_one_503_is_survived(runner, upstream, events):
    """
    The second attempt brings the seed, marked since the first may have made one too.
    """
    upstream.say(503, "down for a moment")

    seed = await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert "6nkv3t4x7my0" == seed.id
    assert 2 == seed.meta.attempts == len(upstream.asked)
    assert True is seed.meta.possible_duplicate
    assert [503] == [event.status_code for event in events if event.level == "WARNING"]


@pytest.mark.parametrize("fault", ["reset", "truncate"])
async def test_a_broken_connection_is_survived(runner, upstream, fault):
    """
    A reset before the answer or in the middle of it costs one attempt.
    """
    getattr(upstream, fault)()

    seed = await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert "6nkv3t4x7my0" == seed.id
    assert 2 == seed.meta.attempts == len(upstream.asked)
    assert True is seed.meta.possible_duplicate


async def test_a_500_ends_with_the_upstreams_words(runner, upstream):
    """
    After three attempts the last answer's text is in the error.
    """
    for _ in range(3):
        upstream.say(500, "KV storage is not reachable")

    with pytest.raises(ProviderUnavailableError) as caught:
        await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert "KV storage is not reachable" == caught.value.provider_message
    assert (500, 3) == (caught.value.status_code, caught.value.attempts)
    assert 3 == len(upstream.asked)


async def test_a_long_pause_is_told_at_once(runner, upstream):
    """
    A 429 that asks for more than the caller's patience is raised with the time to come back.
    """
    upstream.say(429, "slow down", Retry_After="120")

    with pytest.raises(ProviderRateLimitError) as caught:
        await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert 120 == caught.value.retry_after
    assert None is not caught.value.retry_at
    assert 1 == len(upstream.asked)


async def test_a_short_pause_is_kept(runner, upstream):
    """
    A 429 that asks for less than that is waited for, and costs no attempt of the limit.
    """
    upstream.say(429, "slow down", Retry_After="0.005")

    seed = await runner.generate(
        "smdash", preset="classic_mm", surface="tests", policy={"retry_max_attempts": 2}
    )

    assert 2 == seed.meta.attempts == len(upstream.asked)
    assert False is seed.meta.possible_duplicate


async def test_an_answer_that_never_comes_is_a_timeout(runner, upstream):
    """
    The limit of an attempt ends it.
    """
    upstream.stall()
    limits = {"attempt_timeout": 0.01, "retry_max_attempts": 1}

    with pytest.raises(ProviderTimeoutError):
        await runner.generate("smdash", preset="classic_mm", surface="tests", policy=limits)


SEED = "/seed/6nkv3t4x7my0"


@pytest.mark.parametrize(
    ("location", "body"),
    [
        (None, "{site}" + SEED),
        ("", "{site}" + SEED),
        ("{site}" + SEED, ""),
        ("{site}" + SEED, "{site}/seed/87vc1a749a6f"),
        (SEED, SEED),
        ("https://evil.example" + SEED, "https://evil.example" + SEED),
        ("https://www.dashrando.net.evil.example" + SEED,) * 2,
        ("https://www.dashrando.net@evil.example" + SEED,) * 2,
        ("https://evil.example\\www.dashrando.net" + SEED,) * 2,
        ("ftp://www.dashrando.net" + SEED,) * 2,
        ("javascript:alert(1)//www.dashrando.net" + SEED,) * 2,
        ("{site}/seed/6NKV3T4X7MY0",) * 2,
        ("{site}/seed/6nkv3t4x7my",) * 2,
        ("{site}/seed/6nkv3t4x7my00",) * 2,
        ("{site}/seed/",) * 2,
        ("{site}/login?next=" + SEED,) * 2,
        ("{site}" + SEED + "?spoiler=1",) * 2,
        ("{site}" + SEED + "#spoiler",) * 2,
        ("no address at all",) * 2,
    ],
)
async def test_a_redirect_that_is_no_seed_is_refused(runner, upstream, location, body):
    """
    Only a seed on the site's own host is believed, and only if header and body agree.
    """
    headers = {} if location is None else {"Location": location.format(site=upstream.url)}
    upstream.say(307, body.format(site=upstream.url), **headers)

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert 307 == caught.value.status_code
    assert "evil.example" not in caught.value.user_message
    assert 1 == caught.value.attempts == len(upstream.asked)


async def test_a_permalink_on_the_public_site_is_believed(runner, upstream):
    """
    Whatever base_url says, seeds of dashrando.net are where they always are.
    """
    permalink = "https://www.dashrando.net/seed/a6a5cd1b35lh"
    upstream.say(307, permalink, Location=permalink)

    seed = await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert (permalink, "a6a5cd1b35lh") == (seed.url, seed.id)


@pytest.mark.parametrize("status", [200, 201, 204, 302, 308])
async def test_any_other_success_is_none(runner, upstream, status):
    """
    Only a 307 announces a seed, whatever else names one.
    """
    permalink = upstream.url + SEED
    upstream.say(status, "" if status == 204 else permalink, Location=permalink)

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert status == caught.value.status_code
    assert 1 == len(upstream.asked)


async def test_a_page_instead_of_a_redirect_is_refused(runner, upstream):
    """
    A page for people is no seed, and none of its text is shown.
    """
    upstream.page()

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert "Welcome" not in caught.value.user_message
    assert 1 == len(upstream.asked)


# --------------------------------------------------------------------------- presets


async def test_presets_are_names(runner, upstream):
    """
    The first tag of each preset, in the order of the site.
    """
    names = await runner.call("smdash", "presets", surface="tests")

    assert ["classic", "surprise_surprise", "chozo_bozo", "mystery", "mystery-ii"] == names
    assert ["/api/presets"] == upstream.targets


async def test_every_name_can_be_asked_for(runner):
    """
    What presets returns is what generate takes.
    """
    for name in await runner.call("smdash", "presets", surface="tests"):
        seed = await runner.generate("smdash", preset=name, surface="tests")

        assert name == seed.settings["preset"]


async def test_the_list_of_presets_survives_a_503(runner, upstream):
    """
    Reading may be repeated.
    """
    upstream.say(503)

    assert 5 == len(await runner.call("smdash", "presets", surface="tests"))
    assert 2 == len(upstream.asked)


@pytest.mark.parametrize(
    "body",
    [
        "",
        '{"data":[{"name":"Classic M/M","tags":["cla',
        "[]",
        "null",
        '"data"',
        '{"data": null}',
        '{"data": "classic"}',
        '{"data": ["classic"]}',
        '{"data": [{"name": "Classic M/M"}]}',
        '{"data": [{"tags": []}]}',
        '{"data": [{"tags": "classic"}]}',
        '{"data": [{"tags": [{"name": "classic"}]}]}',
        '{"data": [{"tags": ["classic"]}, {"tags": [7]}]}',
        '{"data": [{"tags": ["cla\\u202essic"]}]}',
    ],
)
async def test_garbage_instead_of_presets_is_refused(runner, upstream, body):
    """
    A list of another shape is the provider's fault, named as such and not asked for again.
    """
    upstream.say(200, body, Content_Type="application/json")

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.call("smdash", "presets", surface="tests")

    assert None is caught.value.reason
    assert 1 == caught.value.attempts == len(upstream.asked)


async def test_an_error_instead_of_presets_is_told_in_its_words(runner, upstream):
    """
    A failure that comes as JSON is a failure, not a list of another shape.
    """
    for _ in range(3):
        upstream.say(500, '{"error": "KV is down"}', Content_Type="application/json")

    with pytest.raises(ProviderUnavailableError) as caught:
        await runner.call("smdash", "presets", surface="tests")

    assert "KV is down" == caught.value.provider_message


async def test_a_page_instead_of_presets_is_refused(runner, upstream):
    """
    So is a page for people.
    """
    upstream.page()

    with pytest.raises(ProviderResponseFormatError):
        await runner.call("smdash", "presets", surface="tests")


# ------------------------------------------------------------------------ the plugin


async def test_a_base_url_with_a_path_is_kept(upstream, runner_for):
    """
    A mirror below a path is asked below that path.
    """
    async with runner_for(f"{upstream.url}/mirror") as runner:
        with pytest.raises(ProviderInvalidRequestError):
            await runner.generate("smdash", preset="classic_mm", surface="tests")

    assert ["/mirror/generate/classic_mm"] == upstream.targets


@pytest.fixture
def self_signed(tmp_path):
    """
    A server's TLS with a certificate for 127.0.0.1 that nobody vouches for.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("there is no openssl to make a certificate with: apt install openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls


async def test_a_server_that_can_not_prove_its_name_is_not_asked(
    make_upstream, runner_for, self_signed
):
    """
    TLS is checked: the connection fails before a request goes out.
    """
    async with make_upstream(tls=self_signed) as upstream, runner_for(upstream.url) as runner:
        with pytest.raises(ProviderUnavailableError) as caught:
            await runner.generate("smdash", preset="classic_mm", surface="tests")

        assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorCertificateError)
        assert [] == upstream.asked


def test_the_entry_point_is_a_provider():
    """
    What pyproject.toml names can be imported and offers the two operations.
    """
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]
    assert ["seedcore.providers", "seedcore.contracts"] == [*declared]
    assert {*declared["seedcore.providers"]} == {*declared["seedcore.contracts"]}
    registry = seedcore.Registry(discover=False)
    for name, value in declared["seedcore.providers"].items():
        registry.add(name, EntryPoint(name, value, "seedcore.providers").load())

    assert ("smdash",) == registry.names
    operations = registry.load("smdash").operations
    assert {"generate": "repeatable", "presets": "read"} == {
        name: operation.effect for name, operation in operations.items()
    }
    assert {"generate": True, "presets": False} == {
        name: operation.audited for name, operation in operations.items()
    }
    assert "https://www.dashrando.net" == registry.load("smdash").declaration.base_url
