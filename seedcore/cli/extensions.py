"""
The commands of plugins: entry points of the group ``seedcore.commands``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

GROUP = "seedcore.commands"


def names() -> list[str]:
    """
    Return the names of the commands that installed plugins bring; imports none of them.

    The files are read here since importing importlib.metadata takes as long as everything
    else that ``--help`` does.
    """
    found: set[str] = set()
    for folder in sys.path:
        try:
            with os.scandir(folder or ".") as entries:
                ends = (".dist-info", ".egg-info")
                installed = [entry.path for entry in entries if entry.name.endswith(ends)]
        except OSError:  # not there, or no folder
            continue
        for path in installed:
            found.update(_declared(f"{path}/entry_points.txt"))
    return sorted(found)


def _declared(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - lighter
            text = file.read()
    except OSError:
        return
    section = ""
    for line in map(str.strip, text.splitlines() if GROUP in text else ()):
        if line.startswith("["):
            section = line
        elif section == f"[{GROUP}]" and "=" in line and not line.startswith("#"):
            yield line.partition("=")[0].strip()


def load(name: str) -> click.Command | None:
    """
    Import the command called *name*; ``None`` when no plugin has it.

    Raises BrokenPluginError.
    """
    import importlib.metadata

    from seedcore.errors import BrokenPluginError, ProviderClashError

    found = list(importlib.metadata.entry_points(group=GROUP, name=name))
    if not found:
        return None
    origins = sorted({str(entry.dist and entry.dist.name) for entry in found})
    if len(origins) > 1:
        reason = f"{' and '.join(origins)} both offer it. Uninstall one of them."
        raise ProviderClashError(name, None, reason)
    try:
        command = found[0].load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        reason = f"importing {found[0].value} raised {type(error).__name__}: {error}"
        raise BrokenPluginError(name, origins[0], reason) from error
    if not isinstance(command, click.Command):
        reason = f"{found[0].value} is no click command; its author must make it one."
        raise BrokenPluginError(name, origins[0], reason)
    return command
