"""
What whoever runs the program sets.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import attrs

from seedcore import SettingsError, secret, setting
from seedcore_s3.asked import fault_of_key

LONGEST_PREFIX = 100
"""Bytes: with a key of 900 they stay within the 1,024 that S3 allows."""
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{1,254}")
"""Names, and the ARNs of access points; which of them there are is the store's to say."""
REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _address(_: Any, attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and not _is_address(value):
        msg = (
            f"{attribute.name} must be an http:// or https:// address without a user and a "
            "query, such as https://files.example; its host has letters, digits, '-' and '.'"
        )
        raise SettingsError(msg)


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:  # of the port, or of an IPv6 address
        return False
    plain = value.isascii() and value.isprintable() and not set(value) & set(" ?#@")
    return (
        plain
        and parts.scheme in {"http", "https"}
        and HOST.fullmatch(parts.hostname or "") is not None
        and port != 0
    )


def _bucket(_: Any, __: Any, value: str) -> None:
    if not BUCKET.fullmatch(value):
        msg = (
            "bucket must be the name of a bucket, such as seed-logs, or the ARN of an access point"
        )
        raise SettingsError(msg)


def _region(_: Any, __: Any, value: str | None) -> None:
    if value is not None and not REGION.fullmatch(value):
        msg = "region must be one such as eu-central-1, or auto for R2"
        raise SettingsError(msg)


def _prefix(_: Any, __: Any, value: str) -> None:
    path = value.strip("/")
    if path and (len(path.encode("utf-8", "replace")) > LONGEST_PREFIX or fault_of_key(path)):
        msg = f"prefix must be a folder such as seeds/logs, of {LONGEST_PREFIX} bytes at most"
        raise SettingsError(msg)


@attrs.frozen(kw_only=True)
class Settings:
    """
    What whoever runs the program sets.
    """

    bucket: str = setting(help="the bucket that the files go to", validator=_bucket)
    region: str | None = setting(
        None,
        help="of the bucket; unset: what AWS's own settings say, or us-east-1",
        validator=_region,
    )
    endpoint_url: str | None = setting(
        None, help="where the store is, if that isn't AWS", validator=_address
    )
    path_style: bool | None = setting(
        None,
        help="true puts the bucket into the path, false into the host; unset: into the path "
        "where there is an endpoint_url",
    )
    access_key: str | None = secret(
        None, help="id of the access key; unset: AWS's own chain of credentials"
    )
    secret_key: str | None = secret(None, help="secret of the access key")
    session_token: str | None = secret(None, help="token of a temporary access key")
    prefix: str = setting("", help="folder in the bucket for all keys", validator=_prefix)
    public_url: str | None = setting(
        None, help="where people fetch public files; unset: from the store", validator=_address
    )
    public_acl: bool = setting(
        False, help="true sends the ACL public-read for public files; new buckets take none"
    )

    def __attrs_post_init__(self) -> None:
        if (self.access_key is None) is not (self.secret_key is None):
            msg = "access_key and secret_key belong together: give both, or neither"
            raise SettingsError(msg)
        if self.session_token is not None and self.access_key is None:
            msg = "session_token belongs to an access_key and a secret_key: give these too"
            raise SettingsError(msg)
