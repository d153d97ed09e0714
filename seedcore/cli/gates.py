"""
``seedcore gates``: whether providers do what is done today, before calls are moved to them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedcore.cli.group import Command, json_option
from seedcore.cli.output import one_line, write_json, write_line, write_table
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from seedcore.testing.flows.files import Flow
    from seedcore.testing.flows.records import Gate, Subject

FLOWS = Path("tests", "flows")
MOST_FINDINGS = 20
"""Findings of a gate that are printed; JSON has them all."""


def _replacement(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,  # noqa: ARG001
    given: tuple[str, ...],
) -> dict[str, str]:
    replacements: dict[str, str] = {}
    for text in given:
        name, equals, provider = text.partition("=")
        if not (name and equals and provider):
            msg = f"--with takes NAME=PROVIDER, such as smdash=smdash-next, and not {text!r}."
            raise click.UsageError(msg)
        if replacements.setdefault(name, provider) != provider:
            msg = f"--with has both {replacements[name]} and {provider} in place of {name}."
            raise click.UsageError(msg)
    return replacements


@click.command(
    "gates",
    cls=Command,
    examples=(
        "seedcore gates",
        "seedcore gates smdash smz3",
        "seedcore gates smdash --with smdash=smdash-next",
        "seedcore gates --flows ~/seedcore/tests/flows --strict --json",
    ),
)
@click.argument("providers", metavar="[PROVIDER]...", nargs=-1)
@click.option(
    "--flows",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=FLOWS,
    help="Where the flows are; tests/flows if not given.",
)
@click.option(
    "--with",
    "replacements",
    metavar="NAME=PROVIDER",
    multiple=True,
    callback=_replacement,
    help="Replay the flows about NAME against the installed PROVIDER; repeatable.",
)
@click.option("--strict", is_flag=True, help="Fail if a gate is skipped, as on a build server.")
@json_option
@click.pass_obj
def gates_command(
    invocation: Invocation,
    providers: tuple[str, ...],
    folder: Path,
    replacements: dict[str, str],
    *,
    strict: bool,
) -> None:
    """
    Prove that providers do what is done today, and can be moved to and back.

    Each flow is replayed against a site that is played on this machine; no request leaves it, and
    no setting or database of yours is used. Without PROVIDER all that flows are about are looked
    at. Exit status 1 if a gate isn't passed.
    """
    from seedcore.testing.flows.records import must_not_skip

    invocation.provider = providers[0] if len(providers) == 1 else None
    subjects = _subjects(_flows(folder), providers, replacements)
    results = [
        gate for subject in subjects for gate in _looked_at(subject, quiet=invocation.as_json)
    ]
    if invocation.as_json:
        write_json(results)
    else:
        _write_summary(results)
    unwanted = {"fail", "skip"} if must_not_skip(strict=strict) else {"fail"}
    if any(gate.status in unwanted for gate in results):
        click.get_current_context().exit(1)


def _flows(folder: Path) -> list[Flow]:
    from seedcore.testing.flows.files import flows_in

    if not folder.is_dir():
        msg = (
            f"There are no flows: {one_line(folder)} is no folder. Run this in a checkout of "
            "seedcore, or say where they are: --flows DIR."
        )
        raise click.UsageError(msg)
    flows = flows_in(folder)
    if not flows:
        msg = f"{one_line(folder)} has no flows, which are files <provider>_<what>.json."
        raise click.UsageError(msg)
    return flows


def _subjects(
    flows: Sequence[Flow], providers: Sequence[str], replacements: dict[str, str]
) -> list[Subject]:
    """
    Return whom to look at. Raises PluginError for one that was named and can't be used.
    """
    from seedcore.plugins import Registry
    from seedcore.testing.flows.records import Subject

    known = list(dict.fromkeys(flow.provider for flow in flows))
    for name in (*providers, *replacements):
        if name not in known:
            msg = f"No flow is about {name}; flows are about: {', '.join(known)}."
            raise click.UsageError(msg)
    chosen = list(dict.fromkeys(providers)) or known
    for name, provider in replacements.items():
        if name not in chosen:
            msg = (
                f"--with puts {provider} in place of {name}, which is not among those to look at: "
                f"{', '.join(chosen)}. Add {name}."
            )
            raise click.UsageError(msg)
    registry = Registry()
    for name in chosen:
        if name in providers or name in replacements:
            registry.load(replacements.get(name, name))
    return [
        Subject(
            name=name,
            served_by=replacements.get(name, name),
            flows=tuple(flow for flow in flows if flow.provider == name),
        )
        for name in chosen
    ]


def _looked_at(subject: Subject, *, quiet: bool) -> Iterator[Gate]:
    """
    Take one provider through the gates, and print each as it is known.
    """
    from seedcore.testing.flows.gates import Gates

    if not quiet:
        by = f", served by {subject.served_by}" if subject.served_by != subject.name else ""
        many = "1 flow" if len(subject.flows) == 1 else f"{len(subject.flows)} flows"
        write_line(f"{subject.name}{by} ({many})")
    progress = _Progress(subject.name)
    gates = Gates(subject, progress.tell).results()
    while True:
        # What a provider prints must not come between.
        with contextlib.redirect_stdout(sys.stderr):
            gate = next(gates, None)
        progress.clear()
        if gate is None:
            return
        if not quiet:
            _write_gate(gate)
        yield gate


def _write_gate(gate: Gate) -> None:
    write_line(f"  {gate.gate:11}  {gate.status}  {one_line(gate.reason)}".rstrip())
    for finding in gate.findings[:MOST_FINDINGS]:
        where = ": ".join(filter(None, (finding.file, finding.place)))
        write_line(f"    {one_line(where)}: {one_line(finding.problem)}")
    more = len(gate.findings) - MOST_FINDINGS
    if more > 0:
        write_line(f"    and {more} more; --json shows them all")


def _write_summary(results: Sequence[Gate]) -> None:
    rows: dict[str, dict[str, str]] = {}
    for gate in results:
        by = f" ({gate.served_by})" if gate.served_by != gate.provider else ""
        row = rows.setdefault(gate.provider, {"provider": f"{gate.provider}{by}"})
        row[gate.gate] = gate.status
    from seedcore.testing.flows.records import GATES

    write_line("")
    columns = {name.upper(): name for name in ("provider", *GATES)}
    write_table(list(rows.values()), columns)


class _Progress:
    """
    Says on a terminal what is being replayed, on one line that goes away again.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._stream = sys.stderr
        self._shown = sys.stderr.isatty()

    def tell(self, gate: str, what: str, number: int, of: int) -> None:
        """
        Show it in place of what was shown before.
        """
        if self._shown:
            text = one_line(f"{self._provider}: {gate} {number} of {of}, {what}")[:LONGEST_LINE]
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()

    def clear(self) -> None:
        """
        Take the line away.
        """
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


LONGEST_LINE = 78
"""Characters of a line that is taken away again: it must not wrap."""
