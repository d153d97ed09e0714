"""
A stand-in for ctjot.com: two versions, each with its form, and the seeds that were made.
"""

from __future__ import annotations

import email
import email.message
import json
import re
from collections import deque
from pathlib import Path
from typing import Any, Self

import attrs

from seedcore.testing import FaultUpstream, Received, Reply, replies

HTML = "text/html; charset=utf-8"
BASE = (
    '<!DOCTYPE html>\n<html prefix="og: https://ogp.me/ns#">\n<head><title>Chrono Trigger: Jets of '
    'Time Randomizer</title></head>\n<body><nav><a class="nav-link" target="_blank" href="/">Home'
    '</a></nav>\n<div id="content">{}</div>\n</body>\n</html>'
)
MISSING = replies.typed(HTML, BASE.format("<h1>Not Found</h1><p>No such resource.</p>"), 404)


def recorded(name: str) -> dict[str, Any]:
    """
    Return a recorded answer: status, headers and body.
    """
    text = Path(__file__).with_name("replies").joinpath(f"{name}.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


REQUIRED = tuple(recorded("invalid_form")["body"].split("fields:\n")[1].split("\n</p>")[0].split())
"""The fields that the form of 3.2.0 can't do without; game_mode was given where it was recorded."""


def names(text: str) -> tuple[str, ...]:
    """
    Return the names of fields.
    """
    return tuple(text.split())


OTHERS = names(
    """disable_glitches boss_rando boss_scaling zeal early_pendant locked_chars unlocked_magic
    tab_treasures chronosanity duplicate_characters mystery_seed healing_item_rando gear_rando
    epoch_fail duplicate_duals legacy_boss_placement boss_spot_hp sightscope_always_on
    boss_sightscope fast_tabs free_menu_glitch bucket_fragments starters_sufficient use_antilife
    tackle_effects spoiler_log duplicate_char_assignments game_mode"""
)
OLDER = names("difficulty shop_prices tech_rando duplicate_char_assignments")
OLDER_FLAGS = names(
    """disable_glitches zeal early_pendant lost_worlds locked_chars unlocked_magic boss_scaling
    boss_rando spoiler_log"""
)


def reply_of(name: str) -> Reply:
    """
    Return a recorded answer, to be given again.
    """
    said = recorded(name)
    return Reply(status=said["status"], headers=said["headers"], body=said["body"].encode())


def error_page(words: str, status: int = 404) -> Reply:
    """
    Return the site's own error page.
    """
    text = f'<div class="container"><h1>Error</h1>\n\t<p>{words}</p></div>'
    return replies.typed(HTML, BASE.format(text), status)


def parts_of(received: Received) -> dict[str, email.message.Message]:
    """
    Return the parts of a form, by name.
    """
    head = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + received.body)
    named = {}
    for part in message.get_payload():
        name = str(part.get_param("name", header="content-disposition"))
        assert name not in named, f"{name} is there twice"
        named[name] = part
    return named


def form_in(received: Received) -> dict[str, str]:
    """
    Return the fields of a form that are no file.
    """
    parts = parts_of(received).items()
    return {name: part.get_payload() for name, part in parts if not part.get_filename()}


def moved(received: Received, folder: str, other: str) -> Received:
    """
    Return a request as one to another folder of the site.
    """
    headers = {name: text.replace(folder, other) for name, text in received.headers.items()}
    target = received.target.replace(folder, other)
    return attrs.evolve(received, target=target, headers=headers)


@attrs.frozen(kw_only=True)
class Game:
    """
    A seed that was made.
    """

    id: str
    race: bool
    seed: str


class Site:
    """
    The site, while the context is open.

    ``first``, ``made``, ``pages`` and ``logs`` answer in place of the form, its target, the pages
    and the spoiler logs, each once. ``fields`` says whether the options pages show their fields,
    ``leaks`` whether race seeds show their spoiler all the same, ``folder`` whether the site
    names pages with the folder of their version.
    """

    def __init__(self) -> None:
        self.upstream = FaultUpstream()
        self.first: deque[Reply] = deque()
        self.made: deque[Reply] = deque()
        self.pages: deque[Reply] = deque()
        self.logs: deque[Reply] = deque()
        self.fields = True
        self.leaks = False
        self.folder = True
        self.games: dict[str, Game] = {}
        self._tokens: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self.upstream.start()
        self.upstream.script(self.answer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.upstream.stop()

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return self.upstream.url

    @property
    def asked(self) -> list[str]:
        """
        The requests, as method and path.
        """
        return [f"{received.method} {received.path}" for received in self.upstream.requests]

    @property
    def sent(self) -> dict[str, str]:
        """
        The fields of the last form.
        """
        posted = [received for received in self.upstream.requests if received.method == "POST"]
        return form_in(posted[-1])

    def answer(self, received: Received) -> Reply:
        """
        Answer as the site does.
        """
        found = re.fullmatch(r"/(3_1_0|3_2_0)/(.*)", received.path)
        if found is None:
            return MISSING
        version, path = found[1], found[2]
        if (received.method, path) == ("GET", "options/"):
            return self.first.popleft() if self.first else self._options(version)
        if (received.method, path) == ("POST", "generate-rom/"):
            return self.made.popleft() if self.made else self._generate(received, version)
        if re.fullmatch(r"share/\w+", path):
            return replies.redirect(f"{received.path}/", 301)
        if found := re.fullmatch(r"share/(\w+)/", path):
            return self.pages.popleft() if self.pages else self._share(found[1], version)
        if found := re.fullmatch(r"spoiler_log/(\w+)\.json", path):
            return self.logs.popleft() if self.logs else self._log(found[1], version)
        return MISSING

    def _options(self, version: str) -> Reply:
        number = len(self._tokens)
        token, cookie = f"{number:064d}", f"{number:032d}"
        self._tokens[cookie] = token
        fields = (*REQUIRED, *OTHERS) if version == "3_2_0" else (*OLDER, *OLDER_FLAGS)
        shown = "".join(
            f'\n<input type="checkbox" name="{name}" id="id_{name}">' for name in fields
        )
        seed = '<input class="form-control" name="seed" id="id_seed" type="text">'
        text = (
            f"<h4>Version {version.replace('_', '.')}</h4><form><input type="
            f'"hidden" name="csrfmiddlewaretoken" value="{token}">{seed}'
            f"{shown if self.fields else ''}</form>"
        )
        headers = {"Set-Cookie": f"csrftoken={cookie}; Max-Age=31449600; Path=/; SameSite=Lax"}
        return replies.typed(HTML, BASE.format(text), headers=headers)

    def _generate(self, received: Received, version: str) -> Reply:
        form = form_in(received)
        cookie = received.headers.get("cookie", "").partition("csrftoken=")[2]
        token = self._tokens.get(cookie)
        own = f"http://{received.headers.get('host')}/{version}/options/"
        if form.get("csrfmiddlewaretoken") != token or received.headers.get("referer") != own:
            return reply_of("no_csrf")
        newer = version == "3_2_0"
        required = (*REQUIRED, "game_mode") if newer else OLDER
        wrong = [name for name in required if not form.get(name)]
        if wrong:
            return error_page("Errors in the following form fields:\n" + "\n".join(wrong) + "\n")
        if not newer and parts_of(received).get("rom_file") is None:
            return replies.typed(HTML, "<h1>Server Error (500)</h1>", 500)
        key = f"AbCdEfGhIjKl{len(self.games):03d}"
        race = "spoiler_log" not in form
        self.games[key] = Game(id=key, race=race, seed=form.get("seed") or "RoboFrog")
        folder = f"/{version}" if self.folder else ""
        if newer:
            return replies.redirect(f"{folder}/share/{key}")
        return self._share(key, version)

    def _share(self, key: str, version: str) -> Reply:
        game = self.games.get(key)
        if game is None:
            return reply_of("share_unknown")
        folder = f"/{version}" if self.folder else ""
        text = (
            f'<h3><a id="seed_share" target="_blank" href="{folder}/share/{key}/">Seed share link'
            f'</a> &middot;&middot;&middot; <a id="seed_practice" target="_blank" href="{folder}'
            f'/practice/{key}/">(create practice seed)</a></h3>\n<pre>\nSeed: {game.seed}\n'
            "Game Mode: Standard\nEnemies &amp; items: normal\n        </pre>"
        )
        if not game.race or self.leaks:
            text += (
                '<input type="button" id="spoiler_log_button" value="Show Spoiler Log"><a href="'
                f'{folder}/spoiler_log/{key}.txt">Download Spoiler Log</a><div id="spoiler_section"'
                '><table id="key_item_table"><tr><td>Zenan Bridge</td><td>Gate Key</td></tr>'
                "</table></div>"
            )
        return replies.typed(HTML, BASE.format(text))

    def _log(self, key: str, version: str) -> Reply:
        if version == "3_1_0":
            return MISSING
        game = self.games.get(key)
        if game is None:
            return reply_of("spoiler_json_unknown")
        if game.race and not self.leaks:
            return replies.json_reply({"cheating": "not_allowed"})
        return replies.json_reply({"key_items": [{"location": "Zenan Bridge", "key": "Gate Key"}]})
