"""
``seedcore presets import``, and the presets as all its commands use them.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seedcore.cli.database import database_exists
from seedcore.cli.group import Command, json_option
from seedcore.cli.output import one_line, write_json, write_line
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from seedcore.plugins import Registry
    from seedcore.presets import Draft, Outcome, Presets

Answer = TypeVar("Answer")
MANY = 50
"""Documents whose import shows its progress."""
SAME = 3
"""Documents with the same note that are named one by one."""


def _author(_: click.Context, __: click.Parameter, given: str | None) -> str:
    from seedcore.presets.records import OPERATOR

    return OPERATOR if given is None else given


by_option = click.option(
    "--by",
    callback=_author,
    help="Who does it, such as discord:1234; else the operator, who may do everything.",
)


def ask_presets(
    question: Callable[[Presets], Awaitable[Answer]],
    *,
    provider: str = "",
    make: bool = False,
    absent: bool = False,
) -> Answer:
    """
    Return the answer of *question*; a database that isn't there is not made unless *make*.

    Raises UnknownProviderError where nothing is found of a *provider* that isn't installed,
    unless it may be *absent*; UsageError for one that takes no presets.
    """
    import asyncio

    from seedcore.contract.deadline import Clock
    from seedcore.errors import PresetNotFoundError
    from seedcore.plugins import Registry
    from seedcore.presets import Presets
    from seedcore.settings import Settings

    registry = Registry()
    settings = Settings.load(installed=registry.names)
    registry.restrict(disable=settings.core.disable, only=settings.core.only)
    core = settings.core
    _check_takes_presets(registry, provider)

    async def ask() -> Answer:
        if not make and not database_exists(core.database_url):
            return await question(Presets(registry, settings, lambda: None, Clock()))
        from seedcore.store import Store

        store = await Store.open(
            core.database_url,
            pool_size=core.database_pool_size,
            spool_directory=core.spool_directory,
        )
        try:
            return await question(Presets(registry, settings, lambda: store, Clock()))
        finally:
            await store.close()

    def check_installed() -> None:
        if provider and not absent and provider not in registry.names:
            registry.load(provider)

    try:
        answer = asyncio.run(ask())
    except PresetNotFoundError:
        check_installed()
        raise
    if absent:
        _suggest(registry, provider)
    if not answer:
        check_installed()
    return answer


def _check_takes_presets(registry: Registry, provider: str) -> None:
    """
    Refuse a provider whose calls would never look at a preset; one that can't be loaded may pass.
    """
    from seedcore.errors import PluginError
    from seedcore.presets.takers import taker_of

    try:
        declared = taker_of(registry, provider).documents.presets
    except PluginError:
        return
    if declared is None:
        msg = (
            f"{provider} takes no presets from here: its plugin declares none, with 'presets' of "
            "@provider. What is given as --preset goes to the provider as it is."
        )
        raise click.UsageError(msg)


def _suggest(registry: Registry, provider: str) -> None:
    """
    Name the provider that may be meant by one that isn't installed; that is no error here.
    """
    from seedcore.errors import did_you_mean

    if provider and provider not in registry.names:
        advice = did_you_mean(provider, registry.names)
        if advice:
            click.echo(one_line(f"No provider {provider!r} is installed.{advice}"), err=True)


@click.command(
    "import",
    cls=Command,
    examples=(
        "seedcore presets import presets/ --dry-run",
        "seedcore presets import presets/alttpr --provider alttpr --namespace me",
        "seedcore presets import presets.jsonl",
    ),
)
@click.argument("source", metavar="DIR|FILE.jsonl", type=click.Path(exists=True))
@click.option("--provider", help="Whose presets they are; without it, DIR has a folder for each.")
@click.option("--namespace", default="", help="Save them all in this namespace.")
@click.option("--dry-run", is_flag=True, help="Only say what would be saved.")
@by_option
@json_option
@click.pass_obj
def import_command(
    invocation: Invocation, /, source: str, by: str, *, dry_run: bool, **chosen: Any
) -> None:
    """
    Save many presets at once: all that are valid, or none if it is interrupted.

    DIR has <provider>/<name>.yaml files; a line of FILE.jsonl is an object with 'randomizer',
    'preset_name' and 'content'. Texts that are saved already make no new revision.

    The exit status is 1 if one of them can't be used.
    """
    from seedcore.presets import Draft
    from seedcore.presets.files import ENDINGS

    if source.lower().endswith(ENDINGS) and not Path(source).is_dir():
        msg = (
            f"{one_line(source)} is one preset, and what is imported is a folder or a .jsonl file. "
            f"'seedcore presets save PROVIDER NAME {one_line(source)}' saves it."
        )
        raise click.UsageError(msg)
    found = list(_read(Path(source), chosen))
    drafts = [each for each in found if isinstance(each, Draft)]
    off = [each for each in found if not isinstance(each, Draft)]

    async def save(presets: Presets) -> list[Outcome]:
        with click.progressbar(
            length=len(drafts),
            label="Reading",
            file=sys.stderr,
            hidden=len(drafts) < MANY or not sys.stderr.isatty(),
        ) as progress:
            return await presets.load(
                drafts, by=by, dry_run=dry_run, tell=lambda _: progress.update(1)
            )

    provider = chosen["provider"] or ""
    outcomes = [*off, *ask_presets(save, provider=provider, make=not dry_run, absent=True)]
    _report(invocation, outcomes, dry_run=dry_run)


def _read(source: Path, chosen: dict[str, Any]) -> Iterator[Draft | Outcome]:
    from seedcore.presets.sources import drafts_in, drafts_of_lines

    try:
        yield from (drafts_in if source.is_dir() else drafts_of_lines)(source, **chosen)
    except OSError as error:
        msg = f"{one_line(error.filename or source)} can't be read: {error.strerror}"
        raise click.UsageError(msg) from None


def _report(invocation: Invocation, outcomes: list[Outcome], *, dry_run: bool) -> None:
    counts = {
        state: sum(outcome.state == state for outcome in outcomes)
        for state in ("saved", "unchanged", "off")
    }
    if invocation.as_json:
        write_json({"dry_run": dry_run, **counts, "presets": outcomes})
    else:
        for line in _lines(outcomes):
            write_line(one_line(line))
        saved = "would be saved" if dry_run else "saved"
        write_line(
            f"{counts['saved']:,} {saved}, {counts['unchanged']:,} unchanged, {counts['off']:,} off"
        )
    if counts["off"]:
        click.get_current_context().exit(1)


def _lines(outcomes: list[Outcome]) -> Iterator[str]:
    noted: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.problem:
            yield f"{outcome.origin}: {outcome.problem}"
        for note in outcome.notes:
            noted.setdefault(note, []).append(outcome.origin)
    for note, origins in noted.items():
        if len(origins) > SAME:
            yield f"{origins[0]} and {len(origins) - 1:,} more: note: {note}"
        else:
            yield from (f"{origin}: note: {note}" for origin in origins)
