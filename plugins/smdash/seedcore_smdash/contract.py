"""
What dashrando.net is asked and answers, for ``pytest`` and ``seedcore check smdash``.
"""

from __future__ import annotations

from seedcore.testing import ProviderContract, Received, Reply, replies
from seedcore_smdash import smdash

PAGE = "text/html; charset=utf-8"
SEED = "https://www.dashrando.net/seed/6nkv3t4x7my0"


class SmdashContract(ProviderContract):
    """
    A seed is made by a redirect to it, and has no spoiler page.
    """

    provider = smdash
    request = {"preset": "classic_mm"}

    def upstream(self, received: Received) -> Reply:
        """
        Answer by path.
        """
        if received.path.endswith("/spoiler"):
            return replies.typed(PAGE, "<html>This page could not be found.</html>", 404)
        return Reply(status=307, headers={"Location": SEED}, body=SEED.encode())

    def leaking(self, received: Received) -> Reply:
        """
        Answer the same, but for a spoiler page that is there.
        """
        if received.path.endswith("/spoiler"):
            return replies.typed(PAGE, "<html>Morphing Ball</html>")
        return self.upstream(received)


class PresetsContract(ProviderContract):
    """
    The names of the presets are the first tags of a list.
    """

    provider = smdash
    operation = "presets"
    request = {}
    upstream = replies.json_reply({"data": [{"tags": ["classic_mm", "standard_mm"]}]})
