"""
A server in a process of its own that takes a form and forgets it, piece by piece.

It prints its port, and answers a form with how many bytes came and their digest.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys

from aiohttp import web

FORM = '<input type="hidden" name="csrfmiddlewaretoken" value="ttt">'
PAGE = '<a href="/3_1_0/share/{}/">Seed share link</a><pre>{} {}</pre>'


async def options(_: web.Request) -> web.Response:
    """
    Return the form.
    """
    reply = web.Response(text=FORM, content_type="text/html")
    reply.set_cookie("csrftoken", "ccc")
    return reply


async def generate(request: web.Request) -> web.Response:
    """
    Drain the form, and return a page that says what came.
    """
    size, digest = 0, hashlib.md5(usedforsecurity=False)
    async for part in await request.multipart():
        if part.name == "rom_file":
            while piece := await part.read_chunk(2**16):
                size += len(piece)
                digest.update(piece)
    text = PAGE.format("AbCdEfGhIjKlMn1", size, digest.hexdigest())
    return web.Response(text=text, content_type="text/html")


async def main() -> None:
    """
    Serve until whoever started this closes its input.
    """
    app = web.Application()
    app.router.add_get("/3_1_0/options/", options)
    app.router.add_post("/3_1_0/generate-rom/", generate)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
