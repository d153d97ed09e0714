"""
``seedcore serve`` and ``seedcore web``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from seedcore.cli.database import ask_database, shown_time
from seedcore.cli.group import Command, Group, json_option
from seedcore.cli.output import Columns, write_json, write_line, write_rows
from seedcore.cli.report import Invocation
from seedcore.errors import SettingsError
from seedcore.store.keys import SCOPES, AccessKey

if TYPE_CHECKING:
    from seedcore.store import Store

LAST_KEY = (
    "That was the last key: servers answer whoever is on their machine now, without any. Where a "
    "proxy stands before one, make another key first."
)
_NAME = re.compile(r"[\w.@+-]{1,64}", re.ASCII)


@click.command(
    "serve",
    cls=Command,
    examples=(
        "seedcore serve",
        "seedcore serve --port 0",
        "seedcore serve --host 0.0.0.0 --per-minute 60",
        "seedcore serve --cors https://seeds.example",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8000,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--per-minute",
    type=click.IntRange(min=1),
    default=600,
    show_default=True,
    help="Requests of a key that has no number of its own.",
)
@click.option(
    "--cors", multiple=True, metavar="ORIGIN", help="Pages of this origin may ask; repeatable."
)
@click.option("--access-log/--no-access-log", default=True, help="A line for each request.")
@click.pass_obj
def serve_command(  # noqa: PLR0917 - click gives them by name
    invocation: Invocation,
    host: str,
    port: int,
    per_minute: int,
    cors: tuple[str, ...],
    access_log: bool,  # noqa: FBT001 - the same
) -> None:
    """
    Serve the JSON API and the page until Ctrl-C.

    Without keys only this machine is answered; 'seedcore web key add' makes one.
    """
    import asyncio

    from seedcore.runner import Runner
    from seedcore_web.server import Serving, events_to_stderr, serve

    for origin in cors:
        if not re.fullmatch(r"https?://[^/\s?#]+", origin):
            msg = f"--cors can't be {origin[:80]!a}. Write an origin, such as https://seeds.example"
            raise click.UsageError(msg)
    serving = Serving(host=host, port=port, per_minute=per_minute, cors=cors, log=access_log)
    runner = invocation.runner = Runner()
    events_to_stderr(debug=invocation.debug)
    asyncio.run(serve(runner, serving, write_line))


@click.command("web", cls=Group, examples=("seedcore web key list",))
def web_command() -> None:
    """
    Look after the web server.
    """


@web_command.group("key", cls=Group, examples=("seedcore web key add bot --scope generate",))
def key_command() -> None:
    """
    Make, list and revoke the keys that open the web server.
    """


@key_command.command(
    "add",
    examples=(
        "seedcore web key add bot --scope generate",
        "seedcore web key add dashboard --scope read --per-minute 60 --json",
    ),
)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"What it opens: {', '.join(SCOPES)}; repeatable.",
)
@click.option("--per-minute", type=click.IntRange(min=1), help="Requests that it may make.")
@json_option
@click.pass_obj
def add_key(
    invocation: Invocation, name: str, scopes: tuple[str, ...], per_minute: int | None
) -> None:
    """
    Make a key and print it, once: nobody can find it out again.
    """
    if not _NAME.fullmatch(name):
        msg = f"{name[:80]!a} is no name for a key: it has 1 to 64 letters, digits and ._@+- in it."
        raise SettingsError(msg)

    async def add(store: Store) -> tuple[str, AccessKey]:
        made = await store.keys.add(name, scopes, per_minute=per_minute)
        click.echo(f"It opens the servers on the database {store.name}.", err=True)
        return made

    text, key = ask_database(add, make=True, quiet=True)
    if invocation.as_json:
        write_json({"key": text, **_facts(key)})
    else:
        write_line(text)


@key_command.command("list", examples=("seedcore web key list", "seedcore web key list --json"))
@json_option
@click.pass_obj
def list_keys(invocation: Invocation) -> None:
    """
    List the keys, the revoked ones too.
    """
    keys = ask_database(lambda store: store.keys.listing(), quiet=True)
    rows = [_facts(key) for key in keys]
    write_rows(rows, _COLUMNS, "There are no keys.", as_json=invocation.as_json)


@key_command.command("revoke", examples=("seedcore web key revoke bot",))
@click.argument("name")
def revoke_key(name: str) -> None:
    """
    Let a key open nothing any more; servers take that over within seconds.
    """

    async def revoke(store: Store) -> tuple[bool, bool]:
        return await store.keys.revoke(name), await store.keys.any_active()

    revoked, others = ask_database(revoke, quiet=True)
    if not revoked:
        msg = f"There is no key {name[:80]!a} in use. 'seedcore web key list' shows all."
        raise SettingsError(msg)
    write_line(f"{name} opens nothing any more.")
    if not others:
        click.echo(LAST_KEY, err=True)


def _facts(key: AccessKey) -> dict[str, object]:
    return {
        "name": key.name,
        "key_id": key.key_id,
        "scopes": list(key.scopes),
        "per_minute": key.per_minute,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


_COLUMNS: Columns = {
    "NAME": "name",
    "ID": "key_id",
    "SCOPES": lambda row: " ".join(row["scopes"]),
    "PER MINUTE": "per_minute",
    "MADE (UTC)": lambda row: shown_time(row["created_at"]),
    "REVOKED (UTC)": lambda row: shown_time(row["revoked_at"]) if row["revoked_at"] else "",
}
