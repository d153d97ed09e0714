"""
Writes docs/providers.md: what the providers of this repository do and take.

``python3 noxfile.py -s docs`` runs it with every plugin installed. What stands there is what
``seedcore show`` says, with the presets that are shipped and the errors of each README.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seedcore.cli.providers import arguments_of, operation_rows
from seedcore.errors import error_classes
from seedcore.hookspecs import Documents
from seedcore.plugins import PROVIDERS, Provider, Registry
from seedcore.presets.document import read
from seedcore.presets.files import find_in, names_in, shipped_folder
from seedcore.presets.takers import Taker
from seedcore.surface.fields import declared_fields
from seedcore.surface.plain import plain, text_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "providers.md"
COMMAND = "python3 noxfile.py -s docs"
BEGIN = f"""\
# Providers

What the plugins of this repository bring. Around each provider the
[contract](reference/contract.md) is the same, and so are the [limits](reference/settings.md) that
can be set for it. `seedcore show PROVIDER` says all of this, of third-party providers too.

This page is written by `{COMMAND}`.
"""


class CannotWrite(Exception):  # noqa: N818 - a sentence for whoever runs this
    """
    A plugin isn't there, or doesn't say what stands on the page.
    """


def page(root: Path = ROOT) -> str:
    """
    Return the page as it should be. Raises CannotWrite.
    """
    registry = Registry()
    folders = {
        project["name"]: path.parent
        for path in sorted(root.glob("plugins/*/pyproject.toml"))
        for project in [tomllib.loads(path.read_text("utf-8"))["project"]]
        if PROVIDERS in project.get("entry-points", {})
    }
    providers: dict[str, list[Provider]] = {name: [] for name in folders}
    for line in registry.listing():
        if line.distribution is not None and line.distribution in folders:
            providers[line.distribution].append(registry.load(line.provider))
    missing = [name for name, found in providers.items() if not found]
    if missing:
        msg = f"Not installed: {', '.join(missing)}. {COMMAND} installs every plugin."
        raise CannotWrite(msg)
    lines = [BEGIN, *_contents(providers)]
    for distribution, found in providers.items():
        lines += _plugin(distribution, folders[distribution], found)
    return "\n".join(lines).rstrip() + "\n"


def _contents(providers: Mapping[str, Sequence[Provider]]) -> Iterator[str]:
    rows = [
        [f"[`{one.name}`](#{one.name})", one.declaration.title or "", f"`{distribution}`"]
        for distribution, found in providers.items()
        for one in found
    ]
    yield from table(["provider", "title", "distribution"], sorted(rows))


def _plugin(distribution: str, folder: Path, found: Iterable[Provider]) -> Iterator[str]:
    readme = folder / "README.md"
    yield f"## {distribution}\n"
    yield f"`pip install {distribution}`; [README](../plugins/{folder.name}/README.md).\n"
    for provider in found:
        yield f"### {provider.name}\n"
        yield from _provider(provider)
    yield f"### Errors of {distribution}\n"
    yield from table(["error", "when"], errors_in(readme.read_text("utf-8"), distribution))


def _provider(provider: Provider) -> Iterator[str]:
    declared = provider.declaration
    facts = {
        "title": declared.title,
        "homepage": f"<{declared.homepage}>" if declared.homepage else None,
        "asks": f"`{declared.base_url}`" if declared.base_url else "no site",
        "rate": declared.rate and f"{declared.rate}, kept for every request",
        "limits": ", ".join(f"`{key} = {text_of(it)}`" for key, it in declared.policy.items()),
    }
    yield from (f"- {name}: {fact}" for name, fact in facts.items() if fact)
    yield ""
    operations = [
        [code(row["name"]), arguments(row), row["effect"], yes(row["audited"]), row["summary"]]
        for row in operation_rows(provider)
    ]
    titles = ["operation", "arguments", "effect", "audited", "does"]
    yield from table(titles, operations)
    for operation in provider.operations.values():
        if not operation.rolls:
            continue
        taker = Taker(provider, operation)
        if operation.name != "generate":
            yield f"What `{operation.name}` takes; its presets are called `{taker.name}`:\n"
        yield from _options(taker.documents)
        yield from _presets(taker)
    yield from _settings(provider)


def _options(documents: Documents) -> Iterator[str]:
    if documents.options is None:
        yield "Its options have no names of their own: any `key=value` is taken.\n"
        return
    rows = [
        [code(row["name"]), kind(row), default(row), row["help"]]
        for row in plain([*declared_fields(documents.options)])
    ]
    yield from table(["option", "type", "default", "is"], rows, "It takes no options.")
    if documents.open_options:
        yield f"Whatever else is given goes into `{documents.open_options}`.\n"
    ignored = ", ".join(map(code, documents.ignored_options))
    if ignored:
        yield f"Documents may have {ignored}, which is ignored.\n"


def _presets(taker: Taker) -> Iterator[str]:
    if taker.documents.presets is None:
        return
    folder = shipped_folder(taker)
    rows = []
    for name in sorted(names_in(folder)):
        file = find_in(folder, name)
        assert file is not None
        document = read(file.path.read_bytes(), provider=taker.name, name=name)
        rows.append([code(name), *(str(document.get(key) or "") for key in ABOUT_PRESETS)])
    yield from table(["preset", "goal", "is"], rows, "It ships no presets.")
    if taker.documents.upstream_presets:
        yield "A preset that nobody has a file of is the site's own.\n"


ABOUT_PRESETS = ("goal_name", "description")


def _settings(provider: Provider) -> Iterator[str]:
    declared = provider.declaration.settings
    rows = [
        [code(row["name"]), kind(row), default(row), yes(row["secret"]), row["help"]]
        for row in plain([*declared_fields(declared)])
    ]
    titles = ["setting", "type", "default", "secret", "is"]
    yield from table(titles, rows, "It has no settings of its own.")


def errors_in(readme: str, distribution: str) -> list[list[str]]:
    """
    Return the rows of the section Errors in a plugin's README.

    Raises CannotWrite if there is none, or for a name that is no error of seedcore.
    """
    section = re.search(r"^## Errors\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^\|(.+)\|$", section[1] if section else "", re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines[2:]]
    if not rows or any(len(row) != 2 for row in rows):
        msg = f"The README of {distribution} has no section Errors with a table | error | when |."
        raise CannotWrite(msg)
    known = {kind.__name__ for kind in error_classes()}
    for named, _ in rows:
        unknown = [name for name in re.findall(r"`([A-Z]\w+)`", named) if name not in known]
        if unknown:
            msg = f"The README of {distribution} names {unknown[0]}, which is no error of seedcore."
            raise CannotWrite(msg)
    return rows


# ------------------------------------------------------------------------------- cells


def code(text: str) -> str:
    """
    Return *text* in code marks.
    """
    return f"`{text}`"


def yes(fact: object) -> str:
    """
    Return yes or no.
    """
    return "yes" if fact else "no"


def arguments(row: Mapping[str, Any]) -> str:
    """
    Return the arguments of an operation as ``seedcore show`` has them, each in code marks.
    """
    return " ".join(map(code, arguments_of(dict(row)).split()))


def kind(row: Mapping[str, Any]) -> str:
    """
    Return what a value looks like, and what is allowed of that.
    """
    return "; ".join(filter(None, (row["type"], row["allowed"])))


def default(row: Mapping[str, Any]) -> str:
    """
    Return the default, or that there is none.
    """
    if row["required"]:
        return "needed"
    return "" if row["default"] in (None, "", [], {}) else code(text_of(row["default"]))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], nothing: str = "") -> Iterator[str]:
    """
    Yield the lines of a table and an empty one, or *nothing* if there are no rows.
    """
    if not rows:
        yield f"{nothing}\n"
        return
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""


def main() -> int:
    """
    Write the page; return the exit status.
    """
    try:
        text = page()
    except CannotWrite as error:
        print(error, file=sys.stderr)
        return 1
    changed = not PAGE.exists() or PAGE.read_text("utf-8") != text
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is {'written anew' if changed else 'as it was'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
