"""
Five providers that need no network: each draws a seed for a game's own generator.

The player types seed and flags into that generator, or opens the link. Nothing is stored
anywhere and no spoiler log exists, so a race seed is drawn like any other.
"""

from __future__ import annotations

import math
import re
from random import Random, SystemRandom
from urllib.parse import quote, unquote_plus, urlencode

import attrs

from seedcore import (
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    Seed,
    SeedRequest,
    SettingsError,
    provider,
    setting,
)

SYSTEM = SystemRandom()
"""Where seeds come from: nobody can guess one from those before it."""

LONGEST = 2_000
"""Most characters of a flag string or a link; a chat message holds no more."""

LONGEST_SEED = str(-(2**31))

FFR_LINK = re.compile(
    r"""
    (?P<page> https?://(?:[a-z0-9-]+\.)*finalfantasyrandomizer\.com (?:/[^\s<>"\\?#]*)?)
    (?:\?(?P<query> [^\s<>"\\#]*))?
    (?P<fragment> \#[^\s<>"\\]*)?
    """,
    re.IGNORECASE | re.VERBOSE,
)


def one_line(_: object, field: attrs.Attribute[str | None], value: str) -> None:
    """
    Check that *value* survives a chat message: one line, printable, not endless.
    """
    if not (value.strip() and value.isprintable() and len(value) <= LONGEST):
        msg = f"{field.name} must be one line of 1 to {LONGEST:,} printable characters."
        raise SettingsError(msg)


def ffr_link(_: object, field: attrs.Attribute[str | None], value: str) -> None:
    """
    Check that *value* leads to the generator and nowhere else: people will click on it.
    """
    plain = len(value) <= LONGEST and value.isascii() and value.isprintable()
    if not (plain and FFR_LINK.fullmatch(value)):
        msg = (
            f"{field.name} must be an http or https link of at most {LONGEST:,} characters to "
            "finalfantasyrandomizer.com, as its page shows it once the flags are chosen."
        )
        raise SettingsError(msg)


# Both have a default, so that a preset is refused with a better reason than a missing option.
@attrs.frozen
class Flags:
    """
    The options of z1r, z2r and smb3r.
    """

    flags: str | None = setting(
        None,
        help="the generator's flag string, kept exactly as it is; needed",
        validator=attrs.validators.optional(one_line),
    )


@attrs.frozen
class Link:
    """
    The options of ffr.
    """

    url: str | None = setting(
        None,
        help="the generator's link with your flags; needed",
        validator=attrs.validators.optional(ffr_link),
    )


def check_flags(request: SeedRequest) -> None:
    """
    Refuse what a generator can do nothing with: no flags, or more than flags.
    """
    _check_needed(request, "flags", request.options.flags)


def check_link(request: SeedRequest) -> None:
    """
    Refuse what has no link.
    """
    _check_needed(request, "url", request.options.url)


def check_parameters(request: SeedRequest) -> None:
    """
    Refuse what can't stand in a link.
    """
    _refuse_what_it_has_not(request, "its generator's options as key=value")
    if len(_aosr_link(request, LONGEST_SEED)) > LONGEST:
        text = f"its options make a link of more than {LONGEST:,} characters; give fewer"
        raise ProviderInvalidRequestError(text)


@provider(options=Flags, title="Zelda Randomizer", check=check_flags)
def z1r(request: SeedRequest, rng: Random = SYSTEM) -> Seed:
    """
    Draw a seed of the Zelda Randomizer for your flags.
    """
    return _with_flags(request, rng.randint(0, 8_999_999_999_999_999_999))


@provider(options=Flags, title="Zelda II Randomizer", check=check_flags)
def z2r(request: SeedRequest, rng: Random = SYSTEM) -> Seed:
    """
    Draw a seed of the Zelda II Randomizer for your flags.
    """
    return _with_flags(request, rng.randint(0, 1_000_000_000))


@provider(options=Flags, title="Super Mario Bros. 3 Randomizer", check=check_flags)
def smb3r(request: SeedRequest, rng: Random = SYSTEM) -> Seed:
    """
    Draw a seed of the Super Mario Bros. 3 Randomizer for your flags.
    """
    return _with_flags(request, rng.randrange(0, 999_999_999_999))


@provider(
    options=Link,
    title="Final Fantasy Randomizer",
    homepage="https://finalfantasyrandomizer.com/",
    check=check_link,
)
def ffr(request: SeedRequest, rng: Random = SYSTEM) -> Seed:
    """
    Put a fresh seed into your link to the Final Fantasy Randomizer.
    """
    given = request.options.url
    seed = f"{rng.randrange(16**8):08X}"
    return Seed(url=_with_seed(given, seed), id=seed, settings={"url": given})


@provider(
    title="Aria of Sorrow Randomizer",
    homepage="https://aosrando.surge.sh/",
    check=check_parameters,
)
def aosr(request: SeedRequest, rng: Random = SYSTEM) -> Seed:
    """
    Make a link to the Aria of Sorrow Randomizer with a fresh seed and your options.
    """
    seed = str(rng.randint(-(2**31), 2**31 - 1))
    return Seed(url=_aosr_link(request, seed), id=seed, settings=_parameters(request))


def _parameters(request: SeedRequest) -> dict[str, str]:
    # Which options there are is the generator's affair, so none are declared.
    return {name: _parameter(name, value) for name, value in request.options.items()}


def _aosr_link(request: SeedRequest, seed: str) -> str:
    query = urlencode({"seed": seed, **_parameters(request)}, quote_via=quote)
    return f"https://aosrando.surge.sh/?{query}"


def _with_flags(request: SeedRequest, seed: int) -> Seed:
    flags = request.options.flags
    line = f"Seed: {seed} - Flags: {flags}"
    return Seed(id=str(seed), settings={"flags": flags}, extra={"text": line})


def _check_needed(request: SeedRequest, option: str, value: str | None) -> None:
    """
    Refuse a request without the one option a provider lives on, or with what it has no use for.
    """
    _refuse_what_it_has_not(request, f"{option}=...")
    if value is None:
        text = f"the option {option} is missing; give {option}=..."
        raise ProviderInvalidRequestError(text)


def _refuse_what_it_has_not(request: SeedRequest, instead: str) -> None:
    if request.spoilers != "off":
        text = "its generator writes no spoiler log; use spoilers off"
        raise ProviderCapabilityError(text)
    if request.preset is not None:
        text = f"it has no presets; give {instead}"
        raise ProviderCapabilityError(text)
    for what, value in (("settings", request.settings), ("branch", request.branch)):
        if value:
            text = f"it takes no {what}; give {instead}"
            raise ProviderInvalidRequestError(text)


def _with_seed(link: str, seed: str) -> str:
    """
    Return *link* with *seed* as its parameter ``s``, everything else byte for byte.

    Decoding and encoding again would drop blank parameters and change how flags are written.
    """
    parts = FFR_LINK.fullmatch(link)
    assert parts is not None
    parameters = [f"s={seed}"]
    for parameter in (parts["query"] or "").split("&"):
        name = unquote_plus(parameter.partition("=")[0])
        if parameter and name != "s":
            parameters.append(parameter)
    return f"{parts['page']}?{'&'.join(parameters)}{parts['fragment'] or ''}"


def _parameter(name: object, value: object) -> str:
    """
    Return *value* as it stands in a link.
    """
    if not (isinstance(name, str) and name and name.isprintable()):
        text = "the name of an option must be printable and not empty"
        raise ProviderInvalidRequestError(text)
    if name == "seed":
        text = "the option seed is drawn here; leave it out"
        raise ProviderInvalidRequestError(text)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    if isinstance(value, str) and value.isprintable():
        return value
    text = f"the option {name} must be a printable text, a number, true or false"
    raise ProviderInvalidRequestError(text)
