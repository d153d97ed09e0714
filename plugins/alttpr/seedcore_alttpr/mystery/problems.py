"""
What is wrong with a weightset, each at its place in the document.
"""

from __future__ import annotations

from seedcore import ProviderInvalidRequestError
from seedcore.errors import clean_text

MOST = 10
MOST_COUNTED = 50
"""After which nobody looks for more: each costs time, most of all what may have been meant."""
LONGEST_MESSAGE = 1_900
"""Characters; the core keeps 2,000."""
LONGEST_PLACE = 160


class Unfit(Exception):  # noqa: N818 - it never leaves this package
    """
    A value that can't be used; its text completes the sentence that begins with the place.
    """


def shown(value: object) -> str:
    """
    Return *value* as a few words of one line that may stand in a sentence.
    """
    try:
        return clean_text(value, 40).replace("\n", " ") or "an empty text"
    except (ValueError, RecursionError):  # Python writes no number of thousands of digits
        return "something huge"


def inside(place: str, key: object) -> str:
    """
    Return the dotted place of *key* inside of *place*.
    """
    return f"{place}.{shown(key)}".removeprefix(".")


class Problems:
    """
    Collects all that is wrong, so that a person mends it in one go.
    """

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._notes: dict[str, None] = {}

    def add(self, place: str, text: str) -> None:
        """
        Remember that *text* is true of what stands at *place*; the same twice counts once.

        The fiftieth raises as ``check`` does.
        """
        self._found[self._sentence(place, text)] = None
        if len(self._found) == MOST_COUNTED:
            self.check()

    def note(self, place: str, text: str) -> None:
        """
        Remember what does no harm, but nothing else either.
        """
        self._notes[self._sentence(place, text)] = None

    @staticmethod
    def _sentence(place: str, text: str) -> str:
        if len(place) > LONGEST_PLACE:
            place = f"…{place[-LONGEST_PLACE:]}"
        return f"{place}: {text}" if place else text

    @property
    def found(self) -> bool:
        """
        Whether there is any.
        """
        return bool(self._found)

    @property
    def notes(self) -> tuple[str, ...]:
        """
        What was noted, as sentences without their ends.
        """
        return tuple(self._notes)

    def check(self) -> None:
        """
        Raise ProviderInvalidRequestError with the first of them, if there are any.
        """
        if not self._found:
            return
        kept: list[str] = []
        length = 0
        for sentence in list(self._found)[:MOST]:
            length += len(sentence) + 2
            if kept and length > LONGEST_MESSAGE - 100:
                break
            kept.append(sentence)
        more = len(self._found) - len(kept)
        number = f"{more} or" if len(self._found) == MOST_COUNTED else more
        rest = f"; and {number} more" if more else ""
        text = f"the weightset can't be used: {'; '.join(kept)}{rest}"
        raise ProviderInvalidRequestError(text)
