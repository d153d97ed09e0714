"""
``seedcore generate`` and ``seedcore call``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from seedcore.cli.group import Command, json_option
from seedcore.cli.output import one_line, text_of, write_facts, write_json, write_line
from seedcore.cli.report import Invocation
from seedcore.cli.values import key_values, meant, moment_to_come, settings_document
from seedcore.cli.watching import log_to_stderr
from seedcore.surface.shown import seed_facts, shown_seed

if TYPE_CHECKING:
    from seedcore.model import Seed
    from seedcore.runner import Runner
    from seedcore.surface.form import Form


def _call_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        click.option(
            "--patience",
            type=float,
            help="Seconds to wait for a pause, an open circuit or the rate.",
        ),
        click.option("--deadline", type=float, help="Seconds the whole call may take."),
        click.option("--profile", type=click.Choice(["interactive", "batch"]), help="Its limits."),
        click.option("--call-id", help="Once only: the same call with it shows the same seed."),
        click.option("--dry-run", is_flag=True, help="Check everything, ask nobody."),
        click.option("--surface", default="cli", show_default=True, help="Who asks."),
        click.argument("values", nargs=-1, metavar="[KEY=VALUE]...", callback=key_values),
    ):
        function = option(function)
    return function


@click.command(
    "generate",
    cls=Command,
    examples=(
        "seedcore generate smdash --preset classic_mm",
        "seedcore generate smdash --preset classic_mm --race --json",
        "seedcore generate alttpr --preset open --dry-run",
        "seedcore generate alttpr --settings open.json",
        "seedcore generate alttpr --preset open --spoilers delayed --reveal-at 2027-01-01T18:00Z",
        "seedcore generate alttpr --operation mystery --preset weighted --race",
        "seedcore generate demo players=2 'name=Link and Zelda' items='[\"bow\", \"lamp\"]'",
    ),
)
@click.argument("provider")
@click.option("--preset", help="A preset: a name, or namespace/name.")
@click.option("--settings", metavar="FILE|-", help="A settings document: JSON, or a .toml file.")
@click.option("--race", is_flag=True, help="A seed for a race.")
@click.option(
    "--spoilers",
    type=click.Choice(["off", "on", "delayed"]),
    help="Off, unless the settings say otherwise.",
)
@click.option(
    "--reveal-at",
    metavar="TIME",
    callback=moment_to_come,
    help="When delayed spoilers may be revealed: a time (UTC, or with its zone) or a span (90m).",
)
@click.option("--by", help="Who asks, such as discord:1234, and may have them revealed.")
@click.option("--operation", help="Another operation that makes seeds, such as mystery.")
@click.option("--branch", help="The branch of the provider's generator.")
@_call_options
@click.pass_obj
def generate_command(
    invocation: Invocation, /, values: dict[str, str], settings: str | None, **asked: Any
) -> None:
    """
    Roll one seed and print its permalink.

    KEY=VALUE are options of the provider ('seedcore show PROVIDER' names them). A value is what
    the option is: a text as it stands, else JSON.
    """
    document = None if settings is None else settings_document(settings)
    provider = asked.pop("provider")

    async def roll(runner: Runner) -> None:
        given = {name: value for name, value in asked.items() if value is not None}
        options = meant(values, _form(runner, provider, given.get("operation", "generate")))
        seed = await runner.generate(provider, settings=document, options=options, **given)
        if invocation.as_json:
            write_json(seed_facts(seed))
        else:
            _print_seed(seed)

    _run(invocation, provider, asked["operation"] or "generate", asked["call_id"], roll)


@click.command(
    "call",
    cls=Command,
    examples=(
        "seedcore call smdash presets",
        "seedcore call tracker create_item 'title=It crashes' labels='[\"bug\"]' --json",
    ),
)
@click.argument("provider")
@click.argument("operation")
@_call_options
@click.pass_obj
def call_command(
    invocation: Invocation, /, provider: str, operation: str, values: dict[str, str], **asked: Any
) -> None:
    """
    Call any operation of a provider and print what it returns.

    KEY=VALUE are arguments of the operation ('seedcore show PROVIDER' names them); a value is
    text unless it is valid JSON.
    """
    from seedcore.model import Seed
    from seedcore.surface.form import check_names

    check_names(values)

    async def ask(runner: Runner) -> None:
        given = {name: value for name, value in asked.items() if value is not None}
        form = _form(runner, provider, operation)
        arguments = meant(values, None if form is None or form.rolls else form)
        result = await runner.call(provider, operation, **given, **arguments)
        if invocation.as_json:
            facts = {"provider": provider, "operation": operation, "surface": asked["surface"]}
            write_json({**facts, "call_id": _call_id(result, asked), "result": result})
        else:
            _print_result(result)
            if asked["dry_run"] and not isinstance(result, Seed):
                write_line("This was a dry run: nobody was asked.")

    _run(invocation, provider, operation, asked["call_id"], ask)


def _form(runner: Runner, provider: str, operation: str) -> Form | None:
    """
    Return what the operation takes; ``None`` for one that the call itself will refuse.
    """
    from seedcore.errors import PluginError

    try:
        return runner.form(provider, operation)
    except PluginError:
        return None


def _call_id(result: object, asked: Mapping[str, Any]) -> str | None:
    # Only a seed carries the id that the runner chose.
    return asked["call_id"] or getattr(getattr(result, "meta", None), "call_id", None)


def _run(
    invocation: Invocation,
    provider: str,
    operation: str,
    call_id: str | None,
    act: Callable[[Runner], Awaitable[None]],
) -> None:
    """
    Run *act* with an open Runner; it prints before the Runner closes, which may take a while.
    """
    import asyncio

    from seedcore.runner import Runner

    invocation.provider, invocation.operation, invocation.call_id = provider, operation, call_id
    runner = invocation.runner = Runner()
    log_to_stderr(invocation)

    async def run() -> None:
        async with runner:
            await act(runner)

    asyncio.run(run())


def _print_seed(seed: Seed) -> None:
    shown = shown_seed(seed)
    write_line(shown.text)
    write_facts(shown.facts)
    for sentence in shown.warnings:
        write_line(sentence)


def _print_result(result: object) -> None:
    from seedcore.model import Seed

    if isinstance(result, Seed):
        _print_seed(result)
    elif isinstance(result, Mapping):
        for key, value in result.items():
            write_line(f"{one_line(key)}: {text_of(value)}")
    elif isinstance(result, (list, tuple)):
        for item in result:
            write_line(text_of(item))
    else:
        write_line("done" if result is None else text_of(result))
