"""
``seedcore breaker``: the stored state of the circuits.
"""

from __future__ import annotations

import click

from seedcore.cli.database import ask_database, shown_time
from seedcore.cli.group import Group, json_option
from seedcore.cli.output import Columns, write_line, write_rows
from seedcore.cli.report import Invocation


@click.command(
    "breaker", cls=Group, examples=("seedcore breaker show", "seedcore breaker reset smdash")
)
def breaker_command() -> None:
    """
    Look at the circuit breakers, or close them.
    """


@breaker_command.command(
    "show", examples=("seedcore breaker show", "seedcore breaker show smdash --json")
)
@click.argument("provider", required=False)
@json_option
@click.pass_obj
def show_breakers(invocation: Invocation, provider: str | None) -> None:
    """
    Show the circuits that have ever opened.
    """
    _check_installed(invocation, provider)
    records = ask_database(lambda store: store.state.records(provider))
    write_rows(records, _COLUMNS, "No circuit has ever opened.", as_json=invocation.as_json)


@breaker_command.command(
    "reset", examples=("seedcore breaker reset smdash", "seedcore breaker reset smdash presets")
)
@click.argument("provider")
@click.argument("operation", required=False)
@click.pass_obj
def reset_breakers(invocation: Invocation, provider: str, operation: str | None) -> None:
    """
    Close the stored circuits of a provider, or of one operation.

    Programs that run take that over within a second or two of their next call.
    """
    _check_installed(invocation, provider)
    invocation.operation = operation
    count = ask_database(lambda store: store.state.reset(provider, operation))
    write_line(f"{count} closed." if count else "There was none to close.")


def _check_installed(invocation: Invocation, provider: str | None) -> None:
    from seedcore.plugins import Registry

    invocation.provider = provider
    registry = Registry()
    if provider and provider not in registry.names:
        registry.load(provider)  # raises the error that names what is installed


_COLUMNS: Columns = {
    "PROVIDER": "provider",
    "OPERATION": "operation",
    "STATE": "state",
    "OPEN UNTIL (UTC)": lambda row: shown_time(row["open_until"]) if row["open_until"] else "",
    "CHANGED (UTC)": lambda row: shown_time(row["updated_at"]),
}
