"""
Where an import reads from: folders of YAML files, and lines of JSON exported from a table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seedcore.errors import InvalidPresetError, clean_text
from seedcore.presets.files import ENDINGS, File, content_of
from seedcore.presets.names import LONGEST_AUTHOR
from seedcore.presets.presets import MOST_COLLABORATORS
from seedcore.presets.records import Draft, Outcome

LONGEST_LINE = 2**20
"""Bytes of a line of JSON; a document has 64 KiB, and escapes may make six of one."""


def drafts_in(
    directory: Path, *, provider: str | None, namespace: str
) -> Iterator[Draft | Outcome]:
    """
    Yield the YAML files ``<provider>/<name>.yaml`` in *directory*, or those of *provider* if it
    is that provider's own folder; an Outcome for each file that can't be one. Raises OSError.
    """
    folders = [(provider, directory)] if provider else []
    if not provider:
        for entry in _entries(directory):
            if _is_folder(entry):
                folders.append((entry.name, Path(entry)))
            elif entry.name.endswith(ENDINGS):
                problem = "it is in no provider's folder; name its provider with --provider"
                yield _off(entry.path, "", entry.name, problem)
    for each, folder in folders:
        for entry in _entries(folder):
            yield from _drafts_of(entry, str(each), namespace)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        # What is hidden is an editor's, or a version control's.
        return sorted(
            (entry for entry in entries if not entry.name.startswith(".")),
            key=lambda entry: entry.name,
        )


def _drafts_of(entry: os.DirEntry[str], provider: str, namespace: str) -> Iterator[Draft | Outcome]:
    if _is_folder(entry):
        problem = "folders inside a provider's folder are not read"
        yield _off(entry.path, provider, entry.name, problem)
        return
    if not entry.name.endswith(ENDINGS):
        return
    name = entry.name.rpartition(".")[0]
    try:
        if not entry.is_file():
            yield _off(entry.path, provider, name, "it is no file")
            return
        file = File(Path(entry), entry.stat())
        content = content_of(file, provider=provider, name=name)
    except InvalidPresetError as error:
        yield _off(entry.path, provider, name, error.provider_message)
        return
    except OSError as error:  # a link that leads in a circle
        yield _off(entry.path, provider, name, f"it can't be read: {error.strerror}")
        return
    whole = f"{namespace}/{name}" if namespace else name
    yield Draft(provider=provider, name=whole, text=content, origin=entry.path)


def drafts_of_lines(
    path: Path, *, provider: str | None, namespace: str
) -> Iterator[Draft | Outcome]:
    """
    Yield what each line of the file says; an Outcome for each line that can't be one.

    A line is ``{"randomizer", "preset_name", "content"}`` and perhaps ``namespace``, ``owner``
    or ``discord_user_id``, ``collaborators``. Raises OSError.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            origin = f"{path}:{number}"
            if len(line) > LONGEST_LINE:
                problem = (
                    f"the line is longer than {LONGEST_LINE // 2**20} MiB; the rest is not read"
                )
                yield _off(origin, "", "", problem)
                return
            if line.strip():
                yield _draft_of(line, origin, provider, namespace)


def _draft_of(line: bytes, origin: str, provider: str | None, namespace: str) -> Draft | Outcome:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return _off(origin, "", "", "it is no line of JSON")
    if not isinstance(record, Mapping):
        return _off(origin, "", "", "it must be a JSON object")
    try:
        own = namespace or _text(record, "namespace", "")
        name = _text(record, "preset_name")
        return Draft(
            provider=provider or _text(record, "randomizer"),
            name=f"{own}/{name}" if own else name,
            text=_text(record, "content"),
            origin=origin,
            owner=_owner(record),
            collaborators=_collaborators(record),
        )
    except ValueError as error:
        name = clean_text(record.get("preset_name", ""), 60)
        return _off(origin, clean_text(record.get("randomizer", ""), 60), name, str(error))


def _text(record: Mapping[str, Any], key: str, default: str | None = None) -> str:
    found = record.get(key)
    if found is None and default is not None:
        return default
    if isinstance(found, str) and (found or key == "content"):
        return found
    msg = f"{key!r} must be a text"
    raise ValueError(msg)


def _owner(record: Mapping[str, Any]) -> str | None:
    if record.get("owner") is not None:
        return _person(record["owner"], "owner")
    known = record.get("discord_user_id")
    if isinstance(known, str) and known.isdigit():
        known = int(known)
    return None if known is None else _person(known, "discord_user_id")


def _collaborators(record: Mapping[str, Any]) -> tuple[str, ...]:
    found = record.get("collaborators") or []
    if not isinstance(found, list) or len(found) > MOST_COLLABORATORS:
        msg = f"'collaborators' must be a list of at most {MOST_COLLABORATORS}"
        raise ValueError(msg)
    return tuple(_person(each, "collaborators") for each in found)


def _person(value: object, key: str) -> str:
    """
    Return who that is; a bare number is somebody's at Discord.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = f"discord:{value}"
    if isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= LONGEST_AUTHOR:
        return value
    msg = f"{key!r} must be a printable text of at most {LONGEST_AUTHOR} characters, or a number"
    raise ValueError(msg)


def _off(origin: str, provider: str, name: str, problem: str) -> Outcome:
    return Outcome(origin=origin, provider=provider, name=name, state="off", problem=problem)
