"""
What a provider plugin may implement.

Parameters are positional, and an implementation takes only the ones it uses. A plain
function ``(request, context)`` is a provider too: it is ``generate``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

import attrs
import pluggy

from seedcore.errors import ProviderError
from seedcore.model import AuditRecord, Request, Seed, SeedRequest
from seedcore.policy import Effect

if TYPE_CHECKING:
    from seedcore.context import Context, StartContext

hookspec = pluggy.HookspecMarker("seedcore")
hookimpl = pluggy.HookimplMarker("seedcore")

Target = TypeVar("Target", bound=Callable[..., Any])


class Hooks:
    """
    The hook specifications; ``generate`` and ``start`` may be ``async`` or plain.
    """

    @hookspec
    def check(self, request: Request) -> None:
        """
        Raise a ProviderError for a request that can't be served, before anything is sent.

        It is asked for every operation, in a dry run too, and only looks: no network.
        """

    @hookspec
    def generate(self, request: SeedRequest, context: Context) -> Seed:  # type: ignore[empty-body]
        """
        Roll one seed.
        """

    @hookspec
    def leak(self, shown: Any, request: SeedRequest) -> str | None:
        """
        Name what *shown* gives away of a seed without spoilers; ``None`` if that is nothing.

        It is asked about the ``shown`` of each such ``Rolled``, and names kinds of things such
        as "the locations of its items", never what they are.
        """

    @hookspec
    def map_error(self, error: Exception, request: Request) -> ProviderError | None:
        """
        Say what *error* means, or return ``None`` to leave that to the core.
        """

    @hookspec
    def audit(self, record: AuditRecord) -> AuditRecord | None:
        """
        Return *record* with a better randomizer, gentype, genoption, hash_id or settings.
        """

    @hookspec
    def start(self, context: StartContext) -> Any:
        """
        Prepare once before the first call; what is returned becomes ``context.state``.
        """

    @hookspec
    def stop(self, state: Any) -> None:
        """
        Give back what ``start`` took.
        """


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


@attrs.frozen(kw_only=True)
class Documents:
    """
    What an operation that makes seeds takes: its options, and presets in their shape.
    """

    options: type[Any] | None = None
    presets: str | None = None
    upstream_presets: bool = False
    ignored_options: tuple[str, ...] = attrs.field(default=(), converter=_names)
    open_options: str | None = None
    whole_documents: bool = False


@attrs.frozen(kw_only=True, eq=False)
class Declaration(Documents):
    """
    What ``@provider`` says about a provider; everything can be overridden in the settings.
    """

    base_url: str | None = None
    title: str | None = None
    homepage: str | None = None
    settings: type[Any] | None = None
    effect: Effect = attrs.field(default=Effect.REPEATABLE, converter=Effect)
    policy: Mapping[str, Any] = attrs.Factory(dict)
    max_concurrent: int | None = None
    rate: str | None = None
    hosts: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    delayed: bool = False
    check: Callable[[Any], None] | None = None
    leak: Callable[[Any, Any], str | None] | None = None

    def __call__(self, target: Target) -> Target:
        """
        Attach the declaration to a function or a class.
        """
        target.__seedcore_provider__ = self  # type: ignore[attr-defined]
        return target


@attrs.frozen(kw_only=True)
class OperationMark:
    """
    What ``@operation`` says about a method.
    """

    effect: Effect = attrs.field(converter=Effect)
    audited: bool
    placeholder: Any = None
    documents: Documents | None = None
    """Of an operation that makes seeds."""


@overload
def provider(target: Target, /) -> Target: ...
@overload
def provider(
    *,
    base_url: str | None = None,
    title: str | None = None,
    homepage: str | None = None,
    settings: type[Any] | None = None,
    options: type[Any] | None = None,
    effect: Effect | str = Effect.REPEATABLE,
    policy: Mapping[str, Any] = ...,
    max_concurrent: int | None = None,
    rate: str | None = None,
    hosts: tuple[str, ...] = (),
    presets: str | None = None,
    upstream_presets: bool = False,
    ignored_options: tuple[str, ...] = (),
    open_options: str | None = None,
    whole_documents: bool = False,
    delayed: bool = False,
    check: Callable[[Any], None] | None = None,
    leak: Callable[[Any, Any], str | None] | None = None,
) -> Declaration: ...
def provider(target: Any = None, /, **declared: Any) -> Any:
    """
    Declare a function or a class as a provider.

    *base_url* is where ``context.http`` sends relative paths, *hosts* are further hosts that
    redirects may go to, *settings* and *options* attrs classes, *effect* what repeating
    ``generate`` does, *policy* limits that differ from the core's, *rate* the requests that the
    site allows, such as ``"20/10s"``. A module that is a provider assigns the result to any
    name: ``declaration = provider(base_url=...)``.

    *presets* is a folder beside the provider's module, with a YAML file for each preset it
    ships; such a provider takes settings documents in the shape of its *options*. In a document,
    *ignored_options* are keys that the call decides about, and *open_options* is the option
    that gets all keys which are none. With *upstream_presets*, a preset that nobody has a
    document for is the site's own and goes to the provider by its name. With *whole_documents*
    the document itself has the options, and no ``settings`` around them.

    *delayed* says that it makes seeds for spoiler races. *check* and *leak* are the hooks of
    those names, for a provider that is one function.
    """
    declaration = Declaration(**declared)
    return declaration if target is None else declaration(target)


def operation(
    *,
    effect: Effect | str,
    audited: bool = False,
    placeholder: Any = None,
    rolls: bool = False,
    options: type[Any] | None = None,
    presets: str | None = None,
    upstream_presets: bool = False,
    ignored_options: tuple[str, ...] = (),
    open_options: str | None = None,
    whole_documents: bool = False,
) -> Callable[[Target], Target]:
    """
    Make a method, or a function of a module, a further operation of its provider.

    Its parameters named ``request`` and ``context`` are given by the runner, all others are
    the arguments a call passes by name. *effect* says what repeating it does, *audited*
    whether a success writes an audit row, and *placeholder* is what a dry run returns; without
    one that is something empty of the type that the operation promises.

    One that *rolls* makes seeds as ``generate`` does, and takes *request* and *context* alone: all
    that holds for races holds for it, and each success has its row. What it takes is declared
    as for a provider: *options*, *presets*, *ignored_options*, *open_options*,
    *upstream_presets*, *whole_documents*. Its presets are called by provider and operation:
    those of ``mystery`` of ``alttpr`` are ``alttprmystery``.
    """
    taken = Documents(
        options=options,
        presets=presets,
        upstream_presets=upstream_presets,
        ignored_options=ignored_options,
        open_options=open_options,
        whole_documents=whole_documents,
    )
    if not rolls and taken != Documents():
        msg = "only an operation that rolls takes options, presets and documents; add rolls=True"
        raise TypeError(msg)

    def mark(target: Target) -> Target:
        target.__seedcore_operation__ = OperationMark(  # type: ignore[attr-defined]
            effect=effect,
            audited=audited or rolls,
            placeholder=placeholder,
            documents=taken if rolls else None,
        )
        return target

    return mark


def setting(default: Any = attrs.NOTHING, *, help: str = "", **field: Any) -> Any:  # noqa: A002
    """
    Return an attrs field of a settings or options class, with the text ``show`` prints.
    """
    return attrs.field(default=default, metadata={"help": help}, **field)


def secret(default: Any = attrs.NOTHING, *, help: str = "", **field: Any) -> Any:  # noqa: A002
    """
    Return a field whose value appears in no output of seedcore.
    """
    metadata = {"help": help, "secret": True}
    return attrs.field(default=default, repr=_masked, metadata=metadata, **field)


def _masked(value: object) -> str:
    return "***" if value else "''"


def is_secret(field: attrs.Attribute[Any]) -> bool:
    """
    Whether *field* was made by ``secret``.
    """
    return bool(field.metadata.get("secret"))


__all__ = [
    "Declaration",
    "Documents",
    "Hooks",
    "OperationMark",
    "hookimpl",
    "hookspec",
    "is_secret",
    "operation",
    "provider",
    "secret",
    "setting",
]
