"""
Throw-away plugins: what ``pip install`` leaves behind, without pip.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent


def make_plugin(
    directory: Path,
    name: str,
    *,
    entry_points: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    version: str = "1.0",
    requires: Sequence[str] = (),
    group: str = "seedcore.providers",
    contracts: Mapping[str, str] | None = None,
) -> Path:
    """
    Install the distribution *name* into *directory*, which has to be on ``sys.path``.

    *entry_points* are names and targets in *group*, *contracts* those of what it ships to be
    checked by, *files* paths and contents of modules.
    Returns *directory*.
    """
    metadata = directory / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    (metadata / "METADATA").write_text("\n".join([*lines, ""]), encoding="utf-8")
    targets = (f"{entry} = {target}" for entry, target in (entry_points or {}).items())
    shipped = (f"{entry} = {target}" for entry, target in (contracts or {}).items())
    text = "\n".join([f"[{group}]", *targets, "[seedcore.contracts]", *shipped, ""])
    (metadata / "entry_points.txt").write_text(text, encoding="utf-8")
    for path, content in (files or {}).items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(content), encoding="utf-8")
    return directory


def environment(*directories: Path, **variables: str) -> dict[str, str]:
    """
    Return the environment of a process that has the plugins in *directories* installed.

    Settings of whoever runs the tests are left out.
    """
    own = {name: text for name, text in os.environ.items() if not name.startswith("SEEDCORE_")}
    inherited = own.get("PYTHONPATH")
    path = os.pathsep.join([*map(str, directories), *([inherited] if inherited else [])])
    return {**own, "PYTHONPATH": path, **variables}
