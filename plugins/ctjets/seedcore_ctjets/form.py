"""
What of a request stands in the form that is sent, and what can be an id.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any

import attrs

from seedcore import ProviderInvalidRequestError, SeedRequest
from seedcore_ctjets.fields import DEFAULTS, KINDS, NEWEST
from seedcore_ctjets.options import Options

KNOWN = (3, 2)
"""The first two numbers of the version whose fields are the options."""
ID = re.compile(r"[0-9A-Za-z]{1,15}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
MOST_FIELDS, LONGEST_VALUE = 200, 200

NO_FIELDS = frozenset({"version", "fields"})
FIELDS = tuple(field.name for field in attrs.fields(Options) if field.name not in NO_FIELDS)
DECIDED: Mapping[str, str] = {
    "spoiler_log": "is decided by spoilers; leave it out",
    "csrfmiddlewaretoken": "is the provider's own; leave it out",
    "rom_file": "is the provider's own: set rom to the path of the ROM",
}


@attrs.frozen(kw_only=True)
class Wish:
    """
    What is asked of the site: a version of the randomizer, and the fields of its form.
    """

    version: str
    fields: Mapping[str, str]
    hidden: bool

    @property
    def is_older(self) -> bool:
        """
        Whether this version's form is from before 3.2.0: those have a ROM in them.
        """
        return numbers_of(self.version) < KNOWN

    @property
    def recorded(self) -> dict[str, str]:
        """
        What the seed is said to be made of: without a seed of the caller's where it is hidden.
        """
        left_out = {"seed"} if self.hidden or not self.fields["seed"] else set()
        kept = {name: text for name, text in self.fields.items() if name not in left_out}
        return {"version": self.version, **kept}


def numbers_of(version: str) -> tuple[int, ...]:
    """
    Return the numbers of a version, to be compared.
    """
    return tuple(int(part) for part in version.split("."))


def version_of(value: object) -> str:
    """
    Return *value* with dots if it can be a version of the randomizer.
    """
    text = value.replace("_", ".") if isinstance(value, str) else ""
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){1,3}", text, re.ASCII):
        return text
    words = f"a version is one such as {NEWEST} or 3.1.0"
    raise ProviderInvalidRequestError(words)


def id_of(value: object) -> str:
    """
    Return *value* if it can be the id of a seed.
    """
    if isinstance(value, str) and ID.fullmatch(value):
        return value
    text = "an id is what stands behind share/ in the address of a seed: 15 letters and digits"
    raise ProviderInvalidRequestError(text)


def wish_of(request: SeedRequest) -> Wish:
    """
    Return what *request* asks of the site, or raise what is wrong with it.
    """
    if request.branch is not None:
        text = f"it takes no branch; the option version chooses one, such as {NEWEST}"
        raise ProviderInvalidRequestError(text)
    options: Options = request.options
    version = version_of(options.version)
    older = numbers_of(version) < KNOWN
    hidden = request.spoilers != "on"
    given = {name: _text(name, getattr(options, name)) for name in FIELDS}
    if older:
        given = {name: _as_older(name, text) for name, text in given.items()}
    given |= _others(options.fields, version)
    sent = {name: text for name, text in given.items() if text is not None}
    fields = {"seed": "", **({} if older else DEFAULTS), **sent}
    if not older:
        _check_tabs(fields)
        _check_odds(fields)
    if not hidden:
        fields["spoiler_log"] = "on"
    return Wish(version=version, fields=fields, hidden=hidden)


def _text(name: str, value: Any) -> str | None:
    """
    Return *value* as it stands in a form: a flag that is on is there, one that is off isn't.
    """
    if value is None or isinstance(value, bool):
        return "on" if value else None
    if isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)):
        text = str(value)
        if len(text) <= LONGEST_VALUE and text.isprintable():
            return text
    words = (
        f"the field {name!r} must be a text of at most {LONGEST_VALUE} characters, a number, "
        "true or false"
    )
    raise ProviderInvalidRequestError(words)


def _as_older(name: str, text: str | None) -> str | None:
    if name in ("shop_prices", "tech_rando") and text is not None:
        return text.replace("_", " ").title()  # as they are called before 3.2.0
    return text


def _others(fields: Mapping[str, Any], version: str) -> dict[str, str | None]:
    """
    Return the fields that are no options, which only other versions have.
    """
    for name in fields:
        if name in DECIDED:
            text = f"the field {name!r} {DECIDED[name]}"
            raise ProviderInvalidRequestError(text)
        if not NAME.fullmatch(name):
            text = f"{name[:64]!r} can't be a field: their names are of letters, digits and _"
            raise ProviderInvalidRequestError(text)
        if numbers_of(version)[:2] == KNOWN:
            close = difflib.get_close_matches(name, FIELDS, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            text = (
                f"the form of version {version} has no field {name!r}.{meant} For one of another "
                "version give that, such as version=3.1.0"
            )
            raise ProviderInvalidRequestError(text)
    if len(fields) > MOST_FIELDS:
        text = f"there are {len(fields)} fields, and {MOST_FIELDS} are the most"
        raise ProviderInvalidRequestError(text)
    # The site takes every text for on, off too.
    return {name: _text(name, value) for name, value in fields.items() if value != "off"}


def _check_tabs(fields: Mapping[str, str]) -> None:
    for kind in ("power", "magic", "speed"):
        least, most = f"{kind}_tab_min", f"{kind}_tab_max"
        if int(fields[least]) > int(fields[most]):
            text = f"{least} is {fields[least]} and {most} {fields[most]}; give both in order"
            raise ProviderInvalidRequestError(text)


def _check_odds(fields: Mapping[str, str]) -> None:
    for kind in KINDS if fields.get("mystery_seed") else ():
        odds = [name for name in DEFAULTS if name.startswith(f"mystery_{kind}_")]
        if not any(int(fields[name]) for name in odds):
            text = f"one of {', '.join(odds)} must be more than 0"
            raise ProviderInvalidRequestError(text)
