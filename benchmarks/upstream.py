"""
The site that the network rows call: a process of its own, so that it has its own processor.

Started as a script it prints its port and serves until its standard input closes, which it
does at the latest when whoever started it is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

BODY = b'{"permalink": "https://seeds.example/h/0123456789", "hash": "0123456789", "version": "1"}'


@contextlib.contextmanager
def upstream() -> Iterator[str]:
    """
    Start the site; yields its URL and ends it afterwards.
    """
    command = [sys.executable, str(Path(__file__).resolve())]
    process = subprocess.Popen(  # noqa: S603 - our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


async def _answer(_: web.BaseRequest) -> web.Response:
    return web.Response(body=BODY, content_type="application/json")


async def _serve() -> None:
    runner = web.ServerRunner(web.Server(_answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
