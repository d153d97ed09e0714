"""
How a function, class, instance or module becomes a provider, with pluggy checking its hooks.
"""

from __future__ import annotations

import functools
import inspect
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pluggy

from seedcore.errors import BrokenPluginError, SettingsError, did_you_mean
from seedcore.hookspecs import Declaration, Documents, Hooks, OperationMark
from seedcore.model import GIVEN, Operation
from seedcore.policy import rate_of
from seedcore.settings import names_of

Broken = Callable[[str], BrokenPluginError]
KEPT = ("surface", "call_id", "deadline", "patience", "profile", "policy", "dry_run")
"""Names that ``runner.call`` keeps for itself, so that no operation can take them."""


def adapt(
    target: Any, broken: Broken
) -> tuple[dict[str, Callable[..., Any]], Mapping[str, Operation], Declaration]:
    """
    Return the hooks other than ``generate``, the operations and the declaration of *target*.

    *broken* makes the error for a reason.
    """
    declaration = _declaration_of(target)
    _check_declaration(declaration, broken)
    is_function = inspect.isroutine(target) or isinstance(target, functools.partial)
    if not is_function and _has_marks(target):
        hooks = _hooks_of(target, broken)
        operations = _marked_operations(target, broken)
    elif callable(target):
        hooks, operations = {"generate": target}, {}
    else:
        hooks, operations = {}, {}
    for name, function in (("check", declaration.check), ("leak", declaration.leak)):
        if function is not None:
            _check_hook(name, function, broken)
            hooks.setdefault(name, _in_order(function, name))
    generate = hooks.pop("generate", None)
    if generate is not None:
        mark = OperationMark(effect=declaration.effect, audited=True, documents=declaration)
        operations["generate"] = _operation("generate", generate, mark, broken)
    if not operations:
        reason = (
            "it offers no operation. Point the entry point at a function, or mark a method "
            "'generate' with @hookimpl, or others with @operation(effect=...)."
        )
        raise broken(reason)
    return hooks, types.MappingProxyType(operations), declaration


def _declaration_of(target: Any) -> Declaration:
    if isinstance(target, types.ModuleType):
        declared = [item for item in vars(target).values() if isinstance(item, Declaration)]
        return declared[0] if declared else Declaration()
    for holder in (target, _unwrapped(target)):
        declaration = getattr(holder, "__seedcore_provider__", None)
        if isinstance(declaration, Declaration):
            return declaration
    return Declaration()


def _unwrapped(target: Any) -> Any:
    while isinstance(target, functools.partial):
        target = target.func
    return target


def _check_declaration(declaration: Declaration, broken: Broken) -> None:
    _check_class("settings", declaration.settings, broken)
    _check_documents(declaration, broken)
    if declaration.rate is not None:
        try:
            rate_of(declaration.rate)
        except (SettingsError, TypeError) as error:
            reason = f"its rate {declaration.rate!r} is none: {error}"
            raise broken(reason) from None


def _check_class(what: str, declared: object, broken: Broken) -> None:
    if declared is not None and not attrs.has(declared):  # type: ignore[arg-type]
        reason = f"its {what} must be an attrs class, not {declared!r}"
        raise broken(reason)


def _check_documents(documents: Documents, broken: Broken) -> None:
    _check_class("options", documents.options, broken)
    opened, folder = documents.open_options, documents.presets
    if folder is not None and not _INSIDE.fullmatch(str(folder)):
        reason = f"its presets must be a folder beside its module ('presets'), not {folder!r}"
        raise broken(reason)
    if folder is not None and documents.options is None:
        reason = "its presets need options, an attrs class in whose shape they are"
        raise broken(reason)
    if opened is not None:
        names = _options_of(documents, broken)
        if opened not in names:
            reason = f"its open_options must be one of its options.{did_you_mean(opened, names)}"
            raise broken(reason)


_INSIDE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*")


def _options_of(documents: Documents, broken: Broken) -> tuple[str, ...]:
    try:
        return names_of(documents.options) if documents.options else ()
    except SettingsError as error:
        raise broken(str(error)) from None


def _members(target: Any) -> list[tuple[str, Callable[..., Any]]]:
    """
    Return the routines of *target* by name, without running its properties.
    """
    members: list[tuple[str, Callable[..., Any]]] = []
    for name in dir(target):
        if name.startswith("__"):
            continue
        # A property, cached or not, may do anything when asked for.
        if not isinstance(inspect.getattr_static(target, name, None), _FUNCTIONS):
            continue
        member = getattr(target, name, None)
        if inspect.isroutine(member):
            members.append((name, member))
    return members


_FUNCTIONS = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    staticmethod,
    classmethod,
    functools.partialmethod,
)


def _has_marks(target: Any) -> bool:
    return any(
        hasattr(member, "seedcore_impl") or hasattr(member, "__seedcore_operation__")
        for _, member in _members(target)
    )


class _Marked:
    """
    Only the hooks of a plugin: pluggy looks at every attribute, and would run cached properties.
    """


def _hooks_of(target: Any, broken: Broken) -> dict[str, Callable[..., Any]]:
    """
    Register *target* with a pluggy of its own, which checks every hook, and resolve each once.
    """
    try:
        hash(target)
    except TypeError:
        reason = "it can't be hashed. Make its class with @attrs.define(eq=False)."
        raise broken(reason) from None
    manager = pluggy.PluginManager("seedcore")
    manager.add_hookspecs(Hooks)
    known = [name for name in vars(Hooks) if not name.startswith("_")]
    marked = _Marked()
    for name, member in _members(target):
        if not hasattr(member, "seedcore_impl"):
            continue
        if name not in known:
            reason = f"there is no hook {name!r}.{did_you_mean(name, known)}"
            raise broken(reason)
        _check_parameters(name, member, broken)
        setattr(marked, name, member)
    try:
        manager.register(marked)
    except pluggy.PluginValidationError as error:
        reason = f"a hook doesn't fit: {error}"
        raise broken(reason) from error
    hooks: dict[str, Callable[..., Any]] = {}
    for name in known:
        for implementation in getattr(manager.hook, name).get_hookimpls():
            if implementation.hookwrapper or implementation.wrapper:
                reason = f"its hook {name!r} is a wrapper; a provider implements hooks plainly"
                raise broken(reason)
            _check_hook(name, implementation.function, broken)
            hooks[name] = _by_position(implementation.function, implementation.argnames, name)
    return hooks


def _check_parameters(name: str, function: Callable[..., Any], broken: Broken) -> None:
    """
    Name what a hook can't take: pluggy's own words name an object in memory.
    """
    takes = tuple(inspect.signature(getattr(Hooks, name)).parameters)[1:]
    for parameter in inspect.signature(function).parameters.values():
        plain = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        needed = plain and parameter.default is parameter.empty
        if name != "generate" and needed and parameter.name not in takes:
            reason = f"{name} takes {', '.join(takes)}; remove {parameter.name!r}"
            raise broken(reason)


def _check_hook(name: str, function: Callable[..., Any], broken: Broken) -> None:
    if name == "generate":
        return
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            reason = f"{name} is given its parameters by position, so {parameter.name!r} is not"
            raise broken(reason)
    if name in ("check", "leak", "map_error", "audit") and _is_async(function):
        reason = f"{name} must be a plain function, not 'async def'"
        raise broken(reason)


def _in_order(function: Callable[..., Any], hook: str) -> Callable[..., Any]:
    """
    Return a declared *function* as its hook is called, if its parameters have the hook's names.
    """
    takes = tuple(inspect.signature(function).parameters)
    known = tuple(inspect.signature(getattr(Hooks, hook)).parameters)[1:]
    return _by_position(function, takes, hook) if {*takes} <= {*known} else function


def _by_position(
    function: Callable[..., Any], takes: tuple[str, ...], hook: str
) -> Callable[..., Any]:
    """
    Return *function*, or for one that takes only some parameters a wrapper that takes all.
    """
    if hook == "generate":
        return function  # _operation looks at its parameters itself
    spec = tuple(inspect.signature(getattr(Hooks, hook)).parameters)[1:]
    if takes == spec:
        return function
    places = [spec.index(name) for name in takes]

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return function(*(arguments[place] for place in places))

    return call


def _marked_operations(target: Any, broken: Broken) -> dict[str, Operation]:
    operations: dict[str, Operation] = {}
    for name, member in _members(target):
        mark = getattr(member, "__seedcore_operation__", None)
        if isinstance(mark, OperationMark):
            if mark.documents is not None:
                _check_documents(mark.documents, broken)
            operations[name] = _operation(name, member, mark, broken)
    return operations


@attrs.frozen(kw_only=True)
class _Shape:
    """
    What a function takes: *given* by the runner, *takes* and *needs* from the caller.
    """

    given: tuple[str, ...]
    takes: frozenset[str]
    needs: frozenset[str]
    anything: bool
    by_name: bool


def _shape_of(name: str, function: Callable[..., Any], broken: Broken) -> _Shape:
    parameters = list(inspect.signature(function).parameters.values())
    own = [p for p in parameters if p.name not in GIVEN and p.kind is not p.VAR_POSITIONAL]
    named = [p for p in own if p.kind is not p.VAR_KEYWORD]
    for parameter in named:
        if parameter.kind is parameter.POSITIONAL_ONLY or parameter.name in KEPT:
            reason = f"the parameter {parameter.name!r} of {name!r} can't be passed by a caller"
            raise broken(reason)
    given = [p for p in parameters if p.name in GIVEN]
    return _Shape(
        given=tuple(p.name for p in given),
        takes=frozenset(p.name for p in named),
        needs=frozenset(p.name for p in named if p.default is p.empty),
        anything=len(named) < len(own),
        by_name=bool(own) or any(p.kind is p.KEYWORD_ONLY for p in given),
    )


def _operation(
    name: str, function: Callable[..., Any], mark: OperationMark, broken: Broken
) -> Operation:
    """
    Look at the parameters once, so that a call costs no inspection.
    """
    shape = _shape_of(name, function, broken)
    rolls = mark.documents is not None
    if rolls:
        if shape.needs or shape.anything:
            unknown = ", ".join(sorted(shape.needs)) or "**keywords"
            reason = (
                f"{name} takes request and context, not {unknown}. "
                "What a caller passes is in request.options, request.settings and request.preset."
            )
            raise broken(reason)
        # Further parameters have defaults and are the author's own, for tests.
        shape = attrs.evolve(shape, takes=frozenset())
    free = shape.anything or (not rolls and not shape.takes and "request" in shape.given)
    return Operation(
        name=name,
        effect=mark.effect,
        audited=mark.audited,
        placeholder=mark.placeholder,
        rolls=rolls,
        documents=mark.documents,
        sync=not _is_async(function),
        summary=_first_line(inspect.getdoc(_unwrapped(function)) or ""),
        takes=None if free else shape.takes,
        needs=shape.needs,
        returns=_returns(function),
        texts=frozenset(
            parameter.name
            for parameter in inspect.signature(function).parameters.values()
            if parameter.name in shape.takes and _annotation(parameter) in TEXTS
        ),
        function=_caller(function, shape.given, by_name=shape.by_name),
    )


def _caller(
    function: Callable[..., Any], given: tuple[str, ...], *, by_name: bool
) -> Callable[[Any, Any], Any]:
    """
    Return *function* as ``(request, context)``, without a layer where it has that shape.
    """
    if by_name:

        def call(request: Any, context: Any) -> Any:
            own = {"request": request, "context": context}
            return function(**{name: own[name] for name in given}, **request.arguments)

        return call
    if given == GIVEN:
        return function
    shapes: dict[tuple[str, ...], Callable[[Any, Any], Any]] = {
        (): lambda request, context: function(),
        ("request",): lambda request, context: function(request),
        ("context",): lambda request, context: function(context),
        ("context", "request"): lambda request, context: function(context, request),
    }
    return shapes[given]


def _is_async(function: Callable[..., Any]) -> bool:
    inner = _unwrapped(function)
    if inspect.iscoroutinefunction(inner):
        return True
    call = getattr(inner, "__call__", None)  # noqa: B004 - the method itself is wanted
    return inspect.iscoroutinefunction(call)


def _returns(function: Callable[..., Any]) -> str:
    return _written(inspect.signature(function).return_annotation)


def _annotation(parameter: inspect.Parameter) -> str:
    return _written(parameter.annotation)


def _written(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


TEXTS = frozenset({"str", "str | None", "Optional[str]"})
"""Annotations of arguments that are texts."""


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""
