"""
``seedcore new``: a plugin that is ready to be installed, tested and changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from seedcore.cli.group import Command, json_option
from seedcore.cli.output import printable, write_json, write_line
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_NAME = 40
"""Characters; lines of the generated code stay readable."""
OURS = frozenset(
    {
        "alttpr",
        "alttprdoor",
        "avianart",
        "ctjets",
        "dry-run",
        "local",
        "ootr",
        "s3",
        "samus",
        "smdash",
        "smvaria",
        "web",
    }
)
"""Plugins of this project, whether installed or not."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@click.command(
    "new",
    cls=Command,
    examples=(
        "seedcore new dungeon",
        "seedcore new dungeon --helper",
        "seedcore new dungeon --directory ~/plugins",
    ),
)
@click.argument("name")
@click.option("--helper", is_flag=True, help="Make the smallest one: a single function.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    help="Where to make its folder; here if not given.",
)
@json_option
@click.pass_obj
def new_command(invocation: Invocation, name: str, *, helper: bool, directory: str) -> None:
    """
    Write a new plugin for a provider called NAME.

    It is an installable package with a contract test; the site that it asks is made up.
    Nothing that exists is overwritten.
    """
    from pathlib import Path

    from seedcore.cli import skeleton

    _check_name(name)
    _check_free(name)
    folder = Path(directory, f"seedcore-{name}")
    files = skeleton.rendered(name, form="helper" if helper else "class")
    _write(folder, files)
    if invocation.as_json:
        write_json([str(folder / file) for file in files])
    else:
        _tell(folder, files, name)


def _check_name(name: str) -> None:
    """
    Refuse what can't be the name of a provider, of a package and of a function alike.
    """
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        wrong = (
            "can't be a provider's name: take lower-case letters, digits and single '-' between "
            f"them, a letter first, at most {LONGEST_NAME} characters"
        )
    elif name.partition("-")[0] == "seedcore":
        own = name.removeprefix("seedcore").lstrip("-") or "dungeon"
        wrong = f"needs no seedcore, which is put in front anyway: write {own!r}, for example"
    elif _is_reserved(name):
        wrong = "is reserved for settings of seedcore: choose another name"
    elif _hides_something(name):
        wrong = "means something else in the plugin's code: add a word, such as the game's name"
    else:
        return
    msg = f"{printable(name)[:80]!r} {wrong}."
    raise click.UsageError(msg)


def _is_reserved(name: str) -> bool:
    from seedcore.settings import RESERVED_PROVIDER_NAMES

    return name in RESERVED_PROVIDER_NAMES


def _hides_something(name: str) -> bool:
    import builtins
    import keyword
    import sys

    from seedcore.cli.skeleton import class_name, identifier, names_used

    known = {*keyword.kwlist, *vars(builtins), *sys.stdlib_module_names, *names_used()}
    return bool(known & {identifier(name), class_name(name)})


def _check_free(name: str) -> None:
    """
    Refuse the name of a provider or of a distribution that is there already.
    """
    import importlib.metadata

    from seedcore.plugins import KNOWN_DISTRIBUTIONS, Registry

    # Installers and environment variables take -, _ and . for the same.
    installed = {re.sub(r"[-_.]+", "-", each).lower() for each in Registry().names}
    distribution = KNOWN_DISTRIBUTIONS.get(name, f"seedcore-{name}")
    if name in installed:
        taken = f"A provider called {name!r} is installed"
    elif name in KNOWN_DISTRIBUTIONS or name in OURS:
        taken = f"{name!r} belongs to {distribution}, a plugin of the seedcore project"
    else:
        try:
            importlib.metadata.distribution(distribution)
        except importlib.metadata.PackageNotFoundError:
            return
        taken = f"A distribution called {distribution} is installed"
    msg = f"{taken}: choose another name."
    raise click.UsageError(msg)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """
    Write *files* into *folder*, or say in a sentence why that can't be done.
    """
    from seedcore.cli import skeleton

    try:
        skeleton.write(folder, files)
    except FileExistsError as error:
        msg = (
            f"{_shown(error.filename or folder)} is there already, and nothing is overwritten: "
            "choose another name, or another place with --directory."
        )
        raise click.UsageError(msg) from error
    except OSError as error:
        msg = (
            f"{_shown(folder)} can't be written: {error.strerror or type(error).__name__}. "
            "Nothing was left behind; choose another place with --directory."
        )
        raise click.UsageError(msg) from error


def _shown(path: str | os.PathLike[str]) -> str:
    return printable(os.fspath(path))


def _tell(folder: Path, files: Iterable[str], name: str) -> None:
    import shlex

    lines = (
        f"Made {_shown(folder)}:",
        *(f"  {file}" for file in files),
        "Next:",
        f"  cd {shlex.quote(os.fspath(folder))}",
        "  python -m pip install --editable . pytest",
        "  python -m pytest",
        f"  seedcore check {name}",
    )
    for line in lines:
        write_line(line)
