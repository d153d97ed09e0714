"""
Seeds of the Ocarina of Time randomizer of ootrandomizer.com.

A seed is asked for once; then its status is asked for until it is done, and its details for the
code. The key stands in the query of every request, so that no address is ever shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seedcore import (
    Pending,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
    Request,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore_ootr.options import Options, Settings
from seedcore_ootr.reply import (
    check_open,
    code_of,
    document_of,
    leak_of,
    log_of,
    new_id,
    notes_of,
    version_of,
)
from seedcore_ootr.site import SOON, asked, create, details_of, outcome, status_of
from seedcore_ootr.wish import branch_of, id_of, wish_of

if TYPE_CHECKING:
    from seedcore import Context

BLOCKED = 60.0
"""Seconds that the site answers nobody who asked too often."""


@provider(
    base_url="https://ootrandomizer.com",
    title="Ocarina of Time Randomizer",
    homepage="https://ootrandomizer.com",
    settings=Settings,
    options=Options,
    open_options="settings",
    presets="presets",
    rate="20/10s",
    policy={"total_timeout": 420},  # a seed takes minutes where others are before it
)
class Ootr:
    """
    Generates seeds, and looks at those that exist.
    """

    @hookimpl
    def check(self, request: Request) -> None:
        """
        Refuse what no version of the generator takes, and what can't be an id or a branch.
        """
        if isinstance(request, SeedRequest):
            wish_of(request)
        elif "id" in request.arguments:
            id_of(request.arguments["id"])
        elif "branch" in request.arguments:
            branch_of(request.arguments["branch"])

    @hookimpl
    async def generate(self, request: SeedRequest, context: Context) -> Rolled:
        """
        Make a seed, and wait until it is done.
        """
        wish = wish_of(request)
        if wish.hidden and "seed" in wish.document:
            context.hide(wish.document["seed"])  # the site may repeat it
        created, site = await create(wish, context)
        key = new_id(created)
        if not wish.hidden:
            check_open(created)
        elif leak_of(created):  # nobody waits minutes for a seed that nobody gets
            return Rolled(Seed(), shown=created)
        if await outcome(key, context) == "failed":
            text = "it could make no seed of these settings this time"
            raise ProviderUnavailableError(text)
        details, why = await details_of(key, context)
        code = code_of(details.get("log", {}))
        reason = {} if code else {"code": f"not known, since {why}"}
        seed = Seed(
            url=f"{site}seed/get?id={key}",
            id=key,
            code=code,
            version=_text(created.get("version")) or wish.query.get("version"),
            settings=wish.recorded,
            extra={**_extra(created, details), **reason},
        )
        return Rolled(seed, shown=created)

    @hookimpl
    def leak(self, shown: Mapping[str, Any]) -> str | None:
        """
        The site says of each new seed whether people are shown its spoiler.

        Its details are no sign: they are for keys, of which some see spoilers that are locked.
        """
        return leak_of(shown)

    @operation(effect="read", placeholder={})
    async def status(self, context: Context, id: int | str) -> dict[str, Any]:  # noqa: A002 - its name there
        """
        Return whether a seed is finished, has failed, or what the site says until then.
        """
        state = await status_of(id_of(id), context)
        if isinstance(state, Pending):
            return {"status": state.status, "progress": state.progress}
        return {"status": state, "progress": 1.0}

    @operation(effect="read", placeholder={})
    async def details(self, context: Context, id: int | str) -> dict[str, Any]:  # noqa: A002 - the same
        """
        Return the code, the time and the settings of a finished seed, without its spoiler.
        """
        async with asked("details", id_of(id), context) as reply:
            document = await document_of(reply)
        log = log_of(document)
        settings = log.get("settings")
        return {
            "code": code_of(log),
            "created": _text(document.get("creationTimestamp")),
            "version": _text(log.get(":version")),
            "settings": _without_seed(settings if isinstance(settings, Mapping) else {}),
        }

    @operation(effect="read", placeholder=[])
    async def password(self, context: Context, id: int | str) -> list[str]:  # noqa: A002 - the same
        """
        Return the notes that open a seed made with password_lock.
        """
        key = id_of(id)

        async def look() -> list[str] | Pending:
            async with asked("pw", key, context) as reply:
                if reply.status == 204:
                    return Pending("no password yet")
                return notes_of(await document_of(reply))

        return await context.poll(look, deadline=SOON)

    @operation(effect="read", placeholder="0.0.0")
    async def version(self, context: Context, branch: str = "master") -> str:
        """
        Return the newest version of a branch of the generator; master has the releases.
        """
        async with context.http.get("api/version", params={"branch": branch_of(branch)}) as reply:
            return version_of(await document_of(reply))

    @hookimpl
    def map_error(self, error: Exception) -> ProviderError | None:
        """
        A full queue is a request to wait, and so is the minute for who asked too often.
        """
        status = getattr(error, "status", None)
        if status == 423:
            return ProviderRateLimitError("its queue of new seeds is full")
        if status == 429 and not (getattr(error, "headers", None) or {}).get("Retry-After"):
            text = "it was asked too often, and answers nothing for a minute"
            return ProviderRateLimitError(text, retry_after=BLOCKED)
        return None


def _extra(created: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    extra = {"spoilers": created.get("spoilers"), "created": details.get("created")}
    return {name: fact for name, fact in extra.items() if isinstance(fact, (str, bool))}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _without_seed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "seed"}


ootr = Ootr()
