"""
``seedcore presets``: named sets of options, in files and in the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seedcore.cli.database import shown_time
from seedcore.cli.group import Group, json_option
from seedcore.cli.importing import ask_presets, by_option, import_command
from seedcore.cli.output import (
    Columns,
    one_line,
    printable,
    write_facts,
    write_json,
    write_line,
    write_rows,
)
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from seedcore.presets import Presets, Revision, Written


@click.command(
    "presets",
    cls=Group,
    examples=(
        "seedcore presets list alttpr",
        "seedcore presets show alttpr open",
        "seedcore presets import presets/ --dry-run",
    ),
)
def presets_command() -> None:
    """
    Look at presets, save and import them.
    """


@presets_command.command(
    "list", examples=("seedcore presets list alttpr", "seedcore presets list alttpr --prefix op")
)
@click.argument("provider")
@click.option("--prefix", default="", help="Only names that begin so.")
@json_option
@click.pass_obj
def list_presets(invocation: Invocation, provider: str, prefix: str) -> None:
    """
    List the presets of a provider, where each is, and what is wrong.

    A preset in a file of yours hides one in the database, and both hide one of the plugin.
    """
    invocation.provider = provider

    async def rows(presets: Presets) -> list[dict[str, Any]]:
        return [await _line(presets, provider, n) for n in await presets.names(provider, prefix)]

    found = ask_presets(rows, provider=provider)
    write_rows(found, _PRESETS, "There is no such preset.", as_json=invocation.as_json)


async def _line(presets: Presets, provider: str, name: str) -> dict[str, Any]:
    from seedcore.errors import ProviderError
    from seedcore.presets.document import read

    line: dict[str, Any] = {"name": name, "source": None, "title": None, "problem": None}
    try:
        written = await presets.look(provider, name)
        line["source"] = written.source
        title = read(written.text, provider=provider, name=name).get("goal_name")
        line["title"] = None if title is None else one_line(title)
        presets.check(provider, name, written.text)
    except ProviderError as error:
        line["problem"] = error.provider_message
    return line


@presets_command.command(
    "show",
    examples=(
        "seedcore presets show alttpr open",
        "seedcore presets show alttpr me/latest --history",
        "seedcore presets show alttpr me/latest --revision 2",
    ),
)
@click.argument("provider")
@click.argument("name")
@click.option("--history", is_flag=True, help="List its revisions in the database.")
@click.option("--revision", type=click.IntRange(1), help="Show this revision.")
@json_option
@click.pass_obj
def show_preset(
    invocation: Invocation, provider: str, name: str, *, history: bool, revision: int | None
) -> None:
    """
    Show what a preset says, where it is, and what is wrong with it.
    """
    invocation.provider = provider
    if history or revision is not None:
        found = ask_presets(lambda presets: presets.history(provider, name), provider=provider)
        _show_revisions(invocation, provider, name, found, revision)
        return

    async def look(presets: Presets) -> tuple[Written, dict[str, Any]]:
        written = await presets.look(provider, name)
        return written, await _facts(presets, provider, written)

    written, facts = ask_presets(look, provider=provider)
    text = _shown_text(written.text)
    if invocation.as_json:
        write_json({"provider": provider, **facts, "text": text})
        return
    write_facts(facts | {"notes": "; ".join(facts["notes"])})
    write_line("")
    _write_text(text)


async def _facts(presets: Presets, provider: str, written: Written) -> dict[str, Any]:
    from seedcore.errors import InvalidPresetError

    facts: dict[str, Any] = {"name": written.name, "source": written.source, "path": written.path}
    facts |= dict.fromkeys(("target", "title", "description", "branch", "problem"))
    facts["notes"] = ()
    if written.source == "database":
        newest = (await presets.history(provider, written.name))[0]
        facts |= {"revision": newest.revision, "saved_by": newest.saved_by}
        facts["saved"] = shown_time(newest.created_at)
    try:
        facts["notes"] = presets.check(provider, written.name, written.text)
        found = await presets.find(provider, written.name)
    except InvalidPresetError as error:
        facts["problem"] = error.provider_message
    else:
        facts |= {"target": found.provider, "title": found.title}
        facts |= {"description": found.description, "branch": found.branch}
    return facts


def _show_revisions(
    invocation: Invocation, provider: str, name: str, found: list[Revision], number: int | None
) -> None:
    from seedcore.errors import PresetNotFoundError

    if number is None and found:
        rows = [
            {
                "revision": r.revision,
                "saved_by": r.saved_by,
                "created_at": r.created_at,
                "deleted": r.deleted,
                "text": r.text,
            }
            for r in found
        ]
        write_rows(rows, _REVISIONS, "", as_json=invocation.as_json)
        return
    chosen = next((each for each in found if each.revision == number), None)
    if chosen is None:
        which = f"no revision {number} of " if number else ""
        text = f"{which}{one_line(name)!r} is saved in the database"
        raise PresetNotFoundError(text if which else f"no {text}", provider=provider)
    if invocation.as_json:
        write_json(chosen)
    elif chosen.deleted:
        write_line(f"Deleted by {one_line(chosen.saved_by)}.")
    else:
        _write_text(chosen.text)


@presets_command.command(
    "save",
    examples=(
        "seedcore presets save alttpr open open.yaml",
        "seedcore presets save alttpr me/latest - --by discord:1234 < latest.yaml",
    ),
)
@click.argument("provider")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@by_option
@json_option
@click.pass_obj
def save_preset(invocation: Invocation, provider: str, name: str, file: Any, by: str) -> None:
    """
    Save a document in the database, as a new revision.

    NAME is 'name' or 'namespace/name'; the first preset of a namespace makes it whose it is.
    FILE is '-' for stdin.
    """
    from seedcore.presets.document import MOST_BYTES

    invocation.provider = provider
    content = file.read(MOST_BYTES + 1)
    saved = ask_presets(
        lambda presets: presets.save(provider, name, content, by=by),
        provider=provider,
        make=True,
        absent=True,
    )
    if invocation.as_json:
        write_json(saved)
        return
    done = "was saved before as" if saved.unchanged else "is saved as"
    write_line(f"{saved.name} {done} revision {saved.revision}.")
    for note in saved.notes:
        write_line(f"note: {one_line(note)}")


@presets_command.command("delete", examples=("seedcore presets delete alttpr me/latest",))
@click.argument("provider")
@click.argument("name")
@by_option
@json_option
@click.pass_obj
def delete_preset(invocation: Invocation, provider: str, name: str, by: str) -> None:
    """
    Delete a preset in the database; its history is kept.
    """
    invocation.provider = provider
    ask_presets(lambda presets: presets.delete(provider, name, by=by), make=True)
    if invocation.as_json:
        write_json({"provider": provider, "name": name, "deleted": True})
    else:
        write_line(f"{one_line(name)} is deleted; its history is kept.")


@presets_command.command(
    "share",
    examples=(
        "seedcore presets share me discord:5678 --by discord:1234",
        "seedcore presets share me discord:5678 --remove",
    ),
)
@click.argument("namespace")
@click.argument("who")
@click.option("--remove", is_flag=True, help="Take it back.")
@by_option
@json_option
@click.pass_obj
def share_namespace(
    invocation: Invocation, namespace: str, who: str, by: str, *, remove: bool
) -> None:
    """
    Let somebody else save and delete the presets of a namespace.
    """

    async def change(presets: Presets) -> tuple[str, ...]:
        await (presets.unshare if remove else presets.share)(namespace, who, by=by)
        found = await presets.namespace(namespace)
        return found.collaborators if found else ()

    collaborators = ask_presets(change, make=True)
    if invocation.as_json:
        write_json({"namespace": namespace, "collaborators": collaborators})
    else:
        others = ", ".join(map(one_line, collaborators)) or "nobody"
        write_line(f"{one_line(namespace)} is shared with {others}.")


presets_command.add_command(import_command)


def _shown_text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _write_text(text: str) -> None:
    for line in text.splitlines():
        write_line(printable(line.expandtabs()))


def _off(problem: str | None) -> str:
    return f"(off: {problem})" if problem else ""


_PRESETS: Columns = {
    "NAME": "name",
    "SOURCE": "source",
    "GOAL": lambda row: " ".join(filter(None, (row["title"], _off(row["problem"])))),
}
_REVISIONS: Columns = {
    "REVISION": "revision",
    "TIME (UTC)": lambda row: shown_time(row["created_at"]),
    "BY": "saved_by",
    "": lambda row: "deleted" if row["deleted"] else f"{len(row['text']):,} characters",
}
