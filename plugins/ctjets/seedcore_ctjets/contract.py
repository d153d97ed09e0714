"""
What ctjot.com is asked and answers, for ``pytest`` and ``seedcore check ctjets``.
"""

from __future__ import annotations

from seedcore.testing import ProviderContract, Received, Reply, replies
from seedcore_ctjets import ctjets

KEY = "AbCdEfGhIjKlMn1"
TOKEN = "t" * 64
HTML = "text/html; charset=utf-8"
OPTIONS = f'<h4>Version 3.2.0</h4><input type="hidden" name="csrfmiddlewaretoken" value="{TOKEN}">'
PAGE = (
    f'<a id="seed_share" target="_blank" href="/share/{KEY}/">Seed share link</a>\n'
    "<pre>\nSeed: RoboFrog\nGame mode: Standard\n</pre>"
)
DENIED = {"cheating": "not_allowed"}
LOG = {"key_items": [{"location": "Zenan Bridge", "key": "Gate Key"}]}
SHOWN = f'<a href="/spoiler_log/{KEY}.txt">Download Spoiler Log</a><div id="spoiler_section"></div>'


def form() -> Reply:
    """
    Return the form, with the cookie that goes with it.
    """
    cookie = f"csrftoken={'c' * 32}; Max-Age=31449600; Path=/; SameSite=Lax"
    return replies.typed(HTML, OPTIONS, headers={"Set-Cookie": cookie})


def answer(received: Received) -> Reply:
    """
    Answer as the site does, by the path.
    """
    match received.method, received.path.rpartition("3_2_0/")[2]:
        case "GET", "options/":
            return form()
        case "POST", "generate-rom/":
            return replies.redirect(f"/share/{KEY}")
        case "GET", path if path == f"share/{KEY}/":
            return replies.typed(HTML, PAGE)
        case "GET", path if path == f"spoiler_log/{KEY}.json":
            return replies.json_reply(DENIED)
    return replies.typed(HTML, "<h1>Not Found</h1>", 404)


class CtJetsContract(ProviderContract):
    """
    A form is opened and sent, then the seed's page is read, and its spoiler log asked for.
    """

    provider = ctjets
    request = {"options": {"enemy_difficulty": "hard", "disable_glitches": True}}

    def upstream(self, received: Received) -> Reply:
        """
        Answer as the site does.
        """
        return answer(received)

    def leaking(self, received: Received) -> Reply:
        """
        Show the spoiler of a race on its page and where its log is.
        """
        if "/share/" in received.path:
            return replies.typed(HTML, PAGE + SHOWN)
        return replies.json_reply(LOG) if "/spoiler_log/" in received.path else answer(received)


class SeedContract(ProviderContract):
    """
    The page of a seed.
    """

    provider = ctjets
    operation = "seed"
    request = {"id": KEY}
    upstream = replies.typed(HTML, PAGE)


class SpoilerContract(ProviderContract):
    """
    The spoiler log of a seed that isn't for a race.
    """

    provider = ctjets
    operation = "spoiler"
    request = {"id": KEY}
    reply = LOG
