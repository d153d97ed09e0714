"""
What a caller may ask for: a few settings of a game, and what is to go wrong.
"""

from __future__ import annotations

from typing import Literal

import attrs

from seedcore import setting
from seedcore_dry_run.failures import Failure

LONGEST = 2_000
"""Most characters of a text; seedcore shows no more of an upstream's words either."""

Crystal = Literal["0", "1", "2", "3", "4", "5", "6", "7"]


def between(low: float, high: float) -> list[object]:
    """
    Return the checks that let a number from *low* to *high* pass.
    """
    return [attrs.validators.ge(low), attrs.validators.le(high)]


@attrs.frozen(kw_only=True)
class Crystals:
    """
    Settings of a game below those at the top, as many sites have them.
    """

    ganon: Crystal = setting("7", help="crystals that the last fight needs")
    tower: Crystal = setting("7", help="crystals that the tower needs")


@attrs.frozen(kw_only=True)
class Game:
    """
    Settings as other sites have them; they come back in the seed and mean nothing else.
    """

    goal: Literal["ganon", "dungeons", "pedestal"] = setting("ganon", help="how the game is won")
    hints: Literal["on", "off"] = setting("off", help="whether the game has hints")
    players: int = setting(1, help="how many play, 1 to 8", validator=between(1, 8))
    crystals: Crystals = setting(factory=Crystals, help="how many crystals are needed")


@attrs.frozen(kw_only=True)
class Options(Game):
    """
    The options of ``generate``: a game, and what is to go wrong.
    """

    fail: Failure | None = setting(None, help="the error that attempts end with")
    attempts: int | None = setting(
        None,
        help="how many attempts fail before one succeeds, 1 to 20; all if it isn't given",
        validator=attrs.validators.optional(between(1, 20)),  # type: ignore[arg-type]
    )
    message: str = setting(
        "",
        help="what the site says about the failure, in place of words of its own",
        validator=attrs.validators.max_len(LONGEST),
    )
    retry_after: float = setting(
        10.0,
        help="seconds of the pause that the failure rate-limit asks for, 0.1 to 3600",
        validator=between(0.1, 3600),
    )
    looks: int = setting(
        0,
        help="how often it is still being made when it is looked at, once a second, 0 to 100",
        validator=between(0, 100),
    )
    delay: float = setting(
        0.0, help="seconds that each attempt takes, 0 to 600", validator=between(0, 600)
    )
