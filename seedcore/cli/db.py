"""
``seedcore db``: the database itself, and what waits for it on this machine's disk.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from seedcore.cli.database import ask_database, core_settings, drained, rows_of, shown_time
from seedcore.cli.group import Group, json_option
from seedcore.cli.output import write_facts, write_json, write_line
from seedcore.cli.report import Invocation
from seedcore.cli.values import point_in_time

if TYPE_CHECKING:
    from seedcore.store import Store
    from seedcore.store.spool import SpoolStatus
    from seedcore.store.upkeep import DatabaseStatus, Pruned


@click.command(
    "db",
    cls=Group,
    examples=(
        "seedcore db status",
        "seedcore db migrate",
        "seedcore db prune --older-than 365d --dry-run",
        "seedcore db drain",
    ),
)
def db_command() -> None:
    """
    Look after the audit database.
    """


@db_command.command("status", examples=("seedcore db status", "seedcore db status --json"))
@json_option
@click.pass_obj
def show_status(invocation: Invocation) -> None:
    """
    Show the tables, and rows that wait in the spool; changes nothing.
    """
    from seedcore.errors import DatabaseError

    try:
        status = ask_database(lambda store: store.upkeep.status(), migrating=False)
    except DatabaseError:
        # That the database can't be asked is when people want to know what waits for it.
        spool = _spool_status()
        if (
            spool is not None
            and (spool.lines or spool.torn or spool.logs)
            and not invocation.as_json
        ):
            write_facts(_spool_facts(spool))
        raise
    if invocation.as_json:
        write_json({**_plain(status), "pending": status.pending})
    else:
        write_facts(_facts(status))


@db_command.command("migrate", examples=("seedcore db migrate",))
@json_option
@click.pass_obj
def migrate(invocation: Invocation) -> None:
    """
    Bring the tables up to date, as the first start of a program does.

    Several may do that at the same time: one does it, the others wait.
    """
    status = ask_database(lambda store: store.upkeep.status(), make=True)
    newest = next(reversed(status.migrations))
    if invocation.as_json:
        write_json({"name": status.name, "schema": newest})
    else:
        write_line(f"{status.name} is up to date (schema {newest}).")


@db_command.command(
    "prune",
    examples=(
        "seedcore db prune --older-than 365d --dry-run",
        "seedcore db prune --older-than 2025-01-01 --yes",
    ),
)
@click.option(
    "--older-than", required=True, callback=point_in_time, help="A span (365d) or a date."
)
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
@click.pass_obj
def prune(invocation: Invocation, older_than: float, *, dry_run: bool, yes: bool) -> None:
    """
    Delete old rows of calls and failures; a count per provider and day is kept.
    """
    before = round(older_than * 1e6)
    found = ask_database(lambda store: store.upkeep.count_older(before))
    total = found.calls + found.failures
    if total and not dry_run:
        if not yes:
            _confirm(total, before)

        async def delete(store: Store) -> Pruned:
            gone = found
            with click.progressbar(
                length=total, label="Deleting", file=sys.stderr, hidden=not sys.stderr.isatty()
            ) as progress:
                async for gone in store.upkeep.prune(before):
                    progress.update(gone.calls + gone.failures - progress.pos)
            return gone

        found = ask_database(delete)
    counts = {"calls": found.calls, "failures": found.failures, "claims": found.claims}
    if invocation.as_json:
        write_json({"before": before, "dry_run": dry_run, **counts})
        return
    done = "would be deleted" if dry_run else "deleted"
    write_line(
        f"{found.calls:,} calls and {found.failures:,} failures from before "
        f"{shown_time(before)} UTC {done}."
    )


@db_command.command("drain", examples=("seedcore db drain",))
@json_option
@click.pass_obj
def drain(invocation: Invocation) -> None:
    """
    Write spooled rows of programs that have ended to the database.

    Programs that run write theirs by themselves, once the database is back.
    """

    async def drain_all(store: Store) -> dict[str, Any]:
        total = await store.drain()
        left = (await store.upkeep.status()).spool
        return {
            "rows": total.written,
            "torn": total.torn,
            "held": left.held if left else 0,
        }

    # The tables are there: whoever spooled has opened the database before.
    done = ask_database(drain_all, migrating=False, quiet=True)
    if invocation.as_json:
        write_json(done)
        return
    write_line(drained(done["rows"], done["torn"]))
    if done["held"]:
        write_line(f"{rows_of(done['held'])} held by programs that run, which write them later.")


def _confirm(total: int, before: int) -> None:
    what = f"Delete {rows_of(total)} from before {shown_time(before)} UTC?"
    if not sys.stdin.isatty():
        msg = f"{what} Add --yes, or --dry-run to count only."
        raise click.UsageError(msg)
    click.confirm(what, abort=True, err=True)


def _spool_status() -> SpoolStatus | None:
    from seedcore.errors import DatabaseError
    from seedcore.store.address import address_of
    from seedcore.store.store import spool_of

    core = core_settings()
    try:
        spool = spool_of(address_of(core.database_url), core.spool_directory)
    except DatabaseError:
        return None
    return spool.status() if spool else None


def _facts(status: DatabaseStatus) -> dict[str, object]:
    pending = ", ".join(status.pending)
    newest = [name for name, applied in status.migrations.items() if applied]
    facts: dict[str, object] = {
        "Database": status.name,
        "Dialect": status.dialect,
        "Schema": newest[-1] if newest else "none",
        "Pending": pending and f"{pending}; run: seedcore db migrate",
        **{name.capitalize(): f"{count:,}" for name, count in status.rows.items()},
        "Oldest (UTC)": shown_time(status.oldest) if status.oldest else None,
        "Size": f"{status.bytes / 2**20:,.1f} MiB",
    }
    return facts | (_spool_facts(status.spool) if status.spool else {})


def _spool_facts(spool: SpoolStatus) -> dict[str, object]:
    held = f" ({spool.held:,} held by programs that run)" if spool.held else ""
    torn = f"; {spool.torn:,} torn, kept in *.torn" if spool.torn else ""
    logs = {"Logs waiting": f"{spool.logs:,} for their storage"} if spool.logs else {}
    return {"Spool": spool.directory, "Spooled": f"{rows_of(spool.lines)}{held}{torn}", **logs}


def _plain(status: DatabaseStatus) -> dict[str, Any]:
    import attrs

    return attrs.asdict(status)
