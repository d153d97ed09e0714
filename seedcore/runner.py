"""
The one path every call takes.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from seedcore import outcome
from seedcore.attempt import attempts, submit
from seedcore.call import Call, unlimited
from seedcore.context import Calls
from seedcore.contract.classify import PLUGIN_ERROR
from seedcore.errors import (
    DrainingError,
    PluginError,
    ProviderCapabilityError,
    ProviderError,
    ProviderResponseFormatError,
    RevealError,
    SeedcoreError,
    SettingsError,
    UnknownOperationError,
)
from seedcore.fairness import as_fair
from seedcore.lane import Lane
from seedcore.lifetime import Lifetime
from seedcore.model import Seed, Spoilers, fingerprint_of
from seedcore.policy import Policy, Profile
from seedcore.routes import Routes
from seedcore.routes.following import Way, follow, point_of, targets_of
from seedcore.storage.in_use import Storages
from seedcore.validate import (
    check_request,
    checked_name,
    checked_seconds,
    request_of,
)

if TYPE_CHECKING:
    from datetime import datetime

    from seedcore.model import Reveal
    from seedcore.once import Once
    from seedcore.presets import Preset, Presets
    from seedcore.settings.routes import Route
    from seedcore.store import Store
    from seedcore.surface.form import Form

NOT_OPEN = "Open the runner first: 'async with seedcore.Runner() as runner: ...'"


class Runner(Lifetime):
    """
    Calls providers by name under one contract; an async context manager.

    *settings* has the shape of ``seedcore.toml`` and wins over it and over the environment, or
    are Settings that were loaded from elsewhere; *database* is a URL, or
    ``None`` for no audit; *sinks* receive the events instead of loguru; *start* names
    providers to prepare before the first call; *clock* and *rng* replace time and chance;
    *http_middlewares* are aiohttp's, around every request that goes through ``context.http``.

    Raises SettingsError for settings that are wrong, and DatabaseError when entered while
    the database can't be opened.
    """

    def _rooms(self) -> tuple[Storages, Calls]:
        storages = Storages(
            self.settings.core,
            self.registry,
            self._clock.time,
            inside=self._nested_in,
            alone=self._stored,
        )
        inside = Calls(
            nested=self._nested, poll=self._poll, preset=self._preset, upload=storages.upload
        )
        return storages, inside

    async def generate(
        self,
        provider: str,
        *,
        surface: str,
        preset: str | None = None,
        settings: Mapping[str, Any] | None = None,
        race: bool = False,
        spoilers: Spoilers | None = None,
        branch: str | None = None,
        options: Any = None,
        call_id: str | None = None,
        deadline: float | None = None,
        patience: float | None = None,
        profile: Profile = "interactive",
        policy: Mapping[str, Any] | None = None,
        sealed: bool = False,
        reveal_at: datetime | float | None = None,
        by: str | None = None,
        operation: str = "generate",
        dry_run: bool = False,
    ) -> Seed:
        """
        Roll one seed.

        *surface* says where the call came from, *options* are the provider's own arguments,
        *settings* a whole settings document for providers that take one. *deadline* and
        *patience* are seconds, *policy* single limits that differ for this call. A *call_id*
        means "this once". A *sealed* seed is hidden by every reader of the audit. A *dry_run*
        checks everything and asks nobody: it needs no credentials and returns a placeholder.

        *preset* names a file, or with ``namespace/name`` a saved one, for a provider that has
        such presets; it may say which provider makes the seed. *spoilers* are off for a race,
        else what the setting ``spoilers`` says, unless they are given. Those that are ``delayed``
        are a spoiler race: nobody sees them before ``reveal`` may show them at *reveal_at* (a time
        with its zone, or seconds since 1970; without it the setting ``reveal_after`` decides) to
        *by*, who asked, or to the operator.

        *operation* is another one that makes seeds, such as ``mystery``.

        Raises ProviderError, PluginError, SettingsError, DuplicateCallError, and nothing else
        but CancelledError.
        """
        arguments = {
            "preset": preset,
            "settings": settings,
            "race": race,
            "spoilers": spoilers,
            "branch": branch,
            "options": options,
            "sealed": sealed,
            "reveal_at": reveal_at,
            "by": by,
        }
        if self._routes.due():
            await self._routes.news(deadline)
        route, lane = self._routes.of(provider), self._lanes.get(provider)
        plain = route is None and call_id is None and preset is None and dry_run is False
        if plain and lane is not None:
            # Nearly all calls: nothing to look up, and not one coroutine more for each that waits.
            call = self._limited(
                lane, operation, surface, None, deadline, patience, profile, policy, rolls=True
            )
            return await self._run(call, arguments)  # type: ignore[no-any-return]
        begin = functools.partial(
            self._begun,
            operation=operation,
            surface=surface,
            call_id=call_id,
            patience=patience,
            profile=profile,
            policy=policy,
            preset=preset,
            dry_run=dry_run,
            rolls=True,
        )
        way = self._way(provider, route, call_id, {**arguments, "operation": operation})
        return await self._routed(way, route, call_id, deadline, begin, arguments)  # type: ignore[no-any-return]

    async def call(
        self,
        provider: str,
        operation: str,
        /,
        *,
        surface: str,
        call_id: str | None = None,
        deadline: float | None = None,
        patience: float | None = None,
        profile: Profile = "interactive",
        policy: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        **arguments: Any,
    ) -> Any:
        """
        Call any other operation of a provider; *arguments* are its own.

        Raises as ``generate`` does.
        """
        begin = functools.partial(
            self._begun,
            operation=operation,
            surface=surface,
            call_id=call_id,
            patience=patience,
            profile=profile,
            policy=policy,
            preset=arguments.get("preset"),
            dry_run=dry_run,
        )
        if self._routes.due():
            await self._routes.news(deadline)
        route = self._routes.of(provider)
        way = self._way(provider, route, call_id, {**arguments, "operation": operation})
        return await self._routed(way, route, call_id, deadline, begin, arguments)

    async def _begun(
        self,
        provider: str,
        deadline: float | None,
        *,
        operation: str,
        surface: str,
        call_id: str | None,
        patience: float | None,
        profile: Profile,
        policy: Mapping[str, Any] | None,
        preset: object,
        dry_run: bool,
        rolls: bool = False,
    ) -> Call:
        """
        Return a call that is ready to be made: its provider, which a preset may name, its limits.
        """
        asked = self._opened.asked(provider, operation, preset, dry_run=dry_run)
        lane, operation, found = await asked
        call = self._limited(
            lane, operation, surface, call_id, deadline, patience, profile, policy, rolls=rolls
        )
        call.preset = found
        if dry_run:
            self._make_dry(call)
        return call

    def _limited(  # noqa: PLR0917 - made once per call, where keywords would cost
        self,
        lane: Lane,
        operation: str,
        surface: str,
        call_id: str | None,
        deadline: float | None,
        patience: float | None,
        profile: Profile,
        policy: Mapping[str, Any] | None,
        *,
        rolls: bool,
    ) -> Call:
        """
        Return a call of an open lane, under the limits that were given.
        """
        limits = lane.policy(profile, operation)
        if policy or patience is not None:
            limits = _overridden(limits, policy, patience)
        call = self._call(lane, operation, surface, call_id, limits, deadline)
        call.profile = profile
        if rolls and not call.operation.rolls:
            raise UnknownOperationError(lane.name, operation, lane.provider.rolling)
        return call

    def _way(
        self, name: str, route: Route | None, call_id: str | None, asked: Mapping[str, Any]
    ) -> Way:
        fingerprint = "" if call_id is None else fingerprint_of(name, asked)
        return Way(name, routed=route is not None, fingerprint=fingerprint)

    async def _routed(  # noqa: PLR0917 - few calls come here, and each has all of it
        self,
        way: Way,
        route: Route | None,
        call_id: str | None,
        deadline: float | None,
        begin: Callable[[str, float | None], Awaitable[Call]],
        arguments: dict[str, Any],
    ) -> Any:
        """
        Make a call where its *route* leads, or one that is made once.
        """

        async def ask(target: str, left: float | None, /, *, more: bool) -> Any:
            call = await begin(target, left)
            way.begins(target, call, more=more)
            return await self._run(call, dict(arguments))

        if route is None and call_id is None:
            return await self._run(await begin(way.asked, deadline), arguments)
        if deadline is not None:
            deadline = checked_seconds(deadline, "deadline")
        chosen = None if call_id is None else checked_name(call_id, "call_id")
        point = self._rng.random() if chosen is None else point_of(chosen)
        targets = targets_of(way.asked, route, point)
        return await follow(way, targets, ask, now=self._now, deadline=deadline)

    async def _nested(
        self,
        parent: Call,
        provider: str,
        operation: str,
        call_id: str,
        arguments: dict[str, Any],
    ) -> Any:
        """
        Make a call for *parent*, within its deadline, where the route of *provider* leads.
        """
        if self._routes.due():
            await self._routes.news(parent.deadline - self._now())
        route = self._routes.of(provider)
        way = Way(provider, routed=route is not None)

        async def ask(target: str, _: float | None, /, *, more: bool) -> Any:
            return await self._nested_in(
                parent, target, operation, call_id, arguments, way=way, more=more
            )

        try:
            targets = targets_of(provider, route, point_of(call_id))
            value = await follow(way, targets, ask, now=self._now, deadline=None)
        except (PluginError, SettingsError) as error:
            # Whoever asked has to install or set something.
            text = f"it needs another provider. {error}"
            raise ProviderCapabilityError(text) from error
        parent.duplicate = parent.duplicate or way.duplicate
        return value

    async def _nested_in(
        self,
        parent: Call,
        provider: str,
        operation: str,
        call_id: str,
        arguments: dict[str, Any],
        *,
        hide: Iterable[str] = (),
        way: Way | None = None,
        more: bool = False,
    ) -> Any:
        asked = self._opened.asked(provider, operation, arguments.get("preset"))
        lane, operation, found = await asked
        limits = lane.policy(parent.profile, operation)
        surface = parent.request.surface
        remaining = parent.deadline - self._clock.monotonic()
        call = self._call(lane, operation, surface, None, limits, max(remaining, 0.001))
        call.call_id, call.nested, call.profile = call_id, True, parent.profile
        call.preset, call.parent, call.of_attempt = found, parent, parent.attempts
        call.hidden = tuple(hide)
        if way is not None:
            way.begins(provider, call, more=more)
        outer: Call | None = parent
        while outer is not None:
            if outer.lane is lane:
                submit(outer)  # else calls that wait for a second slot may hold all of them
            outer = outer.parent
        # It has attempts and limits of its own, within the deadline of the outer one.
        with unlimited(parent):
            return await self._run(call, as_fair(call, dict(arguments)))

    async def _poll(
        self, call: Call, look: Callable[[], Awaitable[Any]], deadline: float | None, **times: float
    ) -> Any:
        from seedcore.polling import Interval, Poll  # few providers need it

        return await Poll(call, look, self._inside, deadline).run(Interval(**times))

    async def _stored(
        self, provider: str, operation: str, *, hide: Iterable[str], **arguments: Any
    ) -> Any:
        """
        Call a provider that is a storage, for the core itself.
        """
        lane = await self._opened.of(provider)
        policy = lane.policy("batch", operation)
        call = self._call(lane, operation, "storage", None, policy, None)
        call.profile, call.hidden = "batch", tuple(hide)
        return await self._run(call, arguments)

    async def reveal(self, call_id: str, *, by: str, kind: str = "spoiler") -> Reveal:
        """
        Return a time-limited link to the spoiler log of a call, and record that *by* has it.

        *by* is who asked for the seed, such as ``discord:1234``, or ``OPERATOR``. *kind* is that
        of the log: ``spoiler``, or what else the provider makes, such as ``progression``.

        Raises RevealError for a log that isn't due, isn't there or is not for *by*, DatabaseError,
        and what calls of the storage raise.
        """
        from seedcore.presets.names import checked_author

        runtime = self._runtime
        if runtime is None:
            raise SeedcoreError(NOT_OPEN)
        if runtime.logs is None:
            raise RevealError(call_id, "can't be found: this program uses no database.")
        return await runtime.logs.reveal(
            checked_name(call_id, "call_id"), checked_name(kind, "kind"), checked_author(by)
        )

    async def _preset(self, provider: str, name: str) -> Preset:
        return await self.presets.find(provider, name)

    def form(self, provider: str, operation: str = "generate") -> Form:
        """
        Return what an operation takes, as surfaces ask for it; *provider* may be a route's name.

        Raises PluginError.
        """
        from seedcore.surface.form import form_of

        route = self._routes.of(provider)
        name = provider if route is None else targets_of(provider, route, 0.0)[0]
        return form_of(self.registry.load(name), operation)

    @property
    def routes(self) -> Routes:
        """
        Where calls by a name go, and what changes that while programs run.
        """
        return self._routes

    @property
    def store(self) -> Store | None:
        """
        The open database, for surfaces that show what is recorded; ``None`` without one.
        """
        return None if self._runtime is None else self._runtime.store

    @property
    def presets(self) -> Presets:
        """
        The presets of the providers that have some: files, and those that people saved.
        """
        return self._opened.presets

    def _call(  # noqa: PLR0917 - made once per call, where keywords would cost
        self,
        lane: Lane,
        operation: str,
        surface: str,
        call_id: str | None,
        policy: Policy,
        deadline: float | None,
    ) -> Call:
        """
        Begin the record of a call: its operation, id and deadline.
        """
        total = policy.total_timeout
        if deadline is not None:
            total = min(total, checked_seconds(deadline, "deadline"))
        now = self._now()
        call = Call(
            lane,
            lane.operation(operation),
            checked_name(surface, "surface"),
            f"{self._prefix}{next(self._numbers):x}",
            policy,
            now,
            now + total,
        )
        if call_id is not None:
            call.call_id, call.given = checked_name(call_id, "call_id"), True
        return call

    async def _run(self, call: Call, arguments: dict[str, Any]) -> Any:
        """
        Take *call* through the contract: validate, then attempts until one settles it.
        """
        lane = call.lane
        self._running += 1
        try:
            call.request = request_of(call, arguments)
            arguments.clear()  # it would be kept for as long as the call waits
            if lane.provider.check is not None:
                check_request(call)
            if call.dry:
                return await self._dry(call)
            if call.given and (found := await self._only_once.begin(call)) is not None:
                return found.value
            lane.calls += 1
            lane.budget.call()
            value = await attempts(call, self._inside)
            latency = round((self._now() - call.started) * 1e3, 3)
            if call.once is not None:
                return await call.once.finish(value, latency)
            if call.logs and lane.runtime.logs is not None:
                return await lane.runtime.logs.whole(outcome.settled(call, value, latency))
            return await outcome.settled(call, value, latency)
        except ProviderError as error:
            if call.once is not None and call.way is not None:
                call.way.once, call.once = call.once, None  # another provider may be asked
            raise outcome.failed(call, error) from outcome.cause_of(call)
        finally:
            if call.once is not None:
                call.once.end()
            self._running -= 1
            if lane.runtime.draining and not self._running:
                self._idle.set()

    def _make_dry(self, call: Call) -> None:
        call.dry = True
        # A row of its own: the real call must still find its id free.
        call.row_id = f"{self._prefix}{next(self._numbers):x}"

    async def _dry(self, call: Call) -> Any:
        """
        Return what stands for the result of *call*, with a row of its own kind.
        """
        from seedcore import dry

        if call.lane.runtime.draining:
            raise DrainingError(stopped_by="draining")
        try:
            value = dry.value_of(call)
        except Exception as error:
            text = "its plugin has no placeholder that can be made; this is a bug of it"
            raise ProviderResponseFormatError(text, reason=PLUGIN_ERROR) from error
        latency = round((self._now() - call.started) * 1e3, 3)
        call.reveal_at = getattr(call.request, "reveal_at", None)
        return await outcome.settled(call, value, latency)

    @property
    def _only_once(self) -> Once:
        if self._once is None:
            # Imported here: most calls have no id of their own.
            from seedcore.once import Once

            assert self._runtime is not None
            self._once = Once(self._runtime)
        return self._once


def _overridden(
    limits: Policy, changes: Mapping[str, Any] | None, patience: float | None
) -> Policy:
    for key in ("max_concurrent", "max_queued"):
        if changes and key in changes:
            msg = f"{key} is shared by all calls of a provider; set it in the settings."
            raise SettingsError(msg)
    if changes:
        limits = limits.override(changes)
    return limits if patience is None else limits.override({"patience": patience})
