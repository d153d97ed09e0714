"""
Names of the generator's settings, and those that were meant to be something else.
"""

from __future__ import annotations

import difflib
import functools
import re

import attrs

from seedcore_ootr.options import Options, Settings

LONGEST = 100
KEY = re.compile(r"[a-z0-9_]+")
OPTIONS = tuple(field.name for field in attrs.fields(Options))
NOT_ASKED_FOR = frozenset({"api_key", *(field.name for field in attrs.fields(Settings))})
"""What only whoever runs the program sets. As a setting the key would stand in the seed's row."""
NEAR = 0.85
"""How alike a name and an option's are where that was meant; no setting comes so close."""
LONGEST_NEAR = 20
"""Characters of a name that may come so close to the longest option."""


def fault_of(key: object) -> str | None:
    """
    Return what is wrong with the name of a setting.
    """
    if not isinstance(key, str) or len(key) > LONGEST:
        return _no_name(key)
    return _fault_of(key)


@functools.lru_cache(maxsize=1_000)  # every call has the same thirty names, twice
def _fault_of(key: str) -> str | None:
    if key.lower() in NOT_ASKED_FOR:
        return f"{key} is set by whoever runs the program, for all calls; leave it out"
    near = len(key) <= LONGEST_NEAR
    if near and (meant := difflib.get_close_matches(key.lower(), OPTIONS, n=1, cutoff=NEAR)):
        return f"the generator has no setting {key!r}; did you mean the option {meant[0]!r}?"
    return None if KEY.fullmatch(key) else _no_name(key)


def _no_name(key: object) -> str:
    shown = repr(key)[:LONGEST]
    return (
        f"the setting {shown} can't be one: their names are of a-z, 0-9 and _, "
        f"at most {LONGEST} characters"
    )
