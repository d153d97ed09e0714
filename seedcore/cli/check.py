"""
``seedcore check``: whether providers keep the rules.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedcore.cli.group import Command, json_option
from seedcore.cli.output import one_line, write_json, write_line
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from seedcore.testing.conformance.check import Finding

NONE_INSTALLED = "No provider is installed."
HOW = "Give the file with it: seedcore check {provider} --contract tests/test_contract.py"


@click.command(
    "check",
    cls=Command,
    examples=(
        "seedcore check",
        "seedcore check smdash",
        "seedcore check dungeon --contract tests/test_contract.py",
        "seedcore check smdash --rule maps-garbage --json",
    ),
)
@click.argument("provider", required=False)
@click.option(
    "--contract",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the provider's ProviderContract.",
)
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule; repeatable.")
@json_option
@click.pass_obj
def check_command(
    invocation: Invocation, provider: str | None, contract: Path | None, rules: tuple[str, ...]
) -> None:
    """
    Prove that providers keep the rules of the contract.

    Each is called against an upstream of its own on this machine, which fails in every way; no
    request leaves it. What to call is in the ProviderContract that a plugin ships, or in FILE.
    Without PROVIDER all installed ones are looked at. Exit status 1 if a rule is broken.
    """
    invocation.provider = provider
    chosen = _rules(rules)
    results: list[dict[str, Any]] = []
    for name, contracts in _contracts(provider, contract):
        if not contracts:
            results.append({"provider": name, "passed": None, "problem": "it ships no contract"})
            if not invocation.as_json:
                write_line(f"{name}: not looked at, since it ships no contract.")
        quiet = invocation.as_json
        results += [_looked_at(name, each, chosen, quiet=quiet) for each in contracts]
    if invocation.as_json:
        write_json(results)
    elif not results:
        write_line(NONE_INSTALLED)
    if any(result["passed"] is False for result in results):
        click.get_current_context().exit(1)


def _rules(given: tuple[str, ...]) -> tuple[str, ...]:
    from seedcore.errors import did_you_mean
    from seedcore.testing.conformance.rules import RULES

    for name in given:
        if name not in RULES:
            advice = did_you_mean(name, RULES) or f" Rules: {', '.join(RULES)}."
            msg = f"There is no rule {name!r}.{advice}"
            raise click.UsageError(msg)
    return given or tuple(RULES)


def _contracts(
    provider: str | None, file: Path | None
) -> Iterator[tuple[str | None, list[type[Any]]]]:
    """
    Yield the contracts of each provider to look at, with its name where one is known.
    """
    from seedcore.plugins import Registry
    from seedcore.testing.conformance.case import ContractError
    from seedcore.testing.conformance.find import in_file, shipped

    if file is not None:
        yield provider, in_file(file)
        return
    registry = Registry()
    if provider is None:
        for name in registry.names:
            yield name, shipped(name)
        return
    if provider not in registry.names:
        registry.load(provider)  # raises: what is installed is checked even if it can't be loaded
    contracts = shipped(provider)
    if not contracts:
        msg = f"{provider} ships no contract. {HOW.format(provider=provider)}"
        raise ContractError(msg)
    yield provider, contracts


def _looked_at(
    name: str | None, contract: type[Any], rules: tuple[str, ...], *, quiet: bool
) -> dict[str, Any]:
    """
    Look at the rules of one contract, print each as it is known, and return all that came of it.
    """
    from seedcore.testing.conformance.check import Conformance

    started = time.perf_counter()
    # What a provider prints must not come between.
    with contextlib.redirect_stdout(sys.stderr):
        conformance = Conformance(contract, name=name)
    subject = conformance.name or "no provider"
    title = f"{subject} {contract.operation} ({contract.__name__})"
    if not quiet:
        write_line(title)
    if conformance.problem and not quiet:
        write_line(f"  {one_line(conformance.problem)}")
    findings = [] if conformance.problem else [*_printed(conformance.findings(rules), quiet=quiet)]
    seconds = time.perf_counter() - started
    if not quiet and findings:
        counted = Counter(finding.status for finding in findings)
        summary = ", ".join(f"{count} {status}" for status, count in counted.items())
        write_line(f"  {summary}, {seconds:.1f} s")
    failed = conformance.problem or any(finding.status == "failed" for finding in findings)
    return {
        "provider": conformance.name,
        "operation": contract.operation,
        "contract": f"{contract.__module__}:{contract.__qualname__}",
        "passed": not failed,
        "problem": conformance.problem,
        "rules": findings,
    }


def _printed(findings: Iterator[Finding], *, quiet: bool) -> Iterator[Finding]:
    told = ""
    while True:
        with contextlib.redirect_stdout(sys.stderr):
            finding = next(findings, None)
        if finding is None:
            return
        if not quiet:
            reason = "as above" if finding.reason and finding.reason == told else finding.reason
            told = finding.reason
            line = f"  {finding.status:14}  {finding.rule:19}  {one_line(reason)}"
            write_line(line.rstrip())
        yield finding
