"""
What dashrando.net is asked and answers, for ``pytest`` and ``seedcore check smdash``.
"""

from __future__ import annotations

from seedcore.testing import ProviderContract, Reply, replies
from seedcore_smdash import smdash

SEED = "https://www.dashrando.net/seed/6nkv3t4x7my0"


class SmdashContract(ProviderContract):
    """
    A seed is made by a redirect to it.
    """

    provider = smdash
    request = {"preset": "classic_mm"}
    upstream = Reply(status=307, headers={"Location": SEED}, body=SEED.encode())


class PresetsContract(ProviderContract):
    """
    The names of the presets are the first tags of a list.
    """

    provider = smdash
    operation = "presets"
    request = {}
    upstream = replies.json_reply({"data": [{"tags": ["classic_mm", "standard_mm"]}]})
