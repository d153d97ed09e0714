"""
What whoever runs the program sets, what a caller asks for, and what of it is sent.
"""

from __future__ import annotations

import re

import attrs

from seedcore import (
    PresetNotFoundError,
    ProviderInvalidRequestError,
    SeedRequest,
    secret,
    setting,
)

OWN_NAMESPACE = "avianart"
"""The site's own presets; they are meant where no namespace is sent."""
LONGEST = 100
"""Characters of a preset or a namespace."""

HASH = re.compile(r"[A-Za-z0-9]{1,20}")


@attrs.frozen(kw_only=True)
class Settings:
    """
    What whoever runs the program sets.
    """

    api_key: str | None = secret(
        None, help="key of the site, sent as it is in the header Authorization; it works without"
    )
    poll_timeout: float = setting(
        120.0,
        help="seconds that a seed may take after it was asked for",
        validator=[attrs.validators.gt(0), attrs.validators.le(3600)],
    )


@attrs.frozen(kw_only=True)
class Options:
    """
    What a caller asks for.
    """

    preset: str | None = setting(
        None, help="preset of the site, such as crosskeys; it wins over the preset of the call"
    )
    namespace: str | None = setting(None, help="whose preset it is; unset: the site's own")


@attrs.frozen(kw_only=True)
class Wish:
    """
    What is asked of the site.
    """

    preset: str
    namespace: str | None
    race: bool

    @property
    def arguments(self) -> dict[str, str | bool]:
        """
        The arguments beside the preset; what isn't wanted is left out.
        """
        race: dict[str, str | bool] = {"race": True} if self.race else {}
        return {**race, "namespace": self.namespace} if self.namespace else race


def wish_of(request: SeedRequest) -> Wish:
    """
    Return what *request* asks of the site, or raise what is wrong with it.
    """
    if request.branch is not None:
        text = "it takes no branch; a preset of the site has its own"
        raise ProviderInvalidRequestError(text)
    options: Options = request.options
    # The name of a document that somebody wrote is no name of the site's.
    given = options.preset or (None if request.documented else request.preset)
    if given is None:
        text = "it needs a preset of the site, such as crosskeys; avianart.games lists them"
        if request.documented:
            text = "the preset names no preset of the site: settings: {preset: crosskeys}"
        raise ProviderInvalidRequestError(text)
    preset = _name(given.lower(), "preset")
    namespace = _name(options.namespace.lower(), "namespace") if options.namespace else None
    if namespace is not None and "/" in f"{namespace}{preset}":
        text = "the preset or the option namespace says whose preset it is, not both"
        raise ProviderInvalidRequestError(text)
    return Wish(
        preset=preset,
        namespace=None if namespace == OWN_NAMESPACE else namespace,
        # A seed that is no race has its whole spoiler on its page, and there is no other lock.
        race=request.spoilers == "off",
    )


def hash_of(value: object) -> str:
    """
    Return *value* if it can be the hash of a seed.
    """
    if isinstance(value, str) and HASH.fullmatch(value):
        return value
    text = "a hash is made of 1 to 20 letters and digits: what stands behind /perm/ in an address"
    raise ProviderInvalidRequestError(text)


def _name(name: str, what: str) -> str:
    parts = name.split("/")
    fits = all(part.strip(". ") == part.strip(" ") != "" for part in parts)
    if len(parts) > 2 or not fits or not name.isprintable() or len(name) > LONGEST:
        text = (
            f"this can't be the name of a {what}; one looks like crosskeys, "
            "or somebody/crosskeys for the preset of a namespace"
        )
        raise PresetNotFoundError(text)
    return name
