"""
What a program that failed says about itself, in words that people may see.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path

from seedcore import (
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
)
from seedcore_alttprdoor.program import MOST_SAID, Ended

BEGUN = "Door Randomizer Version"
"""What the randomizer says once it has taken its settings, and begins to roll dice."""
LONGEST_LINE = 300
LAST = 4
"""Lines that the words of an exception may have."""

_PATH = re.compile(r"(?<![\w.])(?:[~.]{0,2}/)(?:[^/\s'\":]+/)*(?=[^/\s'\":])")
_EXCEPTION = re.compile(r"(?P<kind>[A-Za-z_][\w.]*(?:Error|Exception|File))(?::|$)")

WRONG_ROM = ("bps.validate.CorruptFile",)
NO_ENEMIZER = ("EnemizerError", "Main.EnemizerError")
NOT_INSTALLED = ("ModuleNotFoundError", "ImportError", "SyntaxError", "IndentationError")
NO_ACCESS = ("FileNotFoundError", "PermissionError", "NotADirectoryError", "EOFError")


def environment(home: Path) -> Mapping[str, str]:
    """
    Return the environment of a program: nothing of ours, which may hold secrets, but where
    programs are.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONNOUSERSITE": "1",
    }


def last_line(ended: Ended, root: Path) -> str:
    """
    Return the last that a program said on stderr, else on stdout, without folders: the end of a
    traceback, from the exception on, or one line.
    """
    for said in (ended.stderr, ended.stdout):
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        if lines:
            kinds = [n for n in range(1, LAST + 1) if _EXCEPTION.match(lines[-n:][0])]
            line = " ".join(lines[-(kinds[0] if kinds else 1) :])[: 4 * LONGEST_LINE]
            return _PATH.sub("", line.replace(f"{root}/", ""))[:LONGEST_LINE]
    return f"it ended with status {ended.status}, without a word"


def failure_of(ended: Ended, root: Path, *, fixed: bool) -> ProviderError:
    """
    Return what a run of the randomizer means that failed; *fixed* says that its dice always fall
    the same.
    """
    if ended.flooded:
        text = f"the randomizer said more than {MOST_SAID // 1024**2} MiB, and was ended"
        return ProviderResponseFormatError(text)
    if ended.status < 0:
        text = (
            f"the randomizer was ended by the signal {_signal(-ended.status)}, which is often for "
            "lack of memory"
        )
        return ProviderUnavailableError(text)
    line = last_line(ended, root)
    found = _EXCEPTION.match(line)
    return _of_exception(found["kind"] if found else "", line, ended, fixed=fixed)


def _of_exception(kind: str, line: str, ended: Ended, *, fixed: bool) -> ProviderError:
    if kind in WRONG_ROM:
        text = (
            f"the ROM isn't the one that the randomizer is made for: {line}; check the setting rom"
        )
        return ProviderCapabilityError(text)
    if kind in NO_ENEMIZER:
        text = f"the enemizer can't be used: {line}; check the setting enemizer"
        return ProviderCapabilityError(text)
    if kind in NOT_INSTALLED:
        text = (
            f"the randomizer can't be run: {line}; install what it needs, and set python to the "
            "interpreter that has it"
        )
        return ProviderCapabilityError(text)
    if kind in NO_ACCESS:
        text = f"the randomizer misses something: {line}; check checkout and the other settings"
        return ProviderCapabilityError(text)
    if kind == "MemoryError":
        return ProviderUnavailableError("the randomizer ran out of memory")
    begun = BEGUN in ended.stderr
    if ended.status == 2 or not begun:
        # Exit status 2 is that of argparse.
        text = f"the randomizer can't use these settings: {line}"
        return ProviderInvalidRequestError(text)
    # It isn't down, so this must not count as an outage would; but the next dice may fall better.
    text = f"the randomizer gave up on this seed: {line}. That can be bad luck; ask again"
    return ProviderInvalidRequestError(text, retryable=not fixed)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
