"""
Seeds of a site that doesn't exist, for tests of bots and whatever else calls seedcore.

It asks no network, the same request always gives the same seed, and it fails when asked to.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any, get_args

import attrs

from seedcore import (
    Pending,
    ProviderInvalidRequestError,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore_dry_run.failures import Failure, Wish, failure
from seedcore_dry_run.options import LONGEST, Game, Options

if TYPE_CHECKING:
    from seedcore import Context, Request

PLACE = "https://dry-run.invalid"
"""An address that leads nowhere, on any machine: the name is reserved for that."""

WORDS = (
    *("Bow", "Boomerang", "Hookshot", "Bombs", "Mushroom", "Magic Powder", "Ice Rod", "Pendant"),
    *("Bombos", "Ether", "Quake", "Lamp", "Hammer", "Shovel", "Flute", "Bugnet"),
    *("Book", "Empty Bottle", "Green Potion", "Somaria", "Cape", "Mirror", "Boots", "Gloves"),
    *("Flippers", "Moon Pearl", "Shield", "Tunic", "Heart", "Map", "Compass", "Big Key"),
)
"""What a file-select code is made of, in the order of the game."""

REMEMBERED = 1_000
"""Calls whose failed attempts are counted; most are forgotten at their success."""


class Attempts:
    """
    Counts the attempts of each call: a provider isn't told which one it is.
    """

    def __init__(self) -> None:
        self._made: OrderedDict[str, int] = OrderedDict()

    def begin(self, call_id: str) -> int:
        """
        Return the number of a new attempt, from 1.
        """
        self._made[call_id] = self._made.pop(call_id, 0) + 1
        while len(self._made) > REMEMBERED:
            self._made.popitem(last=False)
        return self._made[call_id]

    def forget(self, call_id: str) -> None:
        """
        Count no further: the call succeeded.
        """
        self._made.pop(call_id, None)  # so many calls may have come since that it is gone


@provider(title="Dry run", options=Options, presets="presets")
class DryRun:
    """
    Makes seeds up, and fails on request.
    """

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what ``post`` can't take; the options of ``generate`` are checked by their types.
        """
        if request.operation == "post":
            _check_post(request.arguments)

    @hookimpl
    async def start(self) -> Attempts:
        """
        Count the attempts of this runner's calls.
        """
        return Attempts()

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Seed:
        """
        Make up a seed: the same one for the same request.
        """
        options: Options = request.options
        wish = Wish(options.message, options.retry_after)
        await _attempt(context, options.fail, options.attempts, wish, options.delay)
        if options.looks:
            await context.poll(_looked_at(options.looks), interval=1.0)
        return _seed(request)

    @operation(effect="read")
    def presets(self) -> list[str]:
        """
        Return the names of its presets.
        """
        files = resources.files("seedcore_dry_run").joinpath("presets").iterdir()
        return sorted(file.name.removesuffix(".yaml") for file in files)

    @operation(effect="unsafe", audited=True)
    async def post(
        self,
        request: Request,
        context: Context,
        text: str,
        fail: Failure | None = None,
        attempts: int | None = None,
    ) -> Mapping[str, Any]:
        """
        Post a message nowhere, which must not be done twice.
        """
        await _attempt(context, fail, attempts, Wish("", 1.0))
        key = request.fingerprint()
        return {"id": key, "url": f"{PLACE}/messages/{key}", "text": text}


async def _attempt(
    context: Context,
    fail: Failure | None,
    attempts: int | None,
    wish: Wish,
    delay: float = 0.0,
) -> None:
    """
    Take the time of an attempt, and raise what it is to fail with.
    """
    number = context.state.begin(context.call_id)
    if delay:
        await asyncio.sleep(delay)
    wanted = fail or ("unavailable" if attempts else None)
    if wanted is not None and (attempts is None or number <= attempts):
        raise failure(wanted, wish)
    context.state.forget(context.call_id)


def _looked_at(times: int) -> Callable[[], Awaitable[bool | Pending]]:
    """
    Return a look that finds something after so many times.
    """
    steps = iter(range(times))

    async def look() -> bool | Pending:
        step = next(steps, times)
        if step == times:
            return True
        return Pending(f"generating, step {step + 1} of {times}", progress=step / times)

    return look


def _seed(request: SeedRequest) -> Seed:
    """
    Return the seed of *request*, every field filled.
    """
    key = request.fingerprint()
    url = f"{PLACE}/seeds/{key}"
    asked = {"preset": request.preset, "race": request.race, "spoilers": request.spoilers}
    names = attrs.fields_dict(Game)
    game = {name: value for name, value in attrs.asdict(request.options).items() if name in names}
    return Seed(
        url=url,
        id=key,
        code=_code(key),
        version="dry-run",
        spoiler_url=f"{url}/spoiler" if request.spoilers == "on" else None,
        settings={**asked, **game},
        extra={"title": f"Dry run: {request.preset or 'your options'}"},
    )


def _code(key: str) -> str:
    """
    Return five words that tell one seed from another at a glance.
    """
    digest = hashlib.blake2b(key.encode(), digest_size=5).digest()
    return "/".join(WORDS[byte % len(WORDS)] for byte in digest)


def _check_post(given: Mapping[str, Any]) -> None:
    text, fail, attempts = given["text"], given.get("fail"), given.get("attempts")
    failures = get_args(Failure)
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        wrong = f"text must be a text of 1 to {LONGEST:,} characters"
    elif fail is not None and fail not in failures:
        wrong = f"fail must be one of {', '.join(failures)}"
    elif attempts is not None and (type(attempts) is not int or not 1 <= attempts <= 20):
        wrong = "attempts must be a whole number from 1 to 20"
    else:
        return
    raise ProviderInvalidRequestError(wrong)


dry_run = DryRun()
