"""
Mysteries as operations: what they are asked, and what of a rolled game people may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from seedcore import ProviderInvalidRequestError, Seed, SeedRequest, setting
from seedcore_alttpr.mystery import Resolved, Weightset, parse, resolve
from seedcore_alttpr.options import mapping

if TYPE_CHECKING:
    from random import Random

    from seedcore import Context

SHOWN = ("title", "notes", "generated", "festive", "masked")
"""What of a game's ``extra`` says nothing about its options."""

MOST_KILOBYTES = 64
"""As much as a preset may have; the largest weightset that people use has 20."""


@attrs.frozen(kw_only=True)
class Weights:
    """
    The options of ``mystery``: a weightset is one document, and all its keys are in here.
    """

    weights: Mapping[str, Any] = setting(
        attrs.Factory(dict), help="the weights of each option, and rules", converter=mapping
    )


def check_weights(request: SeedRequest) -> None:
    """
    Refuse a weightset that can't be rolled, with the places that are wrong.
    """
    if not request.options.weights:
        text = "a mystery needs weights: name a weightset with preset, or give them as settings"
        raise ProviderInvalidRequestError(text)
    if request.spoilers == "delayed":
        text = "a mystery hides its settings, which a spoiler log would show; use spoilers off"
        raise ProviderInvalidRequestError(text)
    _parsed(request.options.weights)


def check_wish(arguments: Mapping[str, Any]) -> None:
    """
    Refuse what ``resolve`` can't roll.
    """
    weightset, weights = arguments.get("weightset"), arguments.get("weights")
    if (weightset is None) == (weights is None):
        text = "resolve takes the name of a weightset, or weights: one of them"
        raise ProviderInvalidRequestError(text)
    if weights is not None:
        _parsed(weights)


def _parsed(weights: object) -> Weightset:
    if _is_too_large(weights):
        text = (
            f"the weightset has more than {MOST_KILOBYTES} KiB; leave out what has a weight of 0, "
            "or make several of it"
        )
        raise ProviderInvalidRequestError(text)
    return parse(weights)


def _is_too_large(document: object) -> bool:
    """
    Add up what would be written of *document*, and stop when that is too much.

    What is in it twice counts twice, so even one that leads back to itself comes to an end.
    """
    most = MOST_KILOBYTES * 1024
    size, left = 0, [document]
    while left and size + 2 * len(left) <= most:
        each = left.pop()
        size += 2 + (len(each) if isinstance(each, str) else 0)
        if isinstance(each, Mapping):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, (list, tuple, set)):
            left += each
    return bool(left) or size > most


async def rolled(
    weights: Mapping[str, Any],
    rng: Random,
    context: Context,
    *,
    provider: str,
) -> Resolved:
    """
    Return what *weights* come to; presets that they name are those of *provider*.
    """

    async def preset(name: str) -> Any:
        return await context.preset(provider, name)

    return await resolve(_parsed(weights), rng, preset)


async def game_of(roll: Resolved, request: SeedRequest, context: Context) -> Seed:
    """
    Have the game made that *roll* came to, and return what of it people may see.
    """
    hidden = request.spoilers != "on"
    branch = roll.branch
    if not roll.doors:  # which has branches of its own
        branch = branch or request.branch
    seed = await context.generate(
        roll.provider if roll.doors else request.provider,
        settings={**roll.settings, "mask_settings": True} if hidden else roll.settings,
        race=request.race,
        spoilers=request.spoilers,
        branch=branch,
    )
    told = {"instructions": roll.custom_instructions} if roll.custom_instructions else {}
    if not hidden:
        return attrs.evolve(seed, extra={**seed.extra, **told})
    # Its settings too: the row has the weights then.
    shown = {name: seed.extra[name] for name in SHOWN if name in seed.extra}
    return attrs.evolve(seed, settings={}, extra={**shown, **told})
