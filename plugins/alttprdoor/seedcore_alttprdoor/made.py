"""
One run of the randomizer, from its settings file to what it made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from seedcore import ProviderCapabilityError, ProviderResponseFormatError
from seedcore_alttprdoor.folder import Folder
from seedcore_alttprdoor.patch import Patch, patch_of
from seedcore_alttprdoor.program import in_thread, run
from seedcore_alttprdoor.settings import PROGRAM
from seedcore_alttprdoor.spoiler import Head, head_of
from seedcore_alttprdoor.words import environment, failure_of, unknown_item

LARGEST_GAME = 8 * 1024 * 1024
LARGEST_LOG = 4 * 1024 * 1024
TITLE = slice(0x7FC0, 0x7FC0 + 21)
"""Where a game has its title, in which its seed stands."""

_NUMBER = re.compile(r"_[0-9]{1,9}$")


@attrs.frozen(kw_only=True)
class Made:
    """
    What a run made: the log, what stands at its top, and the patch if there is a game.
    """

    log: str = attrs.field(repr=False)
    head: Head
    title: str
    patch: Patch | None


@attrs.frozen(kw_only=True)
class Run:
    """
    What is run: the randomizer of a checkout, by a Python, with a settings file.
    """

    checkout: Path
    interpreter: str
    flips: str | None
    base: bytes = attrs.field(repr=False)
    name: str
    game_wanted: bool
    fixed: bool
    """Whether its dice always fall the same."""

    def command(self, folder: Folder) -> Sequence[str]:
        """
        Return how the randomizer is called.
        """
        program = str(self.checkout / PROGRAM)
        return self.interpreter, program, "--settingsfile", str(folder.settings)


async def make(what: Run, folder: Folder, document: Mapping[str, Any]) -> Made:
    """
    Run the randomizer, and take what it made.

    Raises what its failure means, and ProviderResponseFormatError for what isn't as promised.
    """
    await in_thread(folder.lay, what.checkout, what.base, document)
    environ = environment(folder.home)
    try:
        ended = await run(what.command(folder), cwd=folder.desk, environment=environ)
    except OSError as error:
        text = f"the randomizer can't be started ({error.strerror}); check the setting python"
        raise ProviderCapabilityError(text) from None
    if fault := unknown_item(ended):
        raise fault
    if ended.status or ended.flooded:
        places = (folder.root, what.checkout, Path(what.interpreter).parent)
        raise failure_of(ended, places, fixed=what.fixed)
    log = await in_thread(folder.take, f"{what.name}_Spoiler.txt", LARGEST_LOG)
    text = log.decode("utf-8", "replace")
    head = head_of(text)
    if not what.game_wanted:
        return Made(log=text, head=head, title="", patch=None)
    if head.code is None:
        words = "the spoiler log of the randomizer has no line with the file-select code"
        raise ProviderResponseFormatError(words)
    game = await in_thread(folder.take, f"{what.name}.sfc", LARGEST_GAME)
    if len(game) < len(what.base):
        words = "the game that the randomizer made is smaller than the ROM"
        raise ProviderResponseFormatError(words)
    patch = await patch_of(what.base, game, flips=what.flips)
    title = game[TITLE].rstrip(b"\0 ").decode("ascii", "replace")
    return Made(log=text, head=head, title=title, patch=patch)


def leak_of(shown: Mapping[str, Any]) -> str | None:
    """
    Name what people could learn of a seed without spoilers: from the files that were put where
    everybody can fetch them, the words in the patch, and the game's title.
    """
    found = []
    if any("spoiler" in name.lower() for name in shown["files"]):
        found.append("its spoiler log")
    if shown["notes"].strip():
        found.append("words that are hidden in the patch")
    # A number as its seed says that its dice can be rolled again.
    if _NUMBER.search(shown["title"]):
        found.append("its seed number, of which the spoiler can be made")
    return " and ".join(found) or None
