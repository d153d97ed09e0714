"""
``seedcore audit``: what was called, and what failed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from seedcore.cli.database import ask_database, shown_time
from seedcore.cli.group import Group, json_option
from seedcore.cli.output import Columns, Row, write_json, write_rows
from seedcore.cli.report import Invocation
from seedcore.cli.values import point_in_time

if TYPE_CHECKING:
    from seedcore.store import Store

MOST_ROWS = 1_000_000


_dry_option = click.option("--dry", is_flag=True, help="Dry runs too.")


def _row_options(limit: int | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def add(function: Callable[..., None]) -> Callable[..., None]:
        rows = click.IntRange(1, MOST_ROWS)
        for option in (
            json_option,
            click.option("--limit", type=rows, default=limit, show_default=True, help="Most rows."),
            click.option("--since", callback=point_in_time, help="A date, a time, or a span: 2h."),
            click.option("--surface", help="Only calls of this surface."),
            click.option("--provider", help="Only calls of this provider."),
        ):
            function = option(function)
        return function

    return add


class _Audit(Group):
    """
    Its own commands, and ``import``, whose module is imported when it is typed.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), "import"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "import":
            return super().get_command(ctx, cmd_name)
        from seedcore.cli.audit_import import import_command

        return import_command


@click.command(
    "audit",
    cls=_Audit,
    examples=("seedcore audit list --provider smdash", "seedcore audit export > seeds.jsonl"),
)
def audit_command() -> None:
    """
    Look at past calls; sealed seeds stay hidden.
    """


@audit_command.command(
    "list", examples=("seedcore audit list", "seedcore audit list --since 2h --json")
)
@_row_options(limit=20)
@_dry_option
@click.pass_obj
def list_calls(invocation: Invocation, /, **filters: Any) -> None:
    """
    List successful calls, the newest first.
    """
    rows = ask_database(lambda store: store.queries.calls(**filters))
    write_rows(rows, _CALLS, "No successful call is recorded.", as_json=invocation.as_json)


@audit_command.command(
    "failures",
    examples=("seedcore audit failures", "seedcore audit failures --provider smdash --since 7d"),
)
@_row_options(limit=20)
@click.pass_obj
def list_failures(invocation: Invocation, /, **filters: Any) -> None:
    """
    List failed calls, the newest first.
    """
    rows = ask_database(lambda store: store.queries.failures(**filters))
    write_rows(rows, _FAILURES, "No failed call is recorded.", as_json=invocation.as_json)


@audit_command.command(
    "export",
    examples=("seedcore audit export > seeds.jsonl", "seedcore audit export --since 2026-11-01"),
)
@_row_options(limit=None)
@_dry_option
def export_calls(limit: int | None, **filters: Any) -> None:
    """
    Print successful calls as JSON lines, the oldest first.
    """

    async def export(store: Store) -> None:
        written = 0
        async for row in store.queries.export(**filters):
            write_json(row)
            written += 1
            if written == limit:
                break

    ask_database(export)


def _seed(row: Row) -> object:
    seed = row["permalink"] or row["seed"].get("text") or row["hash_id"]
    return seed or ("(sealed)" if row["sealed"] else "")


def _provider(row: Row) -> object:
    return f"{row['provider']} (dry)" if row["dry"] else row["provider"]


_CALLS: Columns = {
    "TIME (UTC)": lambda row: shown_time(row["created_at"]),
    "SEED": _seed,
    "PROVIDER": _provider,
    "PRESET": lambda row: row["genoption"] or row["gentype"],
    "SURFACE": "surface",
    "ATTEMPTS": "attempt_count",
    "MS": lambda row: round(row["latency_ms"]),
    "CALL ID": "call_id",
}
_FAILURES: Columns = {
    "TIME (UTC)": lambda row: shown_time(row["created_at"]),
    "PROVIDER": "provider",
    "OPERATION": "operation",
    "ERROR": "error_type",
    "STATUS": "status_code",
    "ATTEMPTS": "attempt_count",
    "STOPPED BY": "stopped_by",
    "SURFACE": "surface",
    "CALL ID": "call_id",
    "MESSAGE": "message",
}
