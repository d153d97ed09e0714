"""
``seedcore reveal``: the spoiler log of a race that is over.
"""

from __future__ import annotations

import attrs
import click

from seedcore.cli.database import check_database_exists, shown_time
from seedcore.cli.group import Command, json_option
from seedcore.cli.importing import by_option
from seedcore.cli.output import write_facts, write_json, write_line
from seedcore.cli.report import Invocation
from seedcore.cli.watching import log_to_stderr


@click.command(
    "reveal",
    cls=Command,
    examples=(
        "seedcore reveal 0c81f7a6b2d4e59-1",
        "seedcore reveal 0c81f7a6b2d4e59-1 --kind progression --json",
        "seedcore reveal 0c81f7a6b2d4e59-1 --by discord:1234",
    ),
)
@click.argument("call_id")
@click.option("--kind", default="spoiler", show_default=True, help="Which of its logs.")
@by_option
@json_option
@click.pass_obj
def reveal_command(invocation: Invocation, /, call_id: str, kind: str, by: str) -> None:
    """
    Print a link to the spoiler log of a call, once it is due.

    Who asked is recorded. CALL_ID is what 'seedcore generate' and 'seedcore audit list' show. How
    long the link works is a setting, link_seconds.
    """
    import asyncio

    from seedcore.runner import Runner

    invocation.call_id = call_id
    check_database_exists()
    runner = invocation.runner = Runner()
    log_to_stderr(invocation)

    async def run() -> None:
        async with runner:
            found = await runner.reveal(call_id, by=by, kind=kind)
            if invocation.as_json:
                write_json(attrs.asdict(found))
                return
            write_line(found.link)
            write_facts(
                {
                    "works until": shown_time(int(found.expires_at * 1e6)),
                    "revealed": shown_time(int(found.revealed_at * 1e6)),
                }
            )

    asyncio.run(run())
