"""
Rules about what a caller learns when the upstream fails.
"""

from __future__ import annotations

from seedcore.errors import (
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
)
from seedcore.testing.conformance.rules import Broken, Subject
from seedcore.testing.conformance.scripts import failing, only
from seedcore.testing.conformance.trial import Trial, loaded, run
from seedcore.testing.conformance.wire import places
from seedcore.testing.replies import Reply, json_reply, rate_limited, status, typed

PAUSE = 7
"""Seconds that the kit's upstream asks to wait."""
FAILURE = (
    "Let the failure out (raise_for_status() knows what each status means), or mend its map_error."
)
GARBLED = (
    "Take what the seed is made of so that it fails where it isn't there: body['id'], not "
    "body.get('id')."
)
WORDS = "the kit's upstream refuses this on purpose"


def _said(*codes: int) -> dict[str, Reply]:
    """
    Return answers with a status, without a body and with JSON: a provider that doesn't look at
    the status stumbles over the first and takes the second for a success.
    """
    return {
        f"status {code}{how}": reply
        for code in codes
        for how, reply in (
            ("", status(code)),
            (" with JSON", json_reply({"error": WORDS}, code)),
        )
    }


OUTAGES = {
    **_said(500, 502, 503, 504),
    "a connection reset before the answer": Reply(cut="at_once"),
}
REFUSALS = _said(400, 404, 422)
DENIALS = _said(401, 403)
GARBAGE = {
    "an HTML page": typed("text/html; charset=utf-8", "<!doctype html><title>Maintenance</title>"),
    "half a JSON document": typed("application/json", '{"id": "half of'),
    "bytes that are no text": typed("application/json", b"\xff\xfe\x00\x01"),
    "an empty answer": typed("application/json", b""),
}
SHAPES = {
    "the JSON document null": json_reply(None),
    "an empty JSON list": json_reply([]),
    "an empty JSON object": json_reply({}),
}


async def maps_rate_limit(subject: Subject) -> None:
    """
    With its pause the runner knows when to go on; without it, it must guess.
    """
    for what, reply in (
        ("a 429 that asks for a pause", rate_limited(PAUSE)),
        ("a 429 without a pause", rate_limited(PAUSE, "none")),
        ("a 429 with JSON", json_reply({"error": WORDS}, 429)),
    ):
        for place in places(subject):
            trial = await run(subject.case, only(reply, at=place))
            error = _expect(trial, what, ProviderRateLimitError)
            asked = "retry-after" in {name.lower() for name in reply.headers}
            if asked and (error.retry_after or 0) < PAUSE:
                text = (
                    "it loses the Retry-After of a 429. Let raise_for_status() raise, or set "
                    "retry_after= on the error that it raises."
                )
                raise Broken(text)


async def maps_outage(subject: Subject) -> None:
    """
    What fails by itself is tried again, and counts for the circuit breaker.
    """
    await _each(subject, OUTAGES, ProviderUnavailableError)


async def maps_refusal(subject: Subject) -> None:
    """
    What is wrong with the request stays wrong: it isn't tried again, and no circuit opens.
    """
    await _each(subject, REFUSALS, ProviderInvalidRequestError, ProviderCapabilityError)


async def maps_authentication(subject: Subject) -> None:
    """
    A person has to look at the credentials.
    """
    await _each(subject, DENIALS, ProviderAuthenticationError)


async def maps_garbage(subject: Subject) -> None:
    """
    A success must never be made of an answer that is none.
    """
    rolls = loaded(subject.case).operations[subject.case.operation].rolls
    shapes = SHAPES if rolls else {}
    last = places(subject)[-1]
    for what, reply in {**GARBAGE, **shapes}.items():
        trial = await run(subject.case, failing(reply, at=last))
        _expect(trial, what, ProviderResponseFormatError, advice=GARBLED)


async def keeps_message(subject: Subject) -> None:
    """
    Who sent a wrong request learns from the upstream what is wrong with it.
    """
    for place in places(subject):
        refusal = json_reply({"error": WORDS}, 422)
        trial = await run(subject.case, only(refusal, at=place))
        error = trial.error
        if not isinstance(error, ProviderError) or WORDS not in error.provider_message:
            text = (
                "it loses what the upstream says about a wrong request (JSON with 'error', 422): "
                f"the caller gets {trial.outcome}. Let raise_for_status() raise; an error that "
                "map_error makes of it keeps the upstream's words if it has none of its own."
            )
            raise Broken(text)


async def _each(subject: Subject, faults: dict[str, Reply], *expected: type[ProviderError]) -> None:
    for what, reply in faults.items():
        for place in places(subject):
            trial = await run(subject.case, only(reply, at=place))
            _expect(trial, what, *expected)


def _expect(
    trial: Trial, what: str, *expected: type[ProviderError], advice: str = FAILURE
) -> ProviderError:
    error = trial.error
    if isinstance(error, expected):
        return error
    text = f"{what} becomes {trial.outcome} instead of {expected[0].__name__}. {advice}"
    raise Broken(text)
