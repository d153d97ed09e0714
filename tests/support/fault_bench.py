"""
Makes one call for each fault, and looks at everything that came of it.
"""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any

import attrs

import seedcore.http  # noqa: F401 - loaded on first use it would cost that attempt 0.3 s
from seedcore import Effect, ProviderError, Registry, Runner, Seed, provider
from seedcore.contract.circuit import State
from seedcore.testing.clocks import LeapingClock
from seedcore.testing.events import CapturedEvents
from seedcore.testing.replies import Reply, hanging, json_reply, typed
from seedcore.testing.upstream import FaultUpstream, Received, refused_port
from support.faults import BODILESS, Case

METHODS = {Effect.READ: "GET", Effect.IDEMPOTENT: "PUT"}
"""The others are POST."""
GOOD = json_reply({"id": "4711"})
CONTENTS = {
    "a page": typed("text/html", f"<h1>{'x' * 600}</h1>"),
    "untyped": Reply(body=b'{"id": "1"}'),
    "half a document": typed("application/json", '{"id": "47'),
    "no document": typed("application/json", "{'id': 47}"),
    "no text": typed("application/json", b'{"id": "\xff\xfe"}'),
    "another document": json_reply({"hash": "4711"}),
    "a list": json_reply(["4711"]),
}
CUTS: dict[str, dict[str, Any]] = {
    "reset before": {"cut": "at_once"},
    "closed before": {"cut": "at_once", "orderly": True},
    "reset on a kept connection": {"cut": "at_once"},
    "reset in the head": {"cut": "in_head"},
    "closed in the head": {"cut": "in_head", "orderly": True},
    "reset in the body": {"cut": "in_body"},
    "endless chunks": {"chunked": True, "pieces": 3, "cut": "in_body", "orderly": True},
    "truncated": {"promised": 9_999, "keep_alive": False},
    "hang in the body": {"pieces": 2, "pause": float("inf")},
    "reset after": {"cut": "after", "keep_alive": False},
}
"""How the reply of a phase differs from a complete one."""


@attrs.define(kw_only=True)
class Outcome:
    """
    What came of a case; ``error`` is the name of the class, or the id of the seed.

    ``history`` are the breaker's bits, which began with one failure; ``calls_failed`` began
    with one call. ``announced`` are the events of repetitions, ``retry_in`` the seconds until
    ``retry_at``, ``slept`` those between the attempts, ``pauses`` those of a closed gate.
    """

    error: str
    asked: int
    attempts: int
    stopped_by: str | None
    in_doubt: bool
    duplicate: bool
    status_code: int | None
    history: str
    calls_failed: int
    gate_closed: bool
    announced: int
    circuit: State = State.CLOSED
    keys: int = 1
    retry_in: float | None = attrs.field(default=None, eq=False)
    slept: list[float] = attrs.field(factory=list, eq=False)
    pauses: list[float] = attrs.field(factory=list, eq=False)

    def differences(self, wanted: Outcome) -> dict[str, str]:
        """
        Return what is not as *wanted*: "wanted != found" by field.
        """
        names = [field.name for field in attrs.fields(Outcome) if field.eq]
        pairs = {name: (getattr(wanted, name), getattr(self, name)) for name in names}
        return {name: f"{one!r} != {two!r}" for name, (one, two) in pairs.items() if one != two}


class Bench:
    """
    One runner and one upstream for a group of cases.
    """

    def __init__(self, upstream: FaultUpstream) -> None:
        self.upstream = upstream
        self.clock = LeapingClock()
        self.events = CapturedEvents()
        self.registry = Registry(discover=False)
        self.raisings = 0
        self._numbers = itertools.count(1)
        self.runner = Runner(
            registry=self.registry,
            database=None,
            sinks=[self.events],
            clock=self.clock,
            settings={"retry_jitter": False, "attempt_timeout": 30.0},
        )

    async def run(self, case: Case) -> Outcome:
        """
        Make one call as *case* says, and look at everything that came of it.
        """
        name = f"case{next(self._numbers)}"
        self.registry.add(name, self._provider(case))
        self.upstream.script(GOOD)
        lane = await self.runner._opened.of(name)
        if case.phase == "reset on a kept connection":
            await self.runner.generate(name, surface="test")
        breaker, now = lane.circuit("generate").breaker, self.clock.monotonic()
        breaker.failed(breaker.admit(now), now)
        breaker.call_failed(breaker.admit(now), now)
        self.upstream.requests.clear()
        self.events.clear()
        self.raisings = 0
        self.upstream.script(*self._script(case))
        before = len(self.clock.slept)
        came = await self._call(name)
        return Outcome(
            **came,
            slept=self.clock.slept[before:],
            pauses=[
                event.extra["pause_s"]
                for event in self.events.named("gate", provider=name)
                if event.extra["state"] == "closed"
            ],
            asked=self.raisings if case.phase in ("raised", "refused") else len(self._asked()),
            history=f"{breaker._failures:b}",
            calls_failed=breaker._calls_failed,
            announced=len(self.events.named("attempt", provider=name, outcome="retry")),
            circuit=breaker.state,
            gate_closed=lane.gate.wait(self.clock.monotonic()) > 0,
            keys=len({asked.headers["idempotency-key"] for asked in self._asked()}) or 1,
        )

    async def _call(self, name: str) -> dict[str, Any]:
        try:
            seed = await self.runner.generate(name, surface="test")
        except ProviderError as error:
            return {
                "error": type(error).__name__,
                "attempts": error.attempts,
                "stopped_by": error.stopped_by,
                "in_doubt": error.in_doubt,
                "duplicate": False,
                "status_code": error.status_code,
                "retry_in": error.retry_at and error.retry_at - self.clock.time(),
            }
        return {
            "error": seed.id,
            "attempts": seed.meta.attempts,
            "stopped_by": None,
            "in_doubt": False,
            "duplicate": seed.meta.possible_duplicate,
            "status_code": None,
        }

    def _asked(self) -> list[Received]:
        return self.upstream.requests

    # --------------------------------------------------------------- the fault

    def _provider(self, case: Case) -> Any:
        method = METHODS.get(case.effect, "POST")
        base_url = self.upstream.url
        if case.phase == "refused":
            base_url = f"http://127.0.0.1:{refused_port()}"

        @provider(base_url=base_url, effect=case.effect)
        async def one(request, context):
            self.raisings += 1
            if case.phase == "raised" and not (case.once and self.raisings > 1):
                raise case.raised or _of_another_client(case)
            if case.phase == "refused" and case.once and self.raisings > 1:
                return Seed(id="4711")
            key = {"Idempotency-Key": context.idempotency_key}
            async with context.http.request(method, "seed", headers=key) as reply:
                reply.raise_for_status()
                body = await reply.json()
            return Seed(id=body["id"])

        return one

    def _script(self, case: Case) -> list[Any]:
        if case.phase == "raised":
            return [GOOD]
        fault: Any = _reply(case)
        if "hang" in case.phase:
            fault = self._hanging(fault, 0.0 if case.phase == "hang" else 0.001)
        return [fault, GOOD] if case.once else [fault]

    def _hanging(self, reply: Reply, seconds: float) -> Any:
        """
        Answer with *reply*, and let the time of the attempt run out once it is under way.
        """

        def answer(_: Received) -> Reply:
            assert self.runner._runtime is not None
            limits = self.runner._runtime.limits
            asyncio.get_running_loop().call_later(seconds, limits.fire_all)
            return reply

        return answer


def _reply(case: Case) -> Reply:
    if case.phase == "hang":
        return hanging()
    content = CONTENTS[case.content]
    headers = {**content.headers, **case.form.headers}
    body = b"" if case.status in BODILESS else content.body
    changes = CUTS.get(case.phase, {})
    return attrs.evolve(content, status=case.status, headers=headers, body=body, **changes)


def _of_another_client(case: Case) -> Exception:
    error: Any = RuntimeError("another client's")
    holder = error
    *outer, name = (case.carried or "").split(".")
    if outer:
        holder = error.response = SimpleNamespace()
    setattr(holder, name, case.status)
    holder.headers = case.form.headers
    return error
