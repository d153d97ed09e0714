"""
How long and how much: ``SOAK=full`` for a proof, anything else for a quick look.
"""

from __future__ import annotations

import os
import sys

import attrs

SEED = int(os.environ.get("SOAK_SEED", "20260"))
"""Decides every random moment; printed with each scenario."""


@attrs.frozen(kw_only=True)
class Size:
    """
    The numbers of the three scenarios; times are seconds.
    """

    workers: int = 8
    chaos: float = 60.0
    """Faults with the default open times."""
    open_time: float = 60.0
    """The fixed open time of the other half of the chaos."""
    attempt_timeout: float = 4.0
    """During chaos: under 5 s, so that one probe at a time is all the rule allows."""
    look: float = 8.0
    """How much of each outage of the upstream is looked at: probes that hang take long."""
    probes: int = 5
    """How many probes must have been seen, or the chaos has proved nothing."""
    outage: float = 30.0
    """How long the database is gone."""
    rounds: int = 200
    """Processes killed."""
    rounds_at_once: int = 8


FULL = Size()
SHORT = Size(
    chaos=15.0,
    open_time=8.0,
    attempt_timeout=2.0,
    look=3.0,
    probes=0,
    outage=10.0,
    rounds=15,
    rounds_at_once=4,
)

SIZE = FULL if os.environ.get("SOAK") == "full" else SHORT


def say(text: str) -> None:
    """
    Tell a person how far it is; pytest shows it with ``-s``, or when the test fails.
    """
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()
