"""
Where values stand: ``seedcore.toml``, the argument of the same shape, the environment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs

from seedcore.errors import SettingsError, clean_text, did_you_mean, environment_name
from seedcore.settings.keys import (
    CONFIG_VARIABLE,
    CORE_KEYS,
    CORE_VARIABLES,
    LIMIT_KEYS,
    OPERATION_KEYS,
    PROVIDER_KEYS,
    SITE_KEYS,
    TOP_KEYS,
)
from seedcore.settings.routes import Route, route_of


@attrs.frozen
class Given:
    """
    One value and where it stands.
    """

    value: Any = attrs.field(repr=False)
    origin: str


Layer = Mapping[str, Given]
NOTHING: Layer = {}


def merged(*layers: Layer) -> dict[str, Given]:
    """
    Return one layer in which the later ones win.
    """
    result: dict[str, Given] = {}
    for layer in layers:
        result.update(layer)
    return result


def layer_of(values: Mapping[str, Any], origin: str) -> Layer:
    """
    Return *values* as a layer that stands in one place.
    """
    return {key: Given(value, origin) for key, value in values.items()}


def limits_of(layer: Layer) -> Layer:
    """
    Return the part of *layer* that may hold for every provider.
    """
    return {key: given for key, given in layer.items() if key in LIMIT_KEYS}


@attrs.frozen(kw_only=True)
class Tables:
    """
    What one document says about one provider: its top level, its table, its operations.
    """

    top: Layer
    provider: Layer
    operations: Mapping[str, Layer]

    def layers(self, operation: str | None) -> tuple[Layer, ...]:
        """
        Return the layers, the most general one first.
        """
        return self.top, self.provider, self.operations.get(operation or "", NOTHING)


@attrs.frozen(kw_only=True)
class Document:
    """
    The file or the argument, its top level checked; a provider's table is checked on request.
    """

    place: str
    top: Layer
    providers: Mapping[str, Any] = attrs.field(repr=False)
    routes: Mapping[str, Route] = attrs.field(factory=dict)

    @classmethod
    def read(cls, content: Any, place: str) -> Document:
        """
        Check that *content* has known keys only.
        """
        top = dict(_table(content, place))
        providers = _table(top.pop("providers", {}), f"{place} [providers]")
        routes = {
            str(name): route_of(str(name), given, f"{place} [routes.{clean_text(name, 80)}]")
            for name, given in _table(top.pop("routes", {}), f"{place} [routes]").items()
        }
        only_known(top, TOP_KEYS, place)
        return cls(place=place, top=layer_of(top, place), providers=providers, routes=routes)

    def tables(self, provider: str, known: Collection[str]) -> Tables:
        """
        Return what it says about *provider*, whose table may have the *known* keys.
        """
        place = f"{self.place} [providers.{provider}]"
        table = dict(_table(self.providers.get(provider, {}), place))
        place_of_operations = f"{self.place} [providers.{provider}.operations]"
        operations = _table(table.pop("operations", {}), place_of_operations)
        only_known(table, known, place)
        return Tables(
            top=limits_of(self.top),
            provider=layer_of(table, place),
            operations={
                name: self._operation(f"{place[:-1]}.operations.{name}]", limits)
                for name, limits in operations.items()
            },
        )

    def _operation(self, place: str, limits: Any) -> Layer:
        only_known(_table(limits, place), OPERATION_KEYS, place)
        return layer_of(limits, place)


def _table(content: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        msg = f"{place}: this must be a table of keys and values."
        raise SettingsError(msg)
    return content


def only_known(table: Mapping[str, Any], known: Collection[str], place: str) -> None:
    """
    Refuse the first key of *table* that isn't one of *known*.
    """
    for key in table:
        if key not in known:
            name = clean_text(key, 80)
            msg = f"{place}: there is no setting {name!r}.{_advice(name, known)}"
            raise SettingsError(msg)


def _advice(key: str, known: Collection[str]) -> str:
    if key in CORE_KEYS:
        return " It belongs at the top level."
    if key in PROVIDER_KEYS:
        return " It belongs under [providers.<name>]."
    return did_you_mean(key, known) or f" Known: {', '.join(known)}."


def file_of(environ: Mapping[str, str], directory: Path | None) -> Path | None:
    """
    Return the settings file: what ``SEEDCORE_CONFIG`` names, else ``seedcore.toml`` if there.
    """
    directory = directory or Path.cwd()
    named = environ.get(CONFIG_VARIABLE, "").strip()
    if named:
        return directory / named
    path = directory / "seedcore.toml"
    return path if path.exists() else None


def read_toml(path: Path) -> Mapping[str, Any]:
    """
    Return the contents of a TOML file.

    Raises ``SettingsError`` that names file, line and reason.
    """
    import tomllib

    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
    except tomllib.TOMLDecodeError as error:
        problem = f"is not valid TOML: {error}"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = f"is not valid TOML: no UTF-8 text (at line {line})"
    except (ValueError, RecursionError):
        problem = "is not valid TOML: a number has too many digits, or tables are nested too deeply"
    msg = f"The settings file {path} {problem}."
    raise SettingsError(msg)


@attrs.frozen
class Environment:
    """
    The ``SEEDCORE_*`` variables that are set and not empty.
    """

    variables: Mapping[str, str] = attrs.field(repr=False)
    installed: frozenset[str]

    @classmethod
    def read(cls, environ: Mapping[str, str], installed: Iterable[str]) -> Environment:
        """
        Take what belongs to seedcore; a text's surrounding white space counts for nothing.
        """
        variables = {
            name: text.strip()
            for name, text in environ.items()
            if name.startswith("SEEDCORE_") and name != CONFIG_VARIABLE and text.strip()
        }
        return cls(variables, frozenset(installed))

    def core(self) -> Layer:
        """
        Return the settings that are meant for all providers or for the runner.
        """
        return {
            key: Given(self.variables[variable], variable)
            for variable, key in CORE_VARIABLES.items()
            if variable in self.variables
        }

    def provider(self, name: str, known: Collection[str]) -> Layer:
        """
        Return the settings of one provider, which may be the *known* ones.
        """
        names = self.installed | {name}
        keys = {environment_name(name, key): key for key in known}
        layer = {}
        for variable in self.variables:
            if self._owner(variable, names) != environment_name(name, ""):
                continue
            if variable not in keys:
                advice = _meant(variable, keys, environment_name(name, ""))
                msg = f"{variable}: there is no such setting of {name}.{advice}"
                raise SettingsError(msg)
            layer[keys[variable]] = Given(self.variables[variable], variable)
        return layer

    def check(self) -> None:
        """
        Refuse variables that can only be mistyped ones of the core.

        What belongs to an installed provider is checked with it; what looks like one that
        isn't installed may stay.
        """
        for variable in self.variables:
            if variable in CORE_VARIABLES or self._owner(variable, self.installed):
                continue
            kin = [known for known in _NAMES if _first(known) == _first(variable)]
            if variable in _PROVIDERS_ONLY:
                advice = f" It is set for one provider: SEEDCORE_<PROVIDER>_{variable[9:]}."
            elif kin or _looks_mistyped(variable):
                advice = _meant(variable, kin or _NAMES, "SEEDCORE_")
            else:
                continue
            msg = f"{variable}: there is no such setting.{advice}"
            raise SettingsError(msg)

    @staticmethod
    def _owner(variable: str, providers: Iterable[str]) -> str:
        """
        Return the beginning of the variables of the provider it belongs to; the longest wins.
        """
        prefixes = (environment_name(name, "") for name in providers)
        return max(filter(variable.startswith, prefixes), key=len, default="")


_NAMES = (*CORE_VARIABLES, CONFIG_VARIABLE)
_PROVIDERS_ONLY = {environment_name(None, key) for key in SITE_KEYS} - {*_NAMES}


def _meant(variable: str, known: Collection[str], prefix: str) -> str:
    # Compared without what they all begin with, or everything would look alike.
    rests = {name.removeprefix(prefix): name for name in known}
    close = get_close_matches(variable.removeprefix(prefix), rests, 1)
    return f" Did you mean {rests[close[0]]!r}?" if close else f" Known: {', '.join(known)}."


def _first(variable: str) -> str:
    return variable.split("_")[1]


def _looks_mistyped(variable: str) -> bool:
    """
    Whether *variable* is close to a core one; ``SEEDCORE_<NAME>_PATIENCE`` is a provider's.
    """
    rest = variable[9:]
    if rest.endswith(tuple(f"_{key.upper()}" for key in (*TOP_KEYS, *PROVIDER_KEYS))):
        return False
    return bool(get_close_matches(rest, [name[9:] for name in _NAMES], 1, 0.8))
