"""
What the site's answer to a request for a seed says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from seedcore import (
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    Seed,
)
from seedcore_smvaria.site import Answer, lines_of
from seedcore_smvaria.wish import Sent, Wish

BAD_LUCK = (
    "Exceeded time limit",
    "STUCK",
    "Could not find a",
    "generation timed out",
    "something wrong happened",
)
"""What is in the words of the generator where another roll of the dice may do better."""
BROKE_OFF = "Error: "
"""How its words begin where it broke off while it placed things; "Error patching" is later."""
NO_RACE_MODE = "race_mode"
"""The module for race seeds, which is on the site and in no public source."""

KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER = re.compile(r"VARIA_(?:[A-Za-z]+_)?[A-Z]*X([0-9]{1,19})_")
_TELLING = re.compile(r"[.:\s]*(?:Affected locations|Estimated seed difficulty)\b.*", re.IGNORECASE)
"""The part of a warning that tells where things are, or how hard it is to get at them."""


@attrs.frozen(kw_only=True)
class Roll:
    """
    One seed as the site told of it.
    """

    key: str
    reply: Mapping[str, Any]
    warnings: list[str]

    @property
    def file_name(self) -> str | None:
        """
        The name of the file, which has the seed's number in it.
        """
        name = self.reply.get("fileName")
        return name if isinstance(name, str) and name else None

    @property
    def number(self) -> str | None:
        """
        The number of the seed, from which the same one is made where it is no race seed.
        """
        found = _NUMBER.match(self.file_name or "")
        return found[1] if found else None


def roll_of(answer: Answer, *, hidden: bool) -> Roll:
    """
    Return the seed in an answer. Raises what it means if there is none.
    """
    reply = answer.mapping
    lines = lines_of(reply.get("errorMsg"))
    if reply.get("status") == "NOK":
        raise refusal(lines, hidden=hidden)
    if reply.get("status") != "OK":
        text = "its answer doesn't say whether there is a seed"
        raise ProviderResponseFormatError(text)
    key = reply.get("seedKey")
    if key is None:
        text = "it made a seed and couldn't keep it, so that nobody can have it"
        raise ProviderResponseFormatError(text)
    if not isinstance(key, str) or not KEY.fullmatch(key):
        text = "the key of its seed can't be one"
        raise ProviderResponseFormatError(text)
    if hidden:
        lines = [_TELLING.sub("", line) for line in lines]
    return Roll(key=key, reply=reply, warnings=[line for line in lines if line])


def refusal(lines: list[str], *, hidden: bool) -> ProviderError:
    """
    Return what it means that there is no seed, which the site answers with status 200.
    """
    said = "\n".join(lines) or "it doesn't say why"
    if hidden and NO_RACE_MODE in said:
        text = (
            "it has no race mode, without which everybody can look into a seed: its module for it "
            f"isn't public. With spoilers on it can make one that is no race. It says: {said}"
        )
        return ProviderCapabilityError(text)
    if any(words in said for words in BAD_LUCK) or said.startswith(BROKE_OFF):
        text = f"its generator gave up: {said}\nThat can be bad luck; ask again, or for less"
        return ProviderInvalidRequestError(text, retryable=True)
    return ProviderInvalidRequestError(f"its generator made no seed: {said}")


def seed_of(roll: Roll, sent: Sent, wish: Wish, site: str) -> Seed:
    """
    Return the seed for who asked.
    """
    extra: dict[str, Any] = {
        "settings_preset": wish.settings_preset,
        "skills_preset": sent.recorded["preset"],
        "warnings": roll.warnings,
    }
    if not wish.hidden:
        forced = roll.reply.get("forcedArgs")
        facts: dict[str, Any] = {"file_name": roll.file_name, "seed": roll.number}
        facts["forced"] = forced if isinstance(forced, Mapping) else None
        extra |= {name: fact for name, fact in facts.items() if fact}
    return Seed(
        url=permalink(site, roll.key),
        id=roll.key,
        settings=sent.recorded,
        extra=extra,
    )


def permalink(site: str, key: str) -> str:
    """
    Return where everybody gets a seed.
    """
    return f"{site}/customizer/{key}"
