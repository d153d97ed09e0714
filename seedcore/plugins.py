"""
Which providers are installed, and how each becomes one the runner can call.

Listing reads entry points without importing anything; a plugin is imported on first use,
and a broken one hurts nobody else.
"""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from seedcore.errors import (
    BrokenPluginError,
    DisabledProviderError,
    IncompatiblePluginError,
    PluginError,
    ProviderClashError,
    UnknownProviderError,
    clean_text,
)
from seedcore.settings import RESERVED_PROVIDER_NAMES

if TYPE_CHECKING:
    from seedcore.model import Operation

Status = Literal["ready", "loaded", "unconfigured", "broken", "incompatible", "clash", "disabled"]
PROVIDERS = "seedcore.providers"
SINKS = "seedcore.sinks"
COMMANDS = "seedcore.commands"

KNOWN_DISTRIBUTIONS: Mapping[str, str] = {
    **dict.fromkeys(("z1r", "z2r", "ffr", "smb3r", "aosr"), "seedcore-local"),
    **dict.fromkeys(("sm", "smz3"), "seedcore-samus"),
}
"""Providers whose distribution isn't called ``seedcore-<provider>``."""

BY_DISABLE = "SEEDCORE_DISABLE (or disable in seedcore.toml)"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@attrs.frozen(kw_only=True)
class Listing:
    """
    One line of ``seedcore list``; ``reason`` says what is wrong and what to do.
    """

    provider: str
    status: Status
    distribution: str | None = None
    version: str | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True, eq=False)
class Provider:
    """
    A loaded provider: its declaration, and each implementation resolved once.
    """

    name: str
    distribution: str | None
    version: str | None
    declaration: Any
    operations: Mapping[str, Operation]
    module: str = ""
    """Where its author wrote it; the folder of its presets lies beside that."""
    check: Callable[..., Any] | None = None
    leak: Callable[..., Any] | None = None
    map_error: Callable[..., Any] | None = None
    audit: Callable[..., Any] | None = None
    start: Callable[..., Any] | None = None
    stop: Callable[..., Any] | None = None

    @property
    def rolling(self) -> list[str]:
        """
        The operations that make seeds.
        """
        return [name for name, operation in self.operations.items() if operation.rolls]


@attrs.frozen(kw_only=True, eq=False)
class _Found:
    """
    A provider that is known but not loaded: its entry point, or the object added in code.
    """

    name: str
    entry_point: importlib.metadata.EntryPoint | None = None
    target: Any = None

    @property
    def distribution(self) -> str | None:
        return self._dist.name if self._dist else None

    @property
    def version(self) -> str | None:
        return self._dist.version if self._dist else None

    @property
    def requires(self) -> list[str]:
        return (self._dist.requires or []) if self._dist else []

    @property
    def _dist(self) -> importlib.metadata.Distribution | None:
        return self.entry_point.dist if self.entry_point else None


class Registry:
    """
    The providers this process knows: those of installed plugins, and those added in code.
    """

    def __init__(self, *, discover: bool = True) -> None:
        self._found: dict[str, list[_Found]] = {}
        self._loaded: dict[str, Provider] = {}
        self._failed: dict[str, PluginError] = {}
        self._disabled: frozenset[str] = frozenset()
        self._only: frozenset[str] = frozenset()
        if discover:
            for entry_point in importlib.metadata.entry_points(group=PROVIDERS):
                found = _Found(name=entry_point.name, entry_point=entry_point)
                self._found.setdefault(found.name, []).append(found)

    def add(self, name: str, provider: Any) -> None:
        """
        Make *provider* (a function, class, instance or module) callable as *name*.

        A provider of an installed plugin with that name is replaced. One that ``load`` returned
        is taken as it is. Raises BrokenPluginError when it isn't a provider.
        """
        found = _Found(name=name, target=provider)
        is_loaded = isinstance(provider, Provider)
        loaded = attrs.evolve(provider, name=name) if is_loaded else _load(found)
        self._found[name] = [found]
        self._loaded[name] = loaded
        self._failed.pop(name, None)

    def restrict(self, *, disable: Iterable[str] = (), only: Iterable[str] = ()) -> None:
        """
        Switch providers off: those in *disable*, which may name distributions too, and all but
        *only* if it isn't empty.
        """
        self._disabled = frozenset(disable)
        self._only = frozenset(only)

    @property
    def names(self) -> tuple[str, ...]:
        """
        The names of all installed providers, whatever their state, sorted.
        """
        return tuple(sorted(self._found))

    def load(self, name: str) -> Provider:
        """
        Return the provider called *name*, importing its plugin on first use.

        Raises UnknownProviderError, or another PluginError that says why it can't be used.
        """
        loaded = self._loaded.get(name)
        if loaded is not None and not self._switched_off(name):
            return loaded
        if name in self._failed:
            raise self._failed[name].with_traceback(None)  # else it grows with every call
        found = self._choose(name)
        try:
            provider = _load(found)
        except PluginError as error:
            self._failed[name] = error
            raise
        self._loaded[name] = provider
        return provider

    def load_all(self) -> None:
        """
        Load every provider that isn't switched off; raise the first PluginError.
        """
        for name in self.names:
            if not self._switched_off(name):
                self.load(name)

    def listing(self) -> list[Listing]:
        """
        Return one line per provider; imports no plugin.
        """
        return [self._line(name) for name in self.names]

    def _line(self, name: str) -> Listing:
        found = self._found[name][0]
        status: Status = "loaded" if name in self._loaded else "ready"
        reason = None
        try:
            if name in self._failed:
                raise self._failed[name].with_traceback(None)
            self._choose(name)
        except PluginError as error:
            status, reason = _status_of(error), str(error)
        return Listing(
            provider=name,
            status=status,
            distribution=found.distribution,
            version=found.version,
            reason=reason,
        )

    def _choose(self, name: str) -> _Found:
        """
        Return the one usable candidate for *name*, checked without importing it.
        """
        candidates = self._found.get(name)
        if not candidates:
            by_rule = f"seedcore-{str(name).lower().replace('_', '-')}"
            raise UnknownProviderError(name, self._found, KNOWN_DISTRIBUTIONS.get(name, by_rule))
        if switch := self._switched_off(name):
            raise DisabledProviderError(name, switch)
        candidates = [one for one in candidates if one.distribution not in self._disabled]
        if not candidates:
            raise DisabledProviderError(name, BY_DISABLE)
        if len(candidates) > 1:
            origins = " and ".join(sorted(str(found.distribution) for found in candidates))
            reason = f"{origins} both offer it. Name the one to leave out in SEEDCORE_DISABLE."
            raise ProviderClashError(name, None, reason)
        found = candidates[0]
        _check_name(found)
        _check_compatible(found)
        return found

    def _switched_off(self, name: str) -> str | None:
        if name in self._disabled:
            return BY_DISABLE
        if self._only and name not in self._only:
            return "SEEDCORE_ONLY (or only in seedcore.toml)"
        return None


def _status_of(error: PluginError) -> Status:
    statuses: tuple[tuple[type[PluginError], Status], ...] = (
        (DisabledProviderError, "disabled"),
        (ProviderClashError, "clash"),
        (IncompatiblePluginError, "incompatible"),
    )
    return next((status for kind, status in statuses if isinstance(error, kind)), "broken")


def _check_name(found: _Found) -> None:
    if not _NAME.fullmatch(found.name):
        reason = "a provider's name is letters, digits, '-', '_' and '.'"
        raise BrokenPluginError(found.name, found.distribution, reason)
    if found.name.lower() in RESERVED_PROVIDER_NAMES:
        reason = "its name is reserved for settings of seedcore; its author must rename it"
        raise BrokenPluginError(found.name, found.distribution, reason)


def _check_compatible(found: _Found) -> None:
    """
    Compare what the distribution requires of seedcore with what is installed.
    """
    requirements = [text for text in found.requires if text.lower().startswith("seedcore")]
    if not requirements:
        return
    installed = importlib.metadata.version("seedcore")
    for text in requirements:
        wanted = None if _plainly_allows(text, installed) else _unmet(text, installed)
        if wanted:
            reason = (
                f"it needs seedcore{wanted}, but {installed} is installed. "
                f"Update one of them: pip install -U seedcore {found.distribution}"
            )
            raise IncompatiblePluginError(found.name, found.distribution, reason)


_PLAIN = re.compile(r"seedcore *\(?>=([\d.]+),<([\d.]+)\)?|seedcore *\(?<([\d.]+),>=([\d.]+)\)?")


def _plainly_allows(requirement: str, installed: str) -> bool:
    """
    Whether *requirement* is a plain range around *installed*: saves 20 ms of imports.
    """
    plain = _PLAIN.fullmatch(requirement)
    if plain is None or not re.fullmatch(r"[\d.]+", installed):
        return False
    lowest, highest = plain[1] or plain[4], plain[2] or plain[3]
    return _numbers(lowest) <= _numbers(installed) < _numbers(highest)


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in version.split(".") if part]
    return (*parts, *(0,) * (4 - len(parts)))


def _unmet(requirement: str, installed: str) -> str | None:
    """
    Return the versions that *requirement* wants of seedcore if *installed* is none of them.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:
        return None
    if canonicalize_name(wanted.name) != "seedcore":
        return None
    if wanted.marker is not None and not wanted.marker.evaluate():
        return None
    allowed = wanted.specifier.contains(installed, prereleases=True)
    return None if allowed else str(wanted.specifier)


def _load(found: _Found) -> Provider:
    _check_name(found)
    target = _import(found)
    try:
        return _resolve(found, target)
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:
        reason = f"it is no valid plugin: {type(error).__name__}: {clean_text(error, 300)}"
        raise BrokenPluginError(found.name, found.distribution, reason) from error


def _import(found: _Found) -> Any:
    """
    Import and, for a class, instantiate what the entry point names.

    A plugin may raise anything here, SystemExit included; only Ctrl-C goes through.
    """
    try:
        target = found.entry_point.load() if found.entry_point else found.target
        return target() if inspect.isclass(target) else target
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        origin = found.entry_point.value if found.entry_point else repr(found.target)
        reason = f"importing {origin} raised {type(error).__name__}: {clean_text(error, 300)}"
        raise BrokenPluginError(found.name, found.distribution, reason) from error


def _resolve(found: _Found, target: Any) -> Provider:
    """
    Turn what was imported into a Provider, with pluggy checking the hooks.
    """
    from seedcore.adapt import adapt

    def broken(reason: str) -> BrokenPluginError:
        return BrokenPluginError(found.name, found.distribution, reason)

    hooks, operations, declaration = adapt(target, broken)
    return Provider(
        name=found.name,
        distribution=found.distribution,
        version=found.version,
        declaration=declaration,
        operations=operations,
        module=_module_of(target),
        **hooks,
    )


def _module_of(target: Any) -> str:
    while isinstance(target, functools.partial):
        target = target.func
    if inspect.ismodule(target):
        return target.__name__
    return str(getattr(inspect.unwrap(target), "__module__", "") or type(target).__module__)


def load_objects(group: str) -> tuple[dict[str, Any], dict[str, str]]:
    """
    Import the objects of another entry-point *group*: those that work, and why others don't.
    """
    objects: dict[str, Any] = {}
    broken: dict[str, str] = {}
    for entry_point in importlib.metadata.entry_points(group=group):
        try:
            objects[entry_point.name] = entry_point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            broken[entry_point.name] = f"{type(error).__name__}: {clean_text(error, 300)}"
    return objects, broken


__all__ = [
    "COMMANDS",
    "KNOWN_DISTRIBUTIONS",
    "PROVIDERS",
    "SINKS",
    "Listing",
    "Provider",
    "Registry",
    "Status",
    "load_objects",
]
