"""
A program that a provider runs: what stands for it, how its runs end, and what it was given.

There is one, the Door Randomizer of ``alttprdoor``. What is in its place belongs to the tests of
that plugin, and lies in the same checkout as the flows.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from seedcore.testing.flows.files import Flow

PROVIDER = "alttprdoor"
PROGRAM = Path("plugins", PROVIDER, "tests", "checkout")
"""In the checkout whose ``tests/flows`` has the flows: it notes what it is given."""


class NotHere(Exception):  # noqa: N818 - nobody's fault
    """
    A flow can't be replayed here; the text says why.
    """


class Ran:
    """
    The Door Randomizer's checkouts ``stable`` and ``unstable`` in *folder*, for *flow*.

    Raises NotHere where there is no program to stand for it.
    """

    def __init__(self, folder: Path, flow: Flow) -> None:
        program = _program_of(flow)
        self._checkouts = [folder / "stable", folder / "unstable"]
        for checkout in self._checkouts:
            shutil.copytree(program, checkout)
            (checkout / "course.json").write_text(json.dumps(flow.course))

    def settings(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return *own* with the settings that the provider can't do without.
        """
        stable, unstable = map(str, self._checkouts)
        needed = {"rom": str(_contract().ROM), "checkout": stable, "unstable_checkout": unstable}
        return {**needed, **own}

    def provider(self, own: Mapping[str, Any]) -> Any:
        """
        Return the provider, which draws the same names in each replay.

        It takes the ROM of its contract, and the real one where the flow's *own* settings name it.
        """
        contract = _contract()
        made = importlib.import_module(f"seedcore_{PROVIDER}").Alttprdoor
        rng = Random(1)  # noqa: S311 - the same names in each replay
        return made(rng) if "rom" in own else made(rng, contract.base_of(contract.ROM))

    def runs(self) -> list[dict[str, Any]]:
        """
        Return which checkout was run, in order, and the settings file that it got.
        """
        noted = [path for one in self._checkouts for path in sorted(one.glob("runs/*.json"))]
        return [
            {
                "checkout": path.parents[1].name,
                "settings": json.loads(path.read_text())["settings"],
            }
            for path in noted
        ]


def _program_of(flow: Flow) -> Path:
    if flow.provider != PROVIDER:
        text = f"it runs a program, and only that of {PROVIDER} can be played"
        raise NotHere(text)
    if flow.path is None:
        text = "it runs a program, which is looked for beside the file of the flow"
        raise NotHere(text)
    program = flow.path.resolve().parents[2] / PROGRAM
    if not program.is_dir():
        text = f"what stands for the program isn't there: {program}"
        raise NotHere(text)
    return program


def _contract() -> Any:
    # By name: the core knows no plugin.
    return importlib.import_module(f"seedcore_{PROVIDER}.contract")
