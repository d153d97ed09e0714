"""
Importing many presets: each is judged by itself, and all good ones are saved together.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import attrs

from seedcore.errors import InvalidPresetError
from seedcore.presets.document import decoded
from seedcore.presets.names import BadName, Name, checked_author, is_plain, saved_name, shown
from seedcore.presets.presets import MOST_PRESETS, Presets, full, may_write, not_yours
from seedcore.presets.records import NOBODY, Draft, Outcome, is_operator
from seedcore.store.presets import Key, NamespaceRow

if TYPE_CHECKING:
    from seedcore.store import Store


@attrs.define(eq=False)
class _Room:
    """
    A namespace during an import: its row, perhaps one to be made, and how many presets it has.
    """

    row: NamespaceRow
    known: bool
    used: int


class Import:
    """
    One import; used once. Without a *store* nothing is saved yet, and nothing can be.
    """

    def __init__(self, presets: Presets, store: Store | None, by: str) -> None:
        self._presets = presets
        self._stored = store.presets if store is not None else None
        self._by = by
        self._texts: dict[tuple[str, str], dict[str, str]] = {}
        self._rooms: dict[str, _Room] = {}
        self._seen: dict[Key, str] = {}
        self._rows: list[tuple[Key, str]] = []

    async def run(
        self, drafts: Iterable[Draft], *, dry_run: bool, tell: Callable[[Draft], None] | None
    ) -> list[Outcome]:
        """
        Judge all, save the good ones unless *dry_run*, and return what came of each.
        """
        outcomes = []
        for draft in drafts:
            if tell is not None:
                tell(draft)
            outcomes.append(await self._judge(draft))
            await asyncio.sleep(0)  # a bot that imports goes on meanwhile
        if self._rows and self._stored is not None and not dry_run:
            used = {key.namespace for key, _ in self._rows}
            made = [r.row for name, r in self._rooms.items() if name in used and not r.known]
            await self._stored.save_all(self._rows, made, by=self._by)
        return outcomes

    async def _judge(self, draft: Draft) -> Outcome:
        def off(problem: str) -> Outcome:
            return _outcome(draft, draft.name, "off", problem)

        try:
            name = saved_name(draft.name)
        except BadName as error:
            return off(str(error))
        if not is_plain(draft.provider):
            return off(f"{shown(draft.provider)} is no name of a provider")
        for who in filter(None, (draft.owner, *draft.collaborators)):
            checked_author(who)
        key = Key(draft.provider, *name)
        if key in self._seen:
            return off(f"it is the same preset as {self._seen[key]}")
        try:
            notes = self._presets.check(draft.provider, str(name), draft.text)
        except InvalidPresetError as error:
            return off(error.provider_message.removeprefix(f"the preset {str(name)!r}: "))
        self._seen[key] = draft.origin
        text = decoded(draft.text)
        texts = await self._texts_of(key)
        if texts.get(key.name) == text:
            return _outcome(draft, str(name), "unchanged", notes=notes)
        if problem := await self._refusal(draft, name, new=key.name not in texts):
            return off(problem)
        self._rows.append((key, text))
        return _outcome(draft, str(name), "saved", notes=notes)

    async def _texts_of(self, key: Key) -> dict[str, str]:
        place = (key.provider, key.namespace)
        if place not in self._texts:
            stored = self._stored
            self._texts[place] = {} if stored is None else await stored.texts(*place)
        return self._texts[place]

    async def _refusal(self, draft: Draft, name: Name, *, new: bool) -> str | None:
        """
        Return why the preset can't be saved there; ``None`` if it can.
        """
        if not name.namespace:
            own = "only operators save presets without a namespace; import them into one"
            return None if is_operator(self._by) else own
        room = self._rooms.get(name.namespace)
        if room is None:
            room = self._rooms[name.namespace] = await self._room(draft, name.namespace)
        if not may_write(room.row, self._by) and room.known:
            return not_yours(name.namespace)
        if new and room.used >= MOST_PRESETS:
            return full(name.namespace)
        room.used += new
        return None

    async def _room(self, draft: Draft, namespace: str) -> _Room:
        row = await self._stored.namespace(namespace) if self._stored else None
        if row is not None and self._stored is not None:
            return _Room(row, known=True, used=await self._stored.count(namespace))
        collaborators = json.dumps(list(dict.fromkeys(draft.collaborators)))
        owner = draft.owner or (NOBODY if is_operator(self._by) else self._by)
        made = NamespaceRow(name=namespace, owner=owner, stored=collaborators)
        return _Room(made, known=False, used=0)


def _outcome(
    draft: Draft, name: str, state: str, problem: str | None = None, notes: tuple[str, ...] = ()
) -> Outcome:
    return Outcome(
        origin=draft.origin,
        provider=draft.provider,
        name=name,
        state=state,  # type: ignore[arg-type]
        problem=problem,
        notes=notes,
    )
