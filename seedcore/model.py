"""
The records that travel: requests to a provider, seeds back, what is written about a call.

A seed and its meta have no slots, so that ``made`` can fill them at once; requests have,
since thousands of them may wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import attrs

from seedcore.policy import Effect

Spoilers = Literal["off", "on", "delayed"]
Outcome = Literal["success", "retry", "failure"]
AuditState = Literal["durable", "spooled", "lost", "off"]

Record = TypeVar("Record")

LONGEST_NAME = 200
"""Most characters of a surface, preset, branch or call_id."""

NOTHING_GIVEN: Mapping[str, Any] = MappingProxyType({})


def read_only(mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """
    Return a read-only copy of *mapping*; ``None`` is empty.
    """
    return MappingProxyType(dict(mapping)) if mapping else NOTHING_GIVEN


def made(kind: type[Record], fields: dict[str, Any]) -> Record:
    """
    Return a record of *kind* with all its *fields*, known to be right, in a third of the time.

    A frozen class sets each field through a function; for what every call makes, that is a
    quarter of all the contract costs.
    """
    record = kind.__new__(kind)
    vars(record).update(fields)
    return record


GIVEN = ("request", "context")
"""The parameters of an operation that the runner fills in by name."""


@attrs.frozen(kw_only=True)
class Operation:
    """
    One named thing a provider does.

    ``takes`` are the names of the arguments a call may pass, ``needs`` those it must;
    ``takes`` is ``None`` when the implementation reads ``request.arguments`` itself.
    """

    name: str
    effect: Effect
    audited: bool
    sync: bool
    summary: str
    takes: frozenset[str] | None
    needs: frozenset[str]
    placeholder: Any = attrs.field(default=None, repr=False, eq=False)
    """What a dry run returns; ``None``: something empty of the type in ``returns``."""
    texts: frozenset[str] = attrs.field(default=frozenset(), repr=False, eq=False)
    """The arguments that are annotated as texts."""
    returns: str = attrs.field(default="", repr=False, eq=False)
    """The annotation of what it returns, as its author wrote it."""
    rolls: bool = False
    """Whether it makes seeds: its request is a SeedRequest, and all that holds for races holds."""
    documents: Any = attrs.field(default=None, repr=False, eq=False)
    """Of one that rolls, the Documents that it takes as options and presets."""
    function: Callable[[Request, Any], Any] = attrs.field(repr=False, eq=False)
    """Called with request and context, whatever subset of them the author takes."""


def kind_of(provider: str, operation: str) -> str:
    """
    Return the name that presets of an operation go by.
    """
    return provider if operation == "generate" else provider + operation


@attrs.frozen(kw_only=True)
class Request:
    """
    What a surface asked of an operation.
    """

    provider: str
    operation: str
    surface: str
    call_id: str
    arguments: Mapping[str, Any] = NOTHING_GIVEN

    @property
    def outline(self) -> Any:
        """
        What different requests often differ in already: cheap, where a fingerprint is not.
        """
        return len(self.arguments)

    def fingerprint(self) -> str:
        """
        Return a digest of what was asked: the same for the same arguments of any caller.
        """
        names = (field.name for field in attrs.fields(type(self)))
        asked = {name: getattr(self, name) for name in names if name not in _WHO_ASKED}
        given = asked.pop("given", None)
        if given is not None:  # a preset that is edited meanwhile makes it no other request
            asked["options"] = given
        return _digest(asked)


def fingerprint_of(name: str, asked: Mapping[str, Any]) -> str:
    """
    Return a digest of what a caller *asked* of whoever *name* leads to.

    What stands for nothing counts for nothing, so that it may be left out.
    """
    given = {
        key: value
        for key, value in asked.items()
        if key not in _WHO_ASKED and value is not None and value is not False
    }
    return _digest(name, given)


def _digest(*parts: Any) -> str:
    import hashlib  # 4 ms that few calls need

    text = repr(_canonical(parts, DEEPEST))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_WHO_ASKED = frozenset({"call_id", "reveal_at", "surface"})
DEEPEST = 20
"""Levels of an argument that a fingerprint looks into."""


def _canonical(value: Any, depth: int) -> Any:
    """
    Return what *value* says, without order of names and without identity.
    """
    if depth == 0:
        return type(value).__name__
    if attrs.has(type(value)):
        named = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        return type(value).__qualname__, _canonical(named, depth - 1)
    if isinstance(value, Mapping):
        items = ((repr(key), _canonical(item, depth - 1)) for key, item in value.items())
        return "mapping", sorted(items, key=lambda item: item[0])
    if isinstance(value, (set, frozenset)):
        return "set", sorted(repr(_canonical(item, depth - 1)) for item in value)
    if isinstance(value, (list, tuple)):
        return [_canonical(item, depth - 1) for item in value]
    if isinstance(value, (str, int, float, bool, type(None))):
        return type(value).__name__, value
    if isinstance(value, (bytes, bytearray, memoryview)):  # a file, whose repr takes a second
        import hashlib

        return type(value).__name__, hashlib.blake2b(value, digest_size=16).hexdigest()
    try:
        # An address would make the same request another one in the next process.
        return type(value).__name__, _ADDRESS.sub("", repr(value))
    except Exception:  # noqa: BLE001 - an argument may be anything
        return type(value).__name__


@attrs.frozen(kw_only=True)
class SeedRequest(Request):
    """
    What a surface asked of ``generate``, or of another operation that makes seeds.

    ``options`` is an instance of the provider's declared options class, or a read-only
    mapping where none is declared.
    """

    preset: str | None = None
    settings: Mapping[str, Any] = NOTHING_GIVEN
    race: bool = False
    spoilers: Spoilers = "off"
    branch: str | None = None
    options: Any = NOTHING_GIVEN
    sealed: bool = False
    given: Any = attrs.field(default=None, repr=False)
    """The caller's own options where others come from a preset: what makes a request another."""
    reveal_at: float | None = attrs.field(default=None, eq=False)
    """When the log of a spoiler race is due, in seconds since 1970."""
    by: str | None = attrs.field(default=None, eq=False)
    """Who asked, and may have the log revealed beside the operator; such as ``discord:1234``."""

    @property
    def documented(self) -> bool:
        """
        Whether the preset is a document that was found, and no name of the upstream's own.
        """
        return self.given is not None

    @property
    def outline(self) -> Any:
        """
        Preset and branch.
        """
        return self.preset, self.branch


@attrs.frozen(kw_only=True, slots=False)
class SeedMeta:
    """
    How a seed came about.

    ``audit`` is ``durable`` (its row is in the database), ``spooled`` (it is on this machine's
    disk until the database is back), ``lost`` (it could not be written; an ERROR event says so)
    or ``off``. ``possible_duplicate``: an earlier attempt of the same call may have made another
    seed. ``dry``: nobody was asked, and the seed is a placeholder. ``reveal_at``: when the log
    of a spoiler race is due, epoch seconds. ``provider`` is who served it, ``route`` the name that
    was asked for where a route led from there, ``preset`` the one that it was rolled with.
    """

    call_id: str
    provider: str
    operation: str
    surface: str
    attempts: int
    latency_ms: float
    audit: AuditState
    possible_duplicate: bool
    dry: bool = False
    reveal_at: float | None = None
    preset: str | None = None
    route: str | None = None


def _line(value: Any) -> str | None:
    # Authors pass numbers and URL objects; row and JSON need text.
    return value if value is None or type(value) is str else str(value)


@attrs.frozen(kw_only=True, slots=False)
class Seed:
    """
    What ``generate`` returns.

    Every field is optional, since providers differ: ``url`` is the permalink, ``id`` the
    upstream's hash or number, ``code`` the file-select code, ``settings`` the effective
    settings, ``extra`` whatever else a surface may show. A provider without permalinks puts
    the line that a player types into ``extra["text"]``. ``meta`` is set by the runner.
    """

    url: str | None = attrs.field(default=None, converter=_line)
    id: str | None = attrs.field(default=None, converter=_line)
    code: str | None = attrs.field(default=None, converter=_line)
    version: str | None = attrs.field(default=None, converter=_line)
    spoiler_url: str | None = attrs.field(default=None, converter=_line)
    settings: Mapping[str, Any] = attrs.field(default=NOTHING_GIVEN, converter=read_only)
    extra: Mapping[str, Any] = attrs.field(default=NOTHING_GIVEN, converter=read_only)
    meta: SeedMeta = attrs.field(default=None)  # a provider has none to give

    @property
    def text(self) -> str:
        """
        The one line a surface posts: the permalink, else the provider's line, else the id.
        """
        return self.url or str(self.extra.get("text") or self.id or "")

    # A view of a mapping can be neither pickled nor copied deeply.
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "settings": dict(self.settings), "extra": dict(self.extra)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        views = {name: read_only(state[name]) for name in ("settings", "extra")}
        vars(self).update(state, **views)

    def with_meta(self, meta: SeedMeta) -> Seed:
        """
        Return a copy that carries *meta*.
        """
        return made(Seed, {**vars(self), "meta": meta})


@attrs.frozen
class Rolled:
    """
    What a provider returns in place of a Seed when it has more to say than people may see.

    ``shown`` is what the upstream shows of the seed to everybody, for the hook ``leak``.
    ``logs`` are the spoiler logs of a spoiler race by their kind, such as ``spoiler``: each a
    text, bytes, or what JSON can hold. The runner seals and stores them; neither reaches a caller.
    """

    seed: Seed = attrs.field(validator=attrs.validators.instance_of(Seed))
    shown: Any = attrs.field(default=None, kw_only=True, repr=False)
    logs: Mapping[str, Any] = attrs.field(
        default=NOTHING_GIVEN, kw_only=True, repr=False, converter=read_only
    )

    @logs.validator
    def _named(self, _: object, logs: Mapping[str, Any]) -> None:
        for kind in logs:
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,49}", str(kind)):
                msg = "a kind of spoiler log is 1 to 50 lower-case letters, digits, '-' and '_'"
                raise ValueError(msg)


@attrs.define(kw_only=True)
class AttemptReport:
    """
    One attempt of a call; times are seconds, ``started`` counts from the start of the call.
    """

    started: float
    duration: float
    outcome: Outcome
    error_type: str | None = None
    status_code: int | None = None


@attrs.define(kw_only=True)
class CallReport:
    """
    What happened during one call: its attempts and the seconds it waited for what.
    """

    attempts: list[AttemptReport] = attrs.Factory(list)
    waited: dict[str, float] = attrs.Factory(dict)

    LIMIT = 20

    def to_json(self) -> dict[str, Any]:
        """
        Return plain data of at most 4 kB: the first and the last ten attempts of many.
        """
        half = self.LIMIT // 2
        shown = self.attempts
        omitted = max(0, len(shown) - self.LIMIT)
        if omitted:
            shown = shown[:half] + shown[-half:]
        return {
            "attempts": [
                {
                    "start_ms": round(attempt.started * 1e3, 1),
                    "ms": round(attempt.duration * 1e3, 1),
                    "outcome": attempt.outcome,
                    "error": attempt.error_type,
                    "status": attempt.status_code,
                }
                for attempt in shown
            ],
            "omitted": omitted,
            "waited_ms": {what: round(sec * 1e3, 1) for what, sec in self.waited.items()},
        }


@attrs.frozen
class Pending:
    """
    That an upstream isn't done yet; ``context.poll`` looks again later.

    ``status`` is a short text such as ``generating, attempt 3``, which a person may see;
    ``progress`` is the part that is done, from 0 to 1, where the upstream says that.
    """

    status: str = attrs.field(validator=attrs.validators.instance_of(str))
    progress: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.instance_of((int, float))),
    )


@attrs.frozen(kw_only=True)
class AuditRecord:
    """
    The durable row of one successful call; the same columns for every provider.

    ``created_at`` is epoch microseconds; ``report`` and ``seed`` are plain data; ``dry`` says
    that nothing was asked of the provider.
    """

    call_id: str
    provider: str
    operation: str
    surface: str
    randomizer: str
    gentype: str
    genoption: str | None
    permalink: str | None
    hash_id: str | None
    settings: Mapping[str, Any]
    attempt_count: int
    latency_ms: float
    race: bool
    spoilers: str
    sealed: bool
    version: str | None
    seed: Mapping[str, Any]
    report: Mapping[str, Any]
    created_at: int
    dry: bool = False


@attrs.frozen(kw_only=True)
class FailureRecord:
    """
    The row of one failed call; ``message`` is the provider's own words, cleaned.
    """

    call_id: str
    provider: str
    operation: str
    surface: str
    error_type: str
    status_code: int | None
    message: str
    attempt_count: int
    latency_ms: float
    in_doubt: bool
    stopped_by: str | None
    report: Mapping[str, Any]
    created_at: int


@attrs.frozen(kw_only=True)
class LogRecord:
    """
    Where the spoiler logs of one call are, and when they are due: at ``reveal_at``, epoch
    microseconds, else ``reveal_after`` microseconds after the row is written.

    ``owner`` asked for the seed. ``storage`` is the provider that has them, empty for the local
    directory, and ``waits_at`` the machine on whose disk they wait for it. ``objects`` has what a
    ``Stored`` has, for each kind.
    """

    call_id: str
    provider: str
    owner: str | None
    reveal_at: int | None
    reveal_after: int
    storage: str
    waits_at: str | None
    objects: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Reveal:
    """
    A spoiler log that may be seen: its ``link`` works until ``expires_at``, epoch seconds.

    ``revealed_at`` is when it was revealed first, and ``again`` says that it was before.
    """

    call_id: str
    kind: str
    link: str = attrs.field(repr=False)
    expires_at: float
    revealed_at: float
    again: bool


@attrs.frozen(kw_only=True)
class BreakerRecord:
    """
    The stored state of one circuit breaker; times are epoch microseconds.

    ``generation`` grows with every transition, ``reopened`` counts the failed probes since
    the circuit opened, ``successes`` the probes that succeeded in a row, ``revision`` the
    changes of the row; ``probes`` is a JSON list of those under way, name and start.
    """

    provider: str
    operation: str
    state: Literal["closed", "open", "half_open"]
    generation: int
    open_until: int
    reopened: int
    successes: int
    updated_at: int
    revision: int = 0
    succeeded_at: int = 0
    probes: str = "[]"
