"""
Settings, and the credentials of the machine where none are set.
"""

from __future__ import annotations

import pytest

from seedcore import ProviderAuthenticationError, ProviderInvalidRequestError, SettingsError

FILE = {"key": "logs/one.json", "content": b"{}", "content_type": "application/json"}
AMBIENT = {"access_key": None, "secret_key": None}
WRONG = [
    ({"bucket": ""}, "bucket must be the name of a bucket"),
    ({"bucket": "a b"}, "bucket must be the name of a bucket"),
    ({"region": "eu central"}, "region must be one such as eu-central-1"),
    ({"endpoint_url": "minio:9000"}, "endpoint_url must be an http:// or https:// address"),
    ({"endpoint_url": "https://me:hush@minio"}, "endpoint_url must be an http:// or https://"),
    ({"endpoint_url": "https://minio/?x=1"}, "endpoint_url must be an http:// or https://"),
    ({"endpoint_url": "https://mi_nio"}, "its host has letters, digits, '-' and '.'"),
    ({"endpoint_url": "https://minio:99999"}, "endpoint_url must be an http:// or https://"),
    ({"public_url": "cdn.example"}, "public_url must be an http:// or https:// address"),
    ({"prefix": "a/../b"}, "prefix must be a folder such as seeds/logs"),
    ({"prefix": "x" * 101}, "of 100 bytes at most"),
    ({"secret_key": None}, "access_key and secret_key belong together"),
    ({"access_key": None}, "access_key and secret_key belong together"),
    ({**AMBIENT, "session_token": "hush"}, "session_token belongs to an access_key"),
]


async def put(runner):
    """
    Put a file.
    """
    return await runner.call("s3", "put", surface="tests", **FILE)


@pytest.mark.parametrize(("settings", "words"), WRONG)
async def test_a_setting_that_can_not_be_is_refused(store, runner_for, say, settings, words):
    """
    With what is allowed, and without its value.
    """
    async with runner_for(**{"url": store.url, **_without_url(settings)}) as runner:
        with pytest.raises(SettingsError) as caught:
            await put(runner)

    assert words in str(caught.value)
    for value in ("hush", say.SECRET, say.KEY_ID):
        assert value not in str(caught.value)


def _without_url(settings):
    return {"url" if name == "endpoint_url" else name: text for name, text in settings.items()}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "https://[::1]:9000/s3", "http://minio"])
async def test_addresses_of_every_kind_are_taken(runner_for, url):
    """
    With a port, a path, or a name of one part.
    """
    async with runner_for(url) as runner:
        found = await runner.call("s3", "link", key="a", seconds=1, surface="tests")

    assert found.startswith(f"{url}/seed-logs/a?")


async def test_the_credentials_of_the_machine_are_found(store, runner_for, say, monkeypatch):
    """
    Where every tool of AWS finds them.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", say.KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", say.SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", say.REGION)

    async with runner_for(store.url, **AMBIENT, region=None) as runner:
        await put(runner)

    assert 1 == len(store.objects)


async def test_without_a_region_it_is_the_first_of_all(store, runner_for):
    """
    Stores without regions take that one.
    """
    async with runner_for(store.url, region=None) as runner:
        with pytest.raises(ProviderInvalidRequestError, match='region = "eu-central-1"'):
            await put(runner)

    assert "/us-east-1/s3/" in store.requests[0].headers["authorization"]


async def test_credentials_may_come_later(store, runner_for, say, monkeypatch):
    """
    Without any nothing is asked, and the next call looks again.
    """
    async with runner_for(store.url, **AMBIENT) as runner:
        with pytest.raises(ProviderAuthenticationError, match="set access_key and secret_key"):
            await put(runner)
        assert [] == store.requests

        monkeypatch.setenv("AWS_ACCESS_KEY_ID", say.KEY_ID)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", say.SECRET)
        await put(runner)


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({"AWS_PROFILE": "nobody"}, "ProfileNotFound"),
        ({"AWS_ACCESS_KEY_ID": "AKID"}, "PartialCredentialsError"),
    ],
)
async def test_settings_of_aws_that_are_wrong_are_told(
    store, runner_for, monkeypatch, variables, kind
):
    """
    By their kind, without a value.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    async with runner_for(store.url, **AMBIENT) as runner:
        with pytest.raises(ProviderAuthenticationError, match=kind) as caught:
            await put(runner)

    for value in variables.values():
        assert value not in caught.value.provider_message
