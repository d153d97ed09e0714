"""
Which commands there are, those of plugins included, and how one is run.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import click

from seedcore.cli import extensions
from seedcore.cli.report import Invocation, report

json_option = click.option(
    "--json", is_flag=True, expose_value=False, help="Print JSON instead of text."
)

_HOMES = {
    "generate": "calls",
    "call": "calls",
    "list": "providers",
    "show": "providers",
    "presets": "presets",
    "reveal": "reveal",
    "check": "check",
    "gates": "gates",
    "audit": "audit",
    "breaker": "breaker",
    "route": "route",
    "db": "db",
    "new": "new",
    "demo": "demo",
}
"""The module of each command, in the order of the help."""


class Command(click.Command):
    """
    A command with examples in its help, and with ``--debug``.
    """

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = examples
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                help="Show what went on; a traceback, without secrets, if it fails.",
            )
        )

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """
        Write the examples as they are, without wrapping them.
        """
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Group(Command, click.Group):
    """
    A command with commands of its own.
    """

    command_class = Command

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, no_args_is_help=False, **options)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """
        Find the command that *args* begin with; one that doesn't exist gets a suggestion.
        """
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from seedcore.errors import did_you_mean

            known = self.list_commands(ctx)
            advice = did_you_mean(name, known) or f" Commands: {', '.join(known)}."
            ctx.fail(f"There is no command {name!r}.{advice}")
        return super().resolve_command(ctx, args)


class Root(Group):
    """
    ``seedcore`` itself: its own commands, each imported when used, and those of plugins.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """
        Return the names of all commands; no plugin is imported.
        """
        return [*_HOMES, *(name for name in extensions.names() if name not in _HOMES)]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """
        Return a command; no plugin can replace one of the core.

        Raises BrokenPluginError for a plugin's command that can't be used.
        """
        if cmd_name not in _HOMES:
            return extensions.load(cmd_name)
        module = importlib.import_module(f"seedcore.cli.{_HOMES[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """
        Write the commands with their first sentence, those of plugins by name alone.
        """
        own = [(name, self.get_command(ctx, name)) for name in _HOMES]
        texts = [(name, command.get_short_help_str(70)) for name, command in own if command]
        plugins = [(name, "") for name in self.list_commands(ctx) if name not in _HOMES]
        for title, lines in (("Commands", texts), ("Commands of plugins", plugins)):
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)


@click.command(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=(
        "seedcore list",
        "seedcore generate smdash --preset classic_mm",
        "seedcore audit list --since 2h",
    ),
)
@click.version_option(package_name="seedcore", message="seedcore %(version)s")
def root() -> None:
    """
    Call outside providers under one reliability contract.

    Exit status: 0 done, 1 the provider failed, 2 wrong usage or settings, 3 unknown or broken
    plugin, 130 ended by Ctrl-C, 141 nobody reads the output.
    """


def run(arguments: list[str]) -> int:
    """
    Run the command that *arguments* name; return the exit status, whatever went wrong.
    """
    invocation = Invocation(arguments)
    try:
        # Not click's main(), which has its own ideas about Ctrl-C and closed pipes.
        with root.make_context("seedcore", arguments or ["--help"], obj=invocation) as context:
            root.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - nothing else may become a traceback
        return report(error, invocation)
    return 0
