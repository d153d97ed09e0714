"""
What whoever runs the program sets: where the randomizer, the ROM and the tools are.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from seedcore import SettingsError, setting

ARGUMENTS = Path("resources", "app", "cli", "args.json")
"""Where a checkout lists what its randomizer takes."""
PROGRAM = "DungeonRandomizer.py"

_PAGE = re.compile(r"https?://[^\s{}]*\{patch\}[^\s{}]*")

Check = Callable[[Any, "attrs.Attribute[Any]", str], None]


def place(value: str) -> Path:
    """
    Return the place on this machine that a setting names.
    """
    return Path(value).expanduser().absolute()


def _checkout(_: Any, field: attrs.Attribute[Any], value: str) -> None:
    folder = place(value)
    if not all(_is_file(folder / name) for name in (PROGRAM, ARGUMENTS)):
        msg = (
            f"{field.name} must be the folder of an ALttPDoorRandomizer, with its {PROGRAM}; "
            "clone its repository, and set this to where it is"
        )
        raise SettingsError(msg)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _rom(_: Any, field: attrs.Attribute[Any], value: str) -> None:
    if not _is_file(place(value)):
        msg = (
            f"{field.name} must be a file: the Japanese 1.0 ROM of A Link to the Past, which "
            "only you can supply"
        )
        raise SettingsError(msg)


def _tool(remedy: str) -> Check:
    def check(_: Any, field: attrs.Attribute[Any], value: str) -> None:
        if not _found(value):
            msg = f"{field.name} must be a program that can be run; {remedy}"
            raise SettingsError(msg)

    return check


def _found(value: str) -> str | None:
    try:
        return shutil.which(str(place(value)) if "/" in value else value)
    except (OSError, ValueError):
        return None


def _page(_: Any, field: attrs.Attribute[Any], value: str) -> None:
    if not _PAGE.fullmatch(value):
        msg = f"{field.name} must be an http:// or https:// address with {{patch}} in it"
        raise SettingsError(msg)


def unless_empty(check: Check) -> Check:
    """
    Return *check* for a setting that may be left out.
    """

    def either(instance: Any, field: attrs.Attribute[Any], value: str) -> None:
        if value:
            check(instance, field, value)

    return either


@attrs.frozen(kw_only=True)
class Settings:
    """
    Where everything is; ``~`` is the home of whoever runs the program.
    """

    checkout: str = setting(
        help="folder of ALttPDoorRandomizer, for the branch stable", validator=_checkout
    )
    rom: str = setting(help="file of the Japanese 1.0 ROM, with or without header", validator=_rom)
    unstable_checkout: str = setting(
        "", help="folder for the branches volatile and unstable", validator=unless_empty(_checkout)
    )
    python: str = setting(
        "",
        help="Python that has what the randomizer needs; unset: the one that runs this",
        validator=unless_empty(_tool("make an environment for it, and set this to its python")),
    )
    enemizer: str = setting(
        "",
        help="EnemizerCLI.Core, for enemies and bosses on the branch stable",
        validator=unless_empty(_tool("leave it out if nobody shuffles enemies or bosses")),
    )
    flips: str = setting(
        "",
        help="flips, for smaller patches; unset: they are made without it",
        validator=unless_empty(_tool("leave it out, and patches are made without it")),
    )
    patcher_url: str = setting(
        "https://alttprpatch.synack.live/patcher.html?patch={patch}",
        help="page that applies a patch; {patch} is the patch's address",
        validator=_page,
    )

    def checkout_of(self, branch: str | None) -> Path | None:
        """
        Return the folder of a branch; ``None`` where nobody has set it.
        """
        named = self.checkout if branch in (None, "stable") else self.unstable_checkout
        return place(named) if named else None

    @property
    def interpreter(self) -> str:
        """
        The Python that runs the randomizer.
        """
        return (_found(self.python) or self.python) if self.python else sys.executable

    def tool(self, value: str) -> str | None:
        """
        Return how a program is called; ``None`` where nobody has set it.
        """
        return (_found(value) or value) if value else None
