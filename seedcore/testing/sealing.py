"""
A plugin of pytest: whatever a test seals must be in nothing that the test shows.

``pytest -p seedcore.testing.sealing`` remembers the permalink, hash and code of each sealed seed,
the texts of each spoiler log, where it is stored, and the keys that providers hide. It looks for
them in all events, in the rows of every reader, in errors and in what commands print, and fails
the test that shows one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import attrs
import click
import pytest

from seedcore import audit, outcome
from seedcore.call import Call
from seedcore.events import Event, Events
from seedcore.model import Seed, SeedRequest
from seedcore.spoilers import SpoilerLogs
from seedcore.store import Store
from seedcore.store.queries import Queries
from seedcore.testing.sealed import SHORTEST, plain, texts_of


@attrs.define
class Watch:
    """
    What was sealed, by the call it belongs to, and what was shown, by where.
    """

    sealed: dict[str, list[tuple[str, str]]] = attrs.Factory(dict)
    open: set[str] = attrs.Factory(set)
    """What another seed shows that isn't sealed, and so no secret."""
    given: set[str] = attrs.Factory(set)
    """Texts that calls returned: whoever asked may see them, whatever else is in them."""
    shown: list[tuple[str, str]] = attrs.Factory(list)

    def seal(self, call_id: str, what: str, *texts: object) -> None:
        """
        Remember *texts* as secrets of a call.
        """
        found = [(what, plain(text)) for text in texts if text]
        long = [(what, text) for what, text in found if len(text) >= SHORTEST]
        self.sealed.setdefault(call_id, []).extend(long)

    def show(self, where: str, value: object) -> None:
        """
        Remember what somebody could see.
        """
        self.shown.append((where, plain(value)))

    def findings(self) -> list[str]:
        """
        Return a sentence for each secret that was shown.
        """
        whole: dict[str, str] = {}
        for where, text in self.shown:
            whole[where] = f"{whole.get(where, '')}\n{text}"
        return sorted(
            {
                f"{where} shows {what} of call {call_id}, which is sealed: {secret[:60]}"
                for call_id, secrets in self.sealed.items()
                for what, secret in secrets
                for where, text in whole.items()
                if secret in text and secret not in self.open
            }
        )


@pytest.fixture(autouse=True)
def nothing_sealed_is_shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """
    Fail the test if anything that it sealed was shown.
    """
    watch = Watch()
    _watch_secrets(watch, monkeypatch)
    _watch_outputs(watch, monkeypatch)
    yield watch
    if found := watch.findings():
        pytest.fail("\n".join(found), pytrace=False)


def _watch_secrets(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    succeeded, keep, unseal = outcome.succeeded, SpoilerLogs.keep, Store.unseal

    def sealing(call: Call, value: Any, *arguments: Any) -> Any:
        request = call.request
        if isinstance(value, Seed) and isinstance(request, SeedRequest):
            facts = (value.url, value.id, value.code)
            if request.sealed:
                watch.seal(call.call_id, "the seed", *facts)
            else:
                watch.open.update(map(plain, facts))
        if isinstance(value, str) and len(plain(value)) >= SHORTEST:
            watch.given.add(plain(value))
        watch.seal(call.call_id, "a hidden key", *call.hidden)
        return succeeded(call, value, *arguments)

    async def keeping(self: SpoilerLogs, call: Call, seed: Seed) -> Any:
        # A log repeats what was asked for, which everybody may know.
        known = {**audit.effective_settings(call.request, seed), **seed.extra}
        watch.open.update(plain(f"{name}{value}") for name, value in known.items())
        for log in call.logs.values():
            watch.seal(call.call_id, "the spoiler log", *texts_of(log))
        return await keep(self, call, seed)

    async def unsealing(self: Store, call_id: str, by: str) -> None:
        await unseal(self, call_id, by)
        watch.sealed.pop(call_id, None)

    monkeypatch.setattr(outcome, "succeeded", sealing)
    monkeypatch.setattr(SpoilerLogs, "keep", keeping)
    monkeypatch.setattr(Store, "unseal", unsealing)


def _watch_outputs(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    emit, echo, export = Events.emit, click.echo, Queries.export

    def emitting(self: Events, event: Event) -> None:
        watch.show(f"the event {event.event}", json.dumps(event.fields(), default=str))
        emit(self, event)

    def failing(call: Call, error: Any) -> Any:
        final = failed(call, error)
        watch.show(f"the error {type(final).__name__}", json.dumps(final.to_json(), default=str))
        return final

    def echoing(message: object = None, *arguments: Any, **named: Any) -> None:
        text = plain(message)
        for given in watch.given:
            text = text.replace(given, "")
        watch.show("a command", text)
        echo(message, *arguments, **named)

    async def exporting(self: Queries, *arguments: Any, **named: Any) -> AsyncIterator[Any]:
        async for row in export(self, *arguments, **named):
            watch.show("an exported row", json.dumps(row, default=str))
            yield row

    failed = outcome.failed
    monkeypatch.setattr(Events, "emit", emitting)
    monkeypatch.setattr(outcome, "failed", failing)
    monkeypatch.setattr(click, "echo", echoing)
    monkeypatch.setattr(Queries, "export", exporting)
    for reader in ("call", "calls", "failures", "failures_of"):
        monkeypatch.setattr(Queries, reader, _reading(watch, getattr(Queries, reader)))


def _reading(watch: Watch, read: Any) -> Any:
    async def reading(self: Queries, *arguments: Any, **named: Any) -> Any:
        rows = await read(self, *arguments, **named)
        watch.show("a row", json.dumps(rows, default=str))
        return rows

    return reading
