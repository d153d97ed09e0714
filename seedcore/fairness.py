"""
What a provider returned for a seed: whether it is one, and whether its spoiler is hidden.
"""

from __future__ import annotations

from typing import Any

from seedcore.call import Call
from seedcore.contract.classify import PLUGIN_ERROR, Lesson, Retry, Verdict
from seedcore.errors import ProviderResponseFormatError, SpoilerLeakError, clean_text
from seedcore.model import Rolled, Seed, SeedRequest

LONGEST_LEAK = 300
"""Characters of what a provider says about a leak."""


def accepted(call: Call, value: Any) -> tuple[Any, Verdict | None]:
    """
    Return what of *value* a caller may get, or why nobody may get it.

    The logs of a spoiler race stay with the call.
    """
    if not call.operation.rolls:
        return value, None
    rolled = value if isinstance(value, Rolled) else None
    seed = rolled.seed if rolled else value
    if not isinstance(seed, Seed):
        return value, _bug(f"returned {type(value).__name__} instead of a Seed")
    request = call.request
    assert isinstance(request, SeedRequest)
    if request.spoilers == "on":
        return seed, None
    if call.lane.provider.leak is not None and (verdict := _judged(call, request, rolled)):
        return None, verdict
    if request.spoilers == "delayed":
        if rolled is not None and rolled.logs:
            call.logs = {**call.logs, **rolled.logs}
        if not call.logs:
            return None, _bug("made a seed for a spoiler race without its log")
        if call.parent is not None:  # who stores them is the outer call
            call.parent.logs = {**call.parent.logs, **call.logs}
    return seed, None


def _judged(call: Call, request: SeedRequest, rolled: Rolled | None) -> Verdict | None:
    """
    Ask the provider whether what its upstream shows gives anything away.
    """
    if rolled is None or rolled.shown is None:
        return _bug("doesn't say what the site shows of a seed without spoilers")
    assert call.lane.provider.leak is not None
    try:
        found = call.lane.provider.leak(rolled.shown, request)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a seed that nobody could judge is not shown
        return _bug(f"can't tell whether a spoiler is hidden ({type(error).__name__})")
    if found is None:
        return None
    if not isinstance(found, str):
        return _bug(f"said {type(found).__name__} of a spoiler that must be hidden")
    words = clean_text(call.lane.redactor_for(call).text(found), LONGEST_LEAK)
    call.lane.emit("ERROR", "leak_refused", call=call, extra={"leak": words})
    text = f"it shows {words}. The seed was thrown away"
    return Verdict(SpoilerLeakError(text), Retry.NEVER, Lesson.FAILURE)


def _bug(what: str) -> Verdict:
    error = ProviderResponseFormatError(
        f"its plugin {what}; this is a bug of it", reason=PLUGIN_ERROR
    )
    return Verdict(error, Retry.NEVER, Lesson.NEUTRAL)
