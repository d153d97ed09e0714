"""
What a test seals and shows all the same is found.
"""

from __future__ import annotations

import re
import subprocess
import sys

from seedcore.testing.sealing import texts_of
from support.documents import ROOT

CASES = "tests/support/sealed_cases.py"


def test_whatever_is_shown_is_found() -> None:
    """
    In events, errors, rows and commands, however it is written; nothing else is.
    """
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-q", "-rA"]
    command += ["-p", "no:cacheprovider", "-p", "seedcore.testing.sealing", CASES]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    errors = re.findall(r"^ERROR \S+::(test_\w+)", ended.stdout, re.MULTILINE)
    passed = re.findall(r"^PASSED \S+::(test_\w+)", ended.stdout, re.MULTILINE)

    shown = ["an_event", "an_event", "an_error", "a_row"]
    assert [f"test_shown_in_{each}" for each in shown] + ["test_shown_by_a_command"] == errors
    assert 8 == len(passed), ended.stdout
    for place in ("event chat", "error ProviderInvalidRequestError", "row", "command"):
        assert re.search(rf"(the|a) {place} shows .* of call \S+, which is sealed", ended.stdout)


def test_what_of_a_log_is_a_secret() -> None:
    """
    A name with its value, a line with both; not what everybody knows of the settings.
    """
    log = {"meta": {"goal": "ganon"}, "Light World": {"Chest": "Lamp"}, "Shops": [{"Item": "Bee"}]}

    assert ["ChestLamp", "ItemBee"] == [*texts_of(log)]
    assert ["Sanctuary: Lamp"] == [*texts_of("Locations\nSanctuary: Lamp\n")]
    assert ["Sanctuary: Lamp"] == [*texts_of(b"Sanctuary: Lamp\n")]
