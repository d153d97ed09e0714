"""
What the end of a run means, and which of its words people see.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from seedcore import (
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderUnavailableError,
)
from seedcore_alttprdoor.program import Ended
from seedcore_alttprdoor.words import BEGUN, failure_of

CHECKOUT = Path("/home/John Smith/doors")
PLACES = (Path("/tmp/private"), CHECKOUT, Path("/opt/o'python/bin"))


def failure(line, *, status=1, begun=True):
    """
    Return what a run means that ends with *line*.
    """
    said = f"{BEGUN if begun else ''}\nTraceback:\n{line}\n"
    ended = Ended(status=status, stdout="", stderr=said, flooded=False)
    return failure_of(ended, PLACES, fixed=False)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("'/home/John Smith/doors/data/x'", "'data/x'"),
        ("in /home/John Smith/doors", "in …"),
        ("at /tmp/private/base.sfc. Please", "at base.sfc. Please"),
        ("no /opt/o'python/bin/python", "no python"),
        ("'/home/Jane Doe/My ROMs/base.sfc' is gone", "'…' is gone"),
        ('"/home/o\'brien/x" is gone', '"…" is gone'),
        ("can't read /home/Jane Doe/x, sorry", "can't read …"),
        ("/root", "…"),
        ("~/doors/x", "…"),
        ("see file:///home/bob/x", "see file:…"),
        ("[('/a b', 'Key/Quake')]", "[('…', 'Key/Quake')]"),
        ("3 / 4 of Magic Upgrade (1/2)", "3 / 4 of Magic Upgrade (1/2)"),
        ("your home /var/lib/someone's/x", "your home …"),
    ],
)
def test_paths_of_this_machine_are_not_told(said, shown, monkeypatch):
    """
    But for the names of files in the checkout and in the run's own folder.
    """
    monkeypatch.setenv("HOME", "/var/lib/someone's")
    error = failure(f"RuntimeError: {said}")

    text = f"the randomizer gave up on this seed: RuntimeError: {shown}. That can be bad luck"
    assert f"{text}; ask again" == error.provider_message


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "discord_token", "DB_PASSWORD"])
def test_secrets_of_the_environment_are_not_told(monkeypatch, name):
    """
    A program of this user can read the environment of ours.
    """
    monkeypatch.setenv(name, "hunter22")

    assert "hunter22" not in str(failure("RuntimeError: it is hunter22"))
    assert "hunter22" not in str(failure("hunter22", status=127))


@pytest.mark.parametrize(
    "kind",
    [
        "Fill.FillError",
        "DungeonGenerator.GenerationException",
        "RuntimeError",
        "Exception",
        "AssertionError",
        "KeyError",
    ],
)
def test_what_the_randomizer_raises_is_bad_luck(kind):
    """
    Other dice may fall better.
    """
    error = failure(f"{kind}: anything")

    assert isinstance(error, ProviderInvalidRequestError)
    assert error.retryable


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "check checkout, python and the disk"),
        ("AttributeError: module 'ast' has no attribute 'Str'", "fails on this machine"),
        ("pkg_resources.DistributionNotFound: The 'aenum' distribution", "install what it needs"),
        ("bps.validate.CorruptFile: Source file", "check the setting rom"),
    ],
)
def test_what_is_wrong_with_the_machine_is_no_bad_luck(line, words, begun):
    """
    No dice help, and no other settings.
    """
    error = failure(line, begun=begun)

    assert isinstance(error, ProviderCapabilityError)
    assert line in error.provider_message
    assert words in error.provider_message


@pytest.mark.parametrize("status", [126, 127])
def test_a_shell_that_finds_no_program(status):
    """
    The setting python may be a script.
    """
    error = failure("exec: bwrap: not found", status=status, begun=False)

    assert isinstance(error, ProviderCapabilityError)
    words = "the randomizer can't be started: exec: bwrap: not found; check the setting python"
    assert words == error.provider_message


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (9, "SIGKILL, which is often for lack of memory"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
        (40, "40"),
    ],
)
def test_signals_are_named(number, words):
    """
    Only of one of them people know what it is for.
    """
    error = failure("", status=-number)

    assert isinstance(error, ProviderUnavailableError)
    assert f"the randomizer was ended by the signal {words}" == error.provider_message


def test_an_item_that_ends_the_run():
    """
    Newer branches stop at it.
    """
    from seedcore_alttprdoor.words import unknown_item

    said = "Traceback:\nRuntimeError: Unknown Item: Hookshoot\n"
    error = unknown_item(Ended(status=1, stdout="", stderr=said, flooded=False))

    assert "the randomizer has no item 'Hookshoot'; check startinventory" == error.provider_message
