"""
What of a request is sent, and what can be an id or a branch.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from seedcore import ProviderInvalidRequestError, SeedRequest
from seedcore_ootr.document import document_of
from seedcore_ootr.options import Options

VERSION = re.compile(r"(dev[A-Za-z0-9]*_)?\d{1,4}(\.\d{1,4}){2}(-\d{1,4})?", re.ASCII)
BRANCH = re.compile(r"[A-Za-z0-9]{1,30}")
LARGEST_ID = 10**18


@attrs.frozen(kw_only=True)
class Wish:
    """
    What is asked of the site: the generator's settings, and what stands in the query.

    ``hidden`` says that nobody must be shown the spoiler.
    """

    document: dict[str, Any]
    query: dict[str, str]
    hidden: bool

    @property
    def recorded(self) -> dict[str, Any]:
        """
        What the seed is said to be made of: with the generator's seed its spoiler can be made.
        """
        left_out = {"seed"} if self.hidden else set()
        settings = {key: value for key, value in self.document.items() if key not in left_out}
        return {**self.query, "settings": settings}


def wish_of(request: SeedRequest) -> Wish:
    """
    Return what *request* asks of the site, or raise what is wrong with it.
    """
    if request.branch is not None:
        text = "it takes no branch; the option version chooses one, such as dev_8.1.0"
        raise ProviderInvalidRequestError(text)
    options: Options = request.options
    if options.version is not None and not VERSION.fullmatch(options.version):
        text = "version must be one such as 8.1.0, dev_8.1.0 or devRSL_6.2.158"
        raise ProviderInvalidRequestError(text)
    document = document_of(options.settings)
    hidden = request.spoilers == "off"
    if not hidden:
        document["create_spoiler"] = True
    if options.password_lock and document.get("create_spoiler") is False:
        text = "password_lock needs create_spoiler: true, which shows nobody the spoiler by itself"
        raise ProviderInvalidRequestError(text)
    query = {"version": options.version} if options.version else {}
    query |= _lock_of(options, hidden=hidden)
    # A parameter counts as soon as it is there, so what isn't wanted is not sent at all.
    if options.password_lock:
        query["passwordLock"] = "true"
    if options.hide_settings:
        query["hideSettings"] = "true"
    return Wish(document=document, query=query, hidden=hidden)


def _lock_of(options: Options, *, hidden: bool) -> dict[str, str]:
    """
    Return the parameters that hide the spoiler.
    """
    wanted = {"encrypt": options.encrypt, "locked": options.locked}
    if not hidden:
        if any(wanted.values()):
            text = "spoilers are on, and encrypt and locked hide them; leave these out"
            raise ProviderInvalidRequestError(text)
        return {}
    if not any(wanted.values()):
        dev = options.version is not None and options.version.startswith("dev")
        usual, other = ("locked", "encrypt") if dev else ("encrypt", "locked")
        lock = usual if wanted[usual] is None else other
        if wanted[lock] is False:
            text = "spoilers are off, and neither encrypt nor locked hides them; leave one out"
            raise ProviderInvalidRequestError(text)
        wanted[lock] = True
    return {name: "true" for name, want in wanted.items() if want}


def id_of(value: object) -> str:
    """
    Return *value* as text if it can be the number of a seed.
    """
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value) else value
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number < LARGEST_ID:
        return str(number)
    text = "an id is a number: what stands behind id= in the address of a seed"
    raise ProviderInvalidRequestError(text)


def branch_of(value: object) -> str:
    """
    Return *value* if it can be a branch of the generator.
    """
    if isinstance(value, str) and BRANCH.fullmatch(value):
        return value
    text = "a branch is a name such as master, dev or devRSL"
    raise ProviderInvalidRequestError(text)
