"""
What an operation that asks no site does with input that means nothing.
"""

from __future__ import annotations

from typing import Any

from seedcore.contract.classify import PLUGIN_ERROR
from seedcore.errors import ProviderError
from seedcore.testing.flows.files import Flow
from seedcore.testing.flows.records import Noted, Subject
from seedcore.testing.flows.stage import staged

STRANGE = "no such thing 7c1e9b52"
"""A text that nobody knows."""


async def refuses(subject: Subject, flow: Flow, noted: Noted) -> bool:
    """
    Call what asks no site with bad input; whether it had anything to say about that.
    """
    arguments = _strange(flow)
    if arguments is None:
        return False
    with noted.replaying(flow) as folder:
        subject.check(flow)
        registry = subject.registry()
        async with staged(flow, folder, registry, prepare=subject.put_in_place) as stage:
            act = await stage.act(arguments=arguments)
        if act.error is None:
            return False
        if not isinstance(act.error, ProviderError) or act.error.reason == PLUGIN_ERROR:
            problem = f"a ProviderError with a sentence was to come, and {act.outcome} did"
            noted.find(flow, f"{flow.operation} with bad input", problem)
    return True


def _strange(flow: Flow) -> dict[str, Any] | None:
    """
    Return the arguments of *flow* with texts that nobody knows; ``None`` if there is no text.
    """
    given = flow.ours.get("arguments", {})
    strange = {name: STRANGE for name, item in given.items() if isinstance(item, str)}
    strange.pop("spoilers", None)
    if flow.operation == "generate" and not strange:
        strange = {"preset": STRANGE}
    return {**given, **strange} if strange else None
