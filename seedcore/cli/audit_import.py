"""
``seedcore audit import``: rows of an earlier audit table, or of another database.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from seedcore.cli.database import core_settings, drained, rows_of
from seedcore.cli.group import Command, json_option
from seedcore.cli.output import one_line, write_json, write_line
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    import asyncio

    from seedcore.cli.audit_lines import Tally
    from seedcore.events import Event
    from seedcore.model import AuditRecord
    from seedcore.store import Store
    from seedcore.store.earlier import Reading

Add = Callable[[Sequence["AuditRecord"]], Coroutine[Any, Any, list[str]]]


def _source(_: click.Context, __: click.Parameter, name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        return name
    msg = "--source must be 1 to 64 letters, digits, '.', '_' and '-'."
    raise click.UsageError(msg)


def _surface(_: click.Context, __: click.Parameter, name: str) -> str:
    if name.isprintable() and 0 < len(name) <= 200:
        return name
    msg = "--surface must be a printable text of 1 to 200 characters."
    raise click.UsageError(msg)


@click.command(
    "import",
    cls=Command,
    examples=("seedcore audit import old.jsonl --dry-run", "seedcore audit import old.jsonl"),
)
@click.argument(
    "file", metavar="FILE.jsonl", type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@click.option(
    "--source",
    default="audit_generated_games",
    show_default=True,
    callback=_source,
    help="Tells the ids of this table from those of others.",
)
@click.option(
    "--surface",
    default="import",
    show_default=True,
    callback=_surface,
    help="The surface of rows that name none.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@json_option
@click.pass_obj
def import_command(
    invocation: Invocation, /, file: str, source: str, surface: str, *, dry_run: bool
) -> None:
    """
    Add rows of an earlier audit table, or exported ones.

    A line of FILE.jsonl is a JSON object: a row of a table audit_generated_games, or what
    'seedcore audit export' prints; - reads stdin. Rows that are there already are left alone.

    The exit status is 1 if a line can't be used; all others are written.
    """
    import asyncio

    from seedcore.cli.audit_lines import Tally, batches, opened
    from seedcore.store.earlier import Reading

    reading = Reading(source=source, surface=surface)
    tally = Tally(dry_run=dry_run)
    try:
        with opened(file) as lines, asyncio.Runner() as loop, _adding(loop, dry_run) as add:
            for batch in batches(lines, reading, tally):
                outcomes = loop.run(add([record for _, record in batch]))
                for (line, _), outcome in zip(batch, outcomes, strict=True):
                    tally.count(line, outcome)
    except BaseException:
        if tally.new and not dry_run:
            # The last transaction may have been done, and nobody was there to be told.
            done = f"At least {rows_of(tally.new)} written. Import the file again to go on."
            click.echo(done, err=True)
        raise
    _report(invocation, tally, reading)


@contextlib.contextmanager
def _adding(loop: asyncio.Runner, dry_run: bool) -> Iterator[Add]:  # noqa: FBT001 - all there is
    """
    Open the database, which a dry run neither makes nor changes.

    The loop only runs while the database is asked: a file may be slow, and Ctrl-C has to end
    the reading of it.
    """
    from seedcore.store.imports import Rehearsal

    store = _open(loop, migrating=not dry_run)
    try:
        if store is not None and not dry_run:
            yield store.imports.add
            return
        stored = store.imports if store and loop.run(store.imports.has_table()) else None
        with contextlib.closing(Rehearsal(stored)) as rehearsal:
            yield rehearsal.add
    finally:
        if store is not None:
            loop.run(store.close())


def _open(loop: asyncio.Runner, *, migrating: bool) -> Store | None:
    from pathlib import Path

    from seedcore.errors import DatabaseError
    from seedcore.store import Store
    from seedcore.store.address import address_of

    core = core_settings()
    address = address_of(core.database_url)
    if address.in_memory:
        msg = (
            "A database in memory ends with this command. Set SEEDCORE_DATABASE_URL to where the "
            "rows shall stay."
        )
        raise DatabaseError(msg)
    if not migrating and address.dialect == "sqlite" and not Path(address.path).exists():
        return None
    opening = Store.open(
        core.database_url,
        pool_size=core.database_pool_size,
        spool_directory=core.spool_directory,
        migrating=migrating,
        tell=_tell,
    )
    return loop.run(opening)


def _tell(event: Event) -> None:
    if event.event == "audit_drained":
        click.echo(drained(**event.extra), err=True)


def _report(invocation: Invocation, tally: Tally, reading: Reading) -> None:
    notes = [*_notes(reading)]
    if invocation.as_json:
        counts = {"new": tally.new, "known": tally.known, "bad": tally.bad}
        problems = [{"line": line, "problem": text} for line, text in tally.problems]
        write_json({"dry_run": tally.dry_run, **counts, "problems": problems, "notes": notes})
    else:
        for line, text in tally.problems:
            write_line(one_line(f"line {line:,}: {text}"))
        if tally.bad > len(tally.problems):
            write_line(f"and {tally.bad - len(tally.problems):,} more")
        for note in notes:
            write_line(one_line(f"note: {note}"))
        write_line(tally.sentence)
    if tally.bad:
        click.get_current_context().exit(1)


def _notes(reading: Reading) -> Iterator[str]:
    if reading.ignored:
        yield f"ignored columns: {', '.join(name[:60] for name in reading.ignored)}"
    if reading.secrets:
        yield f"secrets taken out of settings: {reading.secrets:,}"
    if reading.undated:
        yield f"rows without a time, which are of 1970-01-01 now: {reading.undated:,}"
