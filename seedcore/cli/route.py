"""
``seedcore route``: where calls by a name go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from seedcore.cli.database import ask_database, core_settings, database_exists, shown_time
from seedcore.cli.group import Group, json_option
from seedcore.cli.importing import by_option
from seedcore.cli.output import Columns, Row, write_json, write_line, write_rows
from seedcore.cli.report import Invocation

if TYPE_CHECKING:
    from seedcore.routes import RouteLine, Routes
    from seedcore.store import Store

Answer = TypeVar("Answer")
NONE = "No route is set. Each call goes to the provider that it names."
TAKEN_OVER = "Programs that run take that over within two seconds."


@click.command(
    "route",
    cls=Group,
    examples=(
        "seedcore route set smdash smdash=0.9 smdash-next=0.1",
        "seedcore route show",
        "seedcore route rollback smdash",
    ),
)
def route_command() -> None:
    """
    Look at where calls by a name go, change it for all programs, go back.
    """


@route_command.command(
    "set",
    examples=(
        "seedcore route set smdash smdash-next",
        "seedcore route set smdash smdash=0.9 smdash-next=0.1",
        "seedcore route set smdash smdash --fallback smdash-mirror",
        "seedcore route set smdash --none",
    ),
)
@click.argument("name")
@click.argument("targets", nargs=-1, metavar="PROVIDER[=SHARE]...")
@click.option("--fallback", multiple=True, metavar="PROVIDER", help="Asked when it is out; repeat.")
@click.option("--none", is_flag=True, help="No route, whatever the settings say.")
@click.option("--unchecked", is_flag=True, help="Of providers that only a running program has.")
@by_option
@json_option
@click.pass_obj
def set_route(
    invocation: Invocation,
    /,
    name: str,
    targets: tuple[str, ...],
    fallback: tuple[str, ...],
    by: str,
    *,
    none: bool,
    unchecked: bool,
) -> None:
    """
    Send calls by NAME to providers, by their shares.

    A fallback serves only when the chosen provider is out, never a request that was refused or
    that may have been done. Who set it, and when, is kept.
    """
    if none and (targets or fallback):
        msg = "--none takes the route away, so no provider can be named beside it."
        raise click.UsageError(msg)
    if not none and not targets:
        msg = "Name a provider, or several with shares such as smdash=0.9 smdash-next=0.1."
        raise click.UsageError(msg)
    to = None if none else _shares(targets)

    async def change(routes: Routes) -> RouteLine:
        return await routes.set(name, to, fallback=fallback, by=by, unchecked=unchecked)

    _print_changed(invocation, _ask(change, make=True))


@route_command.command(
    "rollback", examples=("seedcore route rollback smdash", "seedcore route rollback smdash --json")
)
@click.argument("name")
@by_option
@json_option
@click.pass_obj
def roll_back(invocation: Invocation, /, name: str, by: str) -> None:
    """
    Go back to what a route was before.

    Each further time it goes further back. What NAME has been is in 'route show NAME --history'.
    """
    _print_changed(invocation, _ask(lambda routes: routes.rollback(name, by=by)))


@route_command.command(
    "show", examples=("seedcore route show", "seedcore route show smdash --history")
)
@click.argument("name", required=False)
@click.option("--history", is_flag=True, help="All that NAME was set to, the newest first.")
@json_option
@click.pass_obj
def show_routes(invocation: Invocation, /, name: str | None, *, history: bool) -> None:
    """
    Show the routes of the settings and those that were set.
    """
    if history and name is None:
        msg = "--history is about one route. Name it: seedcore route show NAME --history"
        raise click.UsageError(msg)

    async def look(routes: Routes) -> list[RouteLine]:
        if name is None:
            return await routes.listing()
        if history:
            return await routes.history(name)
        line = await routes.find(name)
        return [] if line.origin == "none" else [line]

    write_rows(_ask(look, alone=True), _COLUMNS, NONE, as_json=invocation.as_json, fit=False)


def _shares(targets: tuple[str, ...]) -> dict[str, float]:
    """
    Return the share of each target; one without a number has 1.
    """
    shares: dict[str, float] = {}
    for target in targets:
        name, equals, text = target.partition("=")
        try:
            share = float(text) if equals else 1.0
        except ValueError:
            share = -1.0
        if not name or not 0 <= share < float("inf"):
            msg = f"{target[:40]!a} is not PROVIDER=SHARE. Write for example smdash-next=0.1."
            raise click.UsageError(msg)
        if name in shares:
            msg = f"{name!a} is named twice. Give it one share."
            raise click.UsageError(msg)
        shares[name] = share
    return shares


def _ask(
    question: Callable[[Routes], Awaitable[Answer]], *, make: bool = False, alone: bool = False
) -> Answer:
    """
    Return what *question* finds out about the routes of the settings and of the database.

    One that isn't there is made if that is to be; *alone* the settings do.
    """
    import asyncio
    import time

    from seedcore.events import Events
    from seedcore.plugins import Registry
    from seedcore.routes import Routes
    from seedcore.settings import Settings

    registry = Registry()
    settings = Settings.load(installed=registry.names)
    routes = Routes(settings.routes, registry, time.monotonic)

    async def ask(store: Store) -> Answer:
        await routes.open(store, Events())
        try:
            return await question(routes)
        finally:
            await routes.close()

    if alone and not database_exists(core_settings().database_url):
        return asyncio.run(_without_database(question, routes))
    return ask_database(ask, make=make)


async def _without_database(
    question: Callable[[Routes], Awaitable[Answer]], routes: Routes
) -> Answer:
    return await question(routes)


def _print_changed(invocation: Invocation, line: RouteLine) -> None:
    if invocation.as_json:
        write_json(line)
        return
    row = _row(line)
    spares = f"; when that is out, {', '.join(row['fallback'])}" if row["fallback"] else ""
    write_line(f"{line.name}: {_where(row)}{spares}")
    write_line(TAKEN_OVER)


def _row(line: RouteLine) -> Row:
    return {"name": line.name, "to": line.to, "fallback": line.fallback, "origin": line.origin}


def _where(row: Row) -> str:
    if not row["to"]:
        return "as in the settings" if row["origin"] == "none" else f"{row['name']} itself"
    parts = (f"{name} {share * 100:.3g}%" for name, share in row["to"].items())
    return ", ".join(parts)


_COLUMNS: Columns = {
    "NAME": "name",
    "TO": _where,
    "FALLBACK": lambda row: ", ".join(row["fallback"]),
    "FROM": lambda row: {"set": "set", "settings": "seedcore.toml", "none": ""}[row["origin"]],
    "BY": "set_by",
    "AT (UTC)": lambda row: shown_time(row["set_at"]) if row["set_at"] else "",
    "PROBLEM": "problem",
}
