"""
``seedcore demo``: what the contract does, on a site that fails on purpose.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

import click

from seedcore.cli.group import Command, json_option
from seedcore.cli.output import write_json, write_line
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from seedcore.demo.course import Course
    from seedcore.demo.run import Show
    from seedcore.demo.summary import Summary
    from seedcore.events import Event

NARROWEST, WIDEST = 30, 80
GET_RICH = "For a live view: pip install 'seedcore[pretty]'"


class Finite(click.FloatRange):
    """
    A number within a range; nan, which compares to nothing, is in none.
    """

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """
        Return *value* as a number. Raises BadParameter.
        """
        number = click.FLOAT.convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return float(super().convert(number, param, ctx))


@click.command(
    "demo",
    cls=Command,
    examples=(
        "seedcore demo",
        "seedcore demo --calls 100 --outage 10 --faults 30",
        "seedcore demo --database sqlite://demo.sqlite3",
        "seedcore demo --json > demo.json",
    ),
)
@click.option(
    "--calls",
    type=click.IntRange(1, 10_000),
    default=200,
    help="How many calls.",
    show_default=True,
)
@click.option(
    "--faults", type=Finite(0, 100), default=15.0, help="Percent of bad answers.", show_default=True
)
@click.option(
    "--outage",
    type=Finite(0, 600),
    default=20.0,
    help="Seconds the site is gone.",
    show_default=True,
)
@click.option(
    "--rate", type=Finite(0.1, 500), default=4.0, help="Calls per second.", show_default=True
)
@click.option("--seed", type=click.IntRange(0, 2**32), help="The same faults again.")
@click.option("--database", metavar="URL", help="Keep the audit rows there.")
@json_option
@click.pass_obj
def demo_command(
    invocation: Invocation, /, seed: int | None, database: str | None, **numbers: Any
) -> None:
    """
    Show what seedcore does for calls to a site that fails.

    A site on this machine spoils some of its answers, and is gone for a while. Calls go there
    under the contract, with the limits of your settings; then you see what became of them.
    """
    from secrets import randbelow

    from seedcore.demo.course import Course

    course = Course(seed=randbelow(1_000_000) if seed is None else seed, **numbers)
    with _view(course, invocation) as show:
        summary = _run(course, database, show, invocation)
    if invocation.as_json:
        write_json({**summary.facts(), "database": database and summary.database})
    else:
        _write_summary(summary, kept=database is not None)
    if summary.progress.interrupted:
        raise KeyboardInterrupt


def _run(course: Course, database: str | None, show: Show, invocation: Invocation) -> Summary:
    import asyncio

    from seedcore.demo.run import run

    sinks = [_to_stderr] if invocation.debug else []
    with _place(database) as (url, settings):
        return asyncio.run(run(course, database=url, settings=settings, show=show, sinks=sinks))


@contextlib.contextmanager
def _place(database: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    """
    Give the database to use, and settings for it; one that nobody asked for is removed again.
    """
    if database is not None:
        yield database, {}
        return
    with tempfile.TemporaryDirectory(prefix="seedcore-demo-") as folder:
        yield f"sqlite://{folder}/audit.sqlite3", {"spool_directory": f"{folder}/spool"}


@contextlib.contextmanager
def _view(course: Course, invocation: Invocation) -> Iterator[Show]:
    """
    Say what will happen, and give what shows the progress where somebody reads it.
    """
    stream = sys.stderr if invocation.as_json else sys.stdout
    if invocation.as_json and not stream.isatty():
        yield lambda progress: None
        return

    def write(line: str) -> None:
        click.echo(line, file=stream)

    write(click.wrap_text(course.introduction(), _width(stream)))
    write("")
    # Events on stderr and a picture on stdout would write over each other.
    if not invocation.debug and _can_draw(stream):
        try:
            from seedcore.demo.live import live_view
        except ImportError:
            write(GET_RICH)
        else:
            with live_view(stream) as show:
                yield show
            return
    from seedcore.demo.plain import PlainLines

    yield PlainLines(write)
    write("")


def _width(stream: TextIO) -> int:
    room = shutil.get_terminal_size().columns if stream.isatty() else WIDEST
    return max(NARROWEST, min(WIDEST, room) - 1)


def _can_draw(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def _to_stderr(event: Event) -> None:
    click.echo(f"{event.level}: {event.message}", err=True)


def _write_summary(summary: Summary, *, kept: bool) -> None:
    seed = summary.progress.course.seed
    lines = [*summary.lines(), ("Seed", f"{seed} (--seed {seed} makes the same faults again)")]
    if kept:
        lines.append(("Database", summary.database))
    for title, text in lines:
        indent = f"{title:13}"
        write_line(click.wrap_text(text, _width(sys.stdout), indent, " " * len(indent)))
