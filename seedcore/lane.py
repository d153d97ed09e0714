"""
Everything the runner keeps for one provider, and how a call gets through it.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import math
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

import attrs

from seedcore.call import Call, ClosingResponses
from seedcore.context import StartContext
from seedcore.contract import threads
from seedcore.contract.breaker import Breaker, Permit, Suspects
from seedcore.contract.circuit import State, Step
from seedcore.contract.classify import Lesson, Verdict
from seedcore.contract.deadline import Clock, Group, Limits, Waits
from seedcore.contract.gate import Gate
from seedcore.contract.pace import Pace
from seedcore.contract.retry import Budget
from seedcore.contract.slots import Share, Slots
from seedcore.errors import ProviderCapabilityError, StoppedBy, UnknownOperationError
from seedcore.events import Event, Events, Level
from seedcore.model import Operation
from seedcore.plugins import Provider
from seedcore.policy import Policy, Profile
from seedcore.redact import Redactor
from seedcore.settings import ProviderSettings, secrets_of

if TYPE_CHECKING:
    import aiohttp

    from seedcore.sharing import Sharing
    from seedcore.spoilers import SpoilerLogs
    from seedcore.store import Store


POLL = ".poll"
"""After the name of an operation: its polls, which have a circuit of their own."""


@attrs.define(eq=False, kw_only=True)
class Runtime:
    """
    What all lanes of a runner share; it lives in one event loop and its thread.
    """

    loop: asyncio.AbstractEventLoop
    thread: int
    clock: Clock
    rng: Random
    waits: Waits
    limits: Limits
    events: Events
    store: Store | None = None
    logs: SpoilerLogs | None = None
    """What keeps and reveals the logs of spoiler races; ``None`` without a store."""
    sharing: Sharing | None = None
    """What keeps circuits and gates in step with other processes; ``None`` without a store."""
    http_middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
    failure_rows: bool = True
    draining: bool = False

    reports: bool = attrs.field(init=False)
    """Whether anybody reads the reports of plain successes."""

    def __attrs_post_init__(self) -> None:
        self.reports = self.store is not None or self.events.debug


@attrs.define(eq=False, kw_only=True)
class Circuit:
    """
    One operation's breaker, slots, suspected requests, and the calls that wait for it.

    ``revision`` is that of the shared row as last seen, ``asking`` is done when the database has
    answered about a probe, ``unsaid`` counts the steps that are on their way to the row, and
    ``untold`` says whether some could not be taken there.
    """

    breaker: Breaker
    share: Share
    suspects: Suspects = attrs.Factory(Suspects)
    waiting: Group = attrs.Factory(dict)
    revision: int = -1
    asking: asyncio.Future[None] | None = None
    unsaid: int = 0
    untold: bool = False


class Lane:
    """
    One provider's policy, session, slots, gate, budget, and one circuit per operation.
    """

    def __init__(self, provider: Provider, settings: ProviderSettings, runtime: Runtime) -> None:
        policy = settings.policy()
        self.provider = provider
        self.settings = settings
        self.runtime = runtime
        self.redactor = Redactor(settings.secrets)
        self.slots = Slots(policy.max_concurrent, policy.max_queued)
        self.gate = Gate(runtime.rng)
        self.pace = Pace(settings.rate) if settings.rate else None
        self.budget = Budget(runtime.clock.monotonic())
        self.calls = 0
        self.fresh_until = math.inf if runtime.sharing is None else -math.inf
        """When to look again at what is shared, before the next attempt."""
        self.gate_version = ""
        self.gate_unsaid = 0
        self.gate_said = -math.inf
        """What is on its way to the shared row of the gate, and when the last of it arrived."""
        self.state: Any = None
        self.started = provider.start is None
        self._starting: asyncio.Task[None] | None = None
        self._never_starts: ProviderCapabilityError | None = None
        self._operations = dict(provider.operations)
        if generate := self._operations.get("generate"):
            self._operations["generate"] = attrs.evolve(generate, effect=settings.effect)
        self._session: aiohttp.ClientSession | None = None
        self._circuits: dict[str, Circuit] = {}
        self._policies: dict[tuple[Profile, str], Policy] = {}

    @property
    def name(self) -> str:
        """
        The provider's name.
        """
        return self.provider.name

    def operation(self, name: str) -> Operation:
        """
        Return the operation called *name*, with its effect as the settings have it.

        Raises UnknownOperationError.
        """
        found = self._operations.get(name)
        if found is None:
            raise UnknownOperationError(self.name, name, self._operations)
        return found

    @property
    def session(self) -> aiohttp.ClientSession:
        """
        The provider's HTTP session, made on first use.
        """
        if self._session is None:
            # Imported here: a provider without network never pays for aiohttp.
            from seedcore.http import build_session, keeping

            pacing = (keeping(self.pace, self.runtime),) if self.pace is not None else ()
            self._session = build_session(
                base_url=self.settings.base_url,
                hosts=self.settings.hosts,
                pool_size=self.settings.pool_size,
                response_limit=self.settings.response_limit,
                # Nearest to the wire: one of the others may send a request again.
                middlewares=(*self.runtime.http_middlewares, *pacing),
            )
        return self._session

    def has_circuit(self, name: str) -> bool:
        """
        Whether *name* is that of an operation, or of the polls of one.
        """
        return name.removesuffix(POLL) in self._operations

    def policy(self, profile: Profile, operation: str) -> Policy:
        """
        Return the limits of an operation's calls.
        """
        key = profile, operation
        found = self._policies.get(key)
        if found is None:
            asked = operation
            if operation not in self._operations and isinstance(operation, str):
                asked = operation.removesuffix(POLL)
            self.operation(asked)  # raises: a name that doesn't exist must not fill this
            found = self._policies[key] = self.settings.policy(profile, asked)
        return found

    def circuit(self, operation: str) -> Circuit:
        """
        Return the circuit of *operation*.
        """
        circuit = self._circuits.get(operation)
        if circuit is None:
            policy, sharing = self.policy("interactive", operation), self.runtime.sharing

            def stepped(old: State, step: Step | None) -> None:
                self.circuit_changed(operation, old)
                if step is not None and sharing is not None:
                    sharing.tell(self, operation, step)

            names = sharing.probe_names if sharing else None
            circuit = self._circuits[operation] = Circuit(
                breaker=Breaker(policy, stepped, names), share=self.slots.share()
            )
        return circuit

    @property
    def circuits(self) -> Mapping[str, Circuit]:
        """
        The circuits that were needed so far, by operation.
        """
        return self._circuits

    @functools.cached_property
    def credential(self) -> str:
        """
        What tells accounts of the same provider apart, without telling anything about them.
        """
        if not self.settings.secrets:
            return ""
        secrets = "\0".join(sorted(self.settings.secrets)).encode("utf-8", "replace")
        # Slow on purpose: the row is no place to try passwords out.
        digest = hashlib.scrypt(secrets, salt=self.name.encode(), n=2**12, r=8, p=1, dklen=16)
        return digest.hex()

    @property
    def in_use(self) -> bool:
        """
        Whether anything runs or waits here right now.
        """
        slots = self.slots
        waiting = any(circuit.waiting for circuit in self._circuits.values())
        return slots.in_use > 0 or slots.queued > 0 or waiting

    def release(self, call: Call, *, success: bool = False) -> None:
        """
        Give the slot of an attempt back; a thread that still runs keeps it until it ends.
        """
        if call.worker is not None and call.worker.running:
            call.worker.on_end(call.circuit.share.give_back)
        else:
            call.circuit.share.give_back(success=success)
        call.worker = None

    def abandon(self, call: Call, permit: Permit) -> None:
        """
        Forget an attempt that was cancelled: neutral for the circuit.
        """
        call.circuit.breaker.released(permit, self.runtime.clock.monotonic())
        if not call.submitted:
            self.release(call)

    def succeeded(self, call: Call, permit: Permit, now: float) -> None:
        """
        Tell circuit and gate that an attempt succeeded.
        """
        circuit = call.circuit
        circuit.breaker.succeeded(permit, now)
        circuit.suspects.succeeded(call.request)
        if self.gate.error is not None and self.gate.succeeded() and self.runtime.sharing:
            self.runtime.sharing.tell_serving(self)

    def failed(
        self, call: Call, permit: Permit, verdict: Verdict, now: float, *, counts: bool
    ) -> None:
        """
        Tell circuit and gate how an attempt failed; cut short by a deadline, it doesn't count.
        """
        breaker = call.circuit.breaker
        if verdict.closes_gate:
            # Others get this error too, and the database: with none of what is this call's own.
            words = self.redactor_for(call).text(verdict.error.provider_message)
            seconds = self.gate.close(verdict.error.filled(provider_message=words), now)
            facts = {"state": "closed", "pause_s": round(seconds, 3)}
            self.emit("INFO", "gate", call=call, status_code=verdict.error.status_code, extra=facts)
            if self.runtime.sharing is not None:
                self.runtime.sharing.tell_pause(self, seconds)
        if verdict.lesson is Lesson.ANSWERED:
            breaker.answered(permit, now)
        elif verdict.lesson is Lesson.FAILURE and counts:
            if call.circuit.suspects.failed(call.request, now):
                breaker.released(permit, now)
            else:
                breaker.failed(permit, now, here=verdict.here)
        else:
            breaker.released(permit, now)

    def redactor_for(self, call: Call) -> Redactor:
        """
        Return what takes this provider's secrets, and those among the call's options, out.
        """
        options = getattr(getattr(call, "request", None), "options", None)
        given = tuple(secrets_of(options)) if attrs.has(type(options)) else ()
        outer: Call | None = call
        while outer is not None:
            given, outer = (*given, *outer.hidden), outer.parent
        return Redactor((*self.settings.secrets, *given)) if given else self.redactor

    def gate_opened(self, call: Call) -> None:
        """
        Start again with few slots after a pause.
        """
        self.slots.ramp()
        self.emit("INFO", "gate", call=call, extra={"state": "open"})

    def call_failed(self, call: Call, permit: Permit, stopped_by: StoppedBy | None) -> None:
        """
        Tell the circuit that a whole call failed by the provider's fault.
        """
        counts = stopped_by in ("attempts", "permanent", "in_doubt")
        if not counts or call.verdict is None or call.verdict.lesson is not Lesson.FAILURE:
            return
        if not call.circuit.suspects.call_failed(call.request):
            now = self.runtime.clock.monotonic()
            call.circuit.breaker.call_failed(permit, now, here=call.verdict.here)

    def circuit_changed(self, operation: str, old: State, *, by_peer: bool = False) -> None:
        """
        Wake who waits for a circuit, and say what it is now if that is something else.
        """
        circuit = self._circuits[operation]
        new = circuit.breaker.state
        if new is State.CLOSED and old is not State.CLOSED:
            self.slots.ramp()
        self.runtime.waits.wake(circuit.waiting)
        if old is not new:
            level: Level = "WARNING" if new is State.OPEN else "INFO"
            facts = {"old": str(old), "new": str(new)}
            if by_peer:
                facts["by"] = "peer"
            self.emit(level, "breaker", operation=operation, breaker=str(new), extra=facts)

    async def start(self) -> None:
        """
        Run the provider's ``start`` once, however many calls ask for it at the same time.

        A failure is tried again by the next attempt, but a missing ability stays missing.
        """
        if self._never_starts is not None:
            raise self._never_starts.with_traceback(None)  # else it grows with every call
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._start_ended)
        await asyncio.shield(self._starting)

    async def start_early(self) -> None:
        """
        Run ``start`` before the first call; that one tries again what failed here.
        """
        if self.started:
            return
        try:
            await self.start()
        except Exception as error:  # noqa: BLE001 - the next call meets it under the contract
            self.emit("WARNING", "start_failed", error_type=type(error).__name__)

    async def _start(self) -> None:
        assert self.provider.start is not None
        context = StartContext(self)
        with ClosingResponses():
            async with asyncio.timeout(self.settings.policy().attempt_timeout):
                self.state = await threads.run(self.provider.start, context)
        self.started = True

    def _start_ended(self, task: asyncio.Task[None]) -> None:
        self._starting = None
        if not task.cancelled() and isinstance(task.exception(), ProviderCapabilityError):
            self._never_starts = task.exception()  # type: ignore[assignment]

    async def stop(self) -> None:
        """
        Let the provider give back what its ``start`` took.
        """
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting}, timeout=1.0)
        if self.provider.stop is None or self.provider.start is None or not self.started:
            return
        try:
            with ClosingResponses():
                async with asyncio.timeout(self.settings.policy().attempt_timeout):
                    await threads.run(self.provider.stop, self.state)
        except Exception as error:  # noqa: BLE001 - one plugin must not keep the others open
            self.emit("ERROR", "stop_failed", error_type=type(error).__name__)

    async def close(self) -> None:
        """
        Close the session.
        """
        if self._session is not None:
            await self._session.close()

    def emit(self, level: Level, event: str, *, call: Call | None = None, **fields: Any) -> None:
        """
        Send an event about this provider, and about *call* if one is given.
        """
        events = self.runtime.events
        if not events.wants(level):
            return
        if call is not None:
            fields = {
                "call_id": call.call_id,
                "operation": call.operation.name,
                "surface": call.surface,
                "breaker": str(call.circuit.breaker.state),
                **fields,
            }
        events.emit(Event(level=level, event=event, provider=self.name, **fields))
