"""
``seedcore`` as a program: help, commands of plugins, exit statuses, signals and pipes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from seedcore.cli.group import root
from support.command_line import CommandLine
from support.installed import environment

SERVE = """
import click

@click.command()
def serve():
    \"\"\"Serve seeds.\"\"\"
    click.echo("serving")

not_a_command = 1
"""
COMMANDS = "seedcore.commands"
HEAVY = ("aiohttp", "tortoise", "loguru", "demo_plugin")


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """
    The command line with one plugin installed.
    """
    command_line = CommandLine(tmp_path, monkeypatch, capsys)
    command_line.install_demo()
    return command_line


def install_command(run: CommandLine, distribution: str, name: str) -> None:
    """
    Install a plugin with one command called *name*.
    """
    targets, files = {name: "serve_plugin:serve"}, {"serve_plugin.py": SERVE}
    run.install(distribution, entry_points=targets, files=files, group=COMMANDS)


def commands(group: click.Group, path: str = "seedcore") -> Iterator[tuple[str, click.Command]]:
    """
    Yield every command of seedcore itself with what is typed for it.
    """
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--json"]])
def test_listing_imports_neither_plugins_nor_what_is_heavy(
    run: CommandLine, arguments: list[str]
) -> None:
    """
    --help and list import no plugin, no aiohttp, no Tortoise and no loguru.
    """
    script = (
        "import sys\n"
        "from seedcore.cli import main\n"
        f"status = main({arguments})\n"
        "print(status, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=run.directory,
        env=environment(run.plugins),
        capture_output=True,
        text=True,
        check=True,
    )
    status, *modules = done.stderr.split()

    assert "0" == status
    assert "click" in modules
    assert [] == [name for name in HEAVY if name in modules]


def test_help_names_every_command(run: CommandLine) -> None:
    """
    The help lists the commands with what they do; no command at all asks for it.
    """
    shown = run("--help")

    assert 0 == shown.status
    for name in ("generate", "call", "list", "show", "audit", "breaker"):
        assert f"\n  {name} " in shown.out
    assert shown == run() == run("-h")


@pytest.mark.parametrize(("typed", "command"), [("seedcore", root), *commands(root)])
def test_every_command_has_examples_in_its_help(
    run: CommandLine, typed: str, command: click.Command
) -> None:
    """
    Each help ends with examples of that very command.
    """
    shown = run(*typed.split()[1:], "--help")
    examples = shown.out.partition("\nExamples:\n")[2].splitlines()

    assert 0 == shown.status
    assert (command.help or "").strip().partition("\n")[0] in shown.out
    assert examples
    assert [] == [line for line in examples if not f"{line} ".startswith(f"  {typed} ")]


def test_a_mistyped_command_gets_a_suggestion(run: CommandLine) -> None:
    """
    The sentence names the command that was probably meant; exit status 2.
    """
    expected = "There is no command 'lst'. Did you mean 'list'? See 'seedcore --help'.\n"
    ended = run("lst")

    assert (2, "", expected) == (ended.status, ended.out, ended.err)
    assert "Commands: export, failures, list, import." in run("audit", "zzz").err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["audit"], "Missing command. See 'seedcore audit --help'."),
        (["generate"], "Missing argument 'PROVIDER'. See 'seedcore generate --help'."),
        (["list", "--srict"], "--srict"),
        (["audit", "list", "--limit", "0"], "Invalid value for '--limit': 0 is not in the range"),
    ],
)
def test_wrong_usage_is_one_sentence(run: CommandLine, arguments: list[str], sentence: str) -> None:
    """
    Exit status 2, one line on stderr that tells where help is, nothing on stdout.
    """
    ended = run(*arguments)

    assert (2, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert sentence in ended.err
    assert f"See 'seedcore {arguments[0]}" in ended.err


def test_the_version_is_shown(run: CommandLine) -> None:
    """
    --version prints the installed version, also as python -m seedcore.
    """
    from importlib.metadata import version

    ended = run.process("--version")

    assert (0, f"seedcore {version('seedcore')}\n", "") == (ended.status, ended.out, ended.err)


def test_commands_of_plugins_are_named_without_importing_them(run: CommandLine) -> None:
    """
    The help lists them; the module of a plugin is imported when its command is typed.
    """
    install_command(run, "serving", "serve")

    shown = run("--help")

    assert "Commands of plugins:\n  serve\n" in shown.out
    assert "serve_plugin" not in sys.modules
    assert "serving\n" == run("serve").out
    assert "Serve seeds." in run("serve", "--help").out


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nowhere_at_all:serve", "raised ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("serve_plugin:missing", "raised AttributeError"),
        ("leaving_plugin:serve", "raised SystemExit: 5"),
        ("serve_plugin:not_a_command", "serve_plugin:not_a_command is no click command"),
    ],
)
def test_a_broken_command_hurts_only_itself(run: CommandLine, target: str, reason: str) -> None:
    """
    It is named with the reason, exit status 3; everything else works.
    """
    files = {"serve_plugin.py": SERVE, "leaving_plugin.py": "raise SystemExit(5)"}
    targets = {"bad": target, "serve": "serve_plugin:serve"}
    run.install("bad-plugin", entry_points=targets, files=files, group=COMMANDS)

    ended = run("bad")

    assert (3, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert "The plugin 'bad' (from bad-plugin) can't be used: " in ended.err
    assert reason in ended.err
    assert 0 == run("--help").status
    assert "serving\n" == run("serve").out


def test_a_command_offered_twice_is_refused(run: CommandLine) -> None:
    """
    Of two distributions with one command name neither is used, and both are named.
    """
    install_command(run, "first-one", "serve")
    install_command(run, "second-one", "serve")

    ended = run("serve")

    assert 3 == ended.status
    assert "first-one and second-one both offer it" in ended.err


def test_no_plugin_replaces_a_command_of_the_core(run: CommandLine) -> None:
    """
    A plugin's command called list is never reached.
    """
    install_command(run, "greedy", "list")

    assert "Commands of plugins" not in run("--help").out
    assert "demo " in run("list").out


def test_an_unexpected_exception_is_one_sentence(run: CommandLine) -> None:
    """
    A bug asks to be reported and shows no traceback; exit status 1.
    """
    source = "import click\n@click.command()\ndef oops():\n    {}['a secret']\n"
    entry_points = {"oops": "oops_plugin:oops"}
    run.install("oops", entry_points=entry_points, group=COMMANDS, files={"oops_plugin.py": source})

    ended = run("oops")

    assert (1, "", 1) == (ended.status, ended.out, ended.err.count("\n"))
    assert "(KeyError)" in ended.err
    assert "--debug" in ended.err
    assert "a secret" not in ended.err


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["generate", "demo"]])
def test_a_closed_pipe_is_no_error(run: CommandLine, arguments: list[str]) -> None:
    """
    When nobody reads stdout any more, the command ends without a word.
    """
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = run.process(*arguments, stdout=writing)
    finally:
        os.close(writing)

    assert (141, "") == (ended.status, ended.err)


def test_ctrl_c_ends_quietly(run: CommandLine) -> None:
    """
    Interrupted in the middle of a call: exit status 130, nothing printed.
    """
    with run.start("generate", "demo", "--preset", "hang") as process:
        assert process.stderr is not None
        assert "started\n" == process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert (130, "", "") == (process.returncode, out, err)
