"""
What the store says when it refuses, and what that means here.

Sentences are ours wherever it is known what to do. No key is in them, and of what the store says
only its code and message are ever kept: the rest repeats signatures and key ids.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Mapping

from seedcore import (
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Request,
)

CODE = re.compile(r"<Code>\s*([A-Za-z0-9._-]{1,100})\s*</Code>")
MESSAGE = re.compile(r"<Message>([^<]{0,2000})</Message>")
REGION = re.compile(r"<Region>\s*([a-z0-9-]{1,63})\s*</Region>")
REGION_HEADER = "x-amz-bucket-region"
NO_CREDENTIALS = (
    "there are no AWS credentials: set access_key and secret_key, or give them the way AWS does"
)


class RefusedError(Exception):
    """
    An answer with a status of 300 and more.

    The core finds status, headers and words where exceptions of other clients have them.
    """

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        said = body.decode("utf-8", "replace")
        code, message = CODE.search(said), MESSAGE.search(said)
        region = REGION.search(said)
        self.status_code = status
        self.headers = headers
        self.code = code[1] if code else ""
        self.region = headers.get(REGION_HEADER, "") or (region[1] if region else "")
        self.text = said
        if code:
            words = html.unescape(message[1]).strip() if message else ""
            self.text = f"{words} ({code[1]})" if words else code[1]


def meaning_of(error: Exception, request: Request) -> ProviderError | None:
    """
    Return what *error* means, or ``None`` where its status says all.
    """
    if isinstance(error, RefusedError):
        return _meaning_of_code(error, request)
    return _meaning_of_client(error) if "botocore" in sys.modules else None


def _meaning_of_code(error: RefusedError, request: Request) -> ProviderError | None:
    if error.status_code < 400 or error.code in _ELSEWHERE:
        return _elsewhere(error)
    if error.code == "AccessDenied":
        return ProviderAuthenticationError(_DENIED.get(request.operation, _DENIED["put"]))
    if error.code == "NotImplemented" and request.arguments.get("public"):
        return ProviderCapabilityError(f"it can't do this; {_NO_ACL}")
    kind, words = _MEANINGS.get(error.code, (None, ""))
    return kind(words) if kind else None


_ELSEWHERE = frozenset({"AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
"""What is said of a signature for another region, beside a redirect."""


def _elsewhere(error: RefusedError) -> ProviderError | None:
    if re.fullmatch(r"[a-z0-9-]{1,63}", error.region):
        text = f'the bucket is in another region: set region = "{error.region}"'
        return ProviderInvalidRequestError(text)
    if error.status_code < 400:
        text = "it redirects: the bucket is elsewhere; see the settings region and endpoint_url"
        return ProviderInvalidRequestError(text)
    return None


_DENIED = {
    "put": "it denies access: the credentials need the permission s3:PutObject for the bucket, and "
    "s3:PutObjectAcl with public_acl",
    "get": "it denies access: the credentials need the permission s3:GetObject for the bucket; "
    "without s3:ListBucket it says the same of an object that isn't there",
    "delete": "it denies access: the credentials need the permission s3:DeleteObject for "
    "the bucket",
}
_NO_ACL = "if it is because of the ACL, set public_acl = false and make files public by a policy"
_TOKEN = "the session token is wrong or has expired: give new credentials"  # noqa: S105 - words
_BUCKET = "there is no such bucket: see the settings bucket, region and endpoint_url"
_SLOWER = "it was asked too often, and wants to be asked less"
_FULL = "the quota of the bucket or its owner is used up: delete files, or have it raised"
_DAMAGED = "the content did not arrive as it was sent"

_MEANINGS: Mapping[str, tuple[type[ProviderError], str]] = {
    "AccessControlListNotSupported": (
        ProviderInvalidRequestError,
        "the bucket takes no ACLs: set public_acl = false and make files public by a bucket policy",
    ),
    "BadDigest": (ProviderUnavailableError, _DAMAGED),
    "ExpiredToken": (ProviderAuthenticationError, _TOKEN),
    "IncompleteBody": (ProviderUnavailableError, _DAMAGED),
    "InvalidAccessKeyId": (
        ProviderAuthenticationError,
        "it doesn't know the access key: see the settings access_key and endpoint_url",
    ),
    "InvalidBucketName": (ProviderInvalidRequestError, _BUCKET),
    "InvalidToken": (ProviderAuthenticationError, _TOKEN),
    "NoSuchBucket": (ProviderInvalidRequestError, _BUCKET),
    "NoSuchKey": (ProviderInvalidRequestError, "there is no such object"),
    "OperationAborted": (ProviderUnavailableError, "another change of this object is under way"),
    "QuotaExceeded": (ProviderCapabilityError, _FULL),
    "RequestTimeTooSkewed": (
        ProviderAuthenticationError,
        "the clock of this machine and its own are more than 15 minutes apart: set this machine's",
    ),
    "RequestTimeout": (ProviderTimeoutError, "the content came too slowly"),
    "SignatureDoesNotMatch": (
        ProviderAuthenticationError,
        "the signature is wrong: see the settings secret_key, region and endpoint_url",
    ),
    "SlowDown": (ProviderRateLimitError, _SLOWER),
    "SlowDownRead": (ProviderRateLimitError, _SLOWER),
    "SlowDownWrite": (ProviderRateLimitError, _SLOWER),
    "Throttling": (ProviderRateLimitError, _SLOWER),
    "ThrottlingException": (ProviderRateLimitError, _SLOWER),
    "TokenRefreshRequired": (ProviderAuthenticationError, _TOKEN),
    "TooManyRequests": (ProviderRateLimitError, _SLOWER),
    "XMinioAdminBucketQuotaExceeded": (ProviderCapabilityError, _FULL),
}


def _meaning_of_client(error: Exception) -> ProviderError | None:
    """
    Say what botocore's own exceptions mean: of credentials, of settings, of an odd reply.
    """
    from botocore import exceptions, parsers  # type: ignore[import-untyped]

    if isinstance(error, parsers.ResponseParserError) or _is_of_the_store(error):
        return ProviderResponseFormatError("its reply is none of S3")
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        # Not of the store, which botocore doesn't ask by itself.
        return ProviderUnavailableError("the service with the AWS credentials can't be reached")
    if isinstance(error, exceptions.ClientError):
        return ProviderAuthenticationError("AWS gives no credentials to this program")
    if isinstance(error, exceptions.ParamValidationError):
        text = "this can't be asked of it; see the settings bucket, region and endpoint_url"
        return ProviderInvalidRequestError(text)
    if isinstance(error, exceptions.BotoCoreError):
        if "Region" in type(error).__name__ or "Endpoint" in type(error).__name__:
            text = "it can't be found; see the settings bucket, region and endpoint_url"
            return ProviderInvalidRequestError(text)
        return ProviderAuthenticationError(f"{NO_CREDENTIALS} ({type(error).__name__})")
    return None


def _is_of_the_store(error: Exception) -> bool:
    # What is left of its own refusals: a success whose body says something else.
    return getattr(error, "operation_name", "") in {"PutObject", "GetObject", "DeleteObject"}
