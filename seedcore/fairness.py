"""
What a provider returned for a seed: whether it is one, and whether its spoiler is hidden.
"""

from __future__ import annotations

from typing import Any

from seedcore.call import Call
from seedcore.contract.classify import PLUGIN_ERROR, Lesson, Retry, Verdict
from seedcore.errors import ProviderResponseFormatError, SpoilerLeakError, clean_text
from seedcore.model import NOTHING_GIVEN, Rolled, Seed, SeedRequest

LONGEST_LEAK = 300
"""Characters of what a provider says about a leak."""


def accepted(call: Call, value: Any) -> tuple[Any, Verdict | None]:
    """
    Return what of *value* a caller may get, or why nobody may get it.

    The logs of a spoiler race stay with the call.
    """
    rolled = value if isinstance(value, Rolled) else None
    if not call.operation.rolls:
        return value, None if rolled is None else _bug("returned a Rolled where no seed is made")
    seed = rolled.seed if rolled else value
    if not isinstance(seed, Seed):
        return value, _bug(f"returned {type(value).__name__} instead of a Seed")
    request = call.request
    assert isinstance(request, SeedRequest)
    if request.spoilers == "on":
        return seed, None
    if call.lane.provider.leak is not None and (verdict := _judged(call, request, rolled)):
        return None, verdict
    if seed.spoiler_url is not None:
        return None, _leaking(call, "the address of its spoiler")
    if request.spoilers == "delayed":
        return seed, _kept(call, rolled)
    return seed, None


def _kept(call: Call, rolled: Rolled | None) -> Verdict | None:
    """
    Keep the logs of a spoiler race with the call, and with the one that it was made for.
    """
    logs = rolled.logs if rolled is not None else NOTHING_GIVEN
    if twice := logs.keys() & call.logs.keys():
        return _bug(f"made two logs called {min(twice)} for one seed")
    call.logs = {**call.logs, **logs}
    if not call.logs:
        return _bug("made a seed for a spoiler race without its log")
    outer = call.parent
    if outer is None or not outer.trying or outer.attempts != call.of_attempt:
        return None  # the attempt that asked for it has ended
    if twice := call.logs.keys() & outer.logs.keys():
        return _bug(f"made two logs called {min(twice)} for one seed")
    outer.logs = {**outer.logs, **call.logs}
    return None


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
    return _leaking(call, found)


def _leaking(call: Call, what: str) -> Verdict:
    words = clean_text(call.lane.redactor_for(call).text(what), LONGEST_LEAK)
    call.lane.emit("ERROR", "leak_refused", call=call, extra={"leak": words})
    text = f"it shows {words}. The seed was thrown away"
    return Verdict(SpoilerLeakError(text), Retry.NEVER, Lesson.FAILURE)


def as_fair(call: Call, asked: dict[str, Any]) -> dict[str, Any]:
    """
    Return what a call within another one *asked*, with the fairness of the seed it is for.

    Raises ProviderResponseFormatError for a plugin that asks for a seed that shows more.
    """
    outer = call.parent
    while outer is not None and not isinstance(outer.request, SeedRequest):
        outer = outer.parent
    if outer is None or not call.operation.rolls:
        return asked
    assert isinstance(outer.request, SeedRequest)
    race, spoilers = outer.request.race, outer.request.spoilers
    asked = {**asked, "race": asked.get("race", race)}
    if asked.get("spoilers") is None:
        asked["spoilers"] = "off" if asked["race"] and spoilers == "on" else spoilers
    looser = spoilers != "on" and asked["spoilers"] not in ("off", spoilers)
    if looser or (race and not asked["race"]):
        raise _bug("asked for a seed that shows more than the one it is for").error
    return asked


def _bug(what: str) -> Verdict:
    error = ProviderResponseFormatError(
        f"its plugin {what}; this is a bug of it", reason=PLUGIN_ERROR
    )
    return Verdict(error, Retry.NEVER, Lesson.NEUTRAL)
