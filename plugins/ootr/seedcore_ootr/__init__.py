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
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
)
from seedcore_ootr.options import Options, Settings, Wish, branch_of, id_of, wish_of
from seedcore_ootr.reply import (
    State,
    code_of,
    document_of,
    log_of,
    mapping_of,
    new_id,
    notes_of,
    state_of,
    version_of,
)

if TYPE_CHECKING:
    # Showing or listing the plugin must not pay for importing aiohttp.
    import aiohttp

    from seedcore import Context

CREATE = "api/v2/seed/create"
BLOCKED = 60.0
"""Seconds that the site answers nobody who asked too often."""
SOON = 30.0
"""Seconds after which what belongs to a finished seed must be there."""


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
    async def generate(self, request: SeedRequest, context: Context) -> Seed:
        """
        Make a seed, and wait until it is done.
        """
        wish = wish_of(request)
        created, site = await _create(wish, context)
        key = new_id(created, hidden=wish.hidden)
        if await _outcome(key, context) == "failed":
            text = "it could make no seed of these settings this time"
            raise ProviderUnavailableError(text)
        details = await context.poll(lambda: _details(key, context), deadline=SOON)
        return Seed(
            url=f"{site}seed/get?id={key}",
            id=key,
            code=code_of(log_of(details, shown="hideSettings" not in wish.query)),
            version=_text(created.get("version")) or wish.query.get("version"),
            settings=wish.recorded,
            extra=_extra(created, details),
        )

    @operation(effect="read", placeholder={})
    async def status(self, context: Context, id: int | str) -> dict[str, Any]:  # noqa: A002 - its name there
        """
        Return whether a seed is finished, has failed, or what the site says until then.
        """
        state = await _state(id_of(id), context)
        if isinstance(state, Pending):
            return {"status": state.status, "progress": state.progress}
        return {"status": state, "progress": 1.0}

    @operation(effect="read", placeholder={})
    async def details(self, context: Context, id: int | str) -> dict[str, Any]:  # noqa: A002 - the same
        """
        Return the code, the time and the settings of a finished seed, without its spoiler.
        """
        async with _asked("details", id_of(id), context) as reply:
            document = await document_of(reply)
        log = log_of(document, shown=False)
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
            async with _asked("pw", key, context) as reply:
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


async def _create(wish: Wish, context: Context) -> tuple[Mapping[str, Any], str]:
    """
    Ask for a seed; return the answer, and where the site is.
    """
    async with context.http.post(
        CREATE,
        params={"key": context.settings.key, **wish.query},
        json=wish.document,
        allow_redirects=False,  # a redirected POST becomes a GET, which makes nothing
    ) as reply:
        created = mapping_of(await document_of(reply))
        return created, str(reply.url.with_query(None)).removesuffix(CREATE)


async def _outcome(key: str, context: Context) -> State:
    """
    Ask for the status of a seed until it is final.
    """
    return await context.poll(
        lambda: _state(key, context),
        interval=2.0,
        growth=1.2,
        longest=10.0,
        deadline=context.settings.poll_timeout,
    )


async def _state(key: str, context: Context) -> State | Pending:
    async with _asked("status", key, context) as reply:
        if reply.status == 204:
            return Pending("not known yet")
        return state_of(await document_of(reply))


async def _details(key: str, context: Context) -> Mapping[str, Any] | Pending:
    async with _asked("details", key, context) as reply:
        if reply.status == 204:
            return Pending("no details yet")
        return mapping_of(await document_of(reply))


def _asked(what: str, key: str, context: Context) -> aiohttp.client._RequestContextManager:
    params = {"key": context.settings.key, "id": key}
    return context.http.get(f"api/v2/seed/{what}", params=params)


def _extra(created: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    extra = {"spoilers": created.get("spoilers"), "created": details.get("creationTimestamp")}
    return {name: fact for name, fact in extra.items() if isinstance(fact, (str, bool))}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _without_seed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "seed"}


ootr = Ootr()
