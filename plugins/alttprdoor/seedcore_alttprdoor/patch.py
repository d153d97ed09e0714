"""
The patch that makes a game of the base ROM: the one thing that may be given to people.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import attrs

from seedcore import ProviderCapabilityError, ProviderResponseFormatError
from seedcore_alttprdoor.folder import PRIVATE, Folder, disk, private_folder
from seedcore_alttprdoor.program import in_thread, run
from seedcore_alttprdoor.words import environment, last_line

LARGEST = 8 * 1024 * 1024
MAGIC = b"BPS1"
LINEAR = Path(__file__).with_name("linear.py")


@attrs.frozen
class Patch:
    """
    A BPS patch, and what its maker wrote into it for people.
    """

    content: bytes = attrs.field(repr=False)
    notes: str


async def patch_of(base: bytes, game: bytes, *, flips: str | None) -> Patch:
    """
    Return the patch from *base* to *game*, which *flips* makes if there is one.

    Raises ProviderCapabilityError if its maker fails, ProviderResponseFormatError if what it
    made is no such patch.
    """
    # By now the randomizer may have touched everything in its own folder.
    async with private_folder() as work:
        await in_thread(_lay, work, base, game)
        content = await _made(work, flips)
    return await in_thread(_checked, content, base, game)


async def _made(work: Folder, flips: str | None) -> bytes:
    files = [str(work.out / name) for name in ("base.sfc", "game.sfc", "game.bps")]
    making = [sys.executable, "-I", str(LINEAR)]
    command = [flips, "--create", "--bps-delta", *files] if flips else [*making, *files]
    name = "flips" if flips else "python-bps-continued"
    try:
        ended = await run(command, cwd=work.out, environment=environment(work.home))
    except OSError as error:
        text = f"{name} can't be started ({error.strerror}); check the setting flips"
        raise ProviderCapabilityError(text) from None
    if ended.status or ended.flooded:
        text = f"{name} made no patch: {last_line(ended, [work.root])}; check the setting flips"
        raise ProviderCapabilityError(text)
    return await in_thread(work.take, "game.bps", LARGEST)


@disk()
def _lay(work: Folder, base: bytes, game: bytes) -> None:
    for path in (work.home, work.out):
        path.mkdir(mode=PRIVATE)
    (work.out / "base.sfc").write_bytes(base)
    (work.out / "game.sfc").write_bytes(game)


def _checked(content: bytes, base: bytes, game: bytes) -> Patch:
    """
    Return the patch if it is one from *base* to *game*, by its sizes and checksums.
    """
    expected = [zlib.crc32(part).to_bytes(4, "little") for part in (base, game, content[:-4])]
    whole = len(content) > 19 and content.startswith(MAGIC)
    if whole and b"".join(expected) == content[-12:]:
        sizes, place = [], len(MAGIC)
        for _ in range(3):
            number, place = _number(content, place)
            sizes.append(number)
        notes = content[place : place + sizes[2]]
        if sizes[:2] == [len(base), len(game)]:
            return Patch(content, notes.decode("utf-8", "replace"))
    text = "the patch that was made isn't one from the ROM to the game"
    raise ProviderResponseFormatError(text)


def _number(content: bytes, place: int) -> tuple[int, int]:
    """
    Return the number that begins at *place*, and where the next thing begins.
    """
    number, shift = 0, 1
    for _ in range(8):
        byte = content[place]
        place += 1
        number += (byte & 0x7F) * shift
        if byte & 0x80:
            break
        shift <<= 7
        number += shift
    return number, place
