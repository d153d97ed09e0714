"""
Kinds of values, read leniently: YAML makes other things of ``on``, ``no`` and ``7``.
"""

from __future__ import annotations

import re

import attrs

from seedcore.errors import did_you_mean
from seedcore_alttpr.mystery.problems import Unfit, shown

YES = ("on", "yes", "true")
NO = ("off", "no", "false")
LONGEST_TEXT = 1_000
MOST = 2**53
"""Beyond which JSON's numbers are not exact; nothing infinite is below it."""

_WHOLE = re.compile(r"[+-]?\d{1,9}")


def spellings(value: object) -> tuple[str, ...]:
    """
    Return the texts that *value* may stand for, the likeliest first.
    """
    if isinstance(value, bool):
        return YES if value else NO
    if not isinstance(value, (str, int)) or (isinstance(value, int) and abs(value) > MOST):
        return ()
    text = str(value)
    meant = next((words for words in (YES, NO) if text.lower() in words), ())
    return (text, *meant)


def whole(value: object) -> int | None:
    """
    Return *value* as a whole number, ``None`` if it is none.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return None


@attrs.frozen
class Choice:
    """
    One of some texts; *elsewhere* are more of them, and *where* they are known.
    """

    values: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    where: str = ""

    def read(self, value: object) -> str:
        """
        Return which of the texts is meant.
        """
        for text in spellings(value):
            if text in self.values or text in self.elsewhere:
                return text
        raise Unfit(self._rule(value))

    def _rule(self, value: object) -> str:
        rule = f"must be one of {', '.join(self.values)}"
        if self.elsewhere:
            rule += f", or {self.where} {', '.join(self.elsewhere)}"
        near = did_you_mean(shown(value), (*self.values, *self.elsewhere))
        return f"{rule}.{near}" if near else rule


@attrs.frozen
class Switch:
    """
    On or off.
    """

    def read(self, value: object) -> bool:
        """
        Return ``True`` for on.
        """
        texts = spellings(value)
        if "on" in texts or texts == ("1",):
            return True
        if "off" in texts or texts == ("0",):
            return False
        rule = "must be on or off"
        raise Unfit(rule)


@attrs.frozen
class Whole:
    """
    A whole number from *low* to *high*.
    """

    low: int
    high: int

    def read(self, value: object) -> int:
        """
        Return the number; ``True`` is 1, as it is for a count.
        """
        texts = spellings(value)
        number = 1 if "on" in texts else 0 if "off" in texts else whole(value)
        if number is None or not self.low <= number <= self.high:
            rule = f"must be a whole number from {self.low} to {self.high}"
            raise Unfit(rule)
        return number


@attrs.frozen
class Text:
    """
    Words, such as those that players are shown.
    """

    longest: int = LONGEST_TEXT

    def read(self, value: object) -> str:
        """
        Return them without spaces around.
        """
        text = next(iter(spellings(value)), "").strip()
        if isinstance(value, bool) or not 0 < len(text) <= self.longest:
            rule = f"must be a text of 1 to {self.longest} characters"
            raise Unfit(rule)
        return text


@attrs.frozen
class Plain:
    """
    A switch, a number or a short text, whatever it is for; ``None`` leaves things as they are.
    """

    def read(self, value: object) -> bool | int | float | str | None:
        """
        Return it as JSON would have it: the text ``"5"`` is a number, and ``"true"`` a switch.
        """
        if isinstance(value, str):
            if value.lower() in ("true", "false"):
                return value.lower() == "true"
            number = whole(value)
            if number is not None:
                return number
            if len(value) <= 100:
                return value
        elif value is None or (isinstance(value, (int, float)) and abs(value) < MOST):
            return value
        rule = "must be a number, a switch or a text of at most 100 characters"
        raise Unfit(rule)


@attrs.frozen
class Named:
    """
    The name of something *known*, which is called *what*.
    """

    known: frozenset[str]
    what: str

    def read(self, value: object) -> str:
        """
        Return the name.
        """
        if isinstance(value, str) and value in self.known:
            return value
        rule = f"is no {self.what} that the site knows.{did_you_mean(shown(value), self.known)}"
        raise Unfit(rule.rstrip("."))
