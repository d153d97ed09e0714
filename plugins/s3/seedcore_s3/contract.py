"""
What a store is asked and answers, for ``pytest`` and ``seedcore check s3``.
"""

from __future__ import annotations

from seedcore.testing import ProviderContract, Reply
from seedcore_s3 import s3

STORE = {
    "endpoint_url": "{upstream}",
    "bucket": "seed-logs",
    "region": "us-east-1",  # it stands beside the signature, where only secrets are expected
    "access_key": "AKIDFORTESTS",
    "secret_key": "secret-for-tests",
    "session_token": "token-for-tests",
}
KEY = "logs/9f1c55e07b7a4f0d.json"
TAG = {"ETag": '"36b5bd2ac48c2acceb67818e08645a77"'}


class PutContract(ProviderContract):
    """
    A file is put.
    """

    provider = s3
    operation = "put"
    request = {"key": KEY, "content": b"{}", "content_type": "application/json"}
    settings = STORE
    upstream = Reply(headers=TAG)


class GetContract(ProviderContract):
    """
    It is got again.
    """

    provider = s3
    operation = "get"
    request = {"key": KEY}
    settings = STORE
    upstream = Reply(headers={**TAG, "Content-Type": "application/json"}, body=b"{}")


class DeleteContract(ProviderContract):
    """
    It is deleted.
    """

    provider = s3
    operation = "delete"
    request = {"key": KEY}
    settings = STORE
    upstream = Reply(status=204)


class LinkContract(ProviderContract):
    """
    An address is signed, for which nobody is asked.
    """

    provider = s3
    operation = "link"
    request = {"key": KEY, "seconds": 3600}
    settings = STORE
    exempt = {
        "secrets-masked": "the address that it returns has the id of the access key, and the token "
        "of a temporary one: it is signed with them",
    }
