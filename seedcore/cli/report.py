"""
How an error ends a command: a sentence, JSON, an exit status, and a traceback on request.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from seedcore.cli.output import one_line, plain, write_json

if TYPE_CHECKING:
    from seedcore.runner import Runner
    from seedcore.surface.shown import ShownError

LONGEST_TRACEBACK = 200_000


class Invocation:
    """
    What is known of the command that runs when it fails, before and after its parsing.
    """

    def __init__(self, arguments: list[str]) -> None:
        end = arguments.index("--") if "--" in arguments else len(arguments)
        self.as_json = "--json" in arguments[:end]
        self.debug = "--debug" in arguments[:end]
        self.provider: str | None = None
        self.operation: str | None = None
        self.call_id: str | None = None
        self.runner: Runner | None = None

    def secrets(self) -> Iterator[str]:
        """
        Yield the secret settings of all providers in use, and whatever was set for any provider.
        """
        import os

        from seedcore.errors import SeedcoreError
        from seedcore.settings.keys import CORE_VARIABLES

        for name, text in os.environ.items():
            if name.startswith("SEEDCORE_") and name not in CORE_VARIABLES:
                yield text.strip()
        if self.runner is None:
            return
        registry, settings = self.runner.registry, self.runner.settings
        for line in registry.listing():
            if line.status == "loaded":
                try:
                    declaration = registry.load(line.provider).declaration
                    yield from settings.provider(line.provider, declaration).secrets
                except SeedcoreError:
                    continue


def report(error: Exception, invocation: Invocation) -> int:
    """
    Tell the person what went wrong; return the exit status.

    Raises the OSError of an output that can't be written: who wrote it knows no better.
    """
    if _is_of_output(error):
        raise error
    status, shown = _judged(error)
    if invocation.debug:
        click.echo(_traceback(error, invocation), err=True)
    click.echo(one_line(shown.message), err=True)  # first: stdout may be what can't be written
    if invocation.as_json:
        write_json({"error": _facts(shown, invocation)})
    return status


def _is_of_output(error: Exception) -> bool:
    """
    Whether click could not write; files have errors of the same types.
    """
    frames = traceback.walk_tb(error.__traceback__)
    return isinstance(error, OSError) and any(
        frame.f_code is click.echo.__code__ for frame, _ in frames
    )


def _judged(error: Exception) -> tuple[int, ShownError]:
    """
    Return the exit status, and what is said.
    """
    from seedcore.errors import PluginError, ProviderError, SeedcoreError, SettingsError
    from seedcore.surface.shown import ShownError, shown_error

    if isinstance(error, click.ClickException):
        kind = "UsageError" if isinstance(error, click.UsageError) else type(error).__name__
        return error.exit_code, ShownError(type=kind, message=one_line(_click_sentence(error)))
    shown = shown_error(error, "run the command again with --debug, and report what it prints.")
    if isinstance(error, ProviderError) or not isinstance(error, SeedcoreError):
        return 1, shown
    # A provider that lacks settings is both, and what has to be corrected are the settings.
    if isinstance(error, PluginError) and not isinstance(error, SettingsError):
        return 3, shown
    return 2, shown


def _click_sentence(error: click.ClickException) -> str:
    message = error.format_message().strip()
    end = "" if message.endswith((".", "?", "!", ")")) else "."
    context = getattr(error, "ctx", None)
    see = f" See '{context.command_path} --help'." if context else ""
    return f"{message}{end}{see}"


def _facts(shown: ShownError, invocation: Invocation) -> dict[str, Any]:
    known: dict[str, Any] = plain(shown)
    return {
        **known,
        "provider": shown.provider or invocation.provider,
        "operation": shown.operation or invocation.operation,
        "call_id": shown.call_id or invocation.call_id,
    }


_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic) +[\w+/=.~-]{6,}")


def _traceback(error: Exception, invocation: Invocation) -> str:
    from seedcore.errors import clean_text
    from seedcore.redact import MASK, Redactor

    text = "".join(traceback.format_exception(error))
    text = clean_text(Redactor(invocation.secrets()).text(text), LONGEST_TRACEBACK)
    return _CREDENTIALS.sub(rf"\1 {MASK}", text)
