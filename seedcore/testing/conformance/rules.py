"""
What a rule is, and all of them by their ids.

An id never changes its meaning; docs/reference/rules has a page about each.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from seedcore.testing.conformance.case import Case
    from seedcore.testing.conformance.trial import Trial

Need = Literal["nothing", "a provider", "a call", "a success"]
"""What must have worked before a rule can be looked at."""


@attrs.frozen(kw_only=True)
class Limits:
    """
    The seconds that the rules allow.

    ``rule`` is for one rule as a whole, ``load`` for importing the plugin, ``leave`` for leaving
    a hung upstream, ``block`` for holding the event loop.
    """

    rule: float = 15.0
    load: float = 1.0
    leave: float = 1.0
    block: float = 0.1


@attrs.frozen(kw_only=True, eq=False)
class Subject:
    """
    What a rule looks at: the case, its first call, a later one, and the limits.

    The later call may send less than the first: a login is kept.
    """

    case: Case
    limits: Limits
    first: Trial
    later: Trial


Check = Callable[[Subject], Awaitable[None]]


class Broken(Exception):  # noqa: N818 - it is a finding, not an error of the kit
    """
    The provider breaks a rule; the text says how, and what to do.
    """


class NotApplicable(Exception):  # noqa: N818 - nor is this one
    """
    The rule has nothing to look at here; the text says why.
    """


@attrs.frozen(kw_only=True)
class Rule:
    """
    One thing that every provider must do; ``title`` says it in a sentence.
    """

    id: str
    title: str
    needs: Need
    check: Check


RULES: Mapping[str, tuple[str, str, Need]] = {
    "hashable": ("loading", "The provider can be hashed, as pluggy needs it", "nothing"),
    "hooks-valid": ("loading", "Every hook has a known name and fitting parameters", "nothing"),
    "loads-fast": ("loading", "Importing it takes less than a second, and no network", "nothing"),
    "settings-documented": ("loading", "Settings and options say what they are", "a provider"),
    "presets-fit": ("loading", "Every preset it ships fits its options", "a provider"),
    "promised-type": ("manners", "A success returns what the operation promises", "a call"),
    "never-blocks": ("manners", "It never holds the event loop over 100 ms", "a call"),
    "sync-off-loop": ("manners", "A plain function does its work in its thread", "a success"),
    "cancellable": ("leaving", "A hung upstream is left within a second", "a success"),
    "nothing-left": ("leaving", "No task and no session is left behind", "a success"),
    "lent-session": ("wire", "Every request goes through context.http", "a call"),
    "no-own-retries": ("wire", "It sends each request once per attempt", "a success"),
    "effect-true": ("wire", "The declared effect fits what is sent", "a success"),
    "idempotency-key": ("wire", "A keyed operation sends the key of its call", "a success"),
    "maps-rate-limit": ("mapping", "A 429 is a rate limit, with its pause", "a success"),
    "maps-outage": ("mapping", "A failing server is an outage", "a success"),
    "maps-refusal": ("mapping", "A refused request is the caller's", "a success"),
    "maps-authentication": ("mapping", "A 401 or 403 is about credentials", "a success"),
    "maps-garbage": ("mapping", "An answer that isn't the promised one is refused", "a success"),
    "keeps-message": ("mapping", "The upstream's own words reach the caller", "a success"),
    "secrets-masked": ("secrecy", "No secret leaves in any output", "a success"),
    "race-no-spoiler": ("secrecy", "A race seed shows no spoiler", "a success"),
    "leaks-refused": ("secrecy", "A spoiler that isn't hidden is refused", "a success"),
}
"""Each rule's module, sentence and need, in the order they are looked at."""


def rule(name: str) -> Rule:
    """
    Return the rule with the id *name*; its module is imported then.
    """
    module, title, needs = RULES[name]
    home = importlib.import_module(f"seedcore.testing.conformance.{module}")
    check: Check = getattr(home, name.replace("-", "_"))
    return Rule(id=name, title=title, needs=needs, check=check)
