"""
The site that the network rows call: a process of its own, so that it has its own processor.

Started as a script it reads a line of JSON with its answers, prints its port, and serves until
its standard input closes, which it does at the latest when whoever started it is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from seedcore.testing import Reply

BODY = b'{"permalink": "https://seeds.example/h/0123456789", "hash": "0123456789", "version": "1"}'


@contextlib.contextmanager
def upstream(answers: Mapping[tuple[str, str], Reply] | None = None) -> Iterator[str]:
    """
    Start the site; yields its URL and ends it afterwards.

    *answers* are those to each method and path; without any, a seed answers everything.
    """
    command = [sys.executable, str(Path(__file__).resolve())]
    process = subprocess.Popen(  # noqa: S603 - our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        print(json.dumps(_plain(answers or {})), file=process.stdin, flush=True)
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


def _plain(answers: Mapping[tuple[str, str], Reply]) -> list[dict[str, Any]]:
    return [
        {
            "to": asked,
            "status": reply.status,
            "headers": dict(reply.headers),
            "body": reply.body.decode("latin-1"),
        }
        for asked, reply in answers.items()
    ]


async def _answer(_: web.BaseRequest) -> web.Response:
    return web.Response(body=BODY, content_type="application/json")


def _answering(answers: list[dict[str, Any]]) -> Callable[..., Awaitable[web.Response]]:
    """
    Return what looks an answer up, after reading what is asked.
    """
    known = {tuple(each.pop("to")): each for each in answers}
    for each in known.values():
        each["body"] = each["body"].encode("latin-1")

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(**known[request.method, request.rel_url.raw_path])

    return answer


async def _serve() -> None:
    answers = json.loads(sys.stdin.readline())
    answer = _answering(answers) if answers else _answer
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
