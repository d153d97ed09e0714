"""
Seeds of the A Link to the Past Door Randomizer, which runs as a program on this machine.

The randomizer makes a game, which nobody may give away. So a patch is made of the difference to
the ROM that players have, and put where their browsers find it.
"""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from seedcore import (
    ProviderCapabilityError,
    Request,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    provider,
)
from seedcore_alttprdoor.document import (
    asked_for,
    check_listed,
    check_request,
    document_of,
    needs_enemizer,
)
from seedcore_alttprdoor.folder import Base, listed_in, private_folder
from seedcore_alttprdoor.made import Run, leak_of, make
from seedcore_alttprdoor.options import DECIDED, Options
from seedcore_alttprdoor.program import in_thread
from seedcore_alttprdoor.settings import Settings, place

if TYPE_CHECKING:
    from pathlib import Path

    from seedcore import Context
    from seedcore_alttprdoor.made import Made

SYSTEM = SystemRandom()
"""Names of files that are public: nobody can guess them."""
CHARACTERS = string.ascii_letters + string.digits
LENGTH = 12
KINDS = {".bps": "application/octet-stream", ".txt": "text/plain; charset=utf-8"}
"""What the files are that are put up, by the ends of their names."""


LOCAL = "cli"
"""The surface of who sits at this machine."""


def _cores() -> int:
    """
    Return how many runs at a time this machine can bear: each keeps a core busy.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@provider(
    title="A Link to the Past Door Randomizer",
    homepage="https://github.com/aerinon/ALttPDoorRandomizer",
    settings=Settings,
    options=Options,
    open_options="args",
    presets="presets",
    # Older documents have these; the call decides them.
    ignored_options=tuple(sorted(DECIDED)),
    delayed=True,
    max_concurrent=_cores(),
    policy={
        # Layouts that can't be won are common, and a run takes 3 to 60 s of a core. A community
        # asks for 50 games at once, which take two cores 22 minutes.
        "retry_max_attempts": 4,
        "attempt_timeout": 120,
        "total_timeout": 2400,
        "queue_timeout": 1800,
    },
)
class Alttprdoor:
    """
    Makes games with doors in other places.

    *rng* draws the names of files, *base* is the ROM that the randomizer takes.
    """

    def __init__(self, rng: Random = SYSTEM, base: Base = Base()) -> None:  # noqa: B008 - it is frozen
        self._rng = rng
        self._base = base

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what can be known to be wrong before anything is run.
        """
        if isinstance(request, SeedRequest):
            check_request(request)

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Rolled:
        """
        Make a game, and put its patch where people can fetch it.
        """
        options: Options = request.options
        settings: Settings = context.settings
        checkout = await in_thread(_ready, settings, request)
        chosen = asked_for(options)
        base = b""
        if not options.spoiler_only:  # of a ROM that isn't patched only the name is looked at
            base = await in_thread(self._base.read, place(settings.rom))
        hash = "".join(self._rng.choice(CHARACTERS) for _ in range(LENGTH))  # noqa: A001
        async with private_folder() as folder:
            document = document_of(request, hash=hash, out=str(folder.out), rom=str(folder.rom))
            enemizer = settings.tool(settings.enemizer)
            if enemizer and request.branch != "volatile":  # which has an enemizer of its own
                document["enemizercli"] = enemizer
            run = Run(
                checkout=checkout,
                interpreter=settings.interpreter,
                flips=settings.tool(settings.flips),
                base=base,
                name=f"DR_{hash}",
                game_wanted=not options.spoiler_only,
                fixed="seed" in chosen,
            )
            made = await make(run, folder, document)
        contents = _public_files(made, run.name, request)
        shown = {
            "files": tuple(contents),
            "notes": made.patch.notes if made.patch else "",
            "title": made.title,
        }
        if request.spoilers != "on" and leak_of(shown):
            return Rolled(Seed(id=hash), shown=shown)  # the core refuses it; nothing was put up
        files = {
            name: await context.upload(name, content, content_type=KINDS[name[-4:]])
            for name, content in contents.items()
        }
        _check_reachable(files, context.surface)
        seed = _seed_of(made, run.name, files, request, settings)
        logs = {"spoiler": made.log} if request.spoilers == "delayed" else {}
        return Rolled(seed, shown=shown, logs=logs)

    @hookimpl
    def leak(self, shown: Any) -> str | None:
        """
        Name what everybody can fetch of a seed without spoilers.
        """
        return leak_of(shown)


def _ready(settings: Settings, request: SeedRequest) -> Path:
    """
    Return the checkout that can do what is asked for. Raises ProviderError for what it lacks.
    """
    options: Options = request.options
    checkout = settings.checkout_of(request.branch)
    if checkout is None:
        text = f"the branch {request.branch} needs the setting unstable_checkout: its folder"
        raise ProviderCapabilityError(text)
    if request.branch in (None, "stable") and needs_enemizer(options) and not settings.enemizer:
        text = (
            "other enemies and bosses need the enemizer; set enemizer to its EnemizerCLI.Core, or "
            "leave them as they are"
        )
        raise ProviderCapabilityError(text)
    check_listed(asked_for(options), listed_in(checkout))
    return checkout


def _public_files(made: Made, name: str, request: SeedRequest) -> Mapping[str, bytes]:
    """
    Return what everybody may have, by the names of the files.
    """
    files: dict[str, bytes] = {}
    if made.patch is not None:
        files[f"patch/{name}.bps"] = made.patch.content
    if request.spoilers == "on":
        files[f"spoiler/{name}_Spoiler.txt"] = made.log.encode()
    return files


def _check_reachable(files: Mapping[str, str], surface: str) -> None:
    """
    Raise ProviderCapabilityError for files of this machine, unless who asks sits at it.
    """
    if surface == LOCAL or all(map(_is_on_the_web, files.values())):
        return
    text = (
        "nobody but this machine can fetch what was made: the storage has no address on the web; "
        "set storage_url, or storage to a provider such as s3"
    )
    raise ProviderCapabilityError(text)


def _is_on_the_web(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _seed_of(
    made: Made, name: str, files: Mapping[str, str], request: SeedRequest, settings: Settings
) -> Seed:
    options: Options = request.options
    patch = files.get(f"patch/{name}.bps")
    extra = {"branch": request.branch or "stable", "patch_url": patch}
    return Seed(
        url=_page_of(patch, settings.patcher_url) if patch else None,
        id=name.removeprefix("DR_"),
        code=made.head.code,
        version=made.head.version,
        spoiler_url=files.get(f"spoiler/{name}_Spoiler.txt"),
        settings={} if options.mask_settings else asked_for(options),
        extra={key: value for key, value in extra.items() if value is not None},
    )


def _page_of(patch: str, page: str) -> str:
    """
    Return where a browser applies a patch; one that isn't on the web is all there is to show.
    """
    if not _is_on_the_web(patch):
        return patch
    return page.replace("{patch}", quote(patch, safe=":/"))


alttprdoor = Alttprdoor()
