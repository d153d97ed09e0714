"""
A store that takes everything, for the commands of the README; ``store.py`` has the one of tests.
"""

from __future__ import annotations

from seedcore.testing import Received, Reply

TAG = {"ETag": '"36b5bd2ac48c2acceb67818e08645a77"'}


class Site:
    """
    What is kept by path, whoever asks.
    """

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def answer(self, received: Received) -> Reply:
        """
        Answer as a store does that looks at no signature.
        """
        if received.method == "PUT":
            self.kept[received.path] = received.body
            return Reply(headers=TAG)
        if received.method == "DELETE":
            return Reply(status=204)
        return Reply(headers=TAG, body=self.kept.get(received.path, b"{}"))
