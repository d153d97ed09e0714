"""
What the errors of a store become.
"""

from __future__ import annotations

import pytest

from seedcore import (
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from seedcore.testing import Reply, replies

KEY = "logs/5e0c86de3ab14cf2.json"
FILE = {"key": KEY, "content": b"{}", "content_type": "application/json"}
CODES = [
    (400, "AccessControlListNotSupported", ProviderInvalidRequestError, "public_acl = false", 1),
    (400, "BadDigest", ProviderUnavailableError, "did not arrive as it was sent", 3),
    (400, "ExpiredToken", ProviderAuthenticationError, "session token", 1),
    (400, "IncompleteBody", ProviderUnavailableError, "did not arrive as it was sent", 3),
    (400, "InvalidBucketName", ProviderInvalidRequestError, "the settings bucket", 1),
    (400, "InvalidToken", ProviderAuthenticationError, "session token", 1),
    (400, "RequestTimeout", ProviderTimeoutError, "too slowly", 3),
    (400, "XMinioAdminBucketQuotaExceeded", ProviderCapabilityError, "quota of the bucket", 1),
    (400, "TokenRefreshRequired", ProviderAuthenticationError, "session token", 1),
    (403, "AccessDenied", ProviderAuthenticationError, "permission s3:PutObject", 1),
    (403, "InvalidAccessKeyId", ProviderAuthenticationError, "settings access_key", 1),
    (403, "QuotaExceeded", ProviderCapabilityError, "quota of the bucket", 1),
    (403, "RequestTimeTooSkewed", ProviderAuthenticationError, "clock of this machine", 1),
    (403, "SignatureDoesNotMatch", ProviderAuthenticationError, "settings secret_key", 1),
    (404, "NoSuchBucket", ProviderInvalidRequestError, "the settings bucket", 1),
    (404, "NoSuchKey", ProviderInvalidRequestError, "no such object", 1),
    (409, "OperationAborted", ProviderUnavailableError, "another change", 3),
    (429, "TooManyRequests", ProviderRateLimitError, "asked less", None),
    (500, "InternalError", ProviderUnavailableError, "Words of the store. (InternalError)", 3),
    (501, "NotImplemented", ProviderCapabilityError, "Words of the store. (NotImplemented)", 1),
    (503, "ServiceUnavailable", ProviderUnavailableError, "Words of the store.", 3),
    (503, "SlowDown", ProviderRateLimitError, "asked less", None),
]


async def put(runner, **more):
    """
    Put a file.
    """
    return await runner.call("s3", "put", surface="tests", **{**FILE, **more})


@pytest.mark.parametrize("case", CODES, ids=lambda case: case[1])
async def test_a_code_says_what_to_do(runner, store, say, events, case):
    """
    And the error says nothing that the store repeats of the signature.
    """
    status, code, kind, words, attempts = case
    store.first += [say.refused(status, code)] * 9

    with pytest.raises(kind) as caught:
        await put(runner)

    error = caught.value
    assert (kind, status) == (type(error), error.status_code)
    assert words in str(error)
    assert attempts in {None, error.attempts}
    assert error.attempts == len(store.requests)
    seen = f"{error!r} {error.__cause__!r} {[event.fields() for event in events]}"
    for text in (say.KEY_ID, "AWS4-HMAC", KEY, "REQUEST-ID"):
        assert text not in seen


async def test_a_store_that_asks_to_slow_down_gets_its_pause(runner, store, say):
    """
    The gate of the core waits, for all calls.
    """
    store.first.append(say.refused(503, "SlowDown"))

    await put(runner)

    assert 2 == len(store.requests)


async def test_a_pause_that_is_asked_for_is_known(runner, store):
    """
    Of a proxy, say, that speaks no S3.
    """
    store.first.append(replies.rate_limited(70))

    with pytest.raises(ProviderRateLimitError) as caught:
        await put(runner)

    assert 70 == caught.value.retry_after


async def test_an_acl_that_is_refused_names_the_setting(store, runner_for, say):
    """
    Of new buckets, and of stores that have none at all.
    """
    store.acls = False
    async with runner_for(store.url, public_acl=True) as runner:
        with pytest.raises(ProviderInvalidRequestError, match="public_acl = false"):
            await put(runner, public=True)
        store.first.append(say.refused(501, "NotImplemented"))
        with pytest.raises(ProviderCapabilityError, match="public_acl = false"):
            await put(runner, public=True)


@pytest.mark.parametrize(
    ("operation", "words"), [("get", "s3:ListBucket"), ("delete", "s3:DeleteObject")]
)
async def test_a_missing_permission_is_named(runner, store, say, operation, words):
    """
    For each operation its own.
    """
    store.first.append(say.refused(403, "AccessDenied"))

    with pytest.raises(ProviderAuthenticationError, match=words):
        await runner.call("s3", operation, key=KEY, surface="tests")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"access_key": "AKIDOTHER"}, "doesn't know the access key"),
        ({"secret_key": "another-secret"}, "the signature is wrong"),
        ({"bucket": "another-bucket"}, "there is no such bucket"),
        ({"region": "us-west-2"}, 'set region = "eu-central-1"'),
    ],
)
async def test_a_wrong_setting_is_named(store, runner_for, settings, words):
    """
    By what the store says of it; nothing is asked twice.
    """
    async with runner_for(store.url, **settings) as runner:
        with pytest.raises(ProviderInvalidRequestError, match=words):
            await put(runner)

    assert 1 == len(store.requests)


@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"x-amz-bucket-region": "ap-south-1"}, 'set region = "ap-south-1"'),
        ({"x-amz-bucket-region": "<b>"}, "the settings region and endpoint_url"),
        ({}, "the settings region and endpoint_url"),
    ],
)
async def test_a_redirect_is_told_and_not_followed(runner, store, status, headers, words):
    """
    It would carry what was signed to whoever it names.
    """
    there = {"Location": f"{store.url}/elsewhere", **headers}
    store.first.append(Reply(status=status, headers=there))

    with pytest.raises(ProviderInvalidRequestError, match=words) as caught:
        await put(runner)

    assert (status, 1) == (caught.value.status_code, len(store.requests))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(),
        Reply(headers={"ETag": '"x"'}, body=b"<html>"),
        replies.typed("application/xml", "<Error><Code>InternalError</Code></Error>"),
        replies.typed("text/html", "<html>Log in</html>"),
        replies.garbage(),
    ],
)
@pytest.mark.parametrize("operation", ["put", "delete"])
async def test_a_success_that_is_none_is_refused(runner, store, operation, reply):
    """
    A file that is said to be there must be there.
    """
    store.first.append(reply)
    asked = FILE if operation == "put" else {"key": KEY}

    with pytest.raises(ProviderResponseFormatError) as caught:
        await runner.call("s3", operation, surface="tests", **asked)

    assert None is caught.value.reason
    assert 1 == len(store.requests)


async def test_half_a_file_is_none(runner, store):
    """
    It is got again.
    """
    await put(runner)
    store.first.append(Reply(headers={"ETag": '"x"'}, body=b"{" * 1000, cut="in_body"))

    assert await runner.call("s3", "get", key=KEY, surface="tests") == b"{}"
    assert 3 == len(store.requests)


async def test_a_store_that_hangs_is_left(runner, store):
    """
    At the limit of the attempt: there is no other.
    """
    await put(runner)
    store.first.append(replies.hanging())

    with pytest.raises(ProviderTimeoutError, match=r"no answer within 0\.2 s"):
        await put(runner, policy={"attempt_timeout": 0.2, "retry_enabled": False})

    assert 2 == len(store.requests)


async def test_a_store_that_is_not_there_was_not_asked(store, runner_for):
    """
    Nobody listens, so that nothing can have been done.
    """
    await store.upstream.stop()
    async with runner_for(store.url) as runner:
        with pytest.raises(ProviderUnavailableError, match="no connection could be made") as caught:
            await put(runner)

    assert (3, False) == (caught.value.attempts, caught.value.in_doubt)


async def test_a_connection_that_is_reset_is_made_again(runner, store):
    """
    By the runner alone.
    """
    store.first += [Reply(cut="at_once"), Reply(cut="in_head", status=500)]

    await put(runner)

    assert 3 == len(store.requests)
