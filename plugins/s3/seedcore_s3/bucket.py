"""
The bucket: one client of aiobotocore, made once, and what is done with it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import aiobotocore.config  # type: ignore[import-untyped]
import aiobotocore.session  # type: ignore[import-untyped]
import attrs

from seedcore import ProviderAuthenticationError, ProviderResponseFormatError
from seedcore_s3.asked import disposition_of
from seedcore_s3.refusals import NO_CREDENTIALS, RefusedError
from seedcore_s3.settings import Settings
from seedcore_s3.wire import LentSession

if TYPE_CHECKING:
    import aiohttp

REGION = "us-east-1"
"""Where S3 began; a store that has no regions takes it for its own."""


async def open_bucket(settings: Settings, http: aiohttp.ClientSession) -> Bucket:
    """
    Return the bucket of *settings*, which asks through *http*.

    Raises ProviderAuthenticationError without credentials.
    """
    _keep_quiet()
    # Reading what AWS offers takes 100 ms, and more from a cold disk.
    session = await asyncio.to_thread(_session)
    # Those of a machine may come late. A client made without them would have none for ever.
    if settings.access_key is None and await session.get_credentials() is None:
        raise ProviderAuthenticationError(NO_CREDENTIALS)
    lease = session.create_client(
        "s3",
        region_name=settings.region or session.get_config_variable("region") or REGION,
        endpoint_url=settings.endpoint_url,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        aws_session_token=settings.session_token,
        config=aiobotocore.config.AioConfig(
            http_session_cls=lambda **_: LentSession(http),
            retries={"total_max_attempts": 1, "mode": "standard"},  # the runner tries again
            signature_version="s3v4",
            user_agent="seedcore",
            # Checksums at the end of a chunked body are beyond most other stores. Content-MD5 is
            # signed, and all know it; to hash the content for the signature too holds the loop.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,  # or a variable would send the files elsewhere
            s3={"addressing_style": _style(settings), "payload_signing_enabled": False},
        ),
    )
    return Bucket(settings=settings, client=await lease.__aenter__(), lease=lease)


def _session() -> Any:
    session = aiobotocore.session.get_session()
    session.warm_up_loader_caches("s3")
    return session


def _style(settings: Settings) -> str:
    """
    Return where the bucket goes. Never auto: links would be for no region then, and redirected.
    """
    in_path = settings.path_style
    if in_path is None:
        in_path = settings.endpoint_url is not None
    return "path" if in_path else "virtual"


def _keep_quiet() -> None:
    """
    Keep botocore from logging headers, tokens and signed addresses where all is logged at DEBUG.

    Who sets a level for it on purpose still gets that.
    """
    for name in ("botocore", "aiobotocore"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)


@attrs.frozen(kw_only=True, eq=False)
class Bucket:
    """
    A bucket that is open; keys are without the prefix of the settings.
    """

    settings: Settings
    client: Any
    lease: Any

    async def put(
        self,
        key: str,
        content: bytes,
        headers: Mapping[str, str | None],
        *,
        filename: str | None,
        public: bool,
    ) -> None:
        """
        Store *content*; *headers* are those to be had with it, in the words of boto.
        """
        digest = await asyncio.to_thread(hashlib.md5, content, usedforsecurity=False)
        wanted: dict[str, str | None] = {
            **headers,
            "ContentMD5": base64.b64encode(digest.digest()).decode(),
            "ContentDisposition": disposition_of(filename) if filename is not None else None,
            "ACL": "public-read" if public and self.settings.public_acl else None,
        }
        given = {name: text for name, text in wanted.items() if text is not None}
        answer = await self.client.put_object(**self._named(key), Body=content, **given)
        _check_tag(answer)

    async def get(self, key: str) -> bytes:
        """
        Return what is stored under *key*.
        """
        answer = await self.client.get_object(**self._named(key))
        _check_tag(answer)
        content: bytes = await answer["Body"].raw_stream.read()
        return content

    async def delete(self, key: str) -> None:
        """
        Delete what is stored under *key*, if anything is.
        """
        try:
            answer = await self.client.delete_object(**self._named(key))
        except RefusedError as error:
            if error.code == "NoSuchKey":  # of S3 itself that is no error, of others it is
                return
            raise
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if status != 204:
            text = f"a deletion is answered with status 204 by S3, and this was {status}"
            raise ProviderResponseFormatError(text)

    async def link(self, key: str, seconds: int) -> str:
        """
        Return an address of *key* that is good for *seconds*.
        """
        address: str = await self.client.generate_presigned_url(
            "get_object", Params=self._named(key), ExpiresIn=seconds
        )
        return address

    async def address_of(self, key: str) -> str:
        """
        Return where people find a public object.
        """
        if self.settings.public_url is not None:
            path = quote(self._named(key)["Key"], safe="/~")
            return f"{self.settings.public_url.rstrip('/')}/{path}"
        # botocore knows how a bucket is addressed, and tells it only of signed addresses.
        return urlsplit(await self.link(key, 1))._replace(query="").geturl()

    async def close(self) -> None:
        """
        Close the client.
        """
        await self.lease.__aexit__(None, None, None)

    def _named(self, key: str) -> dict[str, str]:
        prefix = self.settings.prefix.strip("/")
        return {"Bucket": self.settings.bucket, "Key": f"{prefix}/{key}" if prefix else key}


def _check_tag(answer: Mapping[str, Any]) -> None:
    if not answer.get("ETag"):
        text = "its reply has no ETag, which every object of S3 has; is it S3 that answers there?"
        raise ProviderResponseFormatError(text)
