"""
Revealing the log of a spoiler race to whoever asks over the web.
"""

from __future__ import annotations

from aiohttp import web

from seedcore import Reveal
from seedcore_web.access import caller_of
from seedcore_web.endpoints import RUNNER
from seedcore_web.jobs import JOBS
from seedcore_web.local import is_local
from seedcore_web.problems import Refusal

NO_ADDRESS = (
    "The logs lie in a directory of this server that has no web address. The operator gives it one "
    "with the setting storage_url, or names a storage."
)


async def revealed(request: web.Request, kind: str) -> Reveal:
    """
    Return a link to the log of the call in the address, and record who has it.

    Raises RevealError, and Refusal where there could only be a path on this machine.
    """
    runner, caller = request.app[RUNNER], caller_of(request)
    core = runner.settings.core
    if core.storage is None and core.storage_url is None and not is_local(request):
        raise Refusal(501, "Unavailable", NO_ADDRESS)
    revealing = runner.reveal(request.match_info["call_id"], by=caller.by, kind=kind)
    return await request.app[JOBS].run(revealing)
