"""
What a program that failed says about itself, in words that people may see.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping, Sequence
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

_PATH = re.compile(
    r"""(["'])[~.]{0,2}/(?:(?!\1).)*\1?|(?:(?<=[\s=(:,<\[])|^)[~.]{0,2}/(?=\S)[^"']*"""
)
"""A folder or file: up to the closing quote, or to the end of what is no longer quoted."""
_EXCEPTION = re.compile(r"(?P<kind>\b[\w.]*(?:Error|Exception|File|NotFound|Conflict))(?::|$)")
_UNKNOWN_ITEM = re.compile(r"^(?:RuntimeError: )?Unknown Item: (.{0,60})", re.MULTILINE)
_SECRET = re.compile("SECRET|TOKEN|KEY|PASSWORD", re.IGNORECASE)

WRONG_ROM = ("CorruptFile",)
NO_ENEMIZER = ("EnemizerError",)
NOT_INSTALLED = (
    "ModuleNotFoundError",
    "ImportError",
    "SyntaxError",
    "IndentationError",
    "DistributionNotFound",
    "VersionConflict",
)
NO_ACCESS = ("FileNotFoundError", "PermissionError", "NotADirectoryError")
LUCK = (
    "FillError",
    "GenerationException",
    "NeutralizingException",
    "RuntimeError",
    "Exception",
    "AssertionError",
    "KeyError",
    "IndexError",
    "ValueError",
    "TypeError",
    "RecursionError",
    "ZeroDivisionError",
)
"""What the randomizer raises for a layout that comes to nothing; before it begins, for settings."""
NOT_STARTED = (126, 127)
"""The exit statuses of a shell that can't run what it was given."""


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


def last_line(ended: Ended, places: Sequence[Path]) -> str:
    """
    Return the last that a program said on stderr, else on stdout: the end of a traceback, from
    the exception on, or one line. Files in *places* are told by their names in them, others not.
    """
    for said in (ended.stderr, ended.stdout):
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        if lines:
            kinds = [n for n in range(1, LAST + 1) if _EXCEPTION.match(lines[-n:][0])]
            return _shown(" ".join(lines[-(kinds[0] if kinds else 1) :]), places)
    return f"it ended with status {ended.status}, without a word"


def _shown(said: str, places: Sequence[Path]) -> str:
    said = said[: 4 * LONGEST_LINE]
    for name, value in os.environ.items():
        if len(value) > 3 and _SECRET.search(name):  # it runs as this user, and may have looked
            said = said.replace(value, "…")
    for place in sorted(filter(lambda place: len(place.parts) > 1, places), key=_length):
        said = said.replace(f"{place}/", "").replace(str(place), "…")
    home = os.path.expanduser("~")  # noqa: PTH111 - Path's raises where there is none
    said = said.replace(home, "~") if len(home) > 1 else said
    return _PATH.sub(r"\1…\1", said)[:LONGEST_LINE]


def _length(place: Path) -> int:
    return -len(str(place))


def unknown_item(ended: Ended) -> ProviderError | None:
    """
    Return what it means if a program doesn't know an item, which some only mention and leave out.
    """
    found = _UNKNOWN_ITEM.search(ended.stderr)
    if found is None:
        return None
    item = _shown(found[1].strip(), ())
    text = f"the randomizer has no item {item!r}; check startinventory"
    return ProviderInvalidRequestError(text)


def failure_of(ended: Ended, places: Sequence[Path], *, fixed: bool) -> ProviderError:
    """
    Return what a run of the randomizer means that failed; *fixed* says that its dice always fall
    the same.
    """
    if ended.flooded:
        text = f"the randomizer said more than {MOST_SAID // 1024**2} MiB, and was ended"
        return ProviderResponseFormatError(text)
    if ended.status < 0:
        often = ", which is often for lack of memory" if -ended.status == signal.SIGKILL else ""
        text = f"the randomizer was ended by the signal {_signal(-ended.status)}{often}"
        return ProviderUnavailableError(text)
    line = last_line(ended, places)
    found = _EXCEPTION.match(line)
    kind = found["kind"].rpartition(".")[2] if found else ""
    if kind == "EOFError":  # it asked for something, and what it lacks stands in the question
        question = " ".join(ended.stdout.split()).partition("Press Enter")[0].rstrip(" .")
        return _of_question(_shown(question, places) or line)
    if kind == "MemoryError":
        return ProviderUnavailableError("the randomizer ran out of memory")
    fault = _of_machine(kind, line, ended)
    return ProviderCapabilityError(fault) if fault else _of_exception(line, ended, fixed=fixed)


def _of_question(question: str) -> ProviderError:
    if "sprite" in question:
        text = f"the randomizer has no such sprite: {question}"
        return ProviderInvalidRequestError(text)
    text = f"the randomizer misses something: {question}; check checkout and the other settings"
    return ProviderCapabilityError(text)


def _of_machine(kind: str, line: str, ended: Ended) -> str | None:
    """
    Return what is wrong on this machine, where neither settings nor dice are.
    """
    if ended.status in NOT_STARTED:
        return f"the randomizer can't be started: {line}; check the setting python"
    if kind in WRONG_ROM:
        return (
            f"the ROM isn't the one that the randomizer is made for: {line}; check the setting rom"
        )
    if kind in NO_ENEMIZER:
        return f"the enemizer can't be used: {line}; check the setting enemizer"
    if kind in NOT_INSTALLED:
        return (
            f"the randomizer can't be run: {line}; install what it needs, and set python to the "
            "interpreter that has it"
        )
    if kind in NO_ACCESS:
        return f"the randomizer misses something: {line}; check checkout and the other settings"
    if kind in LUCK or ended.status == 2 or (not kind and BEGUN not in ended.stderr):
        return None
    return f"the randomizer fails on this machine: {line}; check checkout, python and the disk"


def _of_exception(line: str, ended: Ended, *, fixed: bool) -> ProviderError:
    if ended.status == 2 or BEGUN not in ended.stderr:
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
