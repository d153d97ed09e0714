"""
What a call must not show to anybody: secret settings, sealed seeds and spoiler logs.

``seedcore.testing.sealing`` looks for the same while tests run, with the means of pytest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from seedcore.model import Operation, Request, Rolled, Seed, SeedRequest
from seedcore.plugins import Provider
from seedcore.redact import SHORTEST as SHORTEST_SECRET
from seedcore.testing.flows.replay import Replayed
from seedcore.testing.sealed import SHORTEST, plain, texts_of

Made = tuple[Request, Any]
"""A request, and what the provider returned for it."""


def noting(provider: Provider, made: list[Made]) -> Provider:
    """
    Return *provider* with operations that note in *made* what they return, logs and all.
    """
    operations = {
        name: attrs.evolve(operation, function=_noting(operation, made))
        for name, operation in provider.operations.items()
    }
    return attrs.evolve(provider, operations=operations)


def _noting(operation: Operation, made: list[Made]) -> Callable[[Any, Any], Any]:
    function = operation.function

    async def in_loop(request: Any, context: Any) -> Any:
        value = await function(request, context)
        made.append((request, value))
        return value

    def in_thread(request: Any, context: Any) -> Any:
        value = function(request, context)
        made.append((request, value))
        return value

    return in_thread if operation.sync else in_loop


def leaks(played: Replayed, made: list[Made]) -> Iterator[tuple[str, str]]:
    """
    Yield each place that shows what it must not, and what that is.
    """
    shown = {
        **{f"row {row['call_id']}": json.dumps(row, default=str) for row in played.rows},
        **{f"row {row['call_id']}": json.dumps(row, default=str) for row in played.failures},
    }
    for event in played.events:
        text = json.dumps(event.fields(), default=str)
        shown[f"event {event.event}"] = f"{shown.get(f'event {event.event}', '')}\n{text}"
    error = played.act.error
    if error is not None:
        shown["error"] = f"{error}\n{getattr(error, 'user_message', '')}\n{error!r}"
    everywhere = {**shown, "database": played.stored, "result": json.dumps(played.act.gets)}
    for secret in played.secrets:
        for place, text in everywhere.items():
            if len(secret) >= SHORTEST_SECRET and secret in text:
                yield place, "it shows the value of a secret setting"
    plain_texts = {place: plain(text) for place, text in shown.items()}
    for what, text in dict.fromkeys(_sealed(made)):
        for place, seen in plain_texts.items():
            if text in seen:
                yield place, f"it shows {what}, which is sealed: {text[:40]}"


def _sealed(made: list[Made]) -> Iterator[tuple[str, str]]:
    """
    Yield what is sealed of all that was made, and how that is written without its marks.
    """
    known = {each for request, value in made for each in _known(request, value)}
    for request, value in made:
        seed = value.seed if isinstance(value, Rolled) else value
        if not isinstance(request, SeedRequest) or not isinstance(seed, Seed):
            continue
        secrets = []
        if request.sealed:
            secrets += [("the seed", fact) for fact in (seed.url, seed.id, seed.code) if fact]
        if request.spoilers == "delayed" and isinstance(value, Rolled):
            secrets += [
                ("the spoiler log", text) for log in value.logs.values() for text in texts_of(log)
            ]
        for what, text in secrets:
            if len(plain(text)) >= SHORTEST and plain(text) not in known:
                yield what, plain(text)


def _known(request: Request, value: Any) -> Iterator[str]:
    """
    Yield what everybody may know of a seed: what was asked for, and what it says of itself.
    """
    seed = value.seed if isinstance(value, Rolled) else value
    if not isinstance(request, SeedRequest) or not isinstance(seed, Seed):
        return
    options = request.options
    asked = attrs.asdict(options) if attrs.has(type(options)) else options
    for facts in (asked, request.settings, seed.settings, seed.extra):
        yield from (plain(f"{name}{fact}") for name, fact in facts.items())
    if not request.sealed:
        yield from map(plain, (seed.url, seed.id, seed.code))
