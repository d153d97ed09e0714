"""
``seedcore list`` and ``seedcore show``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from seedcore.cli.group import Command, json_option
from seedcore.cli.output import (
    Columns,
    Row,
    one_line,
    plain,
    write_facts,
    write_json,
    write_line,
    write_rows,
    write_table,
)
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from seedcore.plugins import Listing, Provider, Registry
    from seedcore.settings import Settings

NONE_INSTALLED = "No provider is installed. Five that need no network: pip install seedcore-local"
FAULTS = ("broken", "incompatible", "clash")


def _installed() -> tuple[Registry, Settings]:
    from seedcore.plugins import Registry
    from seedcore.settings import Settings

    registry = Registry()
    settings = Settings.load(installed=registry.names)
    registry.restrict(disable=settings.core.disable, only=settings.core.only)
    return registry, settings


@click.command(
    "list",
    cls=Command,
    examples=("seedcore list", "seedcore list --strict", "seedcore list --json"),
)
@click.option("--strict", is_flag=True, help="Import every plugin; exit 3 if one can't be used.")
@json_option
@click.pass_obj
def list_command(invocation: Invocation, *, strict: bool) -> None:
    """
    List the installed providers and whether they can be used.

    No plugin is imported, so 'ready' is what its metadata promises; --strict imports them all.
    """
    registry, settings = _installed()
    lines = registry.listing()
    if strict:
        lines = [_tried(line.provider, registry, settings) for line in lines]
    write_rows(lines, _PROVIDERS, NONE_INSTALLED, as_json=invocation.as_json, fit=False)
    faulty = [line.provider for line in lines if line.status in FAULTS]
    if strict and faulty:
        click.echo(f"{len(faulty)} of {len(lines)} can't be used: {', '.join(faulty)}.", err=True)
        click.get_current_context().exit(3)


def _tried(name: str, registry: Registry, settings: Settings) -> Listing:
    """
    Import a provider and read its settings; return what the listing says then.
    """
    import attrs

    from seedcore.errors import PluginError, SettingsError, UnconfiguredProviderError

    missing = wrong = None
    try:
        settings.provider(name, registry.load(name).declaration)
    except UnconfiguredProviderError as error:
        missing = str(error)
    except PluginError:
        pass  # the registry remembers it
    except SettingsError as error:
        wrong = str(error)
    line = next(line for line in registry.listing() if line.provider == name)
    if wrong:
        return attrs.evolve(line, status="broken", reason=wrong)
    return attrs.evolve(line, status="unconfigured", reason=missing) if missing else line


@click.command(
    "show", cls=Command, examples=("seedcore show smdash", "seedcore show smdash --json")
)
@click.argument("provider")
@json_option
@click.pass_obj
def show_command(invocation: Invocation, provider: str) -> None:
    """
    Show what a provider can do, and all its settings.

    Each setting is shown with its value and where that comes from; secrets are masked.
    """
    from seedcore.surface.fields import declared_fields

    invocation.provider = provider
    registry, settings = _installed()
    loaded = registry.load(provider)
    shown = [*_settings(loaded, settings)]
    values = {line["key"]: line["value"] for line in shown}
    facts = {
        **plain(_tried(provider, registry, settings)),
        "title": values.get("title", loaded.declaration.title),
        "homepage": values.get("homepage", loaded.declaration.homepage),
        "operations": [*operation_rows(loaded)],
        "options": plain([*declared_fields(loaded.declaration.options)]),
        "settings": shown,
    }
    if invocation.as_json:
        write_json(facts)
    else:
        _print_provider(facts)


def operation_rows(provider: Provider) -> Iterator[Row]:
    """
    Yield a row for each operation, by its name.
    """
    for name, operation in sorted(provider.operations.items()):
        takes = operation.takes
        yield {
            "name": name,
            "effect": str(operation.effect),
            "audited": operation.audited,
            "rolls": operation.rolls,
            # None: it reads whatever it is given.
            "arguments": None
            if takes is None
            else [{"name": each, "required": each in operation.needs} for each in sorted(takes)],
            "summary": operation.summary,
        }


def _settings(provider: Provider, settings: Settings) -> Iterator[Row]:
    from seedcore.errors import UnconfiguredProviderError, environment_name
    from seedcore.settings.structure import fields_of

    try:
        for line in settings.provider(provider.name, provider.declaration).describe():
            yield plain(line)
    except UnconfiguredProviderError as error:
        fields = fields_of(provider.declaration.settings)
        for key in error.missing:
            yield {
                "key": key,
                "value": None,
                "origin": f"missing, set {environment_name(provider.name, key)}",
                "help": str(fields[key].metadata.get("help", "")),
                "secret": bool(fields[key].metadata.get("secret")),
            }


def _print_provider(facts: Row) -> None:
    write_line(one_line(": ".join(filter(None, (facts["provider"], facts["title"])))))
    shown = {name: facts[name] for name in ("homepage", "status", "reason")}
    write_facts({"distribution": _origin(facts), **shown})
    for key, columns in _TABLES.items():
        if facts[key]:
            write_line("")
            write_table(facts[key], columns, wrap=True)


def _origin(row: Row) -> str:
    return " ".join(filter(None, (row["distribution"], row["version"])))


def arguments_of(row: Row) -> str:
    """
    Return the names of an operation's arguments; those that may be left out have a ``?``.
    """
    if row["rolls"]:
        return "options"
    if row["arguments"] is None:
        return "any"
    return " ".join(each["name"] + ("" if each["required"] else "?") for each in row["arguments"])


_PROVIDERS: Columns = {
    "PROVIDER": "provider",
    "STATUS": "status",
    "DISTRIBUTION": _origin,
    "REASON": "reason",
}
_TABLES: Mapping[str, Columns] = {
    "operations": {
        "OPERATION": "name",
        "EFFECT": "effect",
        "AUDITED": lambda row: "yes" if row["audited"] else "no",
        "ARGUMENTS": arguments_of,
        "": "summary",
    },
    "options": {
        "OPTION": "name",
        "DEFAULT": lambda row: "required" if row["required"] else row["default"],
        "TYPE": "type",
        "ALLOWED": "allowed",
        "": "help",
    },
    "settings": {"SETTING": "key", "VALUE": "value", "FROM": "origin", "": "help"},
}
