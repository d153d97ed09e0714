"""
Puts the layers on top of each other: what holds for the runner, and for one provider.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from seedcore.errors import SettingsError, UnconfiguredProviderError, did_you_mean
from seedcore.policy import PROFILES, Policy, Profile
from seedcore.settings.keys import (
    LIMIT_KEYS,
    PROVIDER_KEYS,
    TABLES,
    TOP_KEYS,
    CoreSettings,
    SiteSettings,
)
from seedcore.settings.routes import Route
from seedcore.settings.shown import SettingLine, lines_of, password_of, secrets_of
from seedcore.settings.sources import (
    NOTHING,
    Document,
    Environment,
    Given,
    Layer,
    Tables,
    file_of,
    layer_of,
    limits_of,
    merged,
    only_known,
    read_toml,
)
from seedcore.settings.structure import Refused, build, fields_of, missing_from

if TYPE_CHECKING:
    from seedcore.hookspecs import Declaration

T = TypeVar("T")


@attrs.frozen(kw_only=True, eq=False)
class ProviderSettings(SiteSettings):
    """
    Everything that is set for one provider.

    ``own`` is an instance of its settings class (empty without one), ``secrets`` are the
    texts that must appear in no output.
    """

    name: str
    own: Any = attrs.field(default=MappingProxyType({}), repr=lambda own: type(own).__name__)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    _plugin: Layer = attrs.field(default=NOTHING, repr=False)
    _file: Tables = attrs.field(repr=False)
    _environment: Layer = attrs.field(default=NOTHING, repr=False)
    _argument: Tables = attrs.field(repr=False)
    _policies: dict[tuple[str, str | None], Policy] = attrs.field(
        factory=dict, init=False, repr=False
    )

    def policy(self, profile: Profile = "interactive", operation: str | None = None) -> Policy:
        """
        Return the limits of one operation's calls; the same instance each time.
        """
        if operation not in self._operations():
            operation = None
        found = self._policies.get((profile, operation))
        if found is None:
            found = _instance(Policy, self._given(profile, operation), self.name)
            self._policies[profile, operation] = found
        return found

    def describe(
        self, profile: Profile = "interactive", operation: str | None = None
    ) -> list[SettingLine]:
        """
        Return every setting with its value and where that comes from.
        """
        given = self._given(profile, operation)
        lines = [*lines_of(SiteSettings, self, given)]
        if attrs.has(type(self.own)):
            lines += lines_of(type(self.own), self.own, given)
        return [*lines, *lines_of(Policy, self.policy(profile, operation), given)]

    def _operations(self) -> Collection[str]:
        return self._file.operations.keys() | self._argument.operations.keys()

    def check_limits(self) -> None:
        """
        Find out now what would otherwise fail in the middle of a call.
        """
        for profile in PROFILES:
            for operation in (None, *self._operations()):
                self.policy(profile, operation)  # type: ignore[arg-type]

    def _given(self, profile: str, operation: str | None) -> Layer:
        return merged(
            _profile(profile),
            self._plugin,
            *self._file.layers(operation),
            self._environment,
            *self._argument.layers(operation),
        )


@attrs.frozen(kw_only=True, eq=False)
class Settings:
    """
    The settings of one runner: ``core`` for itself, ``provider(...)`` for each provider.

    ``path`` is the file that was read, if any, and ``routes`` are where calls by a name go.
    """

    core: CoreSettings
    path: Path | None
    routes: Mapping[str, Route] = attrs.field(factory=dict)
    _file: Document = attrs.field(repr=False)
    _environment: Environment = attrs.field(repr=False)
    _argument: Document = attrs.field(repr=False)

    @classmethod
    def load(
        cls,
        argument: Mapping[str, Any] | None = None,
        *,
        installed: Iterable[str] = (),
        environ: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Settings:
        """
        Read and check everything that isn't a provider's own.

        *argument* has the structure of the file and wins over all else. *installed* are the
        names of the providers, which tells their variables from mistyped ones. Raises
        ``SettingsError``.
        """
        environ = os.environ if environ is None else environ
        environment = Environment.read(environ, installed)
        environment.check()
        path = file_of(environ, directory)
        file = Document.read(read_toml(path) if path else {}, path.name if path else "no file")
        given = Document.read({} if argument is None else argument, "argument")
        layer = merged(file.top, environment.core(), given.top)
        _check_limits(layer)
        core = _instance(CoreSettings, layer)
        return cls(
            core=core,
            path=path,
            routes={**file.routes, **given.routes},
            file=file,
            environment=environment,
            argument=given,
        )

    def provider(
        self, name: str, declaration: Declaration, *, complete: bool = True
    ) -> ProviderSettings:
        """
        Return the settings of the provider *name* as declared by its plugin.

        Raises ``UnconfiguredProviderError`` when one of its own without a default is missing,
        unless they need not be *complete*, or doesn't fit; ``SettingsError`` for all others.
        """
        known = (*PROVIDER_KEYS, *_own_keys(name, declaration.settings))
        file, argument = self._file.tables(name, known), self._argument.tables(name, known)
        environment = merged(
            limits_of(self._environment.core()),
            self._environment.provider(name, known),
        )
        plugin = _declared(name, declaration)
        layer = merged(plugin, *file.layers(None), environment, *argument.layers(None))
        site = _instance(SiteSettings, layer, name)
        password = password_of(site.base_url)
        own = _own(name, declaration.settings, layer, complete=complete)
        settings = ProviderSettings(
            **attrs.asdict(site, recurse=False),
            name=name,
            own=own,
            secrets=tuple(dict.fromkeys((*_secrets(own, declaration, layer), *password))),
            plugin=plugin,
            file=file,
            environment=environment,
            argument=argument,
        )
        settings.check_limits()
        return settings

    def describe_core(self) -> list[SettingLine]:
        """
        Return the runner's own settings with where they come from.
        """
        layer = merged(self._file.top, self._environment.core(), self._argument.top)
        return [*lines_of(CoreSettings, self.core, layer)]


def _instance(cls: type[T], layer: Layer, name: str = "") -> T:
    """
    Return an instance of *cls* made of its keys in *layer*; an error says where to correct it.
    """
    fields = fields_of(cls)
    try:
        return build(cls, {key: layer[key].value for key in fields if key in layer})
    except Refused as refused:
        msg = f"{name}: {refused}" if name else str(refused)
        msg += _whereabouts(refused, fields, layer)
    raise SettingsError(msg)


def _whereabouts(refused: Refused, keys: Iterable[str], layer: Layer) -> str:
    """
    Say where the values stand that the refusal is about.
    """
    if refused.path:
        given = layer.get(refused.path[0])
        return f" It is set by {given.origin}." if given else ""
    named = [key for key in keys if re.search(rf"\b{re.escape(key)}\b", refused.rule)]
    default = Given(None, "default")
    return "".join(f" {key} is set by {layer.get(key, default).origin}." for key in named)


def _profile(profile: str) -> Layer:
    if profile not in PROFILES:
        known = ", ".join(PROFILES)
        msg = f"There is no profile {profile!r}.{did_you_mean(profile, PROFILES)} Known: {known}."
        raise SettingsError(msg)
    return layer_of(PROFILES[profile], f"profile {profile}")


def _check_limits(layer: Layer) -> None:
    limits = limits_of(layer)
    if not limits:
        return
    _instance(SiteSettings, limits)
    for profile in PROFILES:
        _instance(Policy, merged(_profile(profile), limits))


def _declared(name: str, declaration: Declaration) -> Layer:
    """
    Return what the plugin says about itself, where it differs from the defaults.
    """
    only_known(declaration.policy, LIMIT_KEYS, f"policy declared by the plugin of {name}")
    declared = dict(declaration.policy)
    if declaration.max_concurrent is not None:
        declared["max_concurrent"] = declaration.max_concurrent
    for key in ("base_url", "hosts", "title", "homepage", "effect", "rate"):
        value = getattr(declaration, key)
        if value != attrs.fields_dict(SiteSettings)[key].default:
            declared[key] = value
    return layer_of(declared, "plugin")


def _own_keys(name: str, cls: type[Any] | None) -> tuple[str, ...]:
    """
    Return the keys of a provider's settings class, none of which may be the core's.
    """
    if cls is None:
        return ()
    try:
        keys = tuple(fields_of(cls))
        taken = [key for key in keys if key in (*TOP_KEYS, *PROVIDER_KEYS, *TABLES)]
        problem = f"{', '.join(map(repr, taken))} is a setting of seedcore itself" if taken else ""
    except Refused as refused:
        problem = str(refused).rstrip(".")
    if problem:
        msg = f"The settings class of the plugin of {name!r} can't be used: {problem}. "
        msg += "Its author must change that."
        raise SettingsError(msg)
    return keys


def _secrets(own: Any, declaration: Declaration, layer: Layer) -> Iterator[str]:
    yield from secrets_of(own)
    if declaration.settings is None or attrs.has(type(own)):
        return
    for key, field in fields_of(declaration.settings).items():  # it isn't complete
        if field.metadata.get("secret") and key in layer:
            yield str(layer[key].value)


def _own(name: str, cls: type[Any] | None, layer: Layer, *, complete: bool) -> Any:
    if cls is None:
        return MappingProxyType({})
    missing = missing_from(cls, layer)
    if missing and not complete:
        return MappingProxyType({})
    if missing:
        raise UnconfiguredProviderError(name, missing)
    try:
        return _instance(cls, layer, name)
    except SettingsError as error:
        raise UnconfiguredProviderError(name, problem=str(error)) from None
